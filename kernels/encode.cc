#include "kernels/encode.h"

#include <algorithm>

#include "kernels/base/check.h"
#include "kernels/cpu_kernels.h"
#include "kernels/encode_cpu.h"
#include "kernels/parallel.h"
#include "kernels/row_tile.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kTile = 4096;

// run(pass) with memory for what it writes.
template <class Run>
Result<Encoded> encode_with(const Encoding& encoding, std::span<const float> values,
                            std::span<const float> carried, Run run) {
  if (!is_encoding(encoding)) {
    return Error{ErrorCode::bad_input, name_of(encoding) + " is not an encoding"};
  }
  GRADMINT_CHECK(carried.empty() || carried.size() == values.size());
  Encoded encoded;
  encoded.bytes.resize(encoded_bytes(encoding, values.size()));
  if (encoding.kind != EncodingKind::fp32) encoded.residual.resize(values.size());
  const Status done = run(EncodePass{encoding, values, carried, encoded.bytes, encoded.residual});
  if (!done.ok()) return done.error();
  return encoded;
}

}  // namespace

Result<Encoded> encode(const Encoding& encoding, std::span<const float> values) {
  return encode_with(encoding, values, {}, [](const EncodePass& pass) {
    return encode_on_cpu(pass, default_cpu_kernels(), 1);
  });
}

Result<Encoded> encode(Backend& backend, const Encoding& encoding, std::span<const float> values,
                       std::span<const float> carried) {
  return encode_with(encoding, values, carried,
                     [&](const EncodePass& pass) { return backend.encode(pass); });
}

std::vector<float> decode_row(const Row& row) {
  const ExactFloats exact;
  const CpuKernels& kernels = default_cpu_kernels();
  std::vector<float> values(row.size());
  float scratch[kTile];
  for (std::size_t begin = 0; begin < row.size(); begin += kTile) {
    const std::size_t count = std::min(kTile, row.size() - begin);
    std::copy_n(tile(kernels, row, begin, count, scratch), count, values.data() + begin);
  }
  return values;
}

}  // namespace gradmint::kernels
