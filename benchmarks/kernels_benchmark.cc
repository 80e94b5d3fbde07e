// CPU kernels beside memcpy, in one run: GB/s, and the share of the memcpy (read plus write) that
// the same number of threads reached here. Bytes are the least that must move: (n + 1) * 4 * D for
// one pass over n updates.
//
// One thread is timed by its processor time, which a busy machine disturbs less; several by the
// wall clock.
//
//   kernels_benchmark --benchmark_filter=mean
#include <benchmark/benchmark.h>
#include <time.h>

#include <cstring>
#include <map>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "kernels/blocks_rule.h"
#include "kernels/dots.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"

namespace {

using namespace gradmint;
using kernels::CombineKind;

constexpr std::size_t kUpdates = 16;
constexpr std::size_t kSize = 10'000'000;
constexpr std::size_t kGramSize = 1'000'000;

struct Data {
  std::vector<std::vector<float>> updates;
  std::vector<kernels::Row> rows;
  std::vector<double> factors;
  std::vector<float> model;
  std::vector<float> model_out;

  Data() : model(kSize, 0.5f), model_out(kSize, 0.0f) {
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < kUpdates; ++i) {
      std::vector<float> update(kSize);
      for (float& x : update) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        x = static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31f;
      }
      updates.push_back(std::move(update));
      factors.push_back(kernels::power_of_two(kernels::choose_shift(0, 1)));
    }
    for (const auto& update : updates) rows.emplace_back(update);
  }
};

Data& data() {
  static Data once;
  return once;
}

double seconds(int threads) {
  timespec now{};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

// Copies all the updates, tile by tile, and says how many bytes a second were read and written.
double memcpy_rate(int threads) {
  static std::map<int, double> measured;
  if (const auto known = measured.find(threads); known != measured.end()) return known->second;
  constexpr std::size_t kTile = 1 << 18;
  const std::size_t tiles = kSize / kTile;
  double best = 0;
  for (int round = 0; round < 7; ++round) {
    const double begin = seconds(threads);
    for (std::size_t i = 0; i < kUpdates; ++i) {
      kernels::parallel_for(threads, tiles, [&](std::size_t tile, int) {
        std::memcpy(data().model_out.data() + tile * kTile, data().updates[i].data() + tile * kTile,
                    kTile * sizeof(float));
      });
    }
    const double took = seconds(threads) - begin;
    const double bytes = 2.0 * static_cast<double>(kUpdates * tiles * kTile * sizeof(float));
    best = std::max(best, bytes / took);
  }
  return measured[threads] = best;
}

// Runs `work` as often as the benchmark asks, and reports the rate at which `bytes` moved.
template <class Work>
void run(benchmark::State& state, double bytes, int threads, Work work) {
  const double rate = memcpy_rate(threads);
  const double begin = seconds(threads);
  for (auto _ : state) {
    if (!work()) state.SkipWithError("the kernel returned an error");
  }
  const double took = seconds(threads) - begin;
  const double reached = bytes * static_cast<double>(state.iterations()) / took;
  state.counters["GB/s"] = reached * 1e-9;
  state.counters["of_memcpy"] = reached / rate;
}

void memcpy_itself(benchmark::State& state, int threads) {
  for (auto _ : state) benchmark::DoNotOptimize(memcpy_rate(threads));
  state.counters["GB/s"] = memcpy_rate(threads) * 1e-9;
}

void combine(benchmark::State& state, CombineKind kind, kernels::CpuLevel level, int threads) {
  const auto backend = kernels::make_cpu_backend(level, threads);
  const std::vector<double> ones(kUpdates, 1.0);
  kernels::CombinePass pass;
  pass.kind = kind;
  pass.rows = data().rows;
  pass.factors = kind == CombineKind::median ? ones : data().factors;
  pass.finish.bias = kernels::kRoundingBiasBits * kUpdates;
  pass.finish.total_weight = static_cast<double>(kUpdates);
  pass.finish.unscale = 1.0 / data().factors[0];
  pass.model = data().model;
  pass.model_out = data().model_out;
  run(state, static_cast<double>((kUpdates + 1) * sizeof(float) * kSize), threads,
      [&] { return backend->combine(pass).ok(); });
}

void gram(benchmark::State& state, kernels::CpuLevel level, int threads) {
  const auto backend = kernels::make_cpu_backend(level, threads);
  std::vector<kernels::Row> rows;
  for (const kernels::Row& row : data().rows) {
    rows.emplace_back(std::span<const float>(row.values(), kGramSize));
  }
  run(state, static_cast<double>(kUpdates * sizeof(float) * kGramSize), threads,
      [&] { return kernels::gram_matrix(rows, *backend).ok(); });
}

void add_all() {
  for (const int threads : {1, 2}) {
    const std::string suffix = "/threads:" + std::to_string(threads);
    const auto add = [&](const std::string& name, auto function) {
      benchmark::RegisterBenchmark((name + suffix).c_str(), function)
          ->UseRealTime()
          ->Unit(benchmark::kMillisecond);
    };
    add("memcpy", [threads](benchmark::State& state) { memcpy_itself(state, threads); });
    for (const kernels::CpuLevel level : kernels::supported_cpu_levels()) {
      const std::string name = "/" + std::string(kernels::name_of(level));
      add("mean" + name,
          [=](benchmark::State& state) { combine(state, CombineKind::mean, level, threads); });
      add("median" + name,
          [=](benchmark::State& state) { combine(state, CombineKind::median, level, threads); });
      add("gram" + name, [=](benchmark::State& state) { gram(state, level, threads); });
    }
  }
}

}  // namespace

int main(int count, char** arguments) {
  benchmark::Initialize(&count, arguments);
  if (benchmark::ReportUnrecognizedArguments(count, arguments)) return 2;
  add_all();
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
