// The tile functions of one CPU level: cpu_kernels.cc, compiled once per instruction set. Inside
// the library only. No function checks its arguments, allocates or keeps anything; all are thread
// safe. Buffers named "padded" have room up to the next multiple of 16 elements.
#pragma once

#include <cstddef>
#include <cstdint>

#include "kernels/blocks_rule.h"
#include "kernels/cpu_decode.h"
#include "kernels/cpu_encode.h"
#include "kernels/mean_rule.h"
#include "kernels/optimizer_rule.h"

namespace gradmint::kernels {

// What trimmed_mean and nearest_to_median (sorted_rule.h) keep of n values.
struct KeptRule {
  std::size_t dropped = 0;  // trimmed_mean: per side
  std::size_t kept = 0;     // how many stay
  double unit = 1.0;        // 2^s of their sum
  MeanFinish finish;        // of their sum
};

// What an optimizer's step reads and writes; moments that it does not have (optimizer_rule.h) are
// null.
struct StepTile {
  std::size_t count = 0;
  const float* delta = nullptr;
  const float* model = nullptr;
  const float* first = nullptr;
  const float* second = nullptr;
  float* model_out = nullptr;
  float* first_out = nullptr;
  float* second_out = nullptr;
};

struct CpuKernels {
  // The largest magnitude (lanes.h) among `count` values.
  std::int32_t (*largest_magnitude)(const float* values, std::size_t count);

  // -0 becomes +0, in place.
  void (*canonicalise)(float* values, std::size_t count);

  // sums[c] += biased term of rows[i][c] for each of `n` rows. Returns the largest magnitude seen.
  // `sums` is padded.
  std::int32_t (*accumulate)(const float* const* rows, const double* factors, std::size_t n,
                             std::size_t count, std::uint64_t* sums);

  // delta[c] from sums[c]; both padded.
  void (*finish)(const std::uint64_t* sums, std::size_t count, const MeanFinish& finish,
                 float* delta);

  // The same from all - left_out, which may hold the sums of different numbers of rows.
  void (*finish_rest)(const std::uint64_t* all, const std::uint64_t* left_out, std::size_t count,
                      const MeanFinish& finish, float* mean);

  // out[c] = scaled value of in[c] (median_rule.h). Returns the largest magnitude of in.
  std::int32_t (*scale)(const float* in, double factor, std::size_t count, float* out);

  // The two middle values of `n` rows, count <= kMedianTile. `scratch` has room for 16 * n keys.
  // lower and upper padded. Returns the largest magnitude seen.
  std::int32_t (*middle)(const float* const* rows, std::size_t n, std::size_t count, float* lower,
                         float* upper, std::int32_t* scratch);

  // median[c] from lower[c] and upper[c]; all padded.
  void (*middle_mean)(const float* lower, const float* upper, std::size_t count, float* median);

  // The mean of what the rule keeps of `n` rows, and its ends; count <= kMedianTile, outputs
  // padded, scratch as above. Return the largest magnitude seen.
  std::int32_t (*trimmed_mean)(const float* const* rows, std::size_t n, std::size_t count,
                               const KeptRule& rule, float* lower, float* upper, float* delta,
                               std::int32_t* scratch);
  std::int32_t (*nearest_to_median)(const float* const* rows, std::size_t n, std::size_t count,
                                    const KeptRule& rule, float* lower, float* upper, float* delta,
                                    std::int32_t* scratch);

  // How many values lie strictly below lower or strictly above upper; lower and upper padded.
  std::size_t (*count_outside)(const float* row, const float* lower, const float* upper,
                               std::size_t count);

  // One optimizer step. Returns the largest magnitude written.
  std::int32_t (*step)(const OptimizerStep& step, const StepTile& tile);

  // One block (count <= kBlockSize) to integers, zero-filled to the next multiple of 128. Returns
  // the largest magnitude; the integers mean nothing where that is not finite. `next`: the address
  // of what will be read next, asked for on the way; only a hint.
  std::int32_t (*quantise)(const float* values, std::size_t count, std::uintptr_t next,
                           std::int16_t* integers, int* shift);

  // out[i * n + j], j <= i: the exact integer dot product of rows i and j of `n` (others may be
  // written too). Row i begins at rows + i * kBlockSize; count a multiple of 128.
  void (*dot)(const std::int16_t* rows, std::size_t n, std::size_t count, std::int64_t* out);

  // The exact integer sum of squared differences of a block, each value multiplied by its factor
  // first, and the block's shift.
  std::int64_t (*square_difference)(const float* a, double factor_a, const float* b,
                                    double factor_b, std::size_t count, int* shift);

  const CpuDecoders* decoders;  // the same level's
  const CpuEncoders* encoders;
};

// The three levels. Calling a function of a level this processor lacks is an illegal instruction:
// cpu_level.h decides.
extern const CpuKernels kScalarKernels;
extern const CpuKernels kAvx2Kernels;
extern const CpuKernels kAvx512Kernels;

}  // namespace gradmint::kernels
