#include "ledger/payload.h"

#include "kernels/base/check.h"

namespace gradmint {
namespace {

// Where the buffers begin; the payload's end where there are none.
std::uint64_t buffers_at(std::uint64_t encoded, const ModelSize& size) {
  if (size.buffers == 0) return encoded;
  return (encoded + sizeof(float) - 1) / sizeof(float) * sizeof(float);
}

}  // namespace

std::uint64_t payload_bytes(const kernels::Encoding& encoding, const ModelSize& size) {
  return buffers_at(kernels::encoded_bytes(encoding, size.parameters), size) +
         size.buffers * sizeof(float);
}

PayloadParts payload_parts(ByteView payload, const kernels::Encoding& encoding,
                           const ModelSize& size) {
  GRADMINT_CHECK(payload.size() == payload_bytes(encoding, size));
  const std::uint64_t encoded = kernels::encoded_bytes(encoding, size.parameters);
  const std::uint64_t begin = buffers_at(encoded, size);
  return {payload.first(encoded), payload.subspan(encoded, begin - encoded),
          payload.subspan(begin)};
}

}  // namespace gradmint
