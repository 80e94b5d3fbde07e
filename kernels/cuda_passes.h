// The CUDA passes over coordinates that lie in device memory: combine_cuda.cu, sorted_cuda.cu,
// mix_cuda.cu, decode_cuda.cu, encode_cuda.cu, blocks_cuda.cu, gram_cuda.cu and tree_cuda.cu.
// Inside the library, and for the GPU benchmark. Launches are asynchronous on `stream`; arguments
// were checked. Row pointers and outputs are aligned to 16 bytes.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/blocks_rule.h"
#include "kernels/encoding.h"
#include "kernels/mean_rule.h"
#include "kernels/optimizer_rule.h"

namespace gradmint::kernels::cuda {

// A tile of n rows of one dense encoding (encoding.h), from a block's first value on. kind fp32:
// there is none, and the rows are floats.
struct DeviceEncoded {
  EncodingKind kind = EncodingKind::fp32;
  const std::byte* const* values = nullptr;     // n pointers
  const std::byte* const* exponents = nullptr;  // n pointers; int8 and int4
};

// values, out: one row's in device memory, aligned to 16 bytes. Not fp32.
cudaError_t launch_decode(const Encoding& encoding, const std::byte* values,
                          const std::byte* exponents, std::size_t count, float* out,
                          cudaStream_t stream);

// Where the first value that cannot be encoded lies, of each kind; the update's own number.
struct EncodeReport {
  static constexpr unsigned long long kNowhere = ~0ULL;
  unsigned long long not_finite = kNowhere;
  unsigned long long too_large = kNowhere;  // of a block under one exponent: its largest
};

// Values that begin with a block, in device memory. Where the report names one, what is written
// means nothing.
struct DeviceEncode {
  Encoding encoding;
  const float* values = nullptr;
  const float* carried = nullptr;  // added to the values, or null
  std::size_t count = 0;
  std::size_t begin = 0;           // the first value's place in the update, for the report
  std::byte* bytes = nullptr;      // of the values, or of top_k's records
  std::byte* exponents = nullptr;  // int8 and int4: a byte a block; not padded
  float* residual = nullptr;       // not fp32's
  EncodeReport* report = nullptr;  // its places only fall
};

cudaError_t launch_encode(const DeviceEncode& pass, cudaStream_t stream);

// Device pointers but for the small structs, which travel by value.
struct DevicePass {
  const float* const* rows = nullptr;  // n pointers
  DeviceEncoded encoded;               // instead of rows; the mean only
  const double* factors = nullptr;     // n; order statistics: null where all are 1
  int n = 0;
  std::size_t count = 0;  // coordinates
  MeanFinish finish;      // the mean's, or of what is kept
  int dropped = 0;        // trimmed_mean: per side
  int kept = 0;           // trimmed_mean and nearest_to_median
  double unit = 1.0;      // 2^s of what is kept
  OptimizerStep step;
  const float* model = nullptr;
  const float* first = nullptr;  // moments that the optimizer does not have are null
  const float* second = nullptr;
  float* model_out = nullptr;
  float* first_out = nullptr;
  float* second_out = nullptr;
  float* delta_out = nullptr;             // null where not wanted
  unsigned long long* outside = nullptr;  // n counts that grow, or null; not the mean's
  std::int32_t* report = nullptr;  // [0] largest input, [1] largest output magnitude; both grow
};

cudaError_t launch_mean(const DevicePass& pass, cudaStream_t stream);
cudaError_t launch_median(const DevicePass& pass, cudaStream_t stream);
cudaError_t launch_trimmed_mean(const DevicePass& pass, cudaStream_t stream);
cudaError_t launch_nearest_to_median(const DevicePass& pass, cudaStream_t stream);

// Rows for an order statistic made from the updates (backend.h, Mixing).
struct DeviceMix {
  const float* const* rows = nullptr;       // n pointers
  const double* factors = nullptr;          // n: clip factor * 2^s
  const std::uint32_t* excluded = nullptr;  // mixes times excluded_each indices
  int n = 0;
  int mixes = 0;  // rows made
  int excluded_each = 0;
  std::size_t count = 0;  // coordinates
  MeanFinish finish;
  float* mixed = nullptr;  // row i at i * stride
  std::size_t stride = 0;
  std::int32_t* report = nullptr;  // [0] largest input magnitude; grows
};

cudaError_t launch_mix(const DeviceMix& mix, cudaStream_t stream);

// A chunk of at most kChunkValues coordinates as blocks of integers (blocks_rule.h), numbered 0, 1,
// ... within each row.
inline constexpr std::size_t kChunkBlocks = 64;  // a power of two: a full subtree of the sums
inline constexpr std::size_t kChunkValues = kChunkBlocks * kBlockSize;
constexpr std::size_t blocks_of(std::size_t count) { return (count + kBlockSize - 1) / kBlockSize; }

struct DeviceBlocks {
  const float* const* rows = nullptr;
  int n = 0;
  std::size_t count = 0;   // coordinates of this chunk
  std::size_t stride = 0;  // blocks of a row in slices and shifts; those of the largest chunk
  bool diagonal_only = false;
  std::int8_t* slices = nullptr;  // n * stride blocks of kBlockSize high, kBlockSize low ones; null
                                  // where diagonal_only
  std::int32_t* shifts = nullptr;  // [row * stride + block]
  std::int32_t* report = nullptr;  // [0] largest magnitude; grows
  long long* sums = nullptr;       // [(block * parts() + part) * width() + place]
  double* levels = nullptr;        // of the tree: [level * width() + place]

  // A pair (i, j), j <= i, has place i * n + j; of the diagonal alone, i.
  GRADMINT_RULE std::size_t width() const {
    const auto rows_seen = static_cast<std::size_t>(n);
    return diagonal_only ? rows_seen : rows_seen * rows_seen;
  }
  // Thread blocks that share one block of one tile of pairs; few tiles would not fill a GPU.
  GRADMINT_RULE std::size_t parts() const { return diagonal_only || n > 64 ? 1 : 4; }
};

cudaError_t launch_quantise(const DeviceBlocks& blocks, cudaStream_t stream);
cudaError_t launch_gram(const DeviceBlocks& blocks, cudaStream_t stream);
cudaError_t launch_tree(const DeviceBlocks& blocks, std::size_t chunk, cudaStream_t stream);

// The three of them: adds chunk number `chunk` (0, 1, ...; all but the last full) to the levels.
// After it, level k holds a sum where bit k of chunk + 1 is set.
inline cudaError_t launch_dots(const DeviceBlocks& blocks, std::size_t chunk, cudaStream_t stream) {
  cudaError_t code = launch_quantise(blocks, stream);
  if (code == cudaSuccess && !blocks.diagonal_only) code = launch_gram(blocks, stream);
  if (code == cudaSuccess) code = launch_tree(blocks, chunk, stream);
  return code;
}

}  // namespace gradmint::kernels::cuda
