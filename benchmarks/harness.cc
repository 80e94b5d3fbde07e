#include "benchmarks/harness.h"

#include <benchmark/benchmark.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <memory>
#include <utility>

#include "kernels/parallel.h"

namespace gradmint::benchmarks {
namespace {

bool failed = false;

double seconds(int threads) {
  timespec now{};
  clock_gettime(threads == 1 ? CLOCK_THREAD_CPUTIME_ID : CLOCK_MONOTONIC, &now);
  return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

// Copies a few updates, each thread its part of each; bytes a second, read plus write.
double copy_rate(int threads, std::size_t round) {
  const std::size_t size = options().size;
  const std::size_t copies = std::min<std::size_t>(3, options().updates);
  const auto parts = static_cast<std::size_t>(threads);
  const double begin = seconds(threads);
  for (std::size_t i = 0; i < copies; ++i) {
    const std::vector<float>& from = updates()[(round * copies + i) % options().updates];
    kernels::parallel_for(threads, parts, [&](std::size_t part, int) {
      const std::size_t first = size * part / parts;
      const std::size_t last = size * (part + 1) / parts;
      std::memcpy(model_out().data() + first, from.data() + first, (last - first) * sizeof(float));
    });
    benchmark::ClobberMemory();
  }
  const double took = seconds(threads) - begin;
  return 2.0 * static_cast<double>(copies * size * sizeof(float)) / took;
}

void fail(benchmark::State& state, const Case& each, const Error& error) {
  failed = true;
  std::fprintf(stderr, "%s: %s\n", each.name.c_str(), error.message.c_str());
  state.SkipWithError(error.message.c_str());
}

void run(benchmark::State& state, const Case& each) {
  const Result<Work> work = each.prepare();
  if (!work.ok()) return fail(state, each, work.error());
  if (const Status warm = (*work)(); !warm.ok()) return fail(state, each, warm.error());
  std::vector<double> times;
  std::vector<double> copies;
  std::vector<double> shares;
  for (auto _ : state) {
    const double copied = copy_rate(each.threads, times.size());
    const double begin = seconds(each.threads);
    const Status ran = (*work)();
    const double took = seconds(each.threads) - begin;
    if (!ran.ok()) return fail(state, each, ran.error());
    state.SetIterationTime(took);
    times.push_back(took);
    copies.push_back(copied);
    shares.push_back(each.bytes / took / copied);
  }
  const double took = median(times);
  state.counters["ms"] = 1e3 * took;
  state.counters["GB/s"] = 1e-9 * each.bytes / took;
  state.counters["memcpy_GB/s"] = 1e-9 * median(copies);
  state.counters["of_memcpy"] = median(shares);
  if (each.coordinates > 0) state.counters["Gcoord/s"] = 1e-9 * each.coordinates / took;
  if (each.multiply_adds > 0) state.counters["GMAC/s"] = 1e-9 * each.multiply_adds / took;
}

struct Data {
  std::vector<std::vector<float>> updates;
  std::vector<kernels::Row> rows;
  std::vector<float> model;
  std::vector<float> model_out;

  Data() : model(options().size, 0.5f), model_out(options().size, 0.0f) {
    std::uint64_t state = 1;
    for (std::size_t i = 0; i < options().updates; ++i) {
      std::vector<float> update(options().size);
      for (float& x : update) {
        state = state * 6364136223846793005ULL + 1442695040888963407ULL;
        x = static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31f;
      }
      updates.push_back(std::move(update));
    }
    for (const auto& update : updates) rows.emplace_back(update);
  }
};

Data& data() {
  static Data once;
  return once;
}

}  // namespace

Options& options() {
  static Options once;
  return once;
}

std::span<const std::vector<float>> updates() { return data().updates; }
const std::vector<kernels::Row>& rows() { return data().rows; }
std::span<const float> model() { return data().model; }
std::span<float> model_out() { return data().model_out; }

void add(Case each) {
  const std::string name = each.name + "/threads:" + std::to_string(each.threads);
  const auto shared = std::make_shared<const Case>(std::move(each));
  benchmark::RegisterBenchmark(name.c_str(),
                               [shared](benchmark::State& state) { run(state, *shared); })
      ->UseManualTime()
      ->Iterations(static_cast<benchmark::IterationCount>(options().rounds))
      ->Unit(benchmark::kMillisecond);
}

double pass_bytes() {
  return static_cast<double>((options().updates + 1) * options().size * sizeof(float));
}

bool any_failed() { return failed; }

}  // namespace gradmint::benchmarks
