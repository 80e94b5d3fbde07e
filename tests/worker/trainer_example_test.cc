// docs/examples/trainer_plain.py is a promise to users: it runs as it is.
#include <doctest/doctest.h>
#include <zlib.h>

#include <cstdlib>

#include "gradmint_test_paths.h"
#include "tests/worker/scratch.h"
#include "worker/command_trainer.h"
#include "worker/seeded.h"

using namespace gradmint;
using gradmint::test::Scratch;

TEST_CASE("the plain Python example trains whichever model it is given") {
  if (std::system("python3 -c '' 2>/dev/null") != 0) {
    MESSAGE("SKIPPED: no python3");
    return;
  }
  const Scratch scratch;
  const std::string digits = (scratch.path() / "digits.csv.gz").string();
  Seeded draw(1);
  std::string rows;
  for (int row = 0; row < 60; ++row) {  // the label's own pixels are bright
    for (int pixel = 0; pixel < 64; ++pixel)
      rows += std::to_string(pixel % 10 == row % 10 ? 16 : draw.below(6)) + ",";
    rows += std::to_string(row % 10) + "\n";
  }
  gzFile out = gzopen(digits.c_str(), "wb");
  REQUIRE(gzwrite(out, rows.data(), static_cast<unsigned>(rows.size())) ==
          static_cast<int>(rows.size()));
  gzclose(out);
  const std::string command = "GRADMINT_DIGITS='" + digits +
                              "' python3 '" GRADMINT_SOURCE_DIR "/docs/examples/trainer_plain.py'";
  const std::vector<std::vector<TensorSpec>> models = {
      {{"weight", {10, 64}, false}, {"bias", {10}, false}},
      {{"hidden.weight", {16, 64}, false},
       {"hidden.bias", {16}, false},
       {"output.weight", {10, 16}, false},
       {"output.bias", {10}, false}}};
  for (const auto& tensors : models) {
    CAPTURE(tensors.size());
    const ModelLayout layout = ModelLayout::create(tensors).value();
    OwnProgram program;
    program.command = command;
    program.rounds_dir = scratch.path() / "rounds";
    auto trainer = make_command_trainer(program, layout);
    REQUIRE(trainer.ok());
    TrainTask task;
    task.round = 1;
    task.local_epochs = 10;
    task.learning_rate = 0.1;
    task.optimizer = OptimizerKind::sgd;
    std::vector<float> global(layout.value_count());
    for (float& value : global) value = static_cast<float>(draw.unit() - 0.5) / 4;
    int lines = 0;
    const auto outcome = (*trainer)->train(global, task, [&](const TrainProgress&) { ++lines; });
    REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
    CHECK(lines == 10);
    CHECK(outcome->examples == 48);  // of 60: the last fifth is the evaluator's
    CHECK(outcome->metrics.at("accuracy").value() > 0.9);
    CHECK(outcome->parameters.size() == global.size());
  }
}
