// What every CPU benchmark here shares: the updates, the clock, and a memcpy measured between the
// runs of the kernel, so that a busy machine slows both. Each case reports medians over its rounds:
// ms, GB/s, the memcpy's GB/s (read plus write, by as many threads), and the median of the shares.
//
// One thread is timed by its processor time, which a busy machine disturbs less; several by the
// wall clock.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/encoding.h"

namespace gradmint::benchmarks {

struct Options {
  std::size_t updates = 16;
  std::size_t size = 10'000'000;  // coordinates of an update
  std::size_t rounds = 7;
  std::vector<int> threads = {1, 2};
};

// The options of this run; set once by main, before anything is registered.
Options& options();

// The updates, made at the first call: options().updates of options().size values in [-1, 1).
std::span<const std::vector<float>> updates();
const std::vector<kernels::Row>& rows();
inline constexpr int kRoundExponent = 0;  // of those values

// A model as long as an update, and room for the next one.
std::span<const float> model();
std::span<float> model_out();

using Work = std::function<Status()>;

struct Case {
  std::string name;  // "/threads:T" is added
  int threads = 1;
  double bytes = 0;          // that one run must move at least
  double coordinates = 0;    // reported as Gcoord/s where above 0
  double multiply_adds = 0;  // reported as GMAC/s where above 0
  std::function<Result<Work>()> prepare;
};

// Registers the case with Google Benchmark. A run that returns an Error fails the program.
void add(Case each);

// (n + 1) * 4 * D: what one pass over the updates must move.
double pass_bytes();

// Whether any case failed.
bool any_failed();

}  // namespace gradmint::benchmarks
