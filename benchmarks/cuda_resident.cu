// The CUDA passes on updates that lie in GPU memory. Bytes are the least that must move: updates
// and model read, model written, and the optimizer's moments where there are some.
#include <bit>

#include "benchmarks/cuda_measure.h"
#include "kernels/blocks_rule.h"
#include "kernels/cuda_passes.h"
#include "kernels/fixed_point.h"
#include "kernels/merkle_cuda.h"

namespace gradmint::benchmarks {
namespace {

namespace cuda = kernels::cuda;
using kernels::kBlockSize;

constexpr int kFaulty = 3;  // f, of at least 16 updates

__global__ void fill(float* values, std::size_t count, std::uint64_t seed) {
  const std::size_t c = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (c >= count) return;
  std::uint64_t z = (c + seed) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  values[c] = static_cast<float>(static_cast<std::int32_t>(z >> 20)) * 0x1p-31f;
}

class Resident {
 public:
  Resident(int n, std::size_t size)
      : n_(n),
        size_(size),
        updates_(make_updates(n, size)),
        rows_(pointers_to(updates_)),
        factors_(std::vector<double>(static_cast<std::size_t>(n), unit())),
        model_(size),
        out_(size),
        report_(2) {}

  GpuRow mean(const char* label, kernels::OptimizerKind optimizer) const {
    cuda::DevicePass pass = pass_of(factors_.data(), n_);
    const int moments = kernels::moments_of(optimizer);
    const DeviceArray<float> first(moments >= 1 ? size_ : 0);
    const DeviceArray<float> second(moments == 2 ? size_ : 0);
    pass.step.kind = optimizer;
    pass.step.first_decay = 0.9f;
    pass.step.second_decay = 0.99f;
    pass.step.epsilon = 1e-3f;
    if (moments >= 1) pass.first = pass.first_out = first.data();
    if (moments == 2) pass.second = pass.second_out = second.data();
    const double ms = median_ms([&] { return cuda::launch_mean(pass, nullptr); });
    return row(label, ms, n_ + 2 + 2 * moments);
  }

  // The mean of encoded updates, decoded as they are read; all of them zeros, which take as long.
  GpuRow encoded_mean(const char* label, kernels::EncodingKind kind) const {
    const auto n = static_cast<std::size_t>(n_);
    const std::size_t bytes = kernels::encoded_bytes({kind, 0}, size_);
    std::vector<DeviceArray<std::byte>> updates;
    std::vector<const std::byte*> values;
    std::vector<const std::byte*> exponents;
    for (std::size_t i = 0; i < n; ++i) {
      updates.emplace_back(bytes + size_ / kernels::kIntegerBlock + 1);
      values.push_back(updates.back().data());
      exponents.push_back(updates.back().data() + bytes / 16 * 16);
    }
    const DeviceArray<const std::byte*> device_values(values);
    const DeviceArray<const std::byte*> device_exponents(exponents);
    cuda::DevicePass pass = pass_of(factors_.data(), n_);
    pass.rows = nullptr;
    pass.encoded = {kind, device_values.data(), device_exponents.data()};
    const double ms = median_ms([&] { return cuda::launch_mean(pass, nullptr); });
    return {label, n_, size_, ms,
            static_cast<double>(n * bytes) + 8.0 * static_cast<double>(size_)};
  }

  // Writing one update: bytes and what is lost.
  GpuRow encode(const char* label, const kernels::Encoding& encoding) const {
    const std::size_t bytes = kernels::encoded_bytes(encoding, size_);
    const bool loses = encoding.kind != kernels::EncodingKind::fp32;
    const DeviceArray<std::byte> written(bytes);
    const DeviceArray<std::byte> exponents(size_ / kernels::kIntegerBlock + 1);
    const DeviceArray<float> residual(loses ? size_ : 0);
    const DeviceArray<cuda::EncodeReport> report(std::vector<cuda::EncodeReport>(1));
    cuda::DeviceEncode pass;
    pass.encoding = encoding;
    pass.values = updates_[0].data();
    pass.count = size_;
    pass.bytes = written.data();
    pass.exponents = exponents.data();
    pass.residual = residual.data();
    pass.report = report.data();
    const double ms = median_ms([&] { return cuda::launch_encode(pass, nullptr); });
    const double floats = (loses ? 8.0 : 4.0) * static_cast<double>(size_);
    return {label, 1, size_, ms, floats + static_cast<double>(bytes)};
  }

  GpuRow median() const {
    const cuda::DevicePass pass = pass_of(nullptr, n_);
    return row("median", median_ms([&] { return cuda::launch_median(pass, nullptr); }), n_ + 2);
  }

  GpuRow trimmed_mean() const {
    cuda::DevicePass pass = pass_of(nullptr, n_ - 2 * kFaulty);
    pass.dropped = kFaulty;
    pass.kept = n_ - 2 * kFaulty;
    pass.unit = unit();
    return row("trimmed_mean", median_ms([&] { return cuda::launch_trimmed_mean(pass, nullptr); }),
               n_ + 2);
  }

  GpuRow nearest_to_median() const {
    cuda::DevicePass pass = pass_of(nullptr, n_ - 2 * kFaulty);
    pass.kept = n_ - 2 * kFaulty;
    pass.unit = unit();
    return row("nearest_to_median",
               median_ms([&] { return cuda::launch_nearest_to_median(pass, nullptr); }), n_ + 2);
  }

  // SHA-256 in a Merkle tree over one update's bytes; they are read only.
  GpuRow merkle() const {
    const std::size_t bytes = size_ * sizeof(float);
    const DeviceArray<kernels::Digest> scratch(cuda::merkle_scratch_digests(bytes));
    const DeviceArray<kernels::Digest> root(1);
    const double ms = median_ms([&] {
      return cuda::launch_merkle_root(updates_[0].data(), bytes, scratch.data(), root.data(),
                                      nullptr);
    });
    return {"sha-256 Merkle root", 1, size_, ms, static_cast<double>(bytes), false};
  }

  // Every row the mean of all but kFaulty updates, a tile of it at a time as the backend does.
  GpuRow mix() const {
    const std::size_t stride = std::min<std::size_t>(size_, std::size_t{1} << 20);
    const auto n = static_cast<std::size_t>(n_);
    std::vector<std::uint32_t> excluded;
    for (std::uint32_t i = 0; i < static_cast<std::uint32_t>(n_); ++i) {
      for (std::uint32_t k = 1; k <= kFaulty; ++k) {
        excluded.push_back((i + k) % static_cast<std::uint32_t>(n_));
      }
      std::sort(excluded.end() - kFaulty, excluded.end());
    }
    const DeviceArray<std::uint32_t> device_excluded(excluded);
    const DeviceArray<float> mixed(n * stride);
    cuda::DeviceMix mix;
    mix.rows = rows_.data();
    mix.factors = factors_.data();
    mix.excluded = device_excluded.data();
    mix.n = n_;
    mix.excluded_each = kFaulty;
    mix.count = stride;
    mix.finish = pass_of(nullptr, n_ - kFaulty).finish;
    mix.mixed = mixed.data();
    mix.stride = stride;
    mix.report = report_.data();
    const double ms = median_ms([&] { return cuda::launch_mix(mix, nullptr); });
    return {"mix", n_, stride, ms, 8.0 * n_ * static_cast<double>(stride)};
  }

  // Exact dot products: all pairs, or each update with itself; and all pairs with the mean after
  // them, which is what the Krum family and the rules in the span of the updates do on the GPU.
  GpuRow dots(const char* label, bool diagonal_only, bool then_mean) const {
    const auto n = static_cast<std::size_t>(n_);
    cuda::DeviceBlocks blocks;
    blocks.n = n_;
    blocks.stride = std::min(cuda::kChunkBlocks, cuda::blocks_of(size_));
    blocks.diagonal_only = diagonal_only;
    const std::size_t chunks = (size_ + cuda::kChunkValues - 1) / cuda::kChunkValues;
    const DeviceArray<std::int8_t> slices(diagonal_only ? 0 : n * blocks.stride * 2 * kBlockSize);
    const DeviceArray<std::int32_t> shifts(n * blocks.stride);
    const DeviceArray<long long> sums(blocks.stride * blocks.parts() * blocks.width());
    const DeviceArray<double> levels(static_cast<std::size_t>(std::bit_width(chunks)) *
                                     blocks.width());
    const std::vector<DeviceArray<const float*>> rows_of_chunk = chunk_rows(chunks);
    blocks.slices = slices.data();
    blocks.shifts = shifts.data();
    blocks.sums = sums.data();
    blocks.levels = levels.data();
    blocks.report = report_.data();
    const cuda::DevicePass pass = pass_of(factors_.data(), n_);
    const double ms = median_ms(
        [&] {
          cudaError_t code = cudaSuccess;
          for (std::size_t chunk = 0; chunk < chunks && code == cudaSuccess; ++chunk) {
            blocks.rows = rows_of_chunk[chunk].data();
            blocks.count = std::min(cuda::kChunkValues, size_ - chunk * cuda::kChunkValues);
            code = cuda::launch_dots(blocks, chunk, nullptr);
          }
          if (code == cudaSuccess && then_mean) code = cuda::launch_mean(pass, nullptr);
          return code;
        },
        7);
    return row(label, ms, then_mean ? n_ + 2 : n_);
  }

 private:
  // Pointers to where each chunk begins.
  std::vector<DeviceArray<const float*>> chunk_rows(std::size_t chunks) const {
    std::vector<DeviceArray<const float*>> all;
    for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
      std::vector<const float*> rows = pointers_to(updates_);
      for (const float*& row : rows) row += chunk * cuda::kChunkValues;
      all.emplace_back(rows);
    }
    return all;
  }

  static double unit() { return kernels::power_of_two(kernels::choose_shift(0, 1)); }

  static std::vector<DeviceArray<float>> make_updates(int n, std::size_t size) {
    std::vector<DeviceArray<float>> updates;
    for (int i = 0; i < n; ++i) {
      updates.emplace_back(size);
      fill<<<static_cast<unsigned>((size + 255) / 256), 256>>>(
          updates.back().data(), size, static_cast<std::uint64_t>(i) * size);
      require(cudaGetLastError(), "filling");
    }
    return updates;
  }
  static std::vector<const float*> pointers_to(const std::vector<DeviceArray<float>>& updates) {
    std::vector<const float*> pointers;
    for (const auto& update : updates) pointers.push_back(update.data());
    return pointers;
  }

  // `summed` terms of weight one.
  cuda::DevicePass pass_of(const double* factors, int summed) const {
    cuda::DevicePass pass;
    pass.rows = rows_.data();
    pass.factors = factors;
    pass.n = n_;
    pass.count = size_;
    pass.finish.bias = kernels::kRoundingBiasBits * static_cast<std::uint64_t>(summed);
    pass.finish.total_weight = summed;
    pass.finish.unscale = 1.0 / unit();
    pass.model = model_.data();
    pass.model_out = out_.data();
    pass.report = report_.data();
    return pass;
  }

  GpuRow row(const char* label, double ms, int arrays) const {
    return {label, n_, size_, ms, 4.0 * arrays * static_cast<double>(size_)};
  }

  int n_;
  std::size_t size_;
  std::vector<DeviceArray<float>> updates_;
  DeviceArray<const float*> rows_;
  DeviceArray<double> factors_;
  DeviceArray<float> model_;
  DeviceArray<float> out_;
  DeviceArray<std::int32_t> report_;
};

}  // namespace

GpuRow copy_row(std::size_t size) {
  const DeviceArray<float> from(size);
  const DeviceArray<float> to(size);
  const double ms = median_ms([&] {
    return cudaMemcpyAsync(to.data(), from.data(), size * sizeof(float), cudaMemcpyDeviceToDevice);
  });
  return {"copy", 1, size, ms, 8.0 * static_cast<double>(size)};
}

std::vector<GpuRow> encoding_rows(std::size_t size) {
  const Resident update(1, size);
  return {
      update.encode("encode as fp32", {kernels::EncodingKind::fp32, 0}),
      update.encode("encode as bf16", {kernels::EncodingKind::bf16, 0}),
      update.encode("encode as fp16", {kernels::EncodingKind::fp16, 0}),
      update.encode("encode as int8", {kernels::EncodingKind::int8, 0}),
      update.encode("encode as int4", {kernels::EncodingKind::int4, 0}),
      update.encode("encode as top_k:keep=64", {kernels::EncodingKind::top_k, 64}),
  };
}

std::vector<GpuRow> resident_rows(int n, std::size_t size) {
  const Resident updates(n, size);
  return {
      updates.mean("mean", kernels::OptimizerKind::plain),
      updates.mean("mean + adam", kernels::OptimizerKind::adam),
      updates.encoded_mean("mean of bf16", kernels::EncodingKind::bf16),
      updates.encoded_mean("mean of int8", kernels::EncodingKind::int8),
      updates.encoded_mean("mean of int4", kernels::EncodingKind::int4),
      updates.median(),
      updates.trimmed_mean(),
      updates.nearest_to_median(),
      updates.mix(),
      updates.merkle(),
      updates.dots("norms", true, false),
      updates.dots("norms, then mean", true, true),
      updates.dots("gram", false, false),
      updates.dots("gram, then mean", false, true),
  };
}

}  // namespace gradmint::benchmarks
