// Known answers (aggregation.json) and golden fingerprints of the rules over pairs of updates.
#include <doctest/doctest.h>

#include <cstdio>
#include <string>

#include "kernels/aggregate.h"
#include "kernels/aggregate_plan.h"
#include "kernels/nearest_mixing.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/known_answers.h"
#include "tests/kernels/samples.h"

using namespace gradmint;
using namespace gradmint::test;
using kernels::AggregateSpec;
using kernels::NamedRule;

namespace {

struct KnownCase {
  std::vector<NamedRule> pre;
  NamedRule aggregator;
  const char* answer;  // its key
  const char* scores;  // likewise, or null
};

void check_close(std::span<const float> got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  for (std::size_t c = 0; c < got.size(); ++c) {
    CHECK(static_cast<double>(got[c]) == doctest::Approx(expected[c]).epsilon(1e-6));
  }
}

int check_known(const std::string& text, const char* section, const Updates& updates,
                const std::vector<KnownCase>& cases) {
  int run = 0;
  for (const auto& backend : backends()) {
    for (const KnownCase& each : cases) {
      CAPTURE(std::string(each.answer));
      const AggregateSpec spec{each.pre, each.aggregator, {"plain", {}}};
      Sample sample;
      sample.updates = updates;
      prepare(sample, spec, 1);
      sample.input.weights.assign(updates.size(), 1);
      const auto got = kernels::aggregate(spec, sample.input, *backend).value();
      check_close(got.delta, known_numbers(text, section, each.answer));
      if (each.scores != nullptr) {
        const auto scores = known_numbers(text, section, each.scores);
        REQUIRE(got.scores.size() == scores.size());
        for (std::size_t i = 0; i < scores.size(); ++i) {
          CHECK(got.scores[i] == doctest::Approx(scores[i]).epsilon(1e-6));
        }
      }
      ++run;
    }
  }
  return run;
}

}  // namespace

TEST_CASE("known answers: selection, iterations, clipping, trimming") {
  const std::string text = known_aggregations();
  if (text.empty()) return;
  int run =
      check_known(text, "byzfl", in_rows(known_numbers(text, "byzfl", "X"), 3),
                  {{{},
                    {"geometric_median", {{"nu", 0.1f}, {"scale", 1}, {"steps", 3}}},
                    "geometric_median_nu0.1_T3",
                    nullptr},
                   {{}, {"krum", {{"f", 1}, {"convention", 1}}}, "krum_f1", nullptr},
                   {{}, {"multi_krum", {{"f", 1}, {"convention", 1}}}, "multi_krum_f1", nullptr},
                   {{}, {"mda", {{"f", 1}}}, "mda_f1", nullptr},
                   {{}, {"trimmed_mean", {{"f", 1}}}, "trimmed_mean_f1", nullptr}});
  run += check_known(
      text, "one_dimensional", in_rows(known_numbers(text, "one_dimensional", "A"), 1),
      {{{}, {"krum", {{"f", 1}, {"convention", 1}}}, "byzfl_krum", "byzfl_krum_scores"},
       {{}, {"krum", {{"f", 1}, {"convention", 2}}}, "flower_krum", "flower_krum_scores"},
       {{}, {"trimmed_mean", {{"f", 1}}}, "trimmed_mean_f1", nullptr}});
  run += check_known(
      text, "flower", {{0.2f}, {0.7f}, {1.0f}},
      {{{}, {"krum", {{"f", 1}, {"convention", 2}}}, "krum_f1_of_0.2_0.7_1.0", nullptr}});
  run += check_known(text, "flower", {{0.2f}, {0.5f}, {1.0f}},
                     {{{},
                       {"multi_krum", {{"f", 1}, {"m", 2}, {"convention", 2}}},
                       "multi_krum_f1_m2_of_0.2_0.5_1.0",
                       nullptr}});
  run += check_known(text, "geometric_median_exact",
                     in_rows(known_numbers(text, "geometric_median_exact", "X"), 2),
                     {{{}, {"geometric_median", {{"steps", 200}}}, "answer", nullptr}});
  // Clipping of the first row alone.
  run += check_known(text, "byzfl", {{1, 2, 3}},
                     {{{{"clip", {{"tau", 2}}}}, {"mean", {}}, "clipping_2_row0", nullptr}});
  std::printf("known answers: aggregation.json, %d cases of the pair rules\n", run);
}

TEST_CASE("known answers: each mixture of nearest-neighbour mixing") {
  const std::string text = known_aggregations();
  const Updates updates = in_rows(known_numbers(text, "byzfl", "X"), 3);
  const Updates mixtures = in_rows(known_numbers(text, "byzfl", "nnm_f1"), 3);
  if (text.empty()) return;
  REQUIRE(mixtures.size() == 3);
  const std::vector<kernels::Row> rows(updates.begin(), updates.end());
  for (const auto& backend : backends()) {
    const auto gram = kernels::gram_matrix(rows, *backend).value();
    const auto points = kernels::points_of(gram, rows, {}, std::nullopt, *backend).value();
    const auto excluded = kernels::farthest_of_each(points, 1);
    const auto mixed = kernels::mixed_points(points, excluded);
    for (std::size_t i = 0; i < 3; ++i) {
      kernels::Combination alone{std::vector<double>(3, 0.0), 0.0, 1.0};
      alone.coefficients[i] = 1.0;
      const auto shares = kernels::unmixed(alone, excluded);
      for (std::size_t c = 0; c < 3; ++c) {
        double value = 0;
        for (std::size_t j = 0; j < 3; ++j) {
          value += shares.coefficients[j] * static_cast<double>(updates[j][c]) / shares.total;
        }
        CHECK(value == doctest::Approx(static_cast<double>(mixtures[i][c])).epsilon(1e-6));
      }
      for (std::size_t j = 0; j < 3; ++j) {
        CHECK(mixed.at(i, j) ==
              doctest::Approx(i == j ? 0.0 : reference_distance(mixtures[i], mixtures[j])));
      }
    }
  }
}

TEST_CASE("golden fingerprints of the pair rules, the same for every machine and compiler") {
  struct Case {
    std::vector<NamedRule> pre;
    NamedRule aggregator;
    std::size_t n;
    std::uint64_t golden;
  };
  const Case cases[] = {
      {{}, {"krum", {{"f", 3}}}, 16, 0x80481b0dd29ae269ULL},
      {{}, {"multi_krum", {{"f", 3}, {"convention", 1}}}, 16, 0xcd08bea551240feeULL},
      {{}, {"multi_krum", {{"f", 3}, {"m", 5}, {"convention", 2}}}, 33, 0x8e719b36e53dd62dULL},
      {{}, {"geometric_median", {}}, 16, 0x9a1f16900fae13aaULL},
      {{},
       {"geometric_median", {{"nu", 0.1f}, {"scale", 1}, {"steps", 3}}},
       7,
       0xfcf21af7e0892932ULL},
      {{}, {"centered_clipping", {{"tau", 10}, {"steps", 3}}}, 16, 0xb5225f329338a044ULL},
      {{}, {"mda", {{"f", 3}}}, 16, 0xcd08bea551240feeULL},
      {{{"clip", {{"tau", 20}}}, {"arc", {{"f", 4}}}, {"nnm", {{"f", 4}}}},
       {"mean", {}},
       16,
       0x23d225f1133e953eULL},
      {{{"arc", {{"f", 2}}}}, {"median", {}}, 9, 0x711c20bf770d154eULL},
      {{{"nnm", {{"f", 4}}}}, {"geometric_median", {}}, 17, 0x8a5cf917dce8444aULL},
      {{}, {"trimmed_mean", {{"f", 3}}}, 16, 0xc7e37ccc47cf929eULL},
      {{{"nnm", {{"f", 4}}}}, {"trimmed_mean", {{"beta", 0.1f}}}, 70, 0xacb2f03ff6cd1bccULL},
      {{}, {"bulyan", {{"f", 3}}}, 16, 0xe22d0dc8c03a47beULL},
      {{{"nnm", {{"f", 3}}}}, {"bulyan", {{"f", 3}, {"convention", 1}}}, 17, 0xff2fd6a047cde578ULL},
      {{{"nnm", {{"f", 4}}}}, {"krum", {{"f", 4}}}, 101, 0xb7c2df0b1709868cULL},
  };
  for (const auto& backend : backends()) {
    for (const Case& each : cases) {
      const AggregateSpec spec{each.pre, each.aggregator, {"nesterov", {{"lr", 0.3f}}}};
      Sample sample;
      sample.updates = sample_updates(Kind::ordinary, each.n, 9001, each.n);
      prepare(sample, spec, 99);
      const auto got = kernels::aggregate(spec, sample.input, *backend).value();
      CAPTURE(each.aggregator.name);
      CAPTURE(each.n);
      CHECK(fingerprint(got.optimizer_state, fingerprint(got.model)) == each.golden);
    }
  }
}
