#include "worker/torch/torch_trainer.h"

#include <doctest/doctest.h>

#include <atomic>
#include <fstream>

#include "tests/support/paths.h"
#include "tests/worker/scratch.h"
#include "worker/data/load.h"
#include "worker/seeded.h"

using namespace gradmint;
using gradmint::test::Scratch;

namespace {

// Two classes of points around (−1, −1) and (1, 1); regression: their sum.
Dataset points(Task task, std::uint32_t rows, std::vector<std::uint64_t> shape) {
  Dataset data;
  data.name = "points";
  data.task = task;
  data.sample_shape = std::move(shape);
  data.classes = {"low", "high"};
  std::uint64_t columns = 1;
  for (const std::uint64_t extent : data.sample_shape) columns *= extent;
  Seeded draw(5);
  for (std::uint32_t row = 0; row < rows; ++row) {
    const auto label = static_cast<std::int32_t>(draw.below(2));
    float sum = 0;
    for (std::uint64_t c = 0; c < columns; ++c) {
      data.features.push_back(static_cast<float>(draw.normal() * 0.3 + 2.0 * label - 1.0));
      sum += data.features.back();
    }
    if (task == Task::classification)
      data.labels.push_back(label);
    else
      data.targets.push_back(sum);
  }
  return data;
}

// The accuracy, or the R² of a regression.
double score_of(const EvaluateOutcome& outcome) {
  const auto accuracy = outcome.metrics.find("accuracy");
  return (accuracy != outcome.metrics.end() ? accuracy : outcome.metrics.find("r2"))
      ->second.value();
}
double loss_of(const EvaluateOutcome& outcome) { return outcome.metrics.at("loss").value(); }

struct Trained {
  TrainOutcome outcome;
  EvaluateOutcome before;
  EvaluateOutcome after;
};

Trained train_on(const ModelOptions& model, const Dataset& data, const TrainTask& task) {
  const auto initial = make_initial_model(model, data, 1);
  REQUIRE_MESSAGE(initial.ok(), initial.error().message);
  auto trainer = make_torch_trainer(model, {}, data);
  REQUIRE(trainer.ok());
  auto evaluator = make_torch_evaluator(model, {}, data);
  REQUIRE(evaluator.ok());
  CHECK((*trainer)->layout() == initial->layout);
  CHECK((*trainer)->example_count() == data.rows());
  auto outcome = (*trainer)->train(initial->parameters, task, {});
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  return {*outcome, *(*evaluator)->evaluate(initial->parameters, {}),
          *(*evaluator)->evaluate(outcome->parameters, {})};
}

}  // namespace

TEST_CASE("built-in models learn: classification, regression, images, both optimizers") {
  struct Row {
    const char* model;
    Task task;
    std::vector<std::uint64_t> shape;
    OptimizerKind optimizer;
    double learning_rate;
  };
  const std::vector<Row> table = {
      {"mlp", Task::classification, {2}, OptimizerKind::sgd, 0.1},
      {"mlp", Task::classification, {2}, OptimizerKind::adam, 0.01},
      {"mlp", Task::regression, {2}, OptimizerKind::adam, 0.01},
      {"cnn", Task::classification, {1, 8, 8}, OptimizerKind::sgd, 0.05},
  };
  for (const Row& row : table) {
    TrainTask task;
    task.local_epochs = 10;
    task.learning_rate = row.learning_rate;
    task.optimizer = row.optimizer;
    ModelOptions model;
    model.model = row.model;
    model.hidden = 16;
    const Trained trained = train_on(model, points(row.task, 200, row.shape), task);
    CHECK(loss_of(trained.after) < loss_of(trained.before) / 2);
    CHECK(score_of(trained.after) > 0.95);
    CHECK(trained.outcome.examples == 200);
    CHECK(trained.outcome.steps == 10 * ((200 + task.batch_size - 1) / task.batch_size));
  }
}

TEST_CASE("the same seed gives the same bits, another seed others") {
  const Dataset data = points(Task::classification, 100, {2});
  TrainTask task;
  task.seed = 3;
  const auto first = train_on({}, data, task).outcome.parameters;
  CHECK(train_on({}, data, task).outcome.parameters == first);
  task.seed = 4;
  CHECK(train_on({}, data, task).outcome.parameters != first);
  CHECK(make_initial_model({}, data, 1)->parameters == make_initial_model({}, data, 1)->parameters);
  CHECK(make_initial_model({}, data, 1)->parameters != make_initial_model({}, data, 2)->parameters);
}

TEST_CASE("steps instead of epochs, progress, a deadline, cancellation, divergence") {
  const Dataset data = points(Task::classification, 100, {2});
  auto trainer = make_torch_trainer({}, {}, data);
  const auto initial = make_initial_model({}, data, 1);
  TrainTask task;
  task.local_steps = 3;
  task.batch_size = 40;
  std::uint64_t calls = 0;
  const auto count = [&](const TrainProgress& progress) {
    CHECK(progress.step == ++calls);
    CHECK(progress.steps_total == 3);
  };
  const auto outcome = (*trainer)->train(initial->parameters, task, count);
  REQUIRE(outcome.ok());
  CHECK(calls == 3);
  CHECK(outcome->examples == 100);

  task.local_steps = 1'000'000'000;
  task.deadline_ms = 20;
  CHECK((*trainer)->train(initial->parameters, task, {}).error().message.find("overran") !=
        std::string::npos);
  task.deadline_ms = 0;
  std::atomic<bool> cancelled = false;
  task.cancelled = &cancelled;
  const auto cancel = [&](const TrainProgress& p) { cancelled.store(p.step == 2); };
  CHECK((*trainer)->train(initial->parameters, task, cancel).error().code == ErrorCode::refused);

  TrainTask wild;
  wild.optimizer = OptimizerKind::sgd;
  wild.learning_rate = 1e30;
  const auto diverged = (*trainer)->train(initial->parameters, wild, {});
  REQUIRE(!diverged.ok());
  CHECK(diverged.error().message.find("lower the learning rate") != std::string::npos);
  CHECK(!(*trainer)->train(std::vector<float>{1}, wild, {}).ok());
}

TEST_CASE("what cannot be trained is refused in one line") {
  const Scratch scratch;
  const std::string junk = (scratch.path() / "junk.pt").string();
  std::ofstream(junk) << "this is no archive";
  const Dataset data = points(Task::classification, 10, {2});
  const Dataset empty = select_rows(data, {});
  struct Row {
    ModelOptions model;
    DeviceOptions device;
    const Dataset& data;
    const char* says;
  };
  const std::vector<Row> table = {
      {{"resnet", 1, {}}, {}, data, "is not mlp, cnn"},
      {{"cnn", 1, {}}, {}, data, "cnn needs images"},
      {{"/nonexistent.pt", 1, {}}, {}, data, "/nonexistent.pt"},
      {{junk, 1, {}}, {}, data, "cannot read this as a TorchScript archive"},
      {{junk, 1, Hash{}}, {}, data, "its SHA-256 is"},
      {{}, {"tpu", 1}, data, "is not auto, cpu or cuda:N"},
      {{}, {"cuda:99", 1}, data, "GPUs"},
      {{}, {}, empty, "no samples for this worker"},
  };
  for (const Row& row : table) {
    const auto trainer = make_torch_trainer(row.model, row.device, row.data);
    REQUIRE_MESSAGE(!trainer.ok(), row.says);
    CHECK_MESSAGE(trainer.error().message.find(row.says) != std::string::npos,
                  trainer.error().message);
    CHECK(trainer.error().message.find('\n') == std::string::npos);
  }
}

TEST_CASE("MNIST: one pass of the cnn over 1,000 images already helps") {
  const auto dir = test::data_dir() / "mnist-10k";
  if (!std::filesystem::exists(dir)) {
    MESSAGE("SKIPPED: no " << dir.string() << "; set GRADMINT_DATA");
    return;
  }
  const auto all = load_dataset("mnist:" + dir.string(), {}, "");
  REQUIRE(all.ok());
  std::vector<std::uint32_t> rows(1000);
  for (std::uint32_t i = 0; i < 1000; ++i) rows[i] = i;
  TrainTask task;
  ModelOptions model;
  model.model = "cnn";
  CHECK(score_of(train_on(model, select_rows(*all, rows), task).after) > 0.7);
}

TEST_CASE("digits: the default mlp passes 90 % centrally in five epochs") {
  const auto data = load_dataset("digits", {}, default_digits_file());
  if (!data.ok()) {
    MESSAGE("SKIPPED: " << data.error().message);
    return;
  }
  const auto split = split_holdout(*data, 0);
  const auto initial = make_initial_model({}, *data, 1);
  auto trainer = make_torch_trainer({}, {}, select_rows(*data, split->train));
  auto evaluator = make_torch_evaluator({}, {}, select_rows(*data, split->holdout));
  TrainTask task;
  task.local_epochs = 5;
  const auto outcome = (*trainer)->train(initial->parameters, task, {});
  REQUIRE(outcome.ok());
  CHECK(score_of(*(*evaluator)->evaluate(outcome->parameters, {})) > 0.90);
}
