// Each tile is written by one thread and depends on nothing but its own coordinates; what is summed
// over tiles is integers.
#include "kernels/combine_cpu.h"

#include <algorithm>
#include <vector>

#include "kernels/parallel.h"
#include "kernels/row_tile.h"
#include "kernels/selection_network.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kMeanTile = 2048;
constexpr std::size_t kLineBytes = 64;
// What one thread takes at a time: whole tiles of any size, enough of them that rows are read on
// where they were asked for ahead (cpu_lanes.h).
constexpr std::size_t kTask = 4096;
static_assert(kTask % kMeanTile == 0 && kTask % kMedianTile == 0);

std::size_t kept_by(const CombinePass& pass) {
  return pass.kind == CombineKind::trimmed_mean ? pass.rows_seen() - 2 * pass.dropped : pass.kept;
}

// How many values before the first row its cache line begins; 0 where a row is encoded, whose tiles
// begin with blocks.
std::size_t values_into_line(Rows rows) {
  if (!std::all_of(rows.begin(), rows.end(), [](const Row& row) { return row.is_plain(); })) {
    return 0;
  }
  return reinterpret_cast<std::uintptr_t>(rows[0].bytes()) % kLineBytes / sizeof(float);
}

// Whether rows are all bf16 or all fp16, seen as they are, and few enough for a network.
bool is_median_of_halves(const CombinePass& pass) {
  if (pass.kind != CombineKind::median || pass.mixing != nullptr) return false;
  if (pass.rows.size() > kLargestNetwork) return false;
  const EncodingKind kind = pass.rows[0].encoding().kind;
  if (kind != EncodingKind::bf16 && kind != EncodingKind::fp16) return false;
  return std::all_of(pass.rows.begin(), pass.rows.end(),
                     [&](const Row& row) { return row.encoding().kind == kind; }) &&
         std::all_of(pass.factors.begin(), pass.factors.end(),
                     [](double factor) { return factor == 1.0; });
}

// A buffer that begins at a cache line.
template <class T>
class LineBuffer {
 public:
  void resize(std::size_t size) { lines_.resize((size * sizeof(T) + kLineBytes - 1) / kLineBytes); }
  T* data() { return reinterpret_cast<T*>(lines_.data()); }
  void clear() { std::fill(lines_.begin(), lines_.end(), Line{}); }

 private:
  struct alignas(kLineBytes) Line {
    std::byte bytes[kLineBytes];
  };
  std::vector<Line> lines_;
};

// One thread's share of the pass: its buffers are reused from tile to tile.
class TileWorker {
 public:
  TileWorker(const CombinePass& pass, const CpuKernels& kernels, std::size_t tile)
      : pass_(pass), kernels_(kernels), outside_(pass.outside.size()) {
    delta_.resize(tile);
    rows_.resize(pass.rows.size());
    for (const Row& row : pass.rows) encoded_.push_back(encoded_row(row));
    if (pass.kind == CombineKind::mean) {
      sums_.resize(tile);
    } else {
      lower_.resize(tile);
      upper_.resize(tile);
      keys_.resize(16 * pass.rows.size());
      if (pass.mixing != nullptr) {
        sums_.resize(tile);
        left_out_.resize(tile);
        for (const double factor : pass.factors) mixing_factors_.push_back(factor * pass.unit);
      }
      halves_ = is_median_of_halves(pass);
      kept_ = {pass.dropped, kept_by(pass), pass.unit, pass.finish};
    }
  }

  void run(std::size_t begin, std::size_t count) {
    if (pass_.kind == CombineKind::mean) {
      mean(begin, count);
    } else {
      if (halves_) {
        median_of_halves(begin, count);
      } else {
        read_rows(begin, count);
        order_statistic(count);
      }
    }
    step(begin, count);
  }

  const CombineReport& report() const { return report_; }
  const std::vector<std::uint64_t>& outside() const { return outside_; }

 private:
  void mean(std::size_t begin, std::size_t count);
  void read_rows(std::size_t begin, std::size_t count);
  void mix(std::size_t count);
  void scale(std::size_t count);
  void order_statistic(std::size_t count);
  void median_of_halves(std::size_t begin, std::size_t count);
  void saw(std::int32_t largest) {
    report_.largest_input = std::max(report_.largest_input, largest);
  }
  void step(std::size_t begin, std::size_t count);

  const CombinePass& pass_;
  const CpuKernels& kernels_;
  bool halves_ = false;  // median_of_halves will do
  std::vector<EncodedRow> encoded_;
  std::vector<const float*> rows_;
  LineBuffer<float> delta_;
  std::vector<std::uint64_t> outside_;
  LineBuffer<std::uint64_t> sums_;
  LineBuffer<float> lower_;
  LineBuffer<float> upper_;
  LineBuffer<std::int32_t> keys_;
  LineBuffer<float> decoded_;  // the rows of a tile that are encoded
  LineBuffer<float> seen_;     // the rows of a tile after scaling or mixing
  LineBuffer<std::uint64_t> left_out_;
  std::vector<double> mixing_factors_;
  KeptRule kept_;
  CombineReport report_;
};

// Neighbouring rows of one encoding are accumulated together, straight from their bytes.
void TileWorker::mean(std::size_t begin, std::size_t count) {
  sums_.clear();
  const double* factors = pass_.factors.data();
  for (std::size_t i = 0; i < rows_.size();) {
    std::size_t end = i + 1;
    while (end < rows_.size() && encoded_[end].kind == encoded_[i].kind) ++end;
    if (pass_.rows[i].is_plain()) {
      for (std::size_t r = i; r < end; ++r) rows_[r] = pass_.rows[r].values() + begin;
      saw(kernels_.accumulate(rows_.data() + i, factors + i, end - i, count, sums_.data()));
    } else {
      saw(kernels_.decoders->accumulate(encoded_.data() + i, factors + i, end - i, begin, count,
                                        report_.largest_input, sums_.data()));
    }
    i = end;
  }
  kernels_.finish(sums_.data(), count, pass_.finish, delta_.data());
}

// The tile's values, decoded where they have to be.
void TileWorker::read_rows(std::size_t begin, std::size_t count) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    float* room = nullptr;  // where the row is decoded, if it has to be
    if (!pass_.rows[i].is_plain()) {
      decoded_.resize(rows_.size() * kMedianTile);
      room = decoded_.data() + i * kMedianTile;
    }
    rows_[i] = tile(kernels_, pass_.rows[i], begin, count, room);
  }
}

// Row i becomes the exact sum of all rows, less that of the few it leaves out, as a mean.
void TileWorker::mix(std::size_t count) {
  const std::size_t mixed = pass_.rows_seen();
  seen_.resize(mixed * kMedianTile);
  sums_.clear();
  saw(kernels_.accumulate(rows_.data(), mixing_factors_.data(), rows_.size(), count, sums_.data()));
  for (std::size_t i = 0; i < mixed; ++i) {
    left_out_.clear();
    for (const std::uint32_t j : pass_.mixing->excluded[i]) {
      kernels_.accumulate(&rows_[j], &mixing_factors_[j], 1, count, left_out_.data());
    }
    kernels_.finish_rest(sums_.data(), left_out_.data(), count, pass_.mixing->finish,
                         seen_.data() + i * kMedianTile);
  }
  for (std::size_t i = 0; i < mixed; ++i) rows_[i] = seen_.data() + i * kMedianTile;
}

void TileWorker::scale(std::size_t count) {
  for (std::size_t i = 0; i < rows_.size(); ++i) {
    if (pass_.factors[i] == 1.0) continue;
    seen_.resize(rows_.size() * kMedianTile);
    float* scaled = seen_.data() + i * kMedianTile;
    saw(kernels_.scale(rows_[i], pass_.factors[i], count, scaled));
    rows_[i] = scaled;
  }
}

void TileWorker::order_statistic(std::size_t count) {
  if (pass_.mixing != nullptr) {
    mix(count);
  } else {
    scale(count);
  }
  const float* const* rows = rows_.data();
  const std::size_t n = pass_.rows_seen();
  float* lower = lower_.data();
  float* upper = upper_.data();
  if (pass_.kind == CombineKind::median) {
    // Its padding counts as the largest finite value, and mixed rows were seen before.
    const std::int32_t largest = kernels_.middle(rows, n, count, lower, upper, keys_.data());
    if (pass_.mixing == nullptr) saw(largest);
    kernels_.middle_mean(lower, upper, count, delta_.data());
  } else {
    const auto rule = pass_.kind == CombineKind::trimmed_mean ? kernels_.trimmed_mean
                                                              : kernels_.nearest_to_median;
    saw(rule(rows, n, count, kept_, lower, upper, delta_.data(), keys_.data()));
  }
  for (std::size_t i = 0; i < outside_.size(); ++i) {
    outside_[i] += kernels_.count_outside(rows[i], lower, upper, count);
  }
}

void TileWorker::median_of_halves(std::size_t begin, std::size_t count) {
  const CpuDecoders& decoders = *kernels_.decoders;
  float* lower = lower_.data();
  float* upper = upper_.data();
  saw(decoders.middle(encoded_.data(), encoded_.size(), begin, count, lower, upper));
  kernels_.middle_mean(lower, upper, count, delta_.data());
  for (std::size_t i = 0; i < outside_.size(); ++i) {
    outside_[i] += decoders.count_outside(encoded_[i], begin, count, lower, upper);
  }
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
  // Tiles begin at the cache lines of the first row (most often those of all rows), so all but the
  // first are whole lines.
  const std::size_t size = pass.model.size();
  const std::size_t shift = values_into_line(pass.rows);
  parallel_for(threads, (size + shift + kTask - 1) / kTask, [&](std::size_t task, int worker) {
    for (std::size_t place = task * kTask; place < (task + 1) * kTask; place += tile) {
      const std::size_t begin = std::max(place, shift) - shift;
      const std::size_t end = std::min(place + tile - shift, size);
      if (begin < end) workers[static_cast<std::size_t>(worker)].run(begin, end - begin);
    }
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
