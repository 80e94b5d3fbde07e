#include "worker/command_evaluator.h"

#include <doctest/doctest.h>

#include "tests/worker/scratch.h"

using namespace gradmint;
using gradmint::test::Scratch;

namespace {

Result<EvaluateOutcome> evaluate(const std::string& command, const EvaluateTask& task = {}) {
  const Scratch scratch;
  OwnProgram program;
  program.command = "cd \"$GRADMINT_ROUND_DIR\"; " + command;
  program.rounds_dir = scratch.path() / "judged";
  program.terminate_grace_ms = 50;
  const auto layout = ModelLayout::create({{"w", {2}, false}, {"running_mean", {1}, true}});
  auto evaluator = make_command_evaluator(program, *layout);
  REQUIRE(evaluator.ok());
  auto outcome = (*evaluator)->evaluate(std::vector<float>{1, 2, 3}, task);
  CHECK(std::filesystem::exists(program.rounds_dir / "evaluation") == !outcome.ok());
  return outcome;
}

std::string metrics(const std::string& json) { return "echo '" + json + "' > metrics.json"; }

}  // namespace

TEST_CASE("a program judges a model: what it is told, and what is taken from it") {
  const auto outcome = evaluate(
      "grep -q '\"kind\": \"evaluate\"' round.json && grep -q '\"round\": 4' round.json && "
      "! grep -q parameters round.json && grep -q running_mean global.safetensors && " +
          metrics(R"({"examples":7,"metrics":{"loss":0.25,"accuracy":0.5,"dice":null}})"),
      {4, 0, nullptr});
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  CHECK(outcome->metrics ==
        MeasuredMetrics{{"accuracy", 0.5}, {"dice", std::nullopt}, {"loss", 0.25}});
  CHECK(outcome->examples == 7);
  const auto regression = evaluate(metrics(R"({"examples":7,"metrics":{"r2":-3}})"));
  REQUIRE(regression.ok());
  CHECK(regression->metrics == MeasuredMetrics{{"r2", -3.0}});
}

TEST_CASE("an evaluator knows its deadline, and is ended there") {
  const auto in_time = evaluate("grep -q '\"deadline_s\": 60.5' round.json && " +
                                    metrics(R"({"examples":7,"metrics":{"loss":1}})"),
                                {4, 60'500, nullptr});
  CHECK_MESSAGE(in_time.ok(), in_time.error().message);
  const auto late = evaluate("exec sleep 600", {4, 100, nullptr});
  REQUIRE_FALSE(late.ok());
  CHECK_MESSAGE(late.error().message.find("overran its deadline of 100 ms") != std::string::npos,
                late.error().message);
}

TEST_CASE("an evaluator's faults are one line each") {
  struct Row {
    std::string command;
    const char* says;
  };
  const Row table[] = {
      {"echo no GPU; exit 2", "evaluator: exited with status 2; last line: no GPU"},
      {"true", "metrics.json"},
      {metrics(R"({"examples":7})"), "metrics.json: it measured nothing"},
      {metrics(R"({"examples":7,"metrics":{}})"), "metrics.json: it measured nothing"},
      {metrics(R"({"examples":7,"metrics":{"loss":null}})"), "metrics.json: it measured nothing"},
      {metrics(R"({"examples":7,"metrics":{"accuracy":90}})"), "accuracy must be a number from 0"},
  };
  for (const Row& row : table) {
    const auto outcome = evaluate(row.command);
    REQUIRE_FALSE(outcome.ok());
    CHECK_MESSAGE(outcome.error().message.find(row.says) != std::string::npos,
                  outcome.error().message);
  }
  CHECK_FALSE(make_command_evaluator({}, {}).ok());
}
