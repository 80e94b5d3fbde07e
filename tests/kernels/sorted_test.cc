// The passes of order statistics and mixed rows, on every backend: byte for byte against the
// reference, and against float64 mathematics.
#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <span>
#include <vector>

#include "kernels/blocks_rule.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/reference_sorted.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using kernels::CombineKind;

namespace {

struct Case {
  CombineKind kind = CombineKind::trimmed_mean;
  test::Updates updates;
  std::vector<double> factors;  // clip factors
  std::vector<std::vector<std::uint32_t>> excluded = {};
  std::size_t dropped = 0;
  std::size_t kept = 1;
};

struct Outcome {
  std::vector<float> delta;
  std::vector<float> model;
  std::vector<std::uint64_t> outside;
  std::int32_t largest_input = 0;
};

int shift_for(const Case& one) {
  int exponent = kernels::kMinExponent;
  for (const auto& update : one.updates) {
    exponent = std::max(exponent, kernels::exponent_of_largest(update));
  }
  return kernels::choose_shift(std::min(exponent, kernels::kMaxExponent), 1);
}

std::size_t members_of(const Case& one) {
  if (one.kind == CombineKind::nearest_to_median) return one.kept;
  return one.updates.size() - 2 * one.dropped;
}

kernels::MeanFinish finish_of(std::size_t members, int shift) {
  return {members * kernels::kRoundingBiasBits, static_cast<double>(members),
          kernels::power_of_two(-shift)};
}

Outcome run(kernels::Backend& backend, const Case& one) {
  const std::size_t size = one.updates[0].size();
  const int shift = shift_for(one);
  const std::vector<kernels::Row> rows(one.updates.begin(), one.updates.end());
  const std::vector<float> model(size, 0.25f);
  Outcome out;
  out.delta.resize(size);
  out.model.resize(size);
  out.outside.assign(one.updates.size(), 0);
  kernels::CombinePass pass;
  pass.kind = one.kind;
  pass.rows = rows;
  pass.factors = one.factors;
  kernels::Mixing mixing;
  if (!one.excluded.empty()) {
    mixing = {one.excluded, finish_of(rows.size() - one.excluded[0].size(), shift)};
    pass.mixing = &mixing;
  }
  pass.dropped = one.dropped;
  pass.kept = one.kept;
  pass.finish = finish_of(members_of(one), shift);
  pass.unit = kernels::power_of_two(shift);
  pass.model = model;
  pass.model_out = out.model;
  pass.delta_out = out.delta;
  pass.outside = out.outside;
  const auto report = backend.combine(pass);
  REQUIRE(report.ok());
  out.largest_input = report->largest_input;
  return out;
}

test::ReferenceKept expected_of(const Case& one) {
  const int shift = shift_for(one);
  const bool mixed = !one.excluded.empty();
  const test::Updates rows =
      mixed ? test::reference_mixed(one.updates, one.factors, one.excluded, shift) : one.updates;
  const std::span<const double> clips = mixed ? std::span<const double>{} : one.factors;
  switch (one.kind) {
    case CombineKind::trimmed_mean:
      return test::reference_trimmed_mean(rows, clips, one.dropped, shift);
    case CombineKind::nearest_to_median:
      return test::reference_nearest_to_median(rows, clips, one.kept, shift);
    default:
      break;
  }
  const auto median = test::reference_median(rows, clips);
  return {median.median, median.outside};
}

void check(std::vector<std::unique_ptr<kernels::Backend>>& backends, const Case& one) {
  const test::ReferenceKept expected = expected_of(one);
  CAPTURE(static_cast<int>(one.kind));
  CAPTURE(one.updates.size());
  CAPTURE(one.updates[0].size());
  CAPTURE(one.dropped);
  CAPTURE(one.kept);
  CAPTURE(one.excluded.empty());
  for (const auto& backend : backends) {
    CAPTURE(backend->name());
    const Outcome got = run(*backend, one);
    REQUIRE(test::same_bytes(got.delta, expected.mean));
    REQUIRE(got.outside == expected.outside);
    for (std::size_t c = 0; c < got.model.size(); ++c) {
      REQUIRE(got.model[c] == 0.25f + got.delta[c]);
    }
  }
}

std::vector<double> ones(std::size_t n) { return std::vector<double>(n, 1.0); }

// Some 1, some below: what clipping gives.
std::vector<double> some_factors(std::size_t n, test::Sequence& sequence) {
  std::vector<double> factors;
  for (std::size_t i = 0; i < n; ++i) {
    factors.push_back(i % 3 == 0 ? 1.0 : static_cast<double>(1 + sequence.below(999)) / 1000.0);
  }
  return factors;
}

std::vector<std::vector<std::uint32_t>> some_excluded(std::size_t n, std::size_t f,
                                                      test::Sequence& sequence) {
  std::vector<std::vector<std::uint32_t>> excluded(n);
  for (auto& left_out : excluded) {
    while (left_out.size() < f) {
      const auto j = static_cast<std::uint32_t>(sequence.below(n));
      if (std::find(left_out.begin(), left_out.end(), j) == left_out.end()) left_out.push_back(j);
    }
    std::sort(left_out.begin(), left_out.end());
  }
  return excluded;
}

// Trimmed means of `updates` that drop a few, several and all that can be dropped, and as many
// nearest to the median.
std::vector<Case> cases_of(const test::Updates& updates) {
  const std::size_t n = updates.size();
  std::vector<Case> cases;
  for (const std::size_t dropped : {std::size_t{0}, std::size_t{1}, n / 4, (n - 1) / 2}) {
    if (2 * dropped >= n) continue;
    Case one{CombineKind::trimmed_mean, updates, ones(n)};
    one.dropped = dropped;
    cases.push_back(one);
  }
  for (const std::size_t kept : {std::size_t{1}, std::size_t{2}, (n + 1) / 2, n - n / 5, n}) {
    if (kept > n) continue;
    Case one{CombineKind::nearest_to_median, updates, ones(n)};
    one.kept = kept;
    cases.push_back(one);
  }
  return cases;
}

}  // namespace

TEST_CASE("kept means of any number of updates are the reference's bytes") {
  auto backends = test::backends();
  if (backends.empty()) return;
  std::vector<std::size_t> counts;
  for (std::size_t n = 1; n <= 20; ++n) counts.push_back(n);
  for (const std::size_t n :
       {31u, 32u, 33u, 47u, 63u, 64u, 65u, 66u, 100u, 127u, 128u, 256u, 257u}) {
    counts.push_back(n);
  }
  for (const std::size_t n : counts) {
    for (const Case& one : cases_of(test::sample_updates(test::Kind::ordinary, n, 37, 100 + n))) {
      check(backends, one);
    }
  }
}

TEST_CASE("kept means of any length are the reference's bytes") {
  auto backends = test::backends();
  if (backends.empty()) return;
  for (const std::size_t size : {0u, 1u, 3u, 4095u, 4097u}) {
    for (const std::size_t n : {5u, 16u, 33u, 70u}) {
      const auto cases = cases_of(test::sample_updates(test::Kind::ordinary, n, size, size + n));
      check(backends, cases[2]);
      check(backends, cases[cases.size() - 3]);
    }
  }
}

TEST_CASE("kept means of ties, equal, tiny and huge values are the reference's bytes") {
  auto backends = test::backends();
  if (backends.empty()) return;
  for (const test::Kind kind : test::kAllKinds) {
    CAPTURE(test::name_of(kind));
    for (const std::size_t n : {2u, 7u, 16u, 40u, 64u, 97u}) {
      for (const Case& one : cases_of(test::sample_updates(kind, n, 53, 7 * n))) {
        check(backends, one);
      }
    }
  }
}

TEST_CASE("clip factors scale values before they are ordered") {
  auto backends = test::backends();
  if (backends.empty()) return;
  test::Sequence sequence(5);
  for (const test::Kind kind : {test::Kind::ordinary, test::Kind::denormal, test::Kind::largest}) {
    for (const std::size_t n : {1u, 6u, 19u, 71u}) {
      for (Case one : cases_of(test::sample_updates(kind, n, 1031, 3 * n))) {
        one.factors = some_factors(n, sequence);
        check(backends, one);
      }
    }
  }
}

TEST_CASE("mixed rows are the means of all updates but the excluded") {
  auto backends = test::backends();
  if (backends.empty()) return;
  test::Sequence sequence(9);
  for (const test::Kind kind : test::kAllKinds) {
    CAPTURE(test::name_of(kind));
    for (const std::size_t n : {1u, 2u, 7u, 17u, 66u}) {
      const test::Updates updates = test::sample_updates(kind, n, n == 7 ? 1500 : 41, 11 * n);
      for (const std::size_t left_out : {std::size_t{0}, n / 3, n - 1}) {
        auto cases = cases_of(updates);
        cases = {cases[cases.size() / 4], cases[cases.size() - 2],
                 Case{CombineKind::median, updates, ones(n)}};
        for (Case& one : cases) {
          one.excluded = some_excluded(n, left_out, sequence);
          if (left_out % 2 == 1) one.factors = some_factors(n, sequence);
          check(backends, one);
        }
      }
    }
  }
}

namespace {

// A coordinate in float64: the rows in ascending order, each the update by its factor or the mean
// of all but the excluded, and how far off the pass may have each of them.
struct ExactColumn {
  std::vector<double> rows;
  double median = 0;
  double row_error = 0;
  double sum_error = 0;   // of float64's own sums
  double term_error = 0;  // of a term of the pass
};

// `shift` is the case's: to find it takes a look at all of its values.
ExactColumn exact_column(const Case& one, int shift, std::size_t c) {
  const std::size_t n = one.updates.size();
  std::vector<double> values;
  ExactColumn column;
  double largest = 0;
  for (std::size_t i = 0; i < n; ++i) {
    values.push_back(static_cast<double>(one.updates[i][c]) * one.factors[i]);
    largest = std::max(largest, std::fabs(values.back()));
  }
  for (std::size_t i = 0; i < n && !one.excluded.empty(); ++i) {
    const auto& out = one.excluded[i];
    double sum = 0;
    for (std::size_t j = 0; j < n; ++j) {
      if (std::find(out.begin(), out.end(), j) == out.end()) sum += values[j];
    }
    column.rows.push_back(sum / static_cast<double>(n - out.size()));
  }
  column.sum_error = static_cast<double>(n) * largest * 0x1p-52;
  column.term_error = std::ldexp(0.5, -shift);
  if (one.excluded.empty()) {
    column.rows = values;
    const bool scaled = one.factors != ones(n);
    column.row_error = scaled ? largest * 0x1p-24 + 0x1p-150 + column.sum_error : 0;
  } else {
    column.row_error = column.term_error + largest * 0x1p-24 + 0x1p-150 + column.sum_error;
  }
  std::sort(column.rows.begin(), column.rows.end());
  column.median = (column.rows[(n - 1) / 2] + column.rows[n / 2]) / 2;
  return column;
}

// Where what is kept may begin: for Bulyan's pass every window that is as near to the median as the
// nearest, but for what rounding of rows and median may hide.
std::vector<std::size_t> possible_starts(const Case& one, const ExactColumn& column) {
  if (one.kind == CombineKind::trimmed_mean) return {one.dropped};
  std::vector<double> reach;
  for (std::size_t start = 0; start + one.kept <= column.rows.size(); ++start) {
    reach.push_back(std::max(column.median - column.rows[start],
                             column.rows[start + one.kept - 1] - column.median));
  }
  const double median_error =
      column.row_error + (std::fabs(column.median) + column.row_error) * 0x1p-24 + 0x1p-150;
  const double least = *std::min_element(reach.begin(), reach.end());
  const double hidden = 2 * (column.row_error + median_error) + column.sum_error;
  std::vector<std::size_t> starts;
  for (std::size_t start = 0; start < reach.size(); ++start) {
    if (reach[start] <= least + hidden) starts.push_back(start);
  }
  return starts;
}

// The least part of its bound by which `got` misses the mean of a window that may be kept.
double missed(const Case& one, const ExactColumn& column, std::span<const std::size_t> starts,
              double got) {
  const std::size_t kept = members_of(one);
  double least = INFINITY;
  for (const std::size_t start : starts) {
    double mean = 0;
    for (std::size_t k = start; k < start + kept; ++k) mean += column.rows[k];
    mean /= static_cast<double>(kept);
    const double bound = column.row_error + column.term_error +
                         (std::fabs(mean) + column.row_error) * 0x1p-24 + 0x1p-150 +
                         column.sum_error;
    least = std::min(least, std::fabs(got - mean) / bound);
  }
  return least;
}

}  // namespace

// The bound that docs/kernels.md publishes for the trimmed mean's and for Bulyan's last pass.
TEST_CASE("kept means are those of float64 mathematics to the published bound") {
  auto backends = test::backends();
  if (backends.empty()) return;
  test::Sequence sequence(13);
  std::size_t columns = 0;
  std::size_t with_one_window = 0;
  for (const test::Kind kind : {test::Kind::wide, test::Kind::ordinary, test::Kind::denormal}) {
    for (const std::size_t n : {3u, 16u, 64u, 100u}) {
      for (Case one : cases_of(test::sample_updates(kind, n, 100, 17 * n))) {
        const std::size_t variant = sequence.below(4);
        if (variant % 2 == 1) one.factors = some_factors(n, sequence);
        if (variant / 2 == 1) one.excluded = some_excluded(n, n / 3, sequence);
        CAPTURE(test::name_of(kind));
        CAPTURE(static_cast<int>(one.kind));
        CAPTURE(n);
        CAPTURE(variant);
        std::vector<Outcome> outcomes;
        for (const auto& backend : backends) outcomes.push_back(run(*backend, one));
        const int shift = shift_for(one);
        for (std::size_t c = 0; c < 100; ++c) {
          const ExactColumn column = exact_column(one, shift, c);
          const auto starts = possible_starts(one, column);
          ++columns;
          if (starts.size() == 1) ++with_one_window;
          for (const Outcome& got : outcomes) {
            REQUIRE(missed(one, column, starts, static_cast<double>(got.delta[c])) <= 1.0);
          }
        }
      }
    }
  }
  // So that the bound says something; an even count keeping one always has two to choose from.
  CHECK(5 * with_one_window > 4 * columns);
}

TEST_CASE("an order statistic reports the largest value it was given") {
  auto backends = test::backends();
  for (const auto& backend : backends) {
    for (const float bad : {1e30f, INFINITY, -INFINITY, NAN}) {
      Case one{CombineKind::trimmed_mean, test::sample_updates(test::Kind::ordinary, 9, 700, 23),
               ones(9)};
      one.dropped = 2;
      one.updates[4][699] = 1e30f;  // for the shift
      const int largest = run(*backend, one).largest_input;
      CHECK(largest == kernels::magnitude<kernels::Lanes<1>>(1e30f));
      if (bad == 1e30f) continue;
      one.updates[4][699] = 1.0f;
      for (const bool clipped : {false, true}) {
        if (clipped) one.factors[4] = 0.5;
        Case broken = one;
        broken.updates[4][100] = bad;
        for (const CombineKind kind :
             {CombineKind::median, CombineKind::trimmed_mean, CombineKind::nearest_to_median}) {
          broken.kind = kind;
          broken.kept = 4;
          broken.excluded = {};
          CHECK(run(*backend, broken).largest_input >= kernels::kInfinityMagnitude);
          broken.excluded.assign(9, {0});
          CHECK(run(*backend, broken).largest_input >= kernels::kInfinityMagnitude);
        }
      }
    }
  }
}
