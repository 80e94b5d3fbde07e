// What a site states of its rows, and how they are scaled once the scaler is there.
#include "worker/data/sums.h"

#include <doctest/doctest.h>

#include <cmath>

#include "ledger/scaler.h"
#include "worker/data/parse.h"
#include "worker/data/scaling.h"

using namespace gradmint;

namespace {

DataContract asking(const std::string& task = "classification") {
  DataContract contract;
  contract.task = task;
  if (task == "classification") contract.classes = {"ill", "well"};
  contract.columns = {{"age", ColumnType::integer, {}}, {"bmi", {}, {}}};
  contract.label = "state";
  return without_scaler(contract);
}

std::string rows(const std::vector<std::string>& lines, std::size_t count = 10) {
  std::string text = "bmi,state,age\n";
  for (std::size_t i = 0; i < count; ++i) text += lines[i % lines.size()] + "\n";
  return text;
}

Result<Dataset> parse(const std::string& text, const DataContract& contract) {
  CsvOptions options;
  options.contract = contract;
  return parse_csv(text, "t.csv", options);
}

SiteSums sums_in(const std::string& text, const DataContract& contract) {
  const auto data = parse(text, contract);
  REQUIRE_MESSAGE(data.ok(), data.error().message);
  auto sums = sums_of(*data);
  REQUIRE_MESSAGE(sums.ok(), sums.error().message);
  return *std::move(sums);
}

}  // namespace

TEST_CASE("sums: millionths, half to even, in the contract's order") {
  // 2^-7 is 7812.5 millionths, 3 · 2^-7 is 23437.5: to even each.
  const SiteSums sums = sums_in(rows({"0.0078125,ill,-3", "0.0234375,well,4"}), asking());
  CHECK(sums.rows == 10);
  REQUIRE(sums.columns.size() == 2);
  CHECK(sums.columns[0] == ColumnSums{5'000'000, U128{5} * 25 * 1'000'000 * 1'000'000});
  CHECK(sums.columns[1] ==
        ColumnSums{5 * (7812 + 23438), U128{5} * (7812 * 7812 + 23438ULL * 23438)});
  CHECK(sums.remarks.empty());
}

TEST_CASE("sums: regression has the target's last") {
  const SiteSums sums = sums_in(rows({"1,100,2", "2,200,3"}), asking("regression"));
  REQUIRE(sums.columns.size() == 3);
  CHECK(sums.columns[2] ==
        ColumnSums{1500 * I128{kMillion}, U128{5} * 50'000 * kMillion * kMillion});
}

TEST_CASE("sums: the largest value there may be, and what lies beyond it") {
  const SiteSums sums = sums_in(rows({"1000000000,ill,-1000000000"}), asking());
  CHECK(sums_are_possible(sums.columns[0], sums.rows));
  CHECK(sums.columns[0].sum == -10 * I128{kMaxSummedValue} * kMillion);
  for (const char* line : {"1,ill,1000000064", "1,ill,-1e10", "3e38,ill,1"}) {
    const auto data = parse(rows({line}), asking());
    REQUIRE(data.ok());
    const auto refused = sums_of(*data);
    REQUIRE_FALSE(refused.ok());
    const std::string column = std::string(line).starts_with("3") ? "'bmi'" : "'age'";
    CHECK(refused.error().message.find("column " + column + " has a value beyond 1000000000") !=
          std::string::npos);
  }
}

TEST_CASE("sums: nine rows are refused, ten are not") {
  const auto nine = parse(rows({"1,ill,2", "2,well,3"}, 9), asking());
  REQUIRE(nine.ok());
  const auto refused = sums_of(*nine);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("9 rows to train on") != std::string::npos);
  CHECK(sums_in(rows({"1,ill,2", "2,well,3"}, 10), asking()).rows == 10);
}

TEST_CASE("sums: a column that millionths cannot tell apart is remarked") {
  const SiteSums sums = sums_in(rows({"1e-9,ill,7", "2e-9,well,8"}), asking());
  REQUIRE(sums.remarks.size() == 1);
  CHECK(sums.remarks[0].find("column 'bmi' has one value here, as far as millionths can tell") !=
        std::string::npos);
}

TEST_CASE("sums: what they give is what the sample's way gives of the same rows") {
  std::string text = "age,bmi,state\n";
  for (int i = 0; i < 200; ++i)
    text += std::to_string(i * 37 % 101) + "," + std::to_string(0.25 * (i * 53 % 89) - 7) +
            (i % 3 == 0 ? ",ill\n" : ",well\n");
  const auto sample = parse_csv(text, "t.csv", {});
  REQUIRE(sample.ok());
  const SiteSums sums = sums_in(text, asking());
  for (std::size_t c = 0; c < 2; ++c) {
    PooledSums pooled;
    pooled.add(sums.columns[c], sums.rows);
    const ScalerBits bits = scaler_bits(pooled);
    const Scaler& by_sample = sample->contract.columns[c].scaler;
    CHECK(std::bit_cast<float>(bits.mean) == by_sample.mean);
    CHECK(std::bit_cast<float>(bits.scale) == by_sample.scale);
  }
  // Of a constant both scales are 1.
  PooledSums constant;
  constant.add(sums_in(rows({"5,ill,1"}), asking()).columns[1], 10);
  CHECK(scaler_bits(constant).scale == std::bit_cast<std::uint32_t>(1.0F));
  const std::vector<float> fives(10, 5.0F);
  CHECK(scaler_of(fives, 0, 1).scale == 1.0F);
}

TEST_CASE("sums: rows are scaled afterwards as by a contract that had its scaler") {
  const std::string text = rows({"1.5,ill,20", "2.5,well,30", "9,ill,70"}, 21);
  DataContract with = asking();
  with.scaler_from = ScalerFrom::sample;
  with.columns[0].scaler = {40, 20};
  with.columns[1].scaler = {40, 0.5F};
  const auto at_once = parse(text, with);
  auto later = parse(text, asking());
  REQUIRE(at_once.ok());
  REQUIRE(later.ok());
  CHECK(later->remarks.size() == 1);  // the header alone: nothing to compare with yet
  REQUIRE(scale_dataset(with, *later).ok());
  CHECK(later->features == at_once->features);
  CHECK((later->contract == with));
  for (const Dataset* data : {&*std::as_const(later), &*at_once})
    CHECK(data->remarks.back().find("column 'bmi' is far") != std::string::npos);
  with.columns[1].scaler = {0, 1e-38F};
  auto beyond = parse(text, asking());
  const Status refused = scale_dataset(with, *beyond);
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("column 'bmi': scaled by the federation's scaler") !=
        std::string::npos);
}
