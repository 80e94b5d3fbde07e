// A TorchScript file as the model: made here, loaded through the public interface.
#include <doctest/doctest.h>

#include "ledger/hash.h"
#include "tests/worker/scratch.h"
#include "tests/worker/script_archive.h"
#include "worker/torch/torch_trainer.h"

using namespace gradmint;
using gradmint::test::Scratch;

namespace {

Dataset two_points() {
  Dataset data;
  data.name = "points";
  data.sample_shape = {2};
  data.classes = {"a", "b"};
  data.features = {-1, 1, 1, -1};
  data.labels = {0, 1};
  return data;
}

}  // namespace

TEST_CASE("a TorchScript model trains: parameters, then floating buffers; integer ones stay out") {
  const Scratch scratch;
  ModelOptions model;
  model.model = (scratch.path() / "linear.pt").string();
  test::save_linear_script(model.model, 2);
  model.expected_file_hash = *model_file_hash(model.model);
  const auto initial = make_initial_model(model, two_points(), 1);
  REQUIRE_MESSAGE(initial.ok(), initial.error().message);
  std::string order;
  for (const TensorSpec& tensor : initial->layout.tensors()) order += tensor.name + " ";
  CHECK(order == "bias weight shift ");
  CHECK(initial->parameters == std::vector<float>{0, 0, 1, 1, 1, 1, 0, 0});
  auto trainer = make_torch_trainer(model, {}, two_points());
  auto evaluator = make_torch_evaluator(model, {}, two_points());
  REQUIRE(trainer.ok());
  REQUIRE(evaluator.ok());
  TrainTask task;
  task.local_epochs = 20;
  task.learning_rate = 0.1;
  const auto outcome = (*trainer)->train(initial->parameters, task, {});
  REQUIRE_MESSAGE(outcome.ok(), outcome.error().message);
  CHECK((*evaluator)->evaluate(outcome->parameters, {})->metrics.at("accuracy") == 1.0);
}

TEST_CASE("a file with another hash, or another shape of output, is refused") {
  const Scratch scratch;
  ModelOptions model;
  model.model = (scratch.path() / "linear.pt").string();
  test::save_linear_script(model.model, 3);
  const auto wrong_shape = make_initial_model(model, two_points(), 1);
  REQUIRE(!wrong_shape.ok());
  CHECK(wrong_shape.error().message.find("another shape than the 2 outputs") != std::string::npos);
  model.expected_file_hash = sha256({});
  const auto wrong_hash = make_initial_model(model, two_points(), 1);
  REQUIRE(!wrong_hash.ok());
  CHECK(wrong_hash.error().code == ErrorCode::refused);
}
