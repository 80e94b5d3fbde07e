// What intake must know of an encoded update before anything is accumulated, in one pass over its
// bytes (scan.h is the same for plain values).
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "kernels/encoding.h"

namespace gradmint::kernels {

enum class EncodedFault {
  none,
  truncated,              // fewer bytes than the encoding of so many values has
  too_long,               // more
  exponent_out_of_range,  // int8, int4: a block's k is not in [-126, 121]
  value_out_of_range,     // int8: q = -128; int4: q = -8
  nonzero_padding,        // behind the exponents, the last index, or the last int4 value
  index_out_of_range,     // top_k: behind the last coordinate
  index_not_ascending,    // top_k: repeated, or below the one before
  not_finite,             // fp32, bf16, fp16, top_k: an infinity or not a number
};
std::string_view name_of(EncodedFault fault);

struct EncodedCheck {
  EncodedFault fault = EncodedFault::none;
  std::uint64_t at = 0;  // the first faulty value's coordinate, or where sizes or padding are
                         // wrong, the byte
  int exponent = 0;      // of the largest |x| (fixed_point.h); meaningful only without a fault
  bool ok() const { return fault == EncodedFault::none; }
};

// Looks at all bytes and changes none. is_encoding() must hold (checked). Thread safe.
EncodedCheck check_encoded(std::span<const std::uint8_t> bytes, const Encoding& encoding,
                           std::uint64_t count);

// "int8: value_out_of_range at 17", for people.
std::string describe(const EncodedCheck& check, const Encoding& encoding);

}  // namespace gradmint::kernels
