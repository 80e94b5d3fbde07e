// Named metrics: what a settlement makes of them, how they read, and which round is the best.
#include "ledger/metrics.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "ledger/best_round.h"
#include "ledger/metric_text.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr std::int64_t kBound = kMaxMetricMicro;
constexpr std::optional<std::int64_t> kNone = std::nullopt;

WeightedMetrics loss(std::uint64_t examples, std::optional<std::int64_t> micro) {
  return {examples, {{"loss", micro}}};
}

}  // namespace

TEST_CASE("metrics: the median and the weighted mean of one name") {
  struct Row {
    std::vector<WeightedMetrics> statements;
    std::uint32_t measured;
    std::optional<std::int64_t> median, mean;
  };
  constexpr std::uint64_t kMost = UINT64_MAX;
  const Row table[] = {
      {{loss(5, kNone)}, 0, kNone, kNone},
      {{loss(5, 7)}, 1, 7, 7},
      {{loss(5, 7), loss(9, kNone)}, 1, 7, 7},
      {{loss(1, 1), loss(3, 2)}, 2, 1, 2},      // 7/4
      {{loss(1, 1), loss(1, 2)}, 2, 1, 2},      // 3/2: half to even, up
      {{loss(1, 2), loss(1, 3)}, 2, 2, 2},      // 5/2: half to even, down
      {{loss(1, -1), loss(1, -2)}, 2, -2, -2},  // -3/2
      {{loss(1, -2), loss(1, -3)}, 2, -3, -2},  // -5/2
      {{loss(1, -1), loss(1, 1)}, 2, -1, 0},
      {{loss(9, 10), loss(1, 20), loss(90, 30)}, 3, 20, 28},  // 2810/100
      {{loss(0, 5), loss(2, 9)}, 2, 5, 9},                    // no examples move no mean
      {{loss(0, 5)}, 1, 5, kNone},
      {{loss(1, kBound), loss(1, 2)}, 2, 2, kNone},  // a bound is no measurement
      {{loss(1, -kBound), loss(1, 2), loss(1, 3)}, 3, 2, kNone},
      {{loss(kMost, kBound - 1), loss(kMost, kBound - 1), loss(kMost, kBound - 1)},
       3,
       kBound - 1,
       kBound - 1},
      {{loss(kMost, 1 - kBound), loss(1, kBound - 1)}, 2, 1 - kBound, 1 - kBound},
  };
  for (const Row& row : table) {
    const MetricSummaries summaries = summarise(row.statements);
    REQUIRE(summaries.size() == 1);
    CHECK(summaries[0] == MetricSummary{"loss", row.measured, row.median, row.mean});
  }
  CHECK(summarise({}).empty());
}

TEST_CASE("metrics: as many and as large as there can be still have an exact mean") {
  std::vector<WeightedMetrics> all(kMaxMetricVoices, loss(UINT64_MAX, kBound - 1));
  CHECK(summarise(all)[0].mean == kBound - 1);
  for (WeightedMetrics& one : all) one.metrics[0].micro = 1 - kBound;
  CHECK(summarise(all)[0].mean == 1 - kBound);
}

TEST_CASE("metrics: every order of statements comes to the same") {
  std::vector<WeightedMetrics> statements = {
      {3, {{"accuracy", 900'000}, {"loss", 5}}},
      {2, {{"dice", 7}, {"loss", 4}}},
      {9, {{"accuracy", kNone}, {"dice", 1}}},
      {1, {{"loss", kBound}}},
  };
  std::vector<std::size_t> order = {0, 1, 2, 3};
  const MetricSummaries first = summarise(statements);
  CHECK(first == MetricSummaries{
                     {"accuracy", 1, 900'000, 900'000}, {"dice", 2, 1, 2}, {"loss", 3, 5, kNone}});
  CHECK(first[2].saturated());
  CHECK_FALSE(first[0].saturated());
  do {
    std::vector<WeightedMetrics> permuted;
    for (const std::size_t i : order) permuted.push_back(statements[i]);
    CHECK(summarise(permuted) == first);
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST_CASE("metrics: one voice cannot push out what others measure") {
  Metrics flood, common = {{"zeta", 1}};
  for (int i = 0; i < 16; ++i) flood.push_back({"a" + std::to_string(100 + i), 1});
  const MetricSummaries summaries = summarise({{1, flood}, {1, common}, {1, common}});
  REQUIRE(summaries.size() == kMaxMetrics);
  CHECK(summaries.back() == MetricSummary{"zeta", 2, 1, 1});
  CHECK(summaries.front().name == "a100");
  CHECK(summaries[14].name == "a114");
}

TEST_CASE("metrics: how they read") {
  struct Row {
    MetricSummary summary;
    const char* expected;
  };
  const Row table[] = {
      {{"accuracy", 1, 941'234, 941'234}, "94.12 %"},
      {{"accuracy", 2, 941'234, 900'000}, "94.12 % (mean 90.00 %)"},
      {{"accuracy", 2, 941'234, 941'235}, "94.12 %"},
      {{"loss", 3, 421'337, 500'000}, "0.4213 (mean 0.5000)"},
      {{"mae", 1, 36'184'250'000, 36'184'250'000}, "36184.2"},
      {{"r2", 1, -2'500'000, -2'500'000}, "-2.5000"},
      {{"loss", 1, kBound, kNone}, "above 1e9"},
      {{"r2", 1, -kBound, kNone}, "below -1e9"},
      {{"loss", 2, 3, kNone}, "0.0000 (mean out of range)"},
      {{"dice", 0, kNone, kNone}, "not measured"},
  };
  for (const Row& row : table) CHECK(summary_text(row.summary) == row.expected);
  CHECK(metrics_line(MetricSummaries{{"auc", 1, 1, 1}, {"loss", 1, 1, 1}, {"r2", 1, 1, 1}}) ==
        "R2 0.0000, loss 0.0000, auc 0.0000");
  CHECK(metrics_line(Metrics{{"accuracy", 500'000}, {"dice", kNone}}) ==
        "accuracy 50.00 %, dice not measured");
  CHECK(metrics_line(Metrics{}).empty());
}

TEST_CASE("metrics: what a model is ranked by") {
  CHECK(*parse_ranking("accuracy") == Ranking{"accuracy", false});
  CHECK(*parse_ranking("loss") == Ranking{"loss", true});
  CHECK(*parse_ranking("lowest mae") == Ranking{"mae", true});
  CHECK(*parse_ranking("highest loss") == Ranking{"loss", false});
  for (const char* text : {"", " ", "a b", "lowest ", "least mae", "lowest a b", "-loss"})
    CHECK_MESSAGE(!parse_ranking(text).ok(), text);
}

TEST_CASE("metrics: the best round, the first of equals") {
  World w;
  w.enrol();
  const Ranking highest{"accuracy", false}, lowest{"loss", true};
  CHECK_FALSE(best_round(w.chain.state(), highest).has_value());
  const std::int64_t accuracies[] = {500'000, 700'000, 700'000, 600'000, kBound};
  for (const std::int64_t accuracy : accuracies) {
    w.evaluation_metrics = {{"accuracy", accuracy}, {"loss", 1'000'000 - accuracy}};
    if (accuracy == kBound) w.evaluation_metrics = {{"accuracy", accuracy}, {"loss", kNone}};
    w.run_round();
  }
  CHECK(best_round(w.chain.state(), highest)->round == 2);
  CHECK(best_round(w.chain.state(), lowest)->round == 2);
  CHECK(best_round(w.chain.state(), {"loss", false})->round == 1);
  CHECK_FALSE(best_round(w.chain.state(), {"dice", false}).has_value());
}
