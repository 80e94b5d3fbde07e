// Encoded tiles to floats on the GPU, for every pass but the mean (which decodes as it reads). One
// row a launch: rows of a pass may be encoded differently. Bound, expected: writing the floats. Not
// yet measured on a GPU.
#include "kernels/cuda_launch.h"
#include "kernels/decode_cuda.h"

namespace gradmint::kernels::cuda {
namespace {

constexpr unsigned kThreads = 256;

template <EncodingKind Kind>
__global__ void __launch_bounds__(kThreads)
    dense_kernel(const std::byte* values, const std::byte* exponents, std::size_t count,
                 float* out) {
  const std::size_t first = (std::size_t{blockIdx.x} * kThreads + threadIdx.x) * 4;
  if (first + 4 <= count) {
    float x[4];
    decode_four<Kind>(values, exponents, first, x);
    *reinterpret_cast<float4*>(out + first) = make_float4(x[0], x[1], x[2], x[3]);
    return;
  }
  for (std::size_t c = first; c < count; ++c) out[c] = decoded_value<Kind>(values, exponents, c);
}

// One thread block a record: zeros, then what was kept.
__global__ void __launch_bounds__(kThreads)
    kept_kernel(const std::byte* records, std::uint32_t keep, std::size_t count, float* out) {
  const std::size_t begin = std::size_t{blockIdx.x} * kTopKBlock;
  const std::size_t inside = count - begin < kTopKBlock ? count - begin : kTopKBlock;
  const std::size_t kept = keep < inside ? keep : inside;
  const std::byte* record = records + blockIdx.x * record_bytes(keep);
  const std::byte* values = record + index_bytes(kept);
  for (std::size_t c = threadIdx.x; c < inside; c += kThreads) out[begin + c] = 0.0f;
  __syncthreads();
  for (std::size_t j = threadIdx.x; j < kept; j += kThreads) {
    const std::size_t c = index_of_kept(record, j);
    if (c >= inside) continue;
    std::uint32_t bits = 0;  // not aligned
    for (std::size_t byte = 4; byte-- > 0;) {
      bits = bits << 8 | static_cast<std::uint32_t>(values[4 * j + byte]);
    }
    out[begin + c] = canonical(bit_copy<float>(bits));
  }
}

}  // namespace

cudaError_t launch_decode(const Encoding& encoding, const std::byte* values,
                          const std::byte* exponents, std::size_t count, float* out,
                          cudaStream_t stream) {
  if (count == 0) return cudaSuccess;
  const auto grid = static_cast<unsigned>((count + 4 * kThreads - 1) / (4 * kThreads));
  const auto records = static_cast<unsigned>((count + kTopKBlock - 1) / kTopKBlock);
  switch (encoding.kind) {
    case EncodingKind::fp32:
      break;
    case EncodingKind::bf16:
      return start(dense_kernel<EncodingKind::bf16>, grid, kThreads, stream, values, exponents,
                   count, out);
    case EncodingKind::fp16:
      return start(dense_kernel<EncodingKind::fp16>, grid, kThreads, stream, values, exponents,
                   count, out);
    case EncodingKind::int8:
      return start(dense_kernel<EncodingKind::int8>, grid, kThreads, stream, values, exponents,
                   count, out);
    case EncodingKind::int4:
      return start(dense_kernel<EncodingKind::int4>, grid, kThreads, stream, values, exponents,
                   count, out);
    case EncodingKind::top_k:
      return start(kept_kernel, records, kThreads, stream, values, encoding.keep, count, out);
  }
  return cudaErrorInvalidValue;
}

}  // namespace gradmint::kernels::cuda
