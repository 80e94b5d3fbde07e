// What the lanes of a warp find out together (the .cu files only).
#pragma once

#include "kernels/lanes.h"

namespace gradmint::kernels::cuda {

inline constexpr unsigned kAllLanes = 0xffffffffu;

// The largest value of the warp; every lane comes here and gets it. One instruction since compute
// capability 8.0.
__device__ inline std::int32_t warp_largest(std::int32_t value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  for (int apart = 16; apart > 0; apart /= 2) {
    value = larger(value, __shfl_xor_sync(kAllLanes, value, apart));
  }
  return value;
#else
  return __reduce_max_sync(kAllLanes, value);
#endif
}

// Their sum; as above.
__device__ inline std::int32_t warp_sum(std::int32_t value) {
#if defined(__CUDA_ARCH__) && __CUDA_ARCH__ < 800
  for (int apart = 16; apart > 0; apart /= 2) value += __shfl_xor_sync(kAllLanes, value, apart);
  return value;
#else
  return __reduce_add_sync(kAllLanes, value);
#endif
}

}  // namespace gradmint::kernels::cuda
