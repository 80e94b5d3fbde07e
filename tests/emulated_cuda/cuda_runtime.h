// Stands in for the CUDA Toolkit's header of this name where the .cu files are compiled as C++ and
// run on the processor: the part of the runtime that they use, with the toolkit's names and
// meanings. Device memory is host memory, everything has happened when a call returns, and a kernel
// runs thread by thread (emulator.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <utility>

#include "tests/emulated_cuda/emulator.h"
#include "tests/emulated_cuda/vector_types.h"

#define __global__
#define __device__
#define __host__
#define __shared__ static  // blocks run one after another
#define __launch_bounds__(...)
#define __align__(bytes) __attribute__((aligned(bytes)))

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorMemoryAllocation = 2,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorInvalidDevice = 101,
};
enum cudaMemcpyKind { cudaMemcpyHostToDevice, cudaMemcpyDeviceToHost, cudaMemcpyDeviceToDevice };
using cudaStream_t = struct CUstream_st*;

struct cudaDeviceProp {
  char name[256];
};
struct cudaLaunchConfig_t {
  dim3 gridDim;
  dim3 blockDim;
  std::size_t dynamicSmemBytes = 0;
  cudaStream_t stream = nullptr;
};

const char* cudaGetErrorString(cudaError_t code);
cudaError_t cudaGetDeviceCount(int* count);
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int device);
cudaError_t cudaSetDevice(int device);

// Not zeroed, but filled with a pattern, so that what is read before it is written shows. The size
// is exact, so that a sanitizer sees what is beyond it.
cudaError_t cudaMalloc(void** memory, std::size_t bytes);
cudaError_t cudaFree(void* memory);
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind);
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t stream = nullptr);
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes);
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes,
                            cudaStream_t stream = nullptr);
cudaError_t cudaStreamSynchronize(cudaStream_t stream);

template <class T>
cudaError_t cudaMalloc(T** memory, std::size_t bytes) {
  void* made = nullptr;
  const cudaError_t code = cudaMalloc(&made, bytes);
  *memory = static_cast<T*>(made);
  return code;
}

template <class... Parameters, class... Arguments>
cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t* config, void (*kernel)(Parameters...),
                               Arguments&&... arguments) {
  if (config->dynamicSmemBytes != 0 ||
      !emulated_cuda::is_possible(config->gridDim, config->blockDim)) {
    return cudaErrorInvalidConfiguration;
  }
  emulated_cuda::run(config->gridDim, config->blockDim,
                     [&] { kernel(static_cast<Parameters>(arguments)...); });
  return cudaSuccess;
}

// Device functions.

inline void __syncthreads() { emulated_cuda::block_barrier(); }
inline void __syncwarp(unsigned mask = 0xffffffffu) {
  emulated_cuda::exchange(emulated_cuda::Collective::barrier, mask, {});
}

namespace emulated_cuda {

// The value of the lane `from`, or one's own where there is no such lane.
template <class T>
T shuffle(unsigned mask, T value, unsigned from) {
  static_assert(sizeof(T) <= 8);
  std::uint64_t bits = 0;
  std::memcpy(&bits, &value, sizeof value);
  const Lanes& lanes = exchange(Collective::shuffle, mask, {bits});
  if (from >= kWarp) return value;
  std::memcpy(&value, &lanes[from][0], sizeof value);
  return value;
}

}  // namespace emulated_cuda

template <class T>
T __shfl_sync(unsigned mask, T value, int lane) {
  return emulated_cuda::shuffle(mask, value, static_cast<unsigned>(lane) % 32);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int apart) {
  return emulated_cuda::shuffle(mask, value,
                                emulated_cuda::own_lane() ^ static_cast<unsigned>(apart));
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned apart) {
  return emulated_cuda::shuffle(mask, value, emulated_cuda::own_lane() + apart);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned apart) {
  const unsigned own = emulated_cuda::own_lane();
  return emulated_cuda::shuffle(mask, value, own >= apart ? own - apart : own);
}

unsigned __ballot_sync(unsigned mask, bool vote);
int __reduce_max_sync(unsigned mask, int value);
unsigned __reduce_min_sync(unsigned mask, unsigned value);
int __reduce_add_sync(unsigned mask, int value);
unsigned __reduce_add_sync(unsigned mask, unsigned value);
inline int __any_sync(unsigned mask, bool vote) { return __ballot_sync(mask, vote) != 0 ? 1 : 0; }

inline int __popc(unsigned bits) { return __builtin_popcount(bits); }
inline int __ffs(int bits) { return __builtin_ffs(bits); }
inline int __clz(int bits) { return bits == 0 ? 32 : __builtin_clz(static_cast<unsigned>(bits)); }

// Threads run in turn, so nothing comes between reading and writing.
template <class T>
T atomicAdd(T* at, T value) {
  const T before = *at;
  *at = before + value;
  return before;
}
template <class T>
T atomicMax(T* at, T value) {
  const T before = *at;
  if (value > before) *at = value;
  return before;
}
template <class T>
T atomicMin(T* at, T value) {
  const T before = *at;
  if (value < before) *at = value;
  return before;
}
template <class T>
T atomicOr(T* at, T value) {
  const T before = *at;
  *at = before | value;
  return before;
}
