// Why an update cannot be encoded, in the same words whichever backend found that out. Inside the
// library only.
#pragma once

#include "kernels/backend.h"

namespace gradmint::kernels {

// The first value that is not finite, else the first that is too large (of a block under one
// exponent: its largest), and what to do. There must be one (checked).
Error encode_fault(const EncodePass& pass);

}  // namespace gradmint::kernels
