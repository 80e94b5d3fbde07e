// The CUDA kernels beside a device-to-device copy in the same run: each pass on updates that lie in
// GPU memory, and the whole aggregate() from host memory for every registered rule. Prints a table;
// with a path, writes JSON there too. Needs nothing but the CUDA Toolkit.
//
//   kernels_cuda_benchmark [--quick] [FILE.json]
#include <string_view>

#include "benchmarks/cuda_measure.h"

namespace {

using namespace gradmint::benchmarks;

struct Shape {
  int n;
  std::size_t size;
};

double gigabytes_per_second(const GpuRow& row) { return 1e-6 * row.bytes / row.ms; }

void print(const std::vector<GpuRow>& rows, const char* device) {
  const double copy = gigabytes_per_second(rows[0]);
  std::printf("%s\n%-40s %5s %11s %10s %9s %8s\n", device, "kernel", "n", "D", "ms", "GB/s",
              "of copy");
  for (const GpuRow& row : rows) {
    const double rate = gigabytes_per_second(row);
    std::printf("%-40s %5d %11zu %10.3f %9.1f ", row.kernel.c_str(), row.n, row.size, row.ms, rate);
    if (row.share_of_copy) {
      std::printf("%7.1f%%\n", 100 * rate / copy);
    } else {
      std::printf("%8s\n", "-");
    }
  }
}

void write_json(const std::vector<GpuRow>& rows, const char* device, const char* path) {
  const double copy = gigabytes_per_second(rows[0]);
  std::FILE* file = std::fopen(path, "w");
  if (file == nullptr) {
    std::fprintf(stderr, "kernels_cuda_benchmark: cannot write %s\n", path);
    std::exit(1);
  }
  std::fprintf(file, "{\"device\": \"%s\", \"rows\": [", device);
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const GpuRow& row = rows[i];
    const double rate = gigabytes_per_second(row);
    std::fprintf(file,
                 "%s\n  {\"kernel\": \"%s\", \"n\": %d, \"size\": %zu, \"ms\": %.6f, "
                 "\"gb_per_s\": %.3f",
                 i == 0 ? "" : ",", row.kernel.c_str(), row.n, row.size, row.ms, rate);
    if (row.share_of_copy) std::fprintf(file, ", \"share_of_copy\": %.4f", rate / copy);
    std::fprintf(file, "}");
  }
  std::fprintf(file, "\n]}\n");
  if (std::fclose(file) != 0) {
    std::fprintf(stderr, "kernels_cuda_benchmark: cannot write %s\n", path);
    std::exit(1);
  }
}

// The size, halved until n updates, their blocks' integers and the products of all pairs fit.
std::size_t fitting_size(int n, std::size_t size) {
  std::size_t free_bytes = 0;
  std::size_t all_bytes = 0;
  require(cudaMemGetInfo(&free_bytes, &all_bytes), "asking how much GPU memory is free");
  const auto updates = static_cast<std::size_t>(n);
  const auto needed = [&] { return size * (6 * updates + 24) + size / 512 * updates * updates; };
  while (needed() > free_bytes / 10 * 9 && size > 4096) size /= 2;
  return size;
}

}  // namespace

int main(int count, char** arguments) {
  const char* path = nullptr;
  bool quick = false;
  for (int i = 1; i < count; ++i) {
    if (std::string_view(arguments[i]) == "--quick") {
      quick = true;
    } else {
      path = arguments[i];
    }
  }
  cudaDeviceProp properties{};
  require(cudaGetDeviceProperties(&properties, 0), "looking for a GPU");
  // Sizes at which the passes are long against a launch.
  const std::size_t unit = quick ? 1 << 12 : 1 << 24;
  std::vector<GpuRow> rows = {copy_row(fitting_size(1, 16 * unit))};
  for (GpuRow& row : encoding_rows(fitting_size(1, 4 * unit))) rows.push_back(std::move(row));
  for (const Shape& shape :
       {Shape{16, quick ? unit : 4 * unit}, Shape{64, unit}, Shape{100, unit}}) {
    for (GpuRow& row : resident_rows(shape.n, fitting_size(shape.n, shape.size)))
      rows.push_back(std::move(row));
  }
  for (GpuRow& row : from_host_rows(16, unit / 4)) rows.push_back(std::move(row));
  print(rows, properties.name);
  if (path != nullptr) write_json(rows, properties.name, path);
  return 0;
}
