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
#include "kernels/encoding.h"
#include "kernels/mean_rule.h"
#include "kernels/optimizer_rule.h"

namespace gradmint::kernels {

// What a pass makes of the values of one coordinate.
enum class CombineKind {
  mean,               // mean_rule.h
  median,             // median_rule.h
  trimmed_mean,       // sorted_rule.h: without the `dropped` lowest and highest
  nearest_to_median,  // sorted_rule.h: the `kept` nearest to the median
};

// Rows an order statistic sees in place of the updates (nearest-neighbour mixing): row i is the
// mean of all updates but excluded[i], each multiplied by its factor first. Every row excludes the
// same number of updates. There may be fewer rows than updates (Bulyan sees those it chose).
struct Mixing {
  std::vector<std::vector<std::uint32_t>> excluded;  // ascending
  MeanFinish finish;  // unit weights: total_weight = how many mix, bias = as many rounding biases
};

// One pass over the updates, with the optimizer's step fused to it. Arguments were checked.
struct CombinePass {
  CombineKind kind = CombineKind::mean;
  Rows rows;
  std::span<const double> factors;  // mean: (w * clip) * 2^s; otherwise the clip factor
  const Mixing* mixing = nullptr;   // never with the mean
  std::size_t dropped = 0;          // trimmed_mean: per side, 2 * dropped < rows_seen()
  std::size_t kept = 0;             // nearest_to_median: in [1, rows_seen()]
  MeanFinish finish;                // not the median's: of the sum that is divided
  double unit = 1.0;                // 2^s of that sum and of the mixing; not the mean's
  OptimizerStep step;
  std::span<const float> model;
  std::span<const float> state;      // the first moments of all values, then the second ones
  std::span<float> model_out;        // as long as model
  std::span<float> state_out;        // as long as state
  std::span<float> delta_out;        // as long as model, or empty where it is not wanted
  std::span<std::uint64_t> outside;  // one count per row seen, or empty where not wanted; never the
                                     // mean

  // Rows that an order statistic sees: the mixed ones where there is mixing.
  std::size_t rows_seen() const {
    return mixing == nullptr ? rows.size() : mixing->excluded.size();
  }
};

// Magnitudes (lanes.h) over the whole pass: at least kInfinityMagnitude means that something was
// not finite. The inputs are the updates as they are and as a rule sees them (scaled, mixed).
struct CombineReport {
  std::int32_t largest_input = 0;
  std::int32_t largest_output = 0;
};

// One update to be written in an encoding (encode.h). Arguments were checked, and none overlaps
// another.
struct EncodePass {
  Encoding encoding;
  std::span<const float> values;
  std::span<const float> carried;  // added to the values first: as long as they are, or empty
  std::span<std::uint8_t> bytes;   // encoded_bytes() of them
  std::span<float> residual;       // as long as the values; empty for fp32
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

  // The squared distance from exact differences (dots.h) for one pair of finite updates, each
  // multiplied by its factor in fp64 first.
  virtual Result<double> difference(const Row& a, double factor_a, const Row& b,
                                    double factor_b) = 0;

  // Writes pass.bytes and pass.residual. An Error of encode_fault.h where a value cannot be
  // encoded; what is written then means nothing.
  virtual Status encode(const EncodePass& pass) = 0;
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
