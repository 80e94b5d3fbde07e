#include <doctest/doctest.h>

#include "tests/ledger/verdict_cases.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// The same script, stopped after each of its steps.
std::vector<World> worlds_by_stage() {
  std::vector<World> worlds;
  World w;
  const std::function<void()> steps[] = {
      [] {},
      [&] { w.enrol(); },
      [&] { w.open(); },
      [&] { w.commit(); },
      [&] { w.close(); },
      [&] { w.result(); },
      [&] { w.attest(); },
      [&] { w.settle(); },
  };
  for (const auto& step : steps) {
    step();
    worlds.push_back(w);
  }
  return worlds;
}

// What no statement and no block can meet today, and why. Everything else must be in the tables.
constexpr std::pair<Verdict, const char*> kElsewhere[] = {
    {Verdict::overflow, "genesis keeps allocations and cap below the largest amount"},
    {Verdict::unsupported_encoding, "intake"},
    {Verdict::hash_mismatch, "intake: such a payload was never revealed"},
    {Verdict::conservation_broken, "contracts hold every rule to its pool; the second check"},
    {Verdict::aggregation_refused, "why a round is given up"},
    {Verdict::non_finite_result, "why a round is given up"},
    {Verdict::unknown_message, "transport"},
};

}  // namespace

TEST_CASE("verdicts: a number that was taken away is not used again") {
  for (const int number : {30, 50, 58, 86, 114, 120, 121, 124, 125, 126, 127}) {
    CAPTURE(number);
    CHECK_FALSE(is_verdict(static_cast<std::uint16_t>(number)));
  }
}

TEST_CASE("verdicts: every rule of the ledger refuses by its own name") {
  const std::vector<World> worlds = worlds_by_stage();
  REQUIRE(worlds.size() == kStages);
  std::set<Verdict> met;
  std::size_t rows = 0;
  for (const auto& cases :
       {envelope_cases(), account_cases(), text_cases(), quota_cases(), member_cases(),
        round_cases(), result_cases(), settlement_cases(), block_cases(), scaler_cases()}) {
    for (const Case& each : cases) {
      World world = worlds[static_cast<std::size_t>(each.stage)];
      const Verdict found = each.attempt(world);
      CAPTURE(each.what);
      CHECK(verdict_name(found) == verdict_name(each.expected));
      met.insert(found);
      ++rows;
    }
  }
  for (const auto& elsewhere : kElsewhere) {
    const Verdict verdict = elsewhere.first;
    CAPTURE(verdict_name(verdict));
    CHECK_FALSE(met.contains(verdict));
    met.insert(verdict);
  }
  for (std::uint32_t value = 0; value <= 0xFFFF; ++value) {
    if (!is_verdict(static_cast<std::uint16_t>(value))) continue;
    const auto verdict = static_cast<Verdict>(value);
    if (!met.contains(verdict)) FAIL_CHECK("no row gives " << verdict_name(verdict));
  }
  MESSAGE(rows << " rows");
}
