// The CUDA passes over coordinates that lie in device memory: combine_cuda.cu and blocks_cuda.cu.
// Inside the library, and for the GPU benchmark. Launches are asynchronous on `stream`; arguments
// were checked. Row pointers and outputs are aligned to 16 bytes.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>
#include <cstdint>

#include "kernels/mean_rule.h"
#include "kernels/optimizer_rule.h"

namespace gradmint::kernels::cuda {

// Device pointers but for the small structs, which travel by value.
struct DevicePass {
  const float* const* rows = nullptr;  // n pointers
  const double* factors = nullptr;     // n; median: null where all are 1
  int n = 0;
  std::size_t count = 0;  // coordinates
  MeanFinish finish;
  OptimizerStep step;
  const float* model = nullptr;
  const float* first = nullptr;  // moments that the optimizer does not have are null
  const float* second = nullptr;
  float* model_out = nullptr;
  float* first_out = nullptr;
  float* second_out = nullptr;
  float* delta_out = nullptr;             // null where not wanted
  unsigned long long* outside = nullptr;  // n counts that grow, or null; median only
  std::int32_t* report = nullptr;  // [0] largest input, [1] largest output magnitude; both grow
};

cudaError_t launch_mean(const DevicePass& pass, cudaStream_t stream);
cudaError_t launch_median(const DevicePass& pass, cudaStream_t stream);

// Blocks of `count` coordinates (blocks_rule.h), numbered 0, 1, ... within each row.
struct DeviceBlocks {
  const float* const* rows = nullptr;
  int n = 0;
  std::size_t count = 0;
  std::int16_t* integers = nullptr;  // n rows of blocks * kBlockSize
  std::int32_t* shifts = nullptr;    // [row * blocks + block]
  std::int32_t* report = nullptr;    // [0] largest magnitude; grows
  long long* sums = nullptr;  // full: [(block * n + i) * n + j], j <= i; diagonal: [block * n + i]
  bool diagonal_only = false;
};

cudaError_t launch_quantise(const DeviceBlocks& blocks, cudaStream_t stream);
cudaError_t launch_dots(const DeviceBlocks& blocks, cudaStream_t stream);

}  // namespace gradmint::kernels::cuda
