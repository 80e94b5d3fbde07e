#include <chrono>

#include "benchmarks/cuda_measure.h"
#include "benchmarks/sample_specs.h"
#include "kernels/aggregate.h"
#include "kernels/cuda_backend.h"
#include "kernels/fixed_point.h"

namespace gradmint::benchmarks {
namespace {

constexpr int kRounds = 3;

std::vector<std::vector<float>> host_updates(std::size_t n, std::size_t size) {
  std::vector<std::vector<float>> updates;
  std::uint64_t state = 1;
  for (std::size_t i = 0; i < n; ++i) {
    std::vector<float> update(size);
    for (float& x : update) {
      state = state * 6364136223846793005ULL + 1442695040888963407ULL;
      x = static_cast<float>(static_cast<std::int32_t>(state >> 32)) * 0x1p-31f;
    }
    updates.push_back(std::move(update));
  }
  return updates;
}

void check(const Error& error, const std::string& label) {
  std::fprintf(stderr, "kernels_cuda_benchmark: %s: %s\n", label.c_str(), error.message.c_str());
  std::exit(1);
}

}  // namespace

std::vector<GpuRow> from_host_rows(std::size_t n, std::size_t size) {
  kernels::register_cuda_backend();
  const auto backend = kernels::open_backend("cuda:0", 1);
  if (!backend.ok()) check(backend.error(), "opening the GPU");
  const auto updates = host_updates(n, size);
  const std::vector<float> model(size, 0.5f);
  kernels::AggregateInput input;
  for (const auto& update : updates) input.updates.emplace_back(update);
  input.weights.assign(n, 1);
  input.shift = kernels::choose_shift(input.round_exponent, 1);
  input.model = model;
  std::vector<GpuRow> rows;
  for (const SampleSpec& sample : sample_specs(n, size)) {
    const std::vector<float> state(
        size * kernels::optimizer_state_per_value(sample.spec.optimizer.name), 0.0f);
    input.optimizer_state = state;
    std::vector<double> times;
    for (int round = 0; round <= kRounds; ++round) {
      const auto begin = std::chrono::steady_clock::now();
      const auto output = kernels::aggregate(sample.spec, input, **backend);
      const std::chrono::duration<double, std::milli> took =
          std::chrono::steady_clock::now() - begin;
      if (!output.ok()) check(output.error(), sample.label);
      if (round > 0) times.push_back(took.count());
    }
    std::sort(times.begin(), times.end());
    rows.push_back({"from host: " + sample.label, static_cast<int>(n), size,
                    times[times.size() / 2], 4.0 * static_cast<double>((n + 2) * size), false});
  }
  return rows;
}

}  // namespace gradmint::benchmarks
