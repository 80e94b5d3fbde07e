// The machine that does the passes over D coordinates. Everything that decides (checks, clip
// factors, N x N work) is shared host code above it, so a backend is small, and all of them give
// the same bytes.
//
// A backend belongs to one thread at a time. Rows are host memory.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/cpu_level.h"
#include "kernels/mean_rule.h"
#include "kernels/optimizer_rule.h"

namespace gradmint::kernels {

using Rows = std::span<const std::span<const float>>;  // n updates of the same length

enum class CombineKind { mean, median };

// One pass over the updates, with the optimizer's step fused to it. Arguments were checked.
struct CombinePass {
  CombineKind kind = CombineKind::mean;
  Rows rows;
  std::span<const double> factors;  // mean: (w * clip) * 2^s; median: the clip factor
  MeanFinish finish;                // mean only
  OptimizerStep step;
  std::span<const float> model;
  std::span<const float> state;      // empty for an optimizer without state
  std::span<float> model_out;        // as long as model
  std::span<float> state_out;        // as long as state
  std::span<float> delta_out;        // as long as model, or empty where it is not wanted
  std::span<std::uint64_t> outside;  // one count per update, or empty where not wanted; median only
};

// Magnitudes (lanes.h) over the whole pass: at least kInfinityMagnitude means that something was
// not finite.
struct CombineReport {
  std::int32_t largest_input = 0;
  std::int32_t largest_output = 0;
};

class Backend {
 public:
  virtual ~Backend() = default;

  // For people and reports: "cpu (avx512, 2 threads)".
  virtual std::string name() const = 0;

  virtual Result<CombineReport> combine(const CombinePass& pass) = 0;

  // Exact dot products (blocks_rule.h) summed over blocks in the fixed pairwise tree (dots.h).
  // n values (the squared norms) where only the diagonal is wanted, else n * n, row by row.
  // An Error where an update is not finite.
  virtual Result<std::vector<double>> dots(Rows rows, bool diagonal_only) = 0;

  // The squared distance from exact differences (dots.h) for one pair of finite updates.
  virtual Result<double> difference(std::span<const float> a, std::span<const float> b) = 0;
};

// The level must be supported, and threads >= 1 (checked).
std::unique_ptr<Backend> make_cpu_backend(CpuLevel level, int threads);

// "cpu" (the level from GRADMINT_CPU), "cuda:N", or "auto": cuda:0 where a CUDA backend is linked
// and a GPU is there, else cpu. `threads` applies to the CPU.
Result<std::unique_ptr<Backend>> open_backend(const std::string& device, int threads);

// Makes "cuda:N" known to open_backend; called by register_cuda_backend() (cuda_backend.h), so that
// a program which does not link CUDA does not need it. Call before any other thread starts.
using CudaBackendOpener = Result<std::unique_ptr<Backend>> (*)(int index);
void set_cuda_backend_opener(CudaBackendOpener opener);
bool has_cuda_backend();

}  // namespace gradmint::kernels
