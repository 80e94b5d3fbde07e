// Encoding an update that lies in host memory on the GPU, tile by tile (the CUDA backend only).
#pragma once

#include "kernels/backend.h"
#include "kernels/cuda_memory.h"
#include "kernels/cuda_passes.h"

namespace gradmint::kernels {

class DeviceEncoder {
 public:
  // As Backend::encode, on the current device.
  Status encode(const EncodePass& pass);

 private:
  Status reserve(const EncodePass& pass, std::size_t tile);
  Status encode_tile(const EncodePass& pass, std::size_t begin, std::size_t count);

  DeviceBuffer<float> values_;
  DeviceBuffer<float> carried_;
  DeviceBuffer<float> residual_;
  DeviceBuffer<std::byte> bytes_;
  DeviceBuffer<std::byte> exponents_;
  DeviceBuffer<cuda::EncodeReport> report_;
};

}  // namespace gradmint::kernels
