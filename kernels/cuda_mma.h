// One multiplication of small integer matrices by the 32 lanes of a warp (gram_cuda.cu only).
//
// sums (16 x 8, int32) += a (16 x 32, int8) * b (32 x 8, int8), exactly. How the three lie in the
// lanes' registers, with g = lane / 4 and t = lane % 4, four int8 to a register, the lowest first
// (PTX ISA, mma.m16n8k32 with .s8):
//   a[0] row g,     columns 4t..4t+3       a[2] row g,     columns 16+4t..
//   a[1] row g + 8, columns 4t..4t+3       a[3] row g + 8, columns 16+4t..
//   b[0] column g,  rows 4t..4t+3          b[1] column g,  rows 16+4t..
//   sums[0], [1] row g, columns 2t, 2t+1   sums[2], [3] row g + 8, the same columns
//
// Tensor cores since compute capability 8.0; before, the lanes hand their registers round.
#pragma once

#include "kernels/cuda_warp.h"

namespace gradmint::kernels::cuda {

#if defined(GRADMINT_EMULATED_CUDA)

__device__ inline void multiply_add(std::int32_t (&sums)[4], const std::uint32_t (&a)[4],
                                    const std::uint32_t (&b)[2]) {
  emulated_cuda::multiply_add(sums, a, b);
}

#elif !defined(__CUDA_ARCH__) || __CUDA_ARCH__ >= 800

__device__ inline void multiply_add(std::int32_t (&sums)[4], const std::uint32_t (&a)[4],
                                    const std::uint32_t (&b)[2]) {
  asm("mma.sync.aligned.m16n8k32.row.col.s32.s8.s8.s32 "
      "{%0, %1, %2, %3}, {%4, %5, %6, %7}, {%8, %9}, {%0, %1, %2, %3};"
      : "+r"(sums[0]), "+r"(sums[1]), "+r"(sums[2]), "+r"(sums[3])
      : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

#else

__device__ inline void multiply_add(std::int32_t (&sums)[4], const std::uint32_t (&a)[4],
                                    const std::uint32_t (&b)[2]) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  for (int t = 0; t < 4; ++t) {
    for (int half = 0; half < 2; ++half) {
      const auto upper = static_cast<int>(__shfl_sync(kAllLanes, a[2 * half], lane / 4 * 4 + t));
      const auto lower =
          static_cast<int>(__shfl_sync(kAllLanes, a[2 * half + 1], lane / 4 * 4 + t));
      for (int k = 0; k < 2; ++k) {
        const auto column =
            static_cast<int>(__shfl_sync(kAllLanes, b[half], (lane % 4 * 2 + k) * 4 + t));
        sums[k] = __dp4a(upper, column, sums[k]);
        sums[2 + k] = __dp4a(lower, column, sums[2 + k]);
      }
    }
  }
}

#endif

}  // namespace gradmint::kernels::cuda
