#include <doctest/doctest.h>

#include <chrono>

#include "contracts/amount.h"
#include "contracts/apportion.h"
#include "tests/contracts/rule_fixture.h"

using namespace gradmint::contracts;
using namespace gradmint::contracts::test;

namespace {

const CompiledRule& linear() {
  static const CompiledRule rule = compiled(std::string(builtin_rule("linear").source),
                                            std::string(builtin_rule("linear").manifest));
  return rule;
}

std::vector<Mint> paid(const RoundCloseEvent& event) {
  const RuleOutcome outcome = run_on_round_close(linear(), event, {});
  REQUIRE(outcome.code == RuleCode::ok);
  return outcome.mints;
}

// The rule once more, in C++ over the host's own apportionment.
std::vector<Mint> expected(const RoundCloseEvent& event) {
  std::vector<Share> shares;
  for (const Participant& worker : event.participants) {
    shares.push_back({worker.account, worker.accepted ? worker.weight * worker.score_ppm : 0});
  }
  const auto amounts = apportion(event.pool, std::span<const Share>(shares));
  std::vector<Mint> mints;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    if (amounts[i] > 0) mints.push_back({shares[i].account, amounts[i]});
  }
  return mints;
}

std::uint64_t total(const std::vector<Mint>& mints) {
  std::uint64_t sum = 0;
  for (const Mint& mint : mints) sum += mint.amount;
  return sum;
}

}  // namespace

TEST_CASE("the rule ships with the program") {
  CHECK(linear().manifest().name == "linear");
  CHECK(linear().manifest().max_effects == kMaxEffects);
  CHECK(builtin_rule("absent").source.data() == nullptr);
}

TEST_CASE("known answers") {
  CHECK(paid(event_of(3, 100)) ==
        std::vector<Mint>{{account(1), 34}, {account(2), 33}, {account(3), 33}});
  CHECK(paid(event_of(0, 100)).empty());
  CHECK(paid(event_of(3, 0)).empty());

  RoundCloseEvent event = event_of(3, 1000);
  event.participants[0].weight = 3;
  event.participants[1].accepted = false;
  CHECK(paid(event) == std::vector<Mint>{{account(1), 750}, {account(3), 250}});
  event.participants[2].score_ppm = 0;
  CHECK(paid(event) == std::vector<Mint>{{account(1), 1000}});
  event.participants[0].weight = 0;
  CHECK(paid(event).empty());  // every share is 0: the ledger carries the pool
}

TEST_CASE("every world of 3 workers x weights 0-3 x scores 0, 1/3, 1 x accepted x pools") {
  int worlds = 0;
  RoundCloseEvent event = event_of(3, 0);
  constexpr std::uint64_t kScores[] = {0, 333'333, 1'000'000};
  constexpr int kStates = 4 * 3 * 2;
  for (int code = 0; code < kStates * kStates * kStates; code += 5) {
    int rest = code;
    for (Participant& worker : event.participants) {
      worker.weight = static_cast<std::uint64_t>(rest % 4);
      worker.score_ppm = kScores[rest / 4 % 3];
      worker.accepted = rest / 12 % 2 == 1;
      rest /= kStates;
    }
    for (const std::uint64_t pool : {std::uint64_t{7}, kUnitsPerToken}) {
      event.pool = pool;
      const std::vector<Mint> mints = paid(event);
      REQUIRE(mints == expected(event));
      bool any = false;
      for (const Participant& worker : event.participants) {
        any = any || (worker.accepted && worker.weight > 0 && worker.score_ppm > 0);
      }
      REQUIRE(total(mints) == (any ? pool : 0));
      ++worlds;
    }
  }
  MESSAGE("worlds: ", worlds);
}

TEST_CASE("splitting one identity in two earns at most a base unit") {
  RoundCloseEvent one = event_of(3, 999'999'937);
  one.participants[0].weight = 10;
  RoundCloseEvent two = event_of(4, 999'999'937);
  two.participants[0].weight = 4;
  two.participants[1].weight = 6;
  const auto together = paid(one)[0].amount;
  const auto split = paid(two)[0].amount + paid(two)[1].amount;
  CHECK(split <= together + 1);
  CHECK(together <= split + 1);
}

TEST_CASE("4095 workers of the largest weight and score fit the default limits") {
  RoundCloseEvent event = event_of(static_cast<int>(kMaxParticipants), kMaxAmount);
  for (Participant& worker : event.participants) worker.weight = kMaxWeight;
  const auto start = std::chrono::steady_clock::now();
  const RuleOutcome outcome = run_on_round_close(linear(), event, {});
  const auto spent = std::chrono::steady_clock::now() - start;
  CHECK(outcome.code == RuleCode::ok);
  CHECK(outcome.mints == expected(event));
  CHECK(total(outcome.mints) == kMaxAmount);
  CHECK(outcome.gas_used < RuleLimits{}.gas / 10);
  CHECK(outcome.peak_memory_bytes < RuleLimits{}.memory_bytes / 8);
  MESSAGE("4095 workers: gas ", outcome.gas_used, ", peak ", outcome.peak_memory_bytes, " bytes, ",
          std::chrono::duration_cast<std::chrono::microseconds>(spent).count(), " us");
}
