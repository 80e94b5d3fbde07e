// The tile of every update that the CUDA backend works on, in device memory: as floats, or, for a
// mean over updates of one dense encoding, as the encoded bytes, which its kernel decodes as it
// reads. Top-k and mixed encodings are decoded into the tile.
#pragma once

#include <vector>

#include "kernels/cuda_memory.h"
#include "kernels/cuda_passes.h"
#include "kernels/encoding.h"

namespace gradmint::kernels {

class DeviceRows {
 public:
  // Values [begin, begin + count) of every row, `stride` floats apart, a multiple of 64 and at
  // least count. begin is a multiple of kTopKBlock. for_mean: encoded bytes will do.
  Status upload(Rows rows, std::size_t begin, std::size_t count, std::size_t stride, bool for_mean);

  const float* const* values() const { return rows_.data(); }  // device pointers
  // What values() is to be read from instead; fp32 where it is to be read from itself.
  const cuda::DeviceEncoded& encoded() const { return encoded_; }

 private:
  // Copies a row's bytes to place i and says where they lie.
  Status upload_encoded(const Row& row, std::size_t i, std::size_t begin, std::size_t count,
                        std::size_t stride);
  Status keep_encoded(EncodingKind kind);

  DeviceBuffer<float> staging_;
  DeviceBuffer<const float*> rows_;
  DeviceBuffer<std::byte> bytes_;
  DeviceBuffer<const std::byte*> pointers_;
  std::vector<const std::byte*> values_at_;
  std::vector<const std::byte*> exponents_at_;
  cuda::DeviceEncoded encoded_;
};

}  // namespace gradmint::kernels
