// The CUDA backend: uploads tiles of all updates side by side, so that memory is n tiles whatever D
// is, and runs the passes of cuda_passes.h on them. Dot products: dots_cuda.cu.
#include <algorithm>
#include <optional>
#include <string>
#include <utility>

#include "kernels/backend.h"
#include "kernels/cuda_backend.h"
#include "kernels/cuda_dots.h"
#include "kernels/cuda_encoder.h"
#include "kernels/cuda_launch.h"
#include "kernels/cuda_passes.h"
#include "kernels/cuda_rows.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kStagingBytes = std::size_t{1} << 28;

class CudaBackend final : public Backend {
 public:
  CudaBackend(int index, std::string model)
      : index_(index),
        model_name_(std::move(model)),
        host_(make_cpu_backend(supported_cpu_levels().back(), all_cores())) {}

  std::string name() const override {
    return "cuda:" + std::to_string(index_) + " (" + model_name_ + ")";
  }
  Result<CombineReport> combine(const CombinePass& pass) override;
  Result<std::vector<double>> dots(Rows rows, bool diagonal_only) override;

  // The few pairs that are nearly equal: their rows are in host memory already.
  Result<double> difference(const Row& a, double factor_a, const Row& b, double factor_b) override {
    return host_->difference(a, factor_a, b, factor_b);
  }
  Status encode(const EncodePass& pass) override {
    GRADMINT_CUDA_TRY(cudaSetDevice(index_), "choosing the GPU");
    return encoder_.encode(pass);
  }

 private:
  Status reserve_combine(const CombinePass& pass, std::size_t tile);
  Status reserve_mixing(const CombinePass& pass, std::size_t tile);
  Status mix_tile(const CombinePass& pass, std::size_t count, std::size_t stride);
  cuda::DevicePass device_pass(const CombinePass& pass, std::size_t count,
                               std::size_t stride) const;
  Status combine_tile(const CombinePass& pass, std::size_t begin, std::size_t count,
                      std::size_t stride);

  int index_;
  std::string model_name_;
  std::unique_ptr<Backend> host_;
  DeviceRows rows_;
  DeviceDots dots_;
  DeviceEncoder encoder_;
  DeviceBuffer<double> factors_;
  DeviceBuffer<float> mixed_;
  DeviceBuffer<const float*> mixed_rows_;
  DeviceBuffer<std::uint32_t> excluded_;
  DeviceBuffer<float> model_;
  DeviceBuffer<float> state_;
  DeviceBuffer<float> delta_;
  DeviceBuffer<unsigned long long> outside_;
  DeviceBuffer<std::int32_t> report_;
};

Status CudaBackend::reserve_combine(const CombinePass& pass, std::size_t tile) {
  const std::size_t n = pass.rows.size();
  std::vector<double> factors(pass.factors.begin(), pass.factors.end());
  if (pass.mixing != nullptr) {
    for (double& factor : factors) factor *= pass.unit;
  }
  GRADMINT_CUDA_TRY(factors_.reserve(n), "memory for the factors");
  GRADMINT_CUDA_TRY(factors_.upload(factors.data(), n), "copying the factors");
  GRADMINT_CUDA_TRY(model_.reserve(tile), "memory for the model");
  const auto moments = static_cast<std::size_t>(moments_of(pass.step.kind));
  GRADMINT_CUDA_TRY(state_.reserve(moments * tile), "memory for the optimizer");
  GRADMINT_CUDA_TRY(delta_.reserve(pass.delta_out.empty() ? 0 : tile), "memory for the delta");
  GRADMINT_CUDA_TRY(outside_.reserve(n), "memory for the counts");
  GRADMINT_CUDA_TRY(outside_.clear(n), "clearing the counts");
  GRADMINT_CUDA_TRY(report_.reserve(2), "memory for the report");
  GRADMINT_CUDA_TRY(report_.clear(2), "clearing the report");
  return {};
}

Status CudaBackend::reserve_mixing(const CombinePass& pass, std::size_t tile) {
  const std::size_t n = pass.rows_seen();
  std::vector<const float*> rows;
  std::vector<std::uint32_t> excluded;
  GRADMINT_CUDA_TRY(mixed_.reserve(n * tile), "memory for mixed updates");
  for (std::size_t i = 0; i < n; ++i) {
    rows.push_back(mixed_.data() + i * tile);
    const auto& left_out = pass.mixing->excluded[i];
    excluded.insert(excluded.end(), left_out.begin(), left_out.end());
  }
  GRADMINT_CUDA_TRY(mixed_rows_.reserve(n), "memory for mixed updates");
  GRADMINT_CUDA_TRY(mixed_rows_.upload(rows.data(), n), "copying to the GPU");
  GRADMINT_CUDA_TRY(excluded_.reserve(excluded.size()), "memory for mixed updates");
  GRADMINT_CUDA_TRY(excluded_.upload(excluded.data(), excluded.size()), "copying to the GPU");
  return {};
}

Status CudaBackend::mix_tile(const CombinePass& pass, std::size_t count, std::size_t stride) {
  cuda::DeviceMix mix;
  mix.rows = rows_.values();
  mix.factors = factors_.data();
  mix.excluded = excluded_.data();
  mix.n = static_cast<int>(pass.rows.size());
  mix.mixes = static_cast<int>(pass.rows_seen());
  mix.excluded_each = static_cast<int>(pass.mixing->excluded[0].size());
  mix.count = count;
  mix.finish = pass.mixing->finish;
  mix.mixed = mixed_.data();
  mix.stride = stride;
  mix.report = report_.data();
  GRADMINT_CUDA_TRY(cuda::launch_mix(mix, nullptr), "starting the mixing");
  return {};
}

cuda::DevicePass CudaBackend::device_pass(const CombinePass& pass, std::size_t count,
                                          std::size_t stride) const {
  const bool scaled = std::any_of(pass.factors.begin(), pass.factors.end(),
                                  [](double factor) { return factor != 1.0; });
  const bool as_they_are = pass.kind != CombineKind::mean && (pass.mixing != nullptr || !scaled);
  cuda::DevicePass device;
  device.rows = pass.mixing == nullptr ? rows_.values() : mixed_rows_.data();
  device.factors = as_they_are ? nullptr : factors_.data();
  device.encoded = rows_.encoded();
  device.n = static_cast<int>(pass.rows_seen());
  device.count = count;
  device.finish = pass.finish;
  device.dropped = static_cast<int>(pass.dropped);
  device.kept = pass.kind == CombineKind::trimmed_mean ? device.n - 2 * device.dropped
                                                       : static_cast<int>(pass.kept);
  device.unit = pass.unit;
  device.step = pass.step;
  device.model = model_.data();  // each coordinate is read, then written, by one thread
  device.model_out = model_.data();
  const int moments = moments_of(pass.step.kind);
  device.first = device.first_out = moments >= 1 ? state_.data() : nullptr;
  device.second = device.second_out = moments == 2 ? state_.data() + stride : nullptr;
  device.delta_out = pass.delta_out.empty() ? nullptr : delta_.data();
  device.outside = pass.outside.empty() ? nullptr : outside_.data();
  device.report = report_.data();
  return device;
}

cudaError_t launch(CombineKind kind, const cuda::DevicePass& device) {
  switch (kind) {
    case CombineKind::mean:
      return cuda::launch_mean(device, nullptr);
    case CombineKind::median:
      return cuda::launch_median(device, nullptr);
    case CombineKind::trimmed_mean:
      return cuda::launch_trimmed_mean(device, nullptr);
    case CombineKind::nearest_to_median:
      break;
  }
  return cuda::launch_nearest_to_median(device, nullptr);
}

Status CudaBackend::combine_tile(const CombinePass& pass, std::size_t begin, std::size_t count,
                                 std::size_t stride) {
  if (const Status uploaded =
          rows_.upload(pass.rows, begin, count, stride, pass.kind == CombineKind::mean);
      !uploaded.ok()) {
    return uploaded;
  }
  const auto moments = static_cast<std::size_t>(moments_of(pass.step.kind));
  GRADMINT_CUDA_TRY(model_.upload(pass.model.data() + begin, count), "copying the model");
  for (std::size_t m = 0; m < moments; ++m) {
    GRADMINT_CUDA_TRY(
        state_.upload(pass.state.data() + m * pass.model.size() + begin, count, m * stride),
        "copying the optimizer");
  }
  if (pass.mixing != nullptr) {
    if (const Status mixed = mix_tile(pass, count, stride); !mixed.ok()) return mixed;
  }
  GRADMINT_CUDA_TRY(launch(pass.kind, device_pass(pass, count, stride)),
                    "starting the aggregation");
  GRADMINT_CUDA_TRY(model_.download(pass.model_out.data() + begin, count), "aggregating");
  for (std::size_t m = 0; m < moments; ++m) {
    GRADMINT_CUDA_TRY(
        state_.download(pass.state_out.data() + m * pass.model.size() + begin, count, m * stride),
        "reading the state");
  }
  if (!pass.delta_out.empty()) {
    GRADMINT_CUDA_TRY(delta_.download(pass.delta_out.data() + begin, count), "reading the delta");
  }
  return {};
}

Result<CombineReport> CudaBackend::combine(const CombinePass& pass) {
  GRADMINT_CUDA_TRY(cudaSetDevice(index_), "choosing the GPU");
  const std::size_t n = pass.rows.size();
  const std::size_t size = pass.model.size();
  const std::size_t most =
      std::max(kStagingBytes / (4 * n) / kTopKBlock, std::size_t{1}) * kTopKBlock;
  const std::size_t tile = std::min(most, (size + 63) / 64 * 64);
  if (const Status reserved = reserve_combine(pass, tile); !reserved.ok()) return reserved.error();
  if (pass.mixing != nullptr) {
    if (const Status reserved = reserve_mixing(pass, tile); !reserved.ok()) return reserved.error();
  }
  for (std::size_t begin = 0; begin < size; begin += tile) {
    const std::size_t count = std::min(tile, size - begin);
    if (const Status done = combine_tile(pass, begin, count, tile); !done.ok()) {
      return done.error();
    }
  }
  std::int32_t report[2] = {0, 0};
  GRADMINT_CUDA_TRY(report_.download(report, 2), "reading the report");
  if (!pass.outside.empty()) {
    std::vector<unsigned long long> outside(pass.outside.size());
    GRADMINT_CUDA_TRY(outside_.download(outside.data(), outside.size()), "reading the counts");
    std::copy(outside.begin(), outside.end(), pass.outside.begin());
  }
  return CombineReport{report[0], report[1]};
}

Result<std::vector<double>> CudaBackend::dots(Rows rows, bool diagonal_only) {
  GRADMINT_CUDA_TRY(cudaSetDevice(index_), "choosing the GPU");
  return dots_.run(rows, diagonal_only, rows_);
}

__global__ void nothing_kernel() {}

// An Error where this program holds no code for the GPU (CMAKE_CUDA_ARCHITECTURES), or cannot have
// it.
Status try_gpu(int index) {
  GRADMINT_CUDA_TRY(cudaSetDevice(index), "choosing the GPU");
  GRADMINT_CUDA_TRY(cuda::start(nothing_kernel, 1, 1, nullptr), "trying the GPU");
  GRADMINT_CUDA_TRY(cudaStreamSynchronize(nullptr), "trying the GPU");
  return {};
}

Result<std::unique_ptr<Backend>> open_cuda_backend(int index) {
  const std::string device = "device 'cuda:" + std::to_string(index) + "': ";
  int count = 0;
  const cudaError_t code = cudaGetDeviceCount(&count);
  if (code != cudaSuccess || count == 0) {
    return Error{ErrorCode::unsupported,
                 device + "no NVIDIA GPU with a working driver on this machine (" +
                     (code == cudaSuccess ? "none found" : cudaGetErrorString(code)) +
                     "); use cpu"};
  }
  if (index >= count) {
    return Error{ErrorCode::not_found, device + "this machine has " + std::to_string(count) +
                                           (count == 1 ? " GPU" : " GPUs") + ", numbered from 0"};
  }
  cudaDeviceProp properties{};
  GRADMINT_CUDA_TRY(cudaGetDeviceProperties(&properties, index), "asking what the GPU is");
  if (const Status usable = try_gpu(index); !usable.ok()) {
    return Error{ErrorCode::unsupported, device + usable.error().message + "; use cpu"};
  }
  return std::unique_ptr<Backend>(std::make_unique<CudaBackend>(index, properties.name));
}

}  // namespace

void register_cuda_backend() { set_cuda_backend_opener(&open_cuda_backend); }

}  // namespace gradmint::kernels
