// What the backends share when they encode: why an update cannot be encoded, in the same words
// whoever found that out, and the padding. Inside the library only.
#pragma once

#include "kernels/backend.h"

namespace gradmint::kernels {

// The first value that is not finite, else the first that is too large (of a block under one
// exponent: its largest), and what to do. There must be one (checked).
Error encode_fault(const EncodePass& pass);

// The same where the value is known.
Error not_finite_fault(const Encoding& encoding, std::uint64_t at);
Error too_large_fault(const Encoding& encoding, std::uint64_t at);

// Writes the zeros behind the exponents, where the encoding has some.
void pad_exponents(const EncodePass& pass);

}  // namespace gradmint::kernels
