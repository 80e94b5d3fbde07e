// What the GPU benchmarks share: rows of the table, device memory that frees itself, and medians by
// CUDA events. Every failure ends the program with a line that says what was being done.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace gradmint::benchmarks {

struct GpuRow {
  std::string kernel;
  int n = 0;
  std::size_t size = 0;  // coordinates
  double ms = 0;
  double bytes = 0;           // that must move at least
  bool share_of_copy = true;  // false where the bytes come over the bus, or are only read
};

inline void require(cudaError_t code, const char* doing) {
  if (code == cudaSuccess) return;
  std::fprintf(stderr, "kernels_cuda_benchmark: %s: %s\n", doing, cudaGetErrorString(code));
  std::exit(1);
}

template <class T>
class DeviceArray {
 public:
  explicit DeviceArray(std::size_t count) {
    require(cudaMalloc(&data_, std::max<std::size_t>(count, 1) * sizeof(T)),
            "asking for GPU memory");
    require(cudaMemset(data_, 0, count * sizeof(T)), "clearing GPU memory");
  }
  explicit DeviceArray(const std::vector<T>& values) : DeviceArray(values.size()) {
    require(cudaMemcpy(data_, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice),
            "copying to the GPU");
  }
  ~DeviceArray() { cudaFree(data_); }
  DeviceArray(DeviceArray&& other) noexcept : data_(other.data_) { other.data_ = nullptr; }
  DeviceArray(const DeviceArray&) = delete;
  DeviceArray& operator=(const DeviceArray&) = delete;
  DeviceArray& operator=(DeviceArray&&) = delete;
  T* data() const { return data_; }

 private:
  T* data_ = nullptr;
};

// The median time of `rounds` runs of work(), which launches on the default stream, in
// milliseconds.
template <class Work>
double median_ms(Work work, int rounds = 21) {
  constexpr int kWarmups = 3;
  cudaEvent_t begin;
  cudaEvent_t end;
  require(cudaEventCreate(&begin), "creating an event");
  require(cudaEventCreate(&end), "creating an event");
  std::vector<float> times;
  for (int round = 0; round < kWarmups + rounds; ++round) {
    require(cudaEventRecord(begin), "recording");
    require(work(), "launching");
    require(cudaEventRecord(end), "recording");
    require(cudaEventSynchronize(end), "running");
    float milliseconds = 0;
    require(cudaEventElapsedTime(&milliseconds, begin, end), "timing");
    if (round >= kWarmups) times.push_back(milliseconds);
  }
  cudaEventDestroy(begin);
  cudaEventDestroy(end);
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

// A device-to-device copy of `size` floats.
GpuRow copy_row(std::size_t size);

// Every pass over n updates that lie in GPU memory (cuda_resident.cu).
std::vector<GpuRow> resident_rows(int n, std::size_t size);

// Writing one update that lies in GPU memory in every encoding (cuda_resident.cu).
std::vector<GpuRow> encoding_rows(std::size_t size);

// The whole aggregate() for every registered rule, from host memory: copies over the bus and N x N
// work on the host included (cuda_from_host.cc).
std::vector<GpuRow> from_host_rows(std::size_t n, std::size_t size);

}  // namespace gradmint::benchmarks
