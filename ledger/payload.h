// The bytes of an update: its parameters in the round's encoding (kernels/encoding.h), then, where
// the model has buffers, zeros up to a multiple of four bytes and the buffers' changes as fp32,
// little-endian. Buffers are never encoded in fewer bits: they are few, and a block of variances
// and weights under one exponent would leave nothing of the weights. Pure.
#pragma once

#include "kernels/encoding.h"
#include "ledger/bytes.h"
#include "ledger/model/layout.h"

namespace gradmint {

std::uint64_t payload_bytes(const kernels::Encoding& encoding, const ModelSize& size);

struct PayloadParts {
  ByteView parameters;
  ByteView padding;
  ByteView buffers;
};
// `payload` has payload_bytes (checked).
PayloadParts payload_parts(ByteView payload, const kernels::Encoding& encoding,
                           const ModelSize& size);

}  // namespace gradmint
