// The CPU kernels beside memcpy, in one run (harness.h): every pass, every registered rule, every
// encoding and hash, per CPU level and number of threads.
//
//   pass/...       one pass of the backend over updates in memory, into memory that is there
//   gram, norms    exact dot products of all pairs, or of each update with itself
//   encoding/...   encoders, intake's check, and passes that decode as they read
//   aggregate/...  the whole aggregate(), as coordinator and auditor call it: checks, N x N work
//   and
//                  a new model included; pre/... and optimizer/... the same with those parts
//
// Bytes are the least that one pass over the updates must move, (n + 1) * 4 * D, whatever the rule
// does: a rule of two passes reaches half of memcpy at best.
//
//   kernels_benchmark [--updates=16] [--size=10000000] [--rounds=7] [--threads=1,2] [--quick]
//                     [--benchmark_filter=REGEX] [--benchmark_out=FILE.json]
//
// --quick: small updates, one round; exit status 1 where a case fails, as without it.
#include <benchmark/benchmark.h>

#include <charconv>
#include <cstdio>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

#include "benchmarks/cases.h"
#include "benchmarks/harness.h"
#include "benchmarks/sample_specs.h"
#include "kernels/aggregate.h"
#include "kernels/blocks_rule.h"
#include "kernels/dots.h"
#include "kernels/fixed_point.h"

namespace {

using namespace gradmint;
using benchmarks::Case;
using benchmarks::options;
using benchmarks::Work;
using kernels::CombineKind;

struct PassKind {
  const char* label;
  CombineKind kind;
  const char* needs;  // the aggregator that brings it
  std::size_t dropped;
};

constexpr PassKind kPasses[] = {
    {"mean", CombineKind::mean, "mean", 0},
    {"median", CombineKind::median, "median", 0},
    {"trimmed_mean", CombineKind::trimmed_mean, "trimmed_mean", 3},
    {"nearest_to_median", CombineKind::nearest_to_median, "bulyan", 0},
};

Result<Work> prepare_pass(const PassKind& kind, kernels::CpuLevel level, int threads) {
  const std::size_t n = options().updates;
  const int shift = kernels::choose_shift(benchmarks::kRoundExponent, 1);
  const double unit = kernels::power_of_two(shift);
  const std::size_t dropped = std::min(kind.dropped, (n - 1) / 2);
  const std::size_t kept = n - 2 * dropped;
  const bool is_mean = kind.kind == CombineKind::mean;
  const std::shared_ptr<kernels::Backend> backend = kernels::make_cpu_backend(level, threads);
  const std::vector<double> factors(n, is_mean ? unit : 1.0);
  return Work([=]() -> Status {
    kernels::CombinePass pass;
    pass.kind = kind.kind;
    pass.rows = benchmarks::rows();
    pass.factors = factors;
    pass.dropped = dropped;
    pass.kept = kept;
    pass.unit = unit;
    pass.finish.bias = kernels::kRoundingBiasBits * kept;
    pass.finish.total_weight = static_cast<double>(kept);
    pass.finish.unscale = kernels::power_of_two(-shift);
    pass.model = benchmarks::model();
    pass.model_out = benchmarks::model_out();
    const auto report = backend->combine(pass);
    return report.ok() ? Status{} : Status{report.error()};
  });
}

Result<Work> prepare_dots(bool diagonal_only, kernels::CpuLevel level, int threads) {
  const std::shared_ptr<kernels::Backend> backend = kernels::make_cpu_backend(level, threads);
  return Work([=]() -> Status {
    const auto dots = backend->dots(benchmarks::rows(), diagonal_only);
    return dots.ok() ? Status{} : Status{dots.error()};
  });
}

Result<Work> prepare_aggregate(const kernels::AggregateSpec& spec, kernels::CpuLevel level,
                               int threads) {
  const std::shared_ptr<kernels::Backend> backend = kernels::make_cpu_backend(level, threads);
  const auto state = std::make_shared<std::vector<float>>(
      options().size * kernels::optimizer_state_per_value(spec.optimizer.name), 0.0f);
  kernels::AggregateInput input;
  input.updates = benchmarks::rows();
  input.weights.assign(options().updates, 1);
  input.round_exponent = benchmarks::kRoundExponent;
  input.shift = kernels::choose_shift(benchmarks::kRoundExponent, 1);
  input.model = benchmarks::model();
  input.optimizer_state = *state;
  return Work([spec, backend, state, input]() -> Status {
    const auto output = kernels::aggregate(spec, input, *backend);
    return output.ok() ? Status{} : Status{output.error()};
  });
}

void add_passes(kernels::CpuLevel level, int threads) {
  const std::string suffix = "/" + std::string(kernels::name_of(level));
  const double n = static_cast<double>(options().updates);
  const double values = n * static_cast<double>(options().size);
  for (const PassKind& kind : kPasses) {
    if (!benchmarks::has_aggregator(kind.needs)) continue;
    benchmarks::add({"pass/" + std::string(kind.label) + suffix, threads, benchmarks::pass_bytes(),
                     values, 0, [=] { return prepare_pass(kind, level, threads); }});
  }
  benchmarks::add({"gram" + suffix, threads, 4 * values, 0, values * (n + 1) / 2,
                   [=] { return prepare_dots(false, level, threads); }});
  benchmarks::add({"norms" + suffix, threads, 4 * values, 0, 0,
                   [=] { return prepare_dots(true, level, threads); }});
}

void add_rules(kernels::CpuLevel level, int threads) {
  for (const auto& sample : benchmarks::sample_specs(options().updates, options().size)) {
    benchmarks::add({sample.label + "/" + std::string(kernels::name_of(level)), threads,
                     benchmarks::pass_bytes(), 0, 0,
                     [=] { return prepare_aggregate(sample.spec, level, threads); }});
  }
}

[[noreturn]] void usage(const char* argument) {
  std::fprintf(stderr,
               "kernels_benchmark: bad argument '%s': usage: kernels_benchmark [--updates=N] "
               "[--size=D] [--rounds=R] [--threads=1,2] [--quick] [--benchmark_...]\n",
               argument);
  std::exit(2);
}

std::size_t number(std::string_view text, const char* argument) {
  std::size_t value = 0;
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size() || value == 0) {
    usage(argument);
  }
  return value;
}

std::vector<int> numbers(std::string_view text, const char* argument) {
  std::vector<int> values;
  while (!text.empty()) {
    const std::size_t comma = std::min(text.find(','), text.size());
    values.push_back(static_cast<int>(number(text.substr(0, comma), argument)));
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  if (values.empty()) usage(argument);
  return values;
}

// Takes our own arguments out; returns how many are left for Google Benchmark.
int take_options(int count, char** arguments) {
  int left = 1;
  for (int i = 1; i < count; ++i) {
    const std::string_view argument = arguments[i];
    const auto value_of = [&](std::string_view name) {
      return argument.substr(0, name.size()) == name ? argument.substr(name.size())
                                                     : std::string_view();
    };
    if (argument == "--quick") {
      options().size = 4096 + 5;
      options().rounds = 1;
    } else if (const auto n = value_of("--updates="); !n.empty()) {
      options().updates = number(n, arguments[i]);
    } else if (const auto size = value_of("--size="); !size.empty()) {
      options().size = number(size, arguments[i]);
    } else if (const auto rounds = value_of("--rounds="); !rounds.empty()) {
      options().rounds = number(rounds, arguments[i]);
    } else if (const auto threads = value_of("--threads="); !threads.empty()) {
      options().threads = numbers(threads, arguments[i]);
    } else {
      arguments[left++] = arguments[i];
    }
  }
  return left;
}

}  // namespace

int main(int count, char** arguments) {
  int left = take_options(count, arguments);
  benchmark::Initialize(&left, arguments);
  if (benchmark::ReportUnrecognizedArguments(left, arguments)) return 2;
  benchmark::AddCustomContext("updates", std::to_string(options().updates));
  benchmark::AddCustomContext("size", std::to_string(options().size));
  for (const int threads : options().threads) {
    for (const kernels::CpuLevel level : kernels::supported_cpu_levels()) {
      add_passes(level, threads);
      add_rules(level, threads);
    }
#ifdef GRADMINT_BENCHMARK_HASHES
    benchmarks::add_hashes(threads);
#endif
  }
  benchmarks::add_encodings();
  const std::size_t ran = benchmark::RunSpecifiedBenchmarks();
  if (ran == 0) std::fprintf(stderr, "kernels_benchmark: no case matches the filter\n");
  return ran == 0 || benchmarks::any_failed() ? 1 : 0;
}
