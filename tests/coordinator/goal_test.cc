// rounds.stop_when: what may be said, when it is there, and a job that ends by it.
#include "coordinator/round/goal.h"

#include <doctest/doctest.h>

#include "tests/coordinator/round_desk.h"

using namespace gradmint;
using namespace gradmint::test;

TEST_CASE("goals: what may be said") {
  struct Row {
    const char* text;
    Goal expected;
  };
  const Row table[] = {
      {"accuracy >= 0.95", {"accuracy", true, 950'000}},
      {"accuracy>=1", {"accuracy", true, 1'000'000}},
      {"r2 >= .8", {"r2", true, 800'000}},
      {" loss <= 0.000001 ", {"loss", false, 1}},
      {"loss >= 2e1", {"loss", true, 20'000'000}},
      {"dice/lesion:2 >= 0.7", {"dice/lesion:2", true, 700'000}},
      {"mae<=-12.5", {"mae", false, -12'500'000}},
  };
  for (const Row& row : table) {
    CAPTURE(row.text);
    const auto goal = parse_goal(row.text);
    REQUIRE(goal.ok());
    CHECK(*goal == row.expected);
    CHECK(*parse_goal(goal_text(*goal)) == row.expected);
  }
  for (const char* text : {"", "accuracy", "accuracy > 0.9", "accuracy = 0.9", "-f1 >= 0.9",
                           "accuracy >= ", "accuracy >= 90%", "accuracy >= nan", "loss >= 1e9",
                           "accuracy >= 0.9 0.8x", ">= 0.9"}) {
    CAPTURE(text);
    const auto goal = parse_goal(text);
    REQUIRE_FALSE(goal.ok());
    CHECK(goal.error().message.find("is no goal: write 'accuracy >= 0.95'") != std::string::npos);
  }
}

TEST_CASE("goals: an accuracy in per cent would never be there, or always") {
  for (const char* text : {"accuracy >= 95", "accuracy <= -0.1", "accuracy >= 1.000001"}) {
    CAPTURE(text);
    const auto goal = parse_goal(text);
    REQUIRE_FALSE(goal.ok());
    CHECK(goal.error().message.find("an accuracy is a number from 0 to 1") != std::string::npos);
  }
  CHECK(parse_goal("error >= 95").ok());
}

TEST_CASE("goals: a figure is there when it was attested") {
  RoundRecord round;
  round.attestations = 1;
  round.metrics = {{"accuracy", 1, 900'000, 900'000},
                   {"dice", 0, std::nullopt, std::nullopt},
                   {"loss", 1, 300'000, 300'000},
                   {"mae", 1, kMaxMetricMicro, std::nullopt}};
  const auto there = [&](const char* text) { return reached(*parse_goal(text), round); };
  CHECK(there("accuracy >= 0.9"));
  CHECK_FALSE(there("accuracy >= 0.900001"));
  CHECK(there("loss <= 0.3"));
  CHECK_FALSE(there("loss <= 0.299999"));
  CHECK_FALSE(there("dice >= -1"));  // nobody measured it
  CHECK_FALSE(there("mae >= 1"));    // a bound
  CHECK_FALSE(there("f1 >= -1"));    // nobody has heard of it
}

TEST_CASE("goals: the first settled round that is there finishes the job") {
  struct Row {
    const char* goal;
    Station expected;
  };
  for (const Row& row :
       {Row{"accuracy >= 0.9", Station::finished}, Row{"accuracy >= 0.95", Station::waiting}}) {
    CAPTURE(row.goal);
    Desk desk;
    RoundPolicy policy = desk.policy();
    policy.rounds = 9;
    policy.stop_when = *parse_goal(row.goal);
    desk.machine = RoundMachine(policy);
    desk.world.enrol();
    desk.ledger();
    desk.world.run_round();
    desk.ledger();
    CHECK(desk.machine.station() == row.expected);
    CHECK((desk.asked<Finished>() != nullptr) == (row.expected == Station::finished));
  }
}
