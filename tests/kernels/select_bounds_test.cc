// The rules over pairs of updates against float64 mathematics, to the bounds their headers publish,
// and under updates made to break them.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "kernels/aggregate.h"
#include "kernels/distances.h"
#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/float64.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;
using kernels::NamedRule;
using kernels::Parameter;

namespace {

// Paper convention.
Vector exact_krum_scores(const Updates& updates, std::size_t f) {
  Vector scores;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    Vector others;
    for (std::size_t j = 0; j < updates.size(); ++j) {
      if (j != i) others.push_back(std::pow(distance(updates[i], updates[j]), 2));
    }
    std::sort(others.begin(), others.end());
    others.resize(updates.size() - f - 2);
    scores.push_back(std::accumulate(others.begin(), others.end(), 0.0));
  }
  return scores;
}

std::size_t place_of_least(const Vector& values) {
  return static_cast<std::size_t>(std::min_element(values.begin(), values.end()) - values.begin());
}

kernels::AggregateOutput run(const AggregateSpec& spec, const Updates& updates,
                             kernels::Backend& backend) {
  Sample sample;
  sample.updates = updates;
  prepare(sample, spec, 1);
  std::vector<int> exponents;
  for (const auto& update : updates) exponents.push_back(kernels::exponent_of_largest(update));
  sample.input.round_exponent = kernels::choose_round_exponent(exponents);
  sample.input.weights.assign(updates.size(), 1);
  sample.input.shift = kernels::choose_shift(sample.input.round_exponent, 1);
  auto got = kernels::aggregate(spec, sample.input, backend);
  if (!got.ok()) FAIL(got.error().message);
  return *got;
}

AggregateSpec spec_of(const char* name, std::vector<Parameter> parameters) {
  return {{}, {name, parameters}, {"plain", {}}};
}

Vector exact_mean(const Updates& updates, const Vector& weights) {
  Vector mean(updates[0].size(), 0.0);
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  for (std::size_t i = 0; i < updates.size(); ++i) {
    for (std::size_t c = 0; c < mean.size(); ++c) {
      mean[c] += static_cast<double>(updates[i][c]) * weights[i] / total;
    }
  }
  return mean;
}

Vector exact_geometric_median(const Updates& updates, double nu, int steps) {
  Vector v(updates[0].size(), 0.0);
  Vector norms;
  for (const auto& update : updates) norms.push_back(distance(v, update));
  std::sort(norms.begin(), norms.end());
  nu *= norms[(norms.size() - 1) / 2];
  for (int step = 0; step < steps; ++step) {
    Vector weights;
    for (const auto& update : updates) weights.push_back(1 / std::max(nu, distance(v, update)));
    v = exact_mean(updates, weights);
  }
  return v;
}

Vector exact_centered_clipping(const Updates& updates, double tau, int steps) {
  Vector v(updates[0].size(), 0.0);
  for (int step = 0; step < steps; ++step) {
    Vector moved = v;
    for (const auto& update : updates) {
      const double pull = std::min(1.0, tau / distance(v, update));
      for (std::size_t c = 0; c < v.size(); ++c) {
        moved[c] +=
            (static_cast<double>(update[c]) - v[c]) * pull / static_cast<double>(updates.size());
      }
    }
    v = moved;
  }
  return v;
}

double middle_distance(const Vector& v, const Updates& updates) {
  Vector distances;
  for (const auto& update : updates) distances.push_back(distance(v, update));
  std::sort(distances.begin(), distances.end());
  return distances[(distances.size() - 1) / 2];
}

double farthest(const Vector& v, const Updates& updates) {
  double largest = 0;
  for (const auto& update : updates) largest = std::max(largest, distance(v, update));
  return largest;
}

}  // namespace

TEST_CASE("distances are float64 mathematics to the published bound") {
  Updates updates = honest(6, 13000, 3);
  updates[1] = updates[0];  // so close that differences decide
  for (std::size_t c = 0; c < updates[1].size(); c += 7) updates[1][c] *= 1.00001f;
  for (float& x : updates[5]) x *= 1e30f;
  const Vector factors = {1.0, 1.0, 0.25, 1.0, 0.7, 1e-30};
  const std::vector<kernels::Row> rows(updates.begin(), updates.end());
  Updates scaled = updates;
  for (std::size_t i = 0; i < 6; ++i) {
    for (float& x : scaled[i]) x = static_cast<float>(static_cast<double>(x) * factors[i]);
  }
  for (const auto& backend : backends()) {
    const auto gram = kernels::gram_matrix(rows, *backend).value();
    const auto points = kernels::points_of(gram, rows, factors, std::nullopt, *backend).value();
    for (std::size_t i = 0; i < 6; ++i) {
      for (std::size_t j = 0; j < i; ++j) {
        CAPTURE(i);
        CAPTURE(j);
        const double exact = distance(scaled[i], scaled[j]);
        std::vector<float> apart = scaled[i];
        for (std::size_t c = 0; c < apart.size(); ++c) apart[c] -= scaled[j][c];
        const bool close = i == 1 && j == 0;
        const double bound =
            close ? quantisation_bound(apart)
                  : quantisation_bound(scaled[i]) + quantisation_bound(scaled[j]) + 1e-6 * exact;
        CHECK(std::fabs(std::sqrt(points.at(i, j)) - exact) <= bound);
      }
    }
  }
}

TEST_CASE("Krum chooses what float64 chooses") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    Updates updates = honest(11, 5000, seed);
    Sequence sequence(seed);
    SUBCASE("as they are") {}
    SUBCASE("a few shared coordinates 1e4 sigma out") {
      for (int k = 0; k < 5; ++k) {
        const std::size_t c = sequence.below(5000);
        for (auto& update : updates) update[c] += 1e4f;
      }
    }
    SUBCASE("one update at 1e30") {
      for (float& x : updates[4]) x = 1e30f * noise(sequence);
    }
    SUBCASE("three that agree on a lie") {
      for (std::size_t i = 8; i < 11; ++i) {
        for (float& x : updates[i]) x = -3.0f + 0.01f * noise(sequence);
      }
    }
    const Vector exact = exact_krum_scores(updates, 3);
    for (const auto& backend : backends()) {
      const auto got = run(spec_of("krum", {{"f", 3}}), updates, *backend);
      CHECK(place_of_least(got.scores) == place_of_least(exact));
      CHECK(got.selected[place_of_least(exact)] == 1);
      CHECK(std::count(got.selected.begin(), got.selected.end(), 1) == 1);
    }
  }
}

TEST_CASE("iterations are float64 mathematics to the published bound") {
  for (std::uint64_t seed = 1; seed <= 4; ++seed) {
    Updates updates = honest(12, 5000, seed);
    for (float& x : updates[seed]) x *= 300.0f;
    const Vector median = exact_geometric_median(updates, 1e-6, 8);
    const Vector clipped = exact_centered_clipping(updates, 60.0, 3);
    for (const auto& backend : backends()) {
      const auto got = run(spec_of("geometric_median", {}), updates, *backend);
      CHECK(distance(median, got.delta) <= 1e-5 * middle_distance(median, updates));
      const auto moved =
          run(spec_of("centered_clipping", {{"tau", 60}, {"steps", 3}}), updates, *backend);
      CHECK(distance(clipped, moved.delta) <= 1e-5 * middle_distance(clipped, updates));
    }
  }
}

TEST_CASE("one update at 1e30 does not move the rules that resist it") {
  Updates updates = honest(12, 300, 7);
  Updates others = updates;
  others.erase(others.begin() + 5);
  const Vector middle = exact_mean(others, Vector(11, 1.0));
  const double radius = farthest(middle, others);
  Sequence sequence(9);
  for (float& x : updates[5]) x = 1e30f * noise(sequence);
  const AggregateSpec resisting[] = {
      spec_of("krum", {{"f", 2}}),
      spec_of("multi_krum", {{"f", 2}}),
      spec_of("bulyan", {{"f", 2}}),
      spec_of("geometric_median", {}),
      spec_of("centered_clipping", {{"tau", 30}, {"steps", 3}}),
      spec_of("mda", {{"f", 2}}),
      spec_of("median", {}),
      {{{"arc", {{"f", 2}}}}, {"krum", {{"f", 2}}}, {"plain", {}}},
      {{{"nnm", {{"f", 2}}}}, {"krum", {{"f", 2}}}, {"plain", {}}},
      {{{"nnm", {{"f", 2}}}}, {"multi_krum", {{"f", 2}, {"m", 6}}}, {"plain", {}}},
  };
  for (const auto& backend : backends()) {
    for (const AggregateSpec& spec : resisting) {
      CAPTURE(spec.aggregator.name);
      const auto got = run(spec, updates, *backend);
      CHECK(distance(middle, got.delta) <= 1.5 * radius);
      if (spec.aggregator.name != "median") CHECK(got.coefficients[5] == 0);
    }
  }
}

TEST_CASE("at least half of the updates zero: the geometric median is zero") {
  Updates updates(7, std::vector<float>(20, 0.0f));
  for (std::size_t i = 4; i < 7; ++i) updates[i] = honest(1, 20, i)[0];
  for (const auto& backend : backends()) {
    const auto got = run(spec_of("geometric_median", {}), updates, *backend);
    CHECK(same_bytes(got.delta, std::vector<float>(20, 0.0f)));
    CHECK(got.selected == std::vector<std::uint8_t>{1, 1, 1, 1, 0, 0, 0});
  }
}
