// Parts of rows whose values can be found by counting bytes.
#pragma once

#include <cstddef>

#include "kernels/base/check.h"
#include "kernels/encoding.h"
#include "ledger/bytes.h"

namespace gradmint {

inline ByteView bytes_of(const kernels::Row& row) {
  return {reinterpret_cast<const std::uint8_t*>(row.bytes()),
          kernels::encoded_bytes(row.encoding(), row.size())};
}

// Values begin, ..., begin + count - 1 of a row of fp32, bf16 or fp16 (checked).
inline kernels::Row part_of(const kernels::Row& row, std::size_t begin, std::size_t count) {
  using kernels::EncodingKind;
  const EncodingKind kind = row.encoding().kind;
  GRADMINT_CHECK(kind == EncodingKind::fp32 || kind == EncodingKind::bf16 ||
                 kind == EncodingKind::fp16);
  const std::size_t value_bytes = kind == EncodingKind::fp32 ? 4 : 2;
  return {row.encoding(), bytes_of(row).subspan(begin * value_bytes, count * value_bytes), count};
}

}  // namespace gradmint
