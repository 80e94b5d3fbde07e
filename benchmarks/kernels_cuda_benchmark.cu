// CUDA kernels on updates that lie in GPU memory, beside a device-to-device copy in the same run.
// Prints a table; with a path, writes JSON there too. Needs nothing but the CUDA Toolkit.
//
//   kernels_cuda_benchmark [FILE.json]
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "kernels/blocks_rule.h"
#include "kernels/cuda_passes.h"
#include "kernels/fixed_point.h"

namespace {

namespace cuda = gradmint::kernels::cuda;
using gradmint::kernels::kBlockSize;

constexpr int kWarmups = 3;
constexpr int kRounds = 21;

void require(cudaError_t code, const char* doing) {
  if (code == cudaSuccess) return;
  std::fprintf(stderr, "kernels_cuda_benchmark: %s: %s\n", doing, cudaGetErrorString(code));
  std::exit(1);
}

template <class T>
T* device_array(std::size_t count) {
  T* data = nullptr;
  require(cudaMalloc(&data, count * sizeof(T)), "asking for GPU memory");
  require(cudaMemset(data, 0, count * sizeof(T)), "clearing GPU memory");
  return data;
}

__global__ void fill(float* values, std::size_t count, std::uint64_t seed) {
  const std::size_t c = std::size_t{blockIdx.x} * blockDim.x + threadIdx.x;
  if (c >= count) return;
  std::uint64_t z = (c + seed) * 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  values[c] = static_cast<float>(static_cast<std::int32_t>(z >> 20)) * 0x1p-31f;
}

// The median time of kRounds runs, in milliseconds.
template <class Work>
double measure(Work work) {
  cudaEvent_t begin;
  cudaEvent_t end;
  require(cudaEventCreate(&begin), "creating an event");
  require(cudaEventCreate(&end), "creating an event");
  std::vector<float> times;
  for (int round = 0; round < kWarmups + kRounds; ++round) {
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

struct Row {
  std::string name;
  int n;
  std::size_t size;
  double ms;
  double gb_per_s;
};

class Bench {
 public:
  Bench(int n, std::size_t size) : n_(n), size_(size) {
    std::vector<const float*> pointers;
    for (int i = 0; i < n; ++i) {
      float* row = device_array<float>(size);
      fill<<<static_cast<unsigned>((size + 255) / 256), 256>>>(row, size, i * size);
      require(cudaGetLastError(), "filling");
      pointers.push_back(row);
    }
    rows_ = device_array<const float*>(pointers.size());
    owned_ = pointers;
    require(cudaMemcpy(rows_, pointers.data(), pointers.size() * sizeof(float*),
                       cudaMemcpyHostToDevice),
            "copying pointers");
    const std::vector<double> factors(
        static_cast<std::size_t>(n),
        gradmint::kernels::power_of_two(gradmint::kernels::choose_shift(0, 1)));
    factors_ = device_array<double>(factors.size());
    require(cudaMemcpy(factors_, factors.data(), factors.size() * sizeof(double),
                       cudaMemcpyHostToDevice),
            "copying factors");
    model_ = device_array<float>(size);
    out_ = device_array<float>(size);
    report_ = device_array<std::int32_t>(2);
  }
  ~Bench() {
    for (const float* row : owned_) cudaFree(const_cast<float*>(row));
    for (void* each :
         {static_cast<void*>(rows_), static_cast<void*>(factors_), static_cast<void*>(model_),
          static_cast<void*>(out_), static_cast<void*>(report_)}) {
      cudaFree(each);
    }
  }
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  Row copy() const {
    const double ms = measure([&] {
      return cudaMemcpyAsync(out_, owned_[0], size_ * sizeof(float), cudaMemcpyDeviceToDevice);
    });
    return {"copy", 1, size_, ms, 8e-6 * static_cast<double>(size_) / ms};
  }
  Row combine(bool median) const {
    cuda::DevicePass pass;
    pass.rows = rows_;
    pass.factors = median ? nullptr : factors_;
    pass.n = n_;
    pass.count = size_;
    pass.finish.bias = gradmint::kernels::kRoundingBiasBits * static_cast<std::uint64_t>(n_);
    pass.finish.total_weight = n_;
    pass.finish.unscale = gradmint::kernels::power_of_two(-gradmint::kernels::choose_shift(0, 1));
    pass.model = model_;
    pass.model_out = out_;
    pass.report = report_;
    const double ms = measure([&] {
      return median ? cuda::launch_median(pass, nullptr) : cuda::launch_mean(pass, nullptr);
    });
    // The updates and the model are read, the model is written.
    return {median ? "median" : "mean", n_, size_, ms,
            4e-6 * (n_ + 2) * static_cast<double>(size_) / ms};
  }
  Row dots() const {
    const std::size_t count = std::min<std::size_t>(size_, 64 * kBlockSize);
    const std::size_t n = static_cast<std::size_t>(n_);
    cuda::DeviceBlocks blocks;
    blocks.rows = rows_;
    blocks.n = n_;
    blocks.count = count;
    blocks.integers = device_array<std::int16_t>(n * count);
    blocks.shifts = device_array<std::int32_t>(n * 64);
    blocks.sums = device_array<long long>(n * n * 64);
    blocks.report = report_;
    const double ms = measure([&] {
      const cudaError_t quantised = cuda::launch_quantise(blocks, nullptr);
      return quantised == cudaSuccess ? cuda::launch_dots(blocks, nullptr) : quantised;
    });
    cudaFree(blocks.integers);
    cudaFree(blocks.shifts);
    cudaFree(blocks.sums);
    return {"gram (64 blocks)", n_, count, ms, 4e-6 * n_ * static_cast<double>(count) / ms};
  }

 private:
  int n_;
  std::size_t size_;
  const float** rows_ = nullptr;
  std::vector<const float*> owned_;
  double* factors_ = nullptr;
  float* model_ = nullptr;
  float* out_ = nullptr;
  std::int32_t* report_ = nullptr;
};

void print(const std::vector<Row>& rows, const char* device, const char* path) {
  const double copy = rows[0].gb_per_s;
  std::printf("%s\n%-18s %5s %11s %9s %9s %8s\n", device, "kernel", "n", "D", "ms", "GB/s",
              "of copy");
  for (const Row& row : rows) {
    std::printf("%-18s %5d %11zu %9.3f %9.1f %7.1f%%\n", row.name.c_str(), row.n, row.size, row.ms,
                row.gb_per_s, 100 * row.gb_per_s / copy);
  }
  if (path == nullptr) return;
  std::FILE* file = std::fopen(path, "w");
  if (file == nullptr) {
    std::fprintf(stderr, "kernels_cuda_benchmark: cannot write %s\n", path);
    std::exit(1);
  }
  std::fprintf(file, "{\"device\": \"%s\", \"rows\": [", device);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    std::fprintf(file,
                 "%s\n  {\"kernel\": \"%s\", \"n\": %d, \"size\": %zu, \"ms\": %.6f, \"gb_per_s\": "
                 "%.3f, \"share_of_copy\": %.4f}",
                 i == 0 ? "" : ",", rows[i].name.c_str(), rows[i].n, rows[i].size, rows[i].ms,
                 rows[i].gb_per_s, rows[i].gb_per_s / copy);
  }
  std::fprintf(file, "\n]}\n");
  if (std::fclose(file) != 0) {
    std::fprintf(stderr, "kernels_cuda_benchmark: cannot write %s\n", path);
    std::exit(1);
  }
}

}  // namespace

int main(int count, char** arguments) {
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "looking for a GPU");
  std::vector<Row> rows;
  {
    const Bench bench(1, std::size_t{1} << 28);
    rows.push_back(bench.copy());
  }
  for (const int n : {16, 64, 100}) {
    const std::size_t size = n == 16 ? std::size_t{1} << 26 : std::size_t{1} << 24;
    const Bench bench(n, size);
    rows.push_back(bench.combine(false));
    rows.push_back(bench.combine(true));
    rows.push_back(bench.dots());
  }
  print(rows, properties.name, count > 1 ? arguments[1] : nullptr);
  return 0;
}
