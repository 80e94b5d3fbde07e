// Dot products of all pairs of updates, or squared norms, on the GPU: the CUDA backend's dots().
#pragma once

#include <vector>

#include "kernels/cuda_memory.h"
#include "kernels/cuda_passes.h"
#include "kernels/cuda_rows.h"

namespace gradmint::kernels {

class DeviceDots {
 public:
  // What Backend::dots() gives, on the current device. `rows` is where tiles are uploaded to.
  Result<std::vector<double>> run(Rows updates, bool diagonal_only, DeviceRows& rows);

 private:
  Status reserve(std::size_t n, std::size_t size, bool diagonal_only);
  Result<std::vector<double>> total(std::size_t chunks);

  cuda::DeviceBlocks blocks_;
  DeviceBuffer<std::int8_t> slices_;
  DeviceBuffer<std::int32_t> shifts_;
  DeviceBuffer<long long> sums_;
  DeviceBuffer<double> levels_;
  DeviceBuffer<std::int32_t> report_;
};

}  // namespace gradmint::kernels
