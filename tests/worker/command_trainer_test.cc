#include "worker/command_trainer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <cmath>
#include <fstream>
#include <sstream>
#include <thread>

#include "ledger/durable_file.h"
#include "ledger/model/safetensors.h"
#include "tests/worker/scratch.h"

using namespace gradmint;
using gradmint::test::Scratch;

namespace {

ModelLayout layout_of_two() { return ModelLayout::create({{"w", {2}, false}}).value(); }

OwnProgram program(const std::string& command, const std::filesystem::path& rounds,
                   bool keep = false) {
  OwnProgram own;
  own.command = command;
  own.rounds_dir = rounds;
  own.terminate_grace_ms = 50;
  own.keep_dirs = keep;
  return own;
}

std::string text_of(const std::filesystem::path& file) {
  std::ostringstream text;
  text << std::ifstream(file).rdbuf();
  return text.str();
}

std::string many_metrics(int count) {
  std::string metrics;
  for (int i = 0; i < count; ++i)
    metrics += (i == 0 ? "\"m" : ",\"m") + std::to_string(i) + "\":null";
  return R"({"examples":1,"metrics":{)" + metrics + "}}";
}

// Runs one round with `command`; a safetensors file named `name` lies beside the round directories.
struct Fixture {
  Scratch scratch;
  std::vector<std::string> lines;
  TrainTask task;

  Fixture() { task.round = 7; }

  void offer(const std::string& name, const ModelLayout& layout, const std::vector<float>& values) {
    REQUIRE(replace_file(scratch.path() / name, write_safetensors(layout, values)).ok());
  }
  Result<TrainOutcome> train(const std::string& command, bool keep = false) {
    auto trainer = make_command_trainer(
        program("cd \"$GRADMINT_ROUND_DIR\"; " + command, scratch.path() / "rounds", keep),
        layout_of_two());
    REQUIRE(trainer.ok());
    return (*trainer)->train(std::vector<float>{1, 2}, task, [&](const TrainProgress& progress) {
      lines.push_back(progress.message);
    });
  }
  std::string failure(const std::string& command) {
    const auto outcome = train(command);
    REQUIRE_MESSAGE(!outcome.ok(), command);
    CHECK(outcome.error().message.find('\n') == std::string::npos);
    return outcome.error().message;
  }
};

const std::string kMetrics = R"(echo '{"examples":5,"loss":0.5,"accuracy":0.75}' > metrics.json)";
const std::string kCopyGlobal = "cp global.safetensors parameters.safetensors";

}  // namespace

TEST_CASE("a program that knows nothing of gradmint trains") {
  Fixture f;
  f.task.seed = 11;
  f.task.learning_rate = double{0.001F};  // as it comes from the ledger
  const auto outcome = f.train(
      "echo hello; printf 'a\\rb\\033[1m' >&2; test \"$GRADMINT_ROUND\" = 7 && test "
      "\"$GRADMINT_ROUND_DIR\" = \"$PWD\" && " +
          kCopyGlobal + " && " + kMetrics,
      true);
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  CHECK(outcome->parameters == std::vector<float>{1, 2});
  CHECK(outcome->examples == 5);
  CHECK(outcome->metrics == MeasuredMetrics{{"accuracy", 0.75}, {"loss", 0.5}});
  CHECK(f.lines == std::vector<std::string>{"hello", "a", "b [1m"});
  const std::string round = text_of(f.scratch.path() / "rounds" / "round-000007" / "round.json");
  for (const char* part : {"\"round\": 7", "\"seed\": 11",
                           "\"batch_size\": ", "\"learning_rate\": 0.001,", "\"deadline_s\": "})
    CHECK_MESSAGE(round.find(part) != std::string::npos, part);
}

TEST_CASE("the program runs where the worker was started") {
  const Scratch scratch;
  auto trainer = make_command_trainer(program("echo \"$PWD\"; exit 1", scratch.path() / "rounds"),
                                      layout_of_two());
  REQUIRE(trainer.ok());
  std::string said;
  const auto outcome =
      (*trainer)->train(std::vector<float>{1, 2}, TrainTask{},
                        [&](const TrainProgress& progress) { said = progress.message; });
  CHECK(!outcome.ok());
  CHECK(said == std::filesystem::current_path().string());
}

TEST_CASE("after a good round its directory is gone; after a bad one it is kept and named") {
  Fixture f;
  REQUIRE(f.train(kCopyGlobal + " && " + kMetrics).ok());
  const auto dir = f.scratch.path() / "rounds" / "round-000007";
  CHECK(!std::filesystem::exists(dir));
  CHECK(f.failure("touch old; exit 3").find(dir.string()) != std::string::npos);
  CHECK(std::filesystem::exists(dir / "old"));
  CHECK(f.failure("test ! -e old && exit 4").find("status 4") != std::string::npos);
}

TEST_CASE("each failure of the program is one line") {
  Fixture f;
  f.offer("other.safetensors", ModelLayout::create({{"v", {2}, false}}).value(), {1, 2});
  f.offer("shape.safetensors", ModelLayout::create({{"w", {3}, false}}).value(), {1, 2, 3});
  f.offer("nan.safetensors", layout_of_two(), {1, std::nanf("")});
  const auto from = [&](const std::string& name) {
    return "cp ../../" + name + ".safetensors parameters.safetensors; " + kMetrics;
  };
  const auto metrics = [&](const std::string& json) {
    return kCopyGlobal + "; echo '" + json + "' > metrics.json";
  };
  struct Row {
    std::string command;
    const char* says;
  };
  const std::vector<Row> table = {
      {"exit 3", "exited with status 3; it printed nothing"},
      {"echo 'out of memory' >&2; exit 1", "exited with status 1; last line: out of memory"},
      {"no-such-program-at-all", "exited with status 127"},
      {"kill -9 $$", "ended by signal 9"},
      {kMetrics, "parameters.safetensors"},
      {kCopyGlobal, "metrics.json"},
      {"echo x > parameters.safetensors; " + kMetrics, "shorter than 8 bytes"},
      {"head -c 30 global.safetensors > parameters.safetensors; " + kMetrics, "ends inside"},
      {from("other"), "'v' is not part of this model"},
      {from("shape"), "has shape [3]"},
      {from("nan"), "'w' holds a value that is not finite"},
      {metrics("nonsense"), "metrics.json: not JSON"},
      {metrics("[]"), "not a JSON object"},
      {metrics(R"({"loss":1})"), "examples must be"},
      {metrics(R"({"examples":0,"loss":1})"), "examples must be"},
      {metrics(R"({"examples":-1,"loss":1})"), "examples must be"},
      {metrics(R"({"examples":1.5,"loss":1})"), "examples must be"},
      {"echo a; echo b; echo c; echo d; exit 1", "status 1; last lines: b | c | d (its"},
      {metrics(R"({"examples":1,"metrics":[1]})"), "metrics must be an object"},
      {metrics(R"({"examples":1,"metrics":{"f1 score":1}})"), "'f1 score' is no metric's name"},
      {metrics(R"({"examples":1,"metrics":{"":1}})"), "'' is no metric's name"},
      {metrics(R"({"examples":1,"metrics":{"dice":"x"}})"),
       "dice must be a finite number, or null"},
      {metrics(R"({"examples":1,"metrics":{"accuracy":1.5}})"), "accuracy must be a number from 0"},
      {metrics(many_metrics(17)), "17 metrics: at most 16"},
      {metrics(R"({"examples": 100, "loss": NaN})"),
       "metrics.json: not JSON: NaN (at byte 27) is no number there; null is for what was not"},
      {metrics(R"({"examples":1,"loss":"low"})"), "loss must be"},
      {metrics(R"({"examples":1,"loss":1,"accuracy":2})"), "accuracy must be"},
      {metrics(R"({"examples":1,"loss":1,"steps":-1})"), "steps must be"},
  };
  for (const Row& row : table) {
    const std::string message = f.failure(row.command);
    CHECK_MESSAGE(message.find(row.says) != std::string::npos, row.command << " -> " << message);
  }
}

TEST_CASE("an overrun ends the whole process group, even one that ignores SIGTERM") {
  Fixture f;
  f.task.deadline_ms = 300;
  const std::string message = f.failure(
      "trap '' TERM; sh -c 'trap \"\" TERM; while :; do sleep 0.05; done' & echo $!; while :; do "
      "sleep 0.05; done");
  CHECK_MESSAGE(message.find("overran its deadline of 300 ms") != std::string::npos, message);
  REQUIRE(f.lines.size() == 1);
  // SIGKILL has been sent; the orphan may remain a zombie until init reaps it.
  const std::string stat = "/proc/" + f.lines[0] + "/stat";
  for (;;) {
    const std::string state = text_of(stat);
    if (state.empty() || state.find(") Z ") != std::string::npos) break;
    std::this_thread::yield();
  }
}

TEST_CASE("training can be cancelled from another thread, and leaves nothing running") {
  Fixture f;
  std::atomic<bool> cancelled = false;
  f.task.cancelled = &cancelled;
  auto trainer = make_command_trainer(
      program("echo started; while :; do sleep 0.05; done", f.scratch.path() / "rounds"),
      layout_of_two());
  REQUIRE(trainer.ok());
  const auto outcome =
      (*trainer)->train(std::vector<float>{1, 2}, f.task, [&](const TrainProgress& progress) {
        if (progress.message == "started") cancelled.store(true);
      });
  REQUIRE(!outcome.ok());
  CHECK(outcome.error().message.find("was cancelled") != std::string::npos);
}

TEST_CASE("a flood of output and a helper that outlives its parent do not hold the round up") {
  Fixture f;
  const auto outcome = f.train("head -c 3000000 /dev/zero | tr '\\0' x; sleep 1000 & " +
                               kCopyGlobal + "; " + kMetrics);
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  for (const std::string& line : f.lines) CHECK(line.size() <= 400);
}

TEST_CASE("what cannot work is refused before it runs") {
  CHECK(!make_command_trainer(program(" ", "rounds"), layout_of_two()).ok());
  Fixture f;
  auto trainer = make_command_trainer(program("true", f.scratch.path()), layout_of_two());
  CHECK(!(*trainer)->train(std::vector<float>{1}, f.task, {}).ok());
  trainer = make_command_trainer(program("true", "/proc/none"), layout_of_two());
  CHECK(!(*trainer)->train(std::vector<float>{1, 2}, f.task, {}).ok());
}

TEST_CASE("metrics have names, measured or not") {
  Fixture f;
  const auto outcome = f.train(
      kCopyGlobal + R"(; echo '{"examples":5,"steps":2,"metrics":{"loss":0.5,"dice/a":null}}' > )" +
      "metrics.json");
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  CHECK(outcome->metrics == MeasuredMetrics{{"dice/a", std::nullopt}, {"loss", 0.5}});
  CHECK(f.train(kCopyGlobal + "; echo '" + many_metrics(16) + "' > metrics.json").ok());
}

TEST_CASE("what a program printed stays in its directory") {
  Fixture f;
  f.failure("echo one; echo two >&2; exit 1");
  const auto dir = f.scratch.path() / "rounds" / "round-000007";
  CHECK(text_of(dir / "output.txt") == "one\ntwo\n");
}
