// Tile by tile: values up, encode_cuda.cu's kernel, bytes and what is lost down. Bound, expected:
// the bus. Not yet measured on a GPU.
#include <algorithm>

#include "kernels/cuda_encoder.h"
#include "kernels/decode_rule.h"
#include "kernels/encode_fault.h"

namespace gradmint::kernels {
namespace {

// Whole blocks of every encoding.
constexpr std::size_t kTile = std::size_t{1} << 20;

std::size_t blocks_of(std::size_t count) { return (count + kIntegerBlock - 1) / kIntegerBlock; }

// The bytes of `count` values, or of their records, without exponents.
std::size_t value_bytes(const Encoding& encoding, std::size_t count) {
  const std::size_t all = encoded_bytes(encoding, count);
  return has_exponents(encoding.kind) ? all - exponent_section_bytes(count) : all;
}

}  // namespace

Status DeviceEncoder::reserve(const EncodePass& pass, std::size_t tile) {
  GRADMINT_CUDA_TRY(values_.reserve(tile), "memory for the update");
  GRADMINT_CUDA_TRY(carried_.reserve(pass.carried.empty() ? 0 : tile), "memory for the update");
  GRADMINT_CUDA_TRY(residual_.reserve(pass.residual.empty() ? 0 : tile), "memory for the update");
  GRADMINT_CUDA_TRY(bytes_.reserve(value_bytes(pass.encoding, tile)), "memory for the update");
  GRADMINT_CUDA_TRY(exponents_.reserve(blocks_of(tile)), "memory for the update");
  GRADMINT_CUDA_TRY(report_.reserve(1), "memory for the report");
  const cuda::EncodeReport nothing;
  GRADMINT_CUDA_TRY(report_.upload(&nothing, 1), "clearing the report");
  return {};
}

Status DeviceEncoder::encode_tile(const EncodePass& pass, std::size_t begin, std::size_t count) {
  GRADMINT_CUDA_TRY(values_.upload(pass.values.data() + begin, count),
                    "copying the update to the GPU");
  cuda::DeviceEncode device;
  device.encoding = pass.encoding;
  device.values = values_.data();
  if (!pass.carried.empty()) {
    GRADMINT_CUDA_TRY(carried_.upload(pass.carried.data() + begin, count),
                      "copying the update to the GPU");
    device.carried = carried_.data();
  }
  device.count = count;
  device.begin = begin;
  device.bytes = bytes_.data();
  device.exponents = exponents_.data();
  device.residual = residual_.data();
  device.report = report_.data();
  GRADMINT_CUDA_TRY(cuda::launch_encode(device, nullptr), "starting the encoding");
  auto* const bytes = reinterpret_cast<std::byte*>(pass.bytes.data());
  GRADMINT_CUDA_TRY(bytes_.download(bytes + value_offset(pass.encoding, pass.values.size(), begin),
                                    value_bytes(pass.encoding, count)),
                    "encoding");
  if (has_exponents(pass.encoding.kind)) {
    GRADMINT_CUDA_TRY(exponents_.download(bytes + begin / kIntegerBlock, blocks_of(count)),
                      "reading the exponents");
  }
  if (!pass.residual.empty()) {
    GRADMINT_CUDA_TRY(residual_.download(pass.residual.data() + begin, count),
                      "reading the residual");
  }
  return {};
}

Status DeviceEncoder::encode(const EncodePass& pass) {
  const std::size_t size = pass.values.size();
  const std::size_t tile = std::min(kTile, size);
  if (const Status reserved = reserve(pass, tile); !reserved.ok()) return reserved;
  for (std::size_t begin = 0; begin < size; begin += tile) {
    const std::size_t count = std::min(tile, size - begin);
    if (const Status done = encode_tile(pass, begin, count); !done.ok()) return done;
  }
  cuda::EncodeReport report;
  GRADMINT_CUDA_TRY(report_.download(&report, 1), "reading the report");
  if (report.not_finite < size) return not_finite_fault(pass.encoding, report.not_finite);
  if (report.too_large < size) return too_large_fault(pass.encoding, report.too_large);
  pad_exponents(pass);
  return {};
}

}  // namespace gradmint::kernels
