// Device memory and errors of the CUDA runtime (the CUDA backend only).
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <optional>
#include <string>

#include "kernels/base/result.h"

namespace gradmint::kernels {

inline std::optional<Error> failure(cudaError_t code, const char* doing) {
  if (code == cudaSuccess) return std::nullopt;
  const bool memory = code == cudaErrorMemoryAllocation;
  return Error{ErrorCode::io, std::string("cuda: ") + doing + ": " + cudaGetErrorString(code) +
                                  (memory ? "; free GPU memory or use the cpu" : "")};
}

#define GRADMINT_CUDA_TRY(call, doing) \
  if (auto failed = failure((call), (doing)); failed.has_value()) return *failed

// Device memory that grows and is kept.
template <class T>
class DeviceBuffer {
 public:
  DeviceBuffer() = default;
  ~DeviceBuffer() { cudaFree(data_); }
  DeviceBuffer(const DeviceBuffer&) = delete;
  DeviceBuffer& operator=(const DeviceBuffer&) = delete;

  cudaError_t reserve(std::size_t count) {
    if (count <= capacity_) return cudaSuccess;
    cudaFree(data_);
    data_ = nullptr;
    capacity_ = 0;
    const cudaError_t code = cudaMalloc(&data_, count * sizeof(T));
    if (code == cudaSuccess) capacity_ = count;
    return code;
  }
  cudaError_t upload(const T* from, std::size_t count, std::size_t at = 0) {
    if (count == 0) return cudaSuccess;  // there may be no memory
    return cudaMemcpy(data_ + at, from, count * sizeof(T), cudaMemcpyHostToDevice);
  }
  cudaError_t download(T* to, std::size_t count, std::size_t at = 0) const {
    if (count == 0) return cudaSuccess;
    return cudaMemcpy(to, data_ + at, count * sizeof(T), cudaMemcpyDeviceToHost);
  }
  cudaError_t clear(std::size_t count) {
    return count == 0 ? cudaSuccess : cudaMemset(data_, 0, count * sizeof(T));
  }
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
  std::size_t capacity_ = 0;
};

}  // namespace gradmint::kernels
