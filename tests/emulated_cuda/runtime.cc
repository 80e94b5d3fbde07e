#include <cstdlib>

#include "tests/emulated_cuda/cuda_runtime.h"

namespace {

constexpr std::size_t kAlignment = 256;  // what cudaMalloc promises
constexpr int kFill = 0xa5;

template <class Join>
std::uint64_t joined(emulated_cuda::Collective operation, unsigned mask, std::uint64_t own,
                     std::uint64_t start, Join join) {
  const emulated_cuda::Lanes& lanes = emulated_cuda::exchange(operation, mask, {own});
  for (unsigned lane = 0; lane < emulated_cuda::kWarp; ++lane) {
    if ((mask >> lane & 1u) != 0) start = join(start, lanes[lane][0], lane);
  }
  return start;
}

}  // namespace

const char* cudaGetErrorString(cudaError_t code) {
  switch (code) {
    case cudaSuccess:
      return "no error";
    case cudaErrorInvalidValue:
      return "invalid argument";
    case cudaErrorMemoryAllocation:
      return "out of memory";
    case cudaErrorInvalidConfiguration:
      return "invalid configuration argument";
    case cudaErrorInvalidDevice:
      return "invalid device ordinal";
  }
  return "unrecognized error code";
}

cudaError_t cudaGetDeviceCount(int* count) {
  *count = 1;
  return cudaSuccess;
}
cudaError_t cudaGetDeviceProperties(cudaDeviceProp* properties, int) {
  *properties = {"emulated on the processor"};
  return cudaSuccess;
}
cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidDevice; }

cudaError_t cudaMalloc(void** memory, std::size_t bytes) {
  *memory = nullptr;
  if (bytes == 0) return cudaSuccess;
  if (posix_memalign(memory, kAlignment, bytes) != 0) return cudaErrorMemoryAllocation;
  std::memset(*memory, kFill, bytes);
  return cudaSuccess;
}
cudaError_t cudaFree(void* memory) {
  std::free(memory);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void* to, const void* from, std::size_t bytes, cudaMemcpyKind) {
  if (bytes != 0) std::memcpy(to, from, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemcpyAsync(void* to, const void* from, std::size_t bytes, cudaMemcpyKind kind,
                            cudaStream_t) {
  return cudaMemcpy(to, from, bytes, kind);
}
cudaError_t cudaMemset(void* memory, int value, std::size_t bytes) {
  if (bytes != 0) std::memset(memory, value, bytes);
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void* memory, int value, std::size_t bytes, cudaStream_t) {
  return cudaMemset(memory, value, bytes);
}
cudaError_t cudaStreamSynchronize(cudaStream_t) { return cudaSuccess; }

unsigned __ballot_sync(unsigned mask, bool vote) {
  return static_cast<unsigned>(joined(
      emulated_cuda::Collective::ballot, mask, vote ? 1 : 0, 0,
      [](std::uint64_t all, std::uint64_t each, unsigned lane) { return all | each << lane; }));
}
int __reduce_max_sync(unsigned mask, int value) {
  const auto bits = joined(emulated_cuda::Collective::maximum, mask, static_cast<unsigned>(value),
                           0x80000000u, [](std::uint64_t all, std::uint64_t each, unsigned) {
                             const int a = static_cast<int>(all);
                             const int b = static_cast<int>(each);
                             return std::uint64_t{static_cast<unsigned>(a > b ? a : b)};
                           });
  return static_cast<int>(bits);
}
unsigned __reduce_min_sync(unsigned mask, unsigned value) {
  return static_cast<unsigned>(joined(
      emulated_cuda::Collective::minimum, mask, value, 0xffffffffu,
      [](std::uint64_t all, std::uint64_t each, unsigned) { return all < each ? all : each; }));
}
unsigned __reduce_add_sync(unsigned mask, unsigned value) {
  return static_cast<unsigned>(
      joined(emulated_cuda::Collective::sum, mask, value, 0,
             [](std::uint64_t all, std::uint64_t each, unsigned) { return all + each; }));
}
int __reduce_add_sync(unsigned mask, int value) {
  return static_cast<int>(__reduce_add_sync(mask, static_cast<unsigned>(value)));
}
