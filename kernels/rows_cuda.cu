// Uploads rows tile by tile, one copy a row from pageable memory, each before the next: the bus is
// the bound, and copies do not overlap with kernels. Not yet measured on a GPU.
#include <algorithm>

#include "kernels/cuda_rows.h"
#include "kernels/decode_rule.h"

namespace gradmint::kernels {
namespace {

// Six bytes a coordinate hold every encoding (top_k that keeps all takes 5.5); the exponents of
// int8 and int4 lie behind one byte a coordinate.
constexpr std::size_t kBytesEach = 6;

struct Range {
  std::uint64_t begin = 0;
  std::uint64_t size = 0;
};

// The bytes of the values, or of top_k's records.
Range values_of(const Row& row, std::size_t begin, std::size_t count) {
  switch (row.encoding().kind) {
    case EncodingKind::fp32:
      return {4 * begin, 4 * count};
    case EncodingKind::bf16:
    case EncodingKind::fp16:
      return {2 * begin, 2 * count};
    case EncodingKind::int8:
      return {exponent_section_bytes(row.size()) + begin, count};
    case EncodingKind::int4:
      return {exponent_section_bytes(row.size()) + begin / 2, (count + 1) / 2};
    case EncodingKind::top_k:
      break;
  }
  return {encoded_bytes(row.encoding(), begin), encoded_bytes(row.encoding(), count)};
}

}  // namespace

Status DeviceRows::upload_encoded(const Row& row, std::size_t i, std::size_t begin,
                                  std::size_t count, std::size_t stride) {
  const std::size_t place = i * kBytesEach * stride;
  const Range values = values_of(row, begin, count);
  GRADMINT_CUDA_TRY(bytes_.upload(row.bytes() + values.begin, values.size, place),
                    "copying an update to the GPU");
  values_at_.push_back(bytes_.data() + place);
  exponents_at_.push_back(bytes_.data() + place + stride);
  if (!has_exponents(row.encoding().kind)) return {};
  const std::size_t blocks = (count + kIntegerBlock - 1) / kIntegerBlock;
  GRADMINT_CUDA_TRY(bytes_.upload(row.bytes() + begin / kIntegerBlock, blocks, place + stride),
                    "copying an update to the GPU");
  return {};
}

Status DeviceRows::keep_encoded(EncodingKind kind) {
  const std::size_t n = values_at_.size();
  GRADMINT_CUDA_TRY(pointers_.reserve(2 * n), "memory for the updates");
  GRADMINT_CUDA_TRY(pointers_.upload(values_at_.data(), n), "copying to the GPU");
  GRADMINT_CUDA_TRY(pointers_.upload(exponents_at_.data(), n, n), "copying to the GPU");
  encoded_ = {kind, pointers_.data(), pointers_.data() + n};
  return {};
}

Status DeviceRows::upload(Rows rows, std::size_t begin, std::size_t count, std::size_t stride,
                          bool for_mean) {
  encoded_ = {};
  values_at_.clear();
  exponents_at_.clear();
  const EncodingKind kind = rows.empty() ? EncodingKind::fp32 : rows[0].encoding().kind;
  const bool as_encoded = for_mean && kind != EncodingKind::fp32 && kind != EncodingKind::top_k &&
                          count > 0 && std::all_of(rows.begin(), rows.end(), [&](const Row& row) {
                            return row.encoding().kind == kind;
                          });
  const bool all_plain =
      std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row.is_plain(); });
  if (!all_plain) {
    GRADMINT_CUDA_TRY(bytes_.reserve(rows.size() * kBytesEach * stride), "memory for the updates");
  }
  if (!as_encoded) {
    GRADMINT_CUDA_TRY(staging_.reserve(rows.size() * stride), "memory for the updates");
  }
  std::vector<const float*> pointers;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    float* const own = as_encoded ? nullptr : staging_.data() + i * stride;
    pointers.push_back(own);
    if (count == 0) continue;
    if (rows[i].is_plain()) {
      GRADMINT_CUDA_TRY(staging_.upload(rows[i].values() + begin, count, i * stride),
                        "copying an update to the GPU");
      continue;
    }
    if (const Status s = upload_encoded(rows[i], i, begin, count, stride); !s.ok()) return s;
    if (as_encoded) continue;
    GRADMINT_CUDA_TRY(cuda::launch_decode(rows[i].encoding(), values_at_.back(),
                                          exponents_at_.back(), count, own, nullptr),
                      "starting the decoding");
  }
  if (as_encoded) return keep_encoded(kind);
  GRADMINT_CUDA_TRY(rows_.reserve(rows.size()), "memory for the updates");
  GRADMINT_CUDA_TRY(rows_.upload(pointers.data(), pointers.size()), "copying to the GPU");
  return {};
}

}  // namespace gradmint::kernels
