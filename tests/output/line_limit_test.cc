#include "ledger/output/line_limit.h"

#include <doctest/doctest.h>

using namespace gradmint;

TEST_CASE("so many lines of a kind a minute, then one summary") {
  LineLimit limit(2);
  CHECK(limit.admit("a", "1", 1000));
  CHECK(limit.admit("a", "2", 1000));
  CHECK_FALSE(limit.admit("a", "3", 1500));
  CHECK(limit.admit("b", "other", 1500));  // a kind does not hide another
  CHECK_FALSE(limit.admit("a", "4", 60'999));
  CHECK(limit.due(60'999).empty());
  const auto summaries = limit.due(61'000);
  REQUIRE(summaries.size() == 1);
  CHECK(summaries[0].kind == "a");
  CHECK(summaries[0].left_out == 2);
  CHECK(summaries[0].last == "4");
  CHECK(limit.due(61'000).empty());  // once
  CHECK(limit.admit("a", "5", 61'000));
}

TEST_CASE("a flood of a day leaves a bounded number of lines") {
  LineLimit limit(10);
  std::uint64_t lines = 0, left_out = 0;
  constexpr std::uint64_t kDayMs = 24 * 60 * 60 * 1000;
  for (std::uint64_t now_ms = 0; now_ms < kDayMs; now_ms += 20) {
    lines += limit.admit("flood", "x", now_ms) ? 1 : 0;
    for (const auto& summary : limit.due(now_ms)) {
      ++lines;
      left_out += summary.left_out;
    }
  }
  CHECK(lines <= 11 * 24 * 60);
  CHECK(lines + left_out >= kDayMs / 20 - 3000);
}

TEST_CASE("whoever keeps to the limit is never summed up") {
  LineLimit limit(2);
  for (std::uint64_t now_ms = 0; now_ms < 3'600'000; now_ms += 40'000) {
    CHECK(limit.admit("a", "x", now_ms));
    CHECK(limit.due(now_ms).empty());
  }
}
