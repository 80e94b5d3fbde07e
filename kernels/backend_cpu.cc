// The CPU backend: tiles over threads. Each tile is written by one thread and depends on nothing
// but its own coordinates; what is summed over tiles is integers, or fp64 in the fixed tree by
// index.
#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "kernels/backend.h"
#include "kernels/base/check.h"
#include "kernels/cpu_kernels.h"
#include "kernels/dots.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kMeanTile = 2048;
constexpr std::size_t kBlocksPerChunk = 64;  // a power of two, so a chunk is a subtree of the sum

std::size_t tiles_of(std::size_t count, std::size_t tile) { return (count + tile - 1) / tile; }

// One thread's buffers for a combining pass, reused from tile to tile.
struct TileBuffers {
  std::vector<const float*> rows;
  std::vector<std::uint64_t> sums;
  std::vector<float> delta;
  std::vector<float> lower;
  std::vector<float> upper;
  std::vector<std::int32_t> keys;
  std::vector<float> scaled;
  std::vector<std::uint64_t> outside;
  CombineReport report;
};

class CpuBackend final : public Backend {
 public:
  CpuBackend(CpuLevel level, int threads)
      : level_(level), threads_(threads), kernels_(cpu_kernels(level)) {}

  std::string name() const override {
    return "cpu (" + std::string(name_of(level_)) + ", " + std::to_string(threads_) +
           (threads_ == 1 ? " thread)" : " threads)");
  }

  Result<CombineReport> combine(const CombinePass& pass) override;
  Result<std::vector<double>> dots(Rows rows, bool diagonal_only) override;
  Result<double> difference(std::span<const float> a, std::span<const float> b) override;

 private:
  void mean_tile(const CombinePass& pass, std::size_t count, TileBuffers& own) const;
  void median_tile(const CombinePass& pass, std::size_t count, TileBuffers& own) const;
  void step_tile(const CombinePass& pass, std::size_t begin, std::size_t count,
                 TileBuffers& own) const;
  bool dots_chunk(Rows rows, bool diagonal_only, std::size_t chunk,
                  std::vector<double>& total) const;

  CpuLevel level_;
  int threads_;
  const CpuKernels& kernels_;
};

void CpuBackend::mean_tile(const CombinePass& pass, std::size_t count, TileBuffers& own) const {
  std::fill(own.sums.begin(), own.sums.end(), 0);
  const std::int32_t largest = kernels_.accumulate(own.rows.data(), pass.factors.data(),
                                                   own.rows.size(), count, own.sums.data());
  own.report.largest_input = std::max(own.report.largest_input, largest);
  kernels_.finish(own.sums.data(), count, pass.finish, own.delta.data());
}

void CpuBackend::median_tile(const CombinePass& pass, std::size_t count, TileBuffers& own) const {
  for (std::size_t i = 0; i < own.rows.size(); ++i) {
    if (pass.factors[i] == 1.0) continue;
    own.scaled.resize(own.rows.size() * kMedianTile);
    float* scaled = own.scaled.data() + i * kMedianTile;
    kernels_.scale(own.rows[i], pass.factors[i], count, scaled);
    own.rows[i] = scaled;
  }
  const std::int32_t largest = kernels_.middle(own.rows.data(), own.rows.size(), count,
                                               own.lower.data(), own.upper.data(), own.keys.data());
  own.report.largest_input = std::max(own.report.largest_input, largest);
  for (std::size_t i = 0; i < own.outside.size(); ++i) {
    own.outside[i] +=
        kernels_.count_outside(own.rows[i], own.lower.data(), own.upper.data(), count);
  }
  kernels_.middle_mean(own.lower.data(), own.upper.data(), count, own.delta.data());
}

void CpuBackend::step_tile(const CombinePass& pass, std::size_t begin, std::size_t count,
                           TileBuffers& own) const {
  const bool stateful = !pass.state.empty();
  const std::int32_t largest = kernels_.step(pass.step, own.delta.data(), pass.model.data() + begin,
                                             stateful ? pass.state.data() + begin : nullptr, count,
                                             pass.model_out.data() + begin,
                                             stateful ? pass.state_out.data() + begin : nullptr);
  own.report.largest_output = std::max(own.report.largest_output, largest);
  if (!pass.delta_out.empty()) {
    std::copy_n(own.delta.data(), count, pass.delta_out.data() + begin);
  }
}

Result<CombineReport> CpuBackend::combine(const CombinePass& pass) {
  const bool median = pass.kind == CombineKind::median;
  const std::size_t tile = median ? kMedianTile : kMeanTile;
  const std::size_t n = pass.rows.size();
  std::vector<TileBuffers> buffers(static_cast<std::size_t>(threads_));
  for (TileBuffers& own : buffers) {
    own.rows.resize(n);
    own.delta.resize(tile);
    own.sums.resize(median ? 0 : tile);
    own.lower.resize(median ? tile : 0);
    own.upper.resize(median ? tile : 0);
    own.keys.resize(median ? 16 * n : 0);
    own.outside.resize(pass.outside.size());
  }
  parallel_for(threads_, tiles_of(pass.model.size(), tile), [&](std::size_t task, int worker) {
    TileBuffers& own = buffers[static_cast<std::size_t>(worker)];
    const std::size_t begin = task * tile;
    const std::size_t count = std::min(tile, pass.model.size() - begin);
    for (std::size_t i = 0; i < n; ++i) own.rows[i] = pass.rows[i].data() + begin;
    if (median) {
      median_tile(pass, count, own);
    } else {
      mean_tile(pass, count, own);
    }
    step_tile(pass, begin, count, own);
  });
  CombineReport report;
  for (const TileBuffers& own : buffers) {
    report.largest_input = std::max(report.largest_input, own.report.largest_input);
    report.largest_output = std::max(report.largest_output, own.report.largest_output);
    for (std::size_t i = 0; i < own.outside.size(); ++i) pass.outside[i] += own.outside[i];
  }
  return report;
}

// The subtree of one chunk. False where a value is not finite.
bool CpuBackend::dots_chunk(Rows rows, bool diagonal_only, std::size_t chunk,
                            std::vector<double>& total) const {
  const std::size_t n = rows.size();
  const std::size_t size = rows[0].size();
  const std::size_t end = std::min(size, (chunk + 1) * kBlocksPerChunk * kBlockSize);
  std::vector<std::int16_t> integers(n * kBlockSize);
  std::vector<int> shifts(n);
  TreeSum sum(diagonal_only ? n : n * n);
  for (std::size_t begin = chunk * kBlocksPerChunk * kBlockSize; begin < end; begin += kBlockSize) {
    const std::size_t count = std::min<std::size_t>(kBlockSize, end - begin);
    const std::size_t padded = (count + 127) / 128 * 128;
    std::vector<double> values(diagonal_only ? n : n * n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::int16_t* own = integers.data() + i * kBlockSize;
      if (kernels_.quantise(rows[i].data() + begin, count, integers.data() + i * kBlockSize,
                            &shifts[i]) >= kInfinityMagnitude) {
        return false;
      }
      for (std::size_t j = diagonal_only ? i : 0; j <= i; ++j) {
        const std::int64_t exact = kernels_.dot(own, integers.data() + j * kBlockSize, padded);
        const double value = static_cast<double>(exact) * power_of_two(-shifts[i] - shifts[j]);
        values[diagonal_only ? i : i * n + j] = value;
        if (!diagonal_only) values[j * n + i] = value;
      }
    }
    sum.add(std::move(values));
  }
  total = sum.total();
  return true;
}

Result<std::vector<double>> CpuBackend::dots(Rows rows, bool diagonal_only) {
  const std::size_t n = rows.size();
  TreeSum sum(diagonal_only ? n : n * n);
  if (n == 0) return sum.total();
  const std::size_t chunks = tiles_of(rows[0].size(), kBlocksPerChunk * kBlockSize);
  std::vector<std::vector<double>> totals(chunks);
  std::vector<char> finite(chunks, 1);
  parallel_for(threads_, chunks, [&](std::size_t chunk, int) {
    finite[chunk] = dots_chunk(rows, diagonal_only, chunk, totals[chunk]) ? 1 : 0;
  });
  const ExactFloats exact;
  for (std::size_t chunk = 0; chunk < chunks; ++chunk) {
    if (finite[chunk] == 0) {
      return Error{ErrorCode::bad_input,
                   "an update holds a value that is not finite: refuse it before taking norms"};
    }
    sum.add(std::move(totals[chunk]));
  }
  return sum.total();
}

Result<double> CpuBackend::difference(std::span<const float> a, std::span<const float> b) {
  const std::size_t blocks = tiles_of(a.size(), kBlockSize);
  std::vector<double> squares(blocks);
  parallel_for(threads_, blocks, [&](std::size_t block, int) {
    const std::size_t begin = block * kBlockSize;
    const std::size_t count = std::min<std::size_t>(kBlockSize, a.size() - begin);
    int shift = 0;
    const std::int64_t square =
        kernels_.square_difference(a.data() + begin, b.data() + begin, count, &shift);
    squares[block] = static_cast<double>(square) * power_of_two(-2 * shift);
  });
  const ExactFloats exact;
  TreeSum sum(1);
  for (const double square : squares) sum.add({square});
  return sum.total()[0];
}

}  // namespace

std::unique_ptr<Backend> make_cpu_backend(CpuLevel level, int threads) {
  GRADMINT_CHECK(threads >= 1);
  return std::make_unique<CpuBackend>(level, threads);
}

}  // namespace gradmint::kernels
