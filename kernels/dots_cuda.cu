// Chunk by chunk: upload, quantise, multiply, add to the tree. Launches of a chunk do not wait for
// each other's end on the host; only the tree's levels come back, at the end.
#include <algorithm>
#include <bit>

#include "kernels/blocks_rule.h"
#include "kernels/cuda_dots.h"

namespace gradmint::kernels {

Status DeviceDots::reserve(std::size_t n, std::size_t size, bool diagonal_only) {
  blocks_ = {};
  blocks_.n = static_cast<int>(n);
  blocks_.stride = std::min(cuda::kChunkBlocks, cuda::blocks_of(size));
  blocks_.diagonal_only = diagonal_only;
  const std::size_t chunks = (size + cuda::kChunkValues - 1) / cuda::kChunkValues;
  const auto levels = static_cast<std::size_t>(std::bit_width(chunks));
  if (!diagonal_only) {
    GRADMINT_CUDA_TRY(slices_.reserve(n * blocks_.stride * 2 * kBlockSize),
                      "memory for the blocks");
  }
  GRADMINT_CUDA_TRY(shifts_.reserve(n * blocks_.stride), "memory for the blocks");
  GRADMINT_CUDA_TRY(sums_.reserve(blocks_.stride * blocks_.parts() * blocks_.width()),
                    "memory for the dot products");
  GRADMINT_CUDA_TRY(levels_.reserve(levels * blocks_.width()), "memory for the dot products");
  GRADMINT_CUDA_TRY(report_.reserve(1), "memory for the report");
  GRADMINT_CUDA_TRY(report_.clear(1), "clearing the report");
  blocks_.slices = slices_.data();
  blocks_.shifts = shifts_.data();
  blocks_.sums = sums_.data();
  blocks_.levels = levels_.data();
  blocks_.report = report_.data();
  return {};
}

// The full subtrees that are left, joined from the smallest up.
Result<std::vector<double>> DeviceDots::total(std::size_t chunks) {
  const std::size_t width = blocks_.width();
  std::vector<double> sum;
  std::vector<double> level(width);
  for (std::size_t k = 0; chunks >> k != 0; ++k) {
    if ((chunks >> k & 1u) == 0) continue;
    GRADMINT_CUDA_TRY(levels_.download(level.data(), width, k * width), "dot products");
    if (sum.empty()) {
      sum = level;
      continue;
    }
    for (std::size_t i = 0; i < width; ++i) sum[i] = level[i] + sum[i];
  }
  if (blocks_.diagonal_only) return sum;
  const auto n = static_cast<std::size_t>(blocks_.n);
  for (std::size_t i = 0; i < n; ++i) {
    for (std::size_t j = 0; j < i; ++j) sum[j * n + i] = sum[i * n + j];
  }
  return sum;
}

Result<std::vector<double>> DeviceDots::run(Rows updates, bool diagonal_only, DeviceRows& rows) {
  const std::size_t n = updates.size();
  const std::size_t size = n == 0 ? 0 : updates[0].size();
  if (size == 0) return std::vector<double>(diagonal_only ? n : n * n, 0.0);
  if (const Status reserved = reserve(n, size, diagonal_only); !reserved.ok()) {
    return reserved.error();
  }
  std::size_t chunk = 0;
  for (std::size_t begin = 0; begin < size; begin += cuda::kChunkValues, ++chunk) {
    blocks_.count = std::min(cuda::kChunkValues, size - begin);
    const Status uploaded =
        rows.upload(updates, begin, blocks_.count, blocks_.stride * kBlockSize, false);
    if (!uploaded.ok()) return uploaded.error();
    blocks_.rows = rows.values();
    GRADMINT_CUDA_TRY(cuda::launch_dots(blocks_, chunk, nullptr), "starting the dot products");
  }
  std::int32_t largest = 0;
  GRADMINT_CUDA_TRY(report_.download(&largest, 1), "reading the report");
  if (largest >= kInfinityMagnitude) {
    return Error{ErrorCode::bad_input,
                 "an update holds a value that is not finite: refuse it before taking norms"};
  }
  return total(chunk);
}

}  // namespace gradmint::kernels
