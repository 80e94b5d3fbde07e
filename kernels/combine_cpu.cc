// Each tile is written by one thread and depends on nothing but its own coordinates; what is summed
// over tiles is integers.
#include "kernels/combine_cpu.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kMeanTile = 2048;

// One thread's share of the pass: its buffers are reused from tile to tile.
class TileWorker {
 public:
  TileWorker(const CombinePass& pass, const CpuKernels& kernels, std::size_t tile)
      : pass_(pass), kernels_(kernels), delta_(tile), outside_(pass.outside.size()) {
    rows_.resize(pass.rows.size());
    if (pass.kind == CombineKind::mean) {
      sums_.resize(tile);
    } else {
      lower_.resize(tile);
      upper_.resize(tile);
      keys_.resize(16 * pass.rows.size());
    }
  }

  void run(std::size_t begin, std::size_t count) {
    for (std::size_t i = 0; i < rows_.size(); ++i) rows_[i] = pass_.rows[i].values() + begin;
    if (pass_.kind == CombineKind::mean) {
      mean(count);
    } else {
      median(count);
    }
    step(begin, count);
  }

  const CombineReport& report() const { return report_; }
  const std::vector<std::uint64_t>& outside() const { return outside_; }

 private:
  void mean(std::size_t count);
  void median(std::size_t count);
  void step(std::size_t begin, std::size_t count);

  const CombinePass& pass_;
  const CpuKernels& kernels_;
  std::vector<const float*> rows_;
  std::vector<float> delta_;
  std::vector<std::uint64_t> outside_;
  std::vector<std::uint64_t> sums_;
  std::vector<float> lower_;
  std::vector<float> upper_;
  std::vector<std::int32_t> keys_;
  std::vector<float> scaled_;
  CombineReport report_;
};

void TileWorker::mean(std::size_t count) {
  std::fill(sums_.begin(), sums_.end(), 0);
  const std::int32_t largest =
      kernels_.accumulate(rows_.data(), pass_.factors.data(), rows_.size(), count, sums_.data());
  report_.largest_input = std::max(report_.largest_input, largest);
  kernels_.finish(sums_.data(), count, pass_.finish, delta_.data());
}

void TileWorker::median(std::size_t count) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (pass_.factors[i] == 1.0) continue;
    scaled_.resize(rows_.size() * kMedianTile);
    float* scaled = scaled_.data() + i * kMedianTile;
    kernels_.scale(rows_[i], pass_.factors[i], count, scaled);
    rows_[i] = scaled;
  }
  const std::int32_t largest = kernels_.middle(rows_.data(), rows_.size(), count, lower_.data(),
                                               upper_.data(), keys_.data());
  report_.largest_input = std::max(report_.largest_input, largest);
  for (std::size_t i = 0; i < outside_.size(); ++i) {
    outside_[i] += kernels_.count_outside(rows_[i], lower_.data(), upper_.data(), count);
  }
  kernels_.middle_mean(lower_.data(), upper_.data(), count, delta_.data());
}

void TileWorker::step(std::size_t begin, std::size_t count) {
  const int moments = moments_of(pass_.step.kind);
  StepTile tile{count, delta_.data(), pass_.model.data() + begin};
  tile.model_out = pass_.model_out.data() + begin;
  if (moments >= 1) {
    tile.first = pass_.state.data() + begin;
    tile.first_out = pass_.state_out.data() + begin;
  }
  if (moments == 2) {
    tile.second = tile.first + pass_.model.size();
    tile.second_out = tile.first_out + pass_.model.size();
  }
  const std::int32_t largest = kernels_.step(pass_.step, tile);
  report_.largest_output = std::max(report_.largest_output, largest);
  if (!pass_.delta_out.empty()) std::copy_n(delta_.data(), count, pass_.delta_out.data() + begin);
}

}  // namespace

CombineReport combine_on_cpu(const CombinePass& pass, const CpuKernels& kernels, int threads) {
  const std::size_t tile = pass.kind == CombineKind::mean ? kMeanTile : kMedianTile;
  std::vector<TileWorker> workers(static_cast<std::size_t>(threads),
                                  TileWorker(pass, kernels, tile));
  const std::size_t tiles = (pass.model.size() + tile - 1) / tile;
  parallel_for(threads, tiles, [&](std::size_t task, int worker) {
    const std::size_t begin = task * tile;
    workers[static_cast<std::size_t>(worker)].run(begin, std::min(tile, pass.model.size() - begin));
  });
  CombineReport report;
  for (const TileWorker& worker : workers) {
    report.largest_input = std::max(report.largest_input, worker.report().largest_input);
    report.largest_output = std::max(report.largest_output, worker.report().largest_output);
    for (std::size_t i = 0; i < pass.outside.size(); ++i) pass.outside[i] += worker.outside()[i];
  }
  return report;
}

}  // namespace gradmint::kernels
