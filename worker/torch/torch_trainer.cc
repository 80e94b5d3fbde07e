#include "worker/torch/torch_trainer.h"

#include <ATen/detail/CUDAHooksInterface.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <numeric>

#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "worker/seeded.h"
#include "worker/torch/net.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kOrderStream = 0x6f72646572;  // "order"
constexpr std::int64_t kEvaluationBatch = 512;

// Samples, model and device, ready for batches.
struct Bench {
  torch::Device device = torch::kCPU;
  std::unique_ptr<Net> net;
  FlatNet flat;
  Task task = Task::classification;
  torch::Tensor inputs;   // rows × sample shape
  torch::Tensor answers;  // classification: i64 labels; regression: fp32, rows × 1
};

struct BatchSums {
  double loss = 0;  // summed over samples
  double correct = 0;
  std::uint64_t samples = 0;
};

Result<Bench> make_bench(const ModelOptions& model, const DeviceOptions& options,
                         const Dataset& data) {
  if (data.rows() == 0)
    return Error{ErrorCode::bad_input, data.name +
                                           ": there are no samples for this worker; "
                                           "choose another shard or a larger --alpha"};
  Result<torch::Device> device = select_device(options.device);
  if (!device) return device.error();
  at::set_num_threads(static_cast<int>(std::max(1U, options.threads)));
  at::globalContext().setBenchmarkCuDNN(false);
  at::globalContext().setDeterministicCuDNN(true);
  at::globalContext().setDeterministicAlgorithms(true, /*warn_only=*/true);
  Bench bench;
  bench.device = *device;
  bench.task = data.task;
  Result<std::unique_ptr<Net>> net = make_net(model, data, 0);
  if (!net) return net.error();
  bench.net = *std::move(net);
  bench.net->move_to(bench.device);
  Result<FlatNet> flat = flatten(*bench.net);
  if (!flat) return flat.error();
  bench.flat = *std::move(flat);
  const auto rows = static_cast<std::int64_t>(data.rows());
  std::vector<std::int64_t> shape(data.sample_shape.begin(), data.sample_shape.end());
  shape.insert(shape.begin(), rows);
  bench.inputs = torch::from_blob(const_cast<float*>(data.features.data()), shape, torch::kFloat32)
                     .to(bench.device, torch::kFloat32, /*non_blocking=*/false, /*copy=*/true);
  if (!data.is_labelled) return bench;
  bench.answers =
      data.task == Task::classification
          ? torch::from_blob(const_cast<std::int32_t*>(data.labels.data()), {rows}, torch::kInt32)
                .to(bench.device, torch::kInt64)
          : torch::from_blob(const_cast<float*>(data.targets.data()), {rows, 1}, torch::kFloat32)
                .to(bench.device, torch::kFloat32, /*non_blocking=*/false, /*copy=*/true);
  return bench;
}

torch::Tensor batch_loss(const Bench& bench, const torch::Tensor& output,
                         const torch::Tensor& answers) {
  return bench.task == Task::classification ? torch::nn::functional::cross_entropy(output, answers)
                                            : torch::nn::functional::mse_loss(output, answers);
}

double correct_in(const Bench& bench, const torch::Tensor& output, const torch::Tensor& answers) {
  if (bench.task != Task::classification) return 0;
  return output.argmax(1).eq(answers).sum().item<double>();
}

Status check_size(const Bench& bench, std::span<const float> values) {
  if (values.size() == bench.flat.layout.value_count()) return {};
  return Error{ErrorCode::bad_input, "the global model has " + std::to_string(values.size()) +
                                         " values, this model " +
                                         std::to_string(bench.flat.layout.value_count())};
}

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const Bench& bench, const TrainTask& task) {
  std::vector<torch::Tensor> trained;
  for (const auto& [name, tensor] : bench.net->parameters())
    if (tensor.requires_grad()) trained.push_back(tensor);
  if (task.optimizer == OptimizerKind::adam)
    return std::make_unique<torch::optim::Adam>(trained,
                                                torch::optim::AdamOptions(task.learning_rate));
  return std::make_unique<torch::optim::SGD>(
      trained, torch::optim::SGDOptions(task.learning_rate).momentum(task.momentum));
}

class TorchTrainer : public Trainer {
 public:
  explicit TorchTrainer(Bench bench) : bench_(std::move(bench)) {}

  const ModelLayout& layout() const override { return bench_.flat.layout; }
  std::uint64_t example_count() const override {
    return static_cast<std::uint64_t>(bench_.inputs.size(0));
  }
  Result<TrainOutcome> train(std::span<const float> global, const TrainTask& task,
                             const ProgressFn& progress) override {
    return guarded("training", [&] { return run(global, task, progress); });
  }

 private:
  Result<TrainOutcome> run(std::span<const float> global, const TrainTask& task,
                           const ProgressFn& progress);
  BatchSums step(torch::optim::Optimizer& optimizer, std::span<std::int64_t> rows);

  Bench bench_;
};

BatchSums TorchTrainer::step(torch::optim::Optimizer& optimizer, std::span<std::int64_t> rows) {
  const auto count = static_cast<std::int64_t>(rows.size());
  const torch::Tensor index =
      torch::from_blob(rows.data(), {count}, torch::kInt64).to(bench_.device);
  const torch::Tensor answers = bench_.answers.index_select(0, index);
  optimizer.zero_grad();
  const torch::Tensor output = bench_.net->forward(bench_.inputs.index_select(0, index));
  const torch::Tensor loss = batch_loss(bench_, output, answers);
  loss.backward();
  optimizer.step();
  return {loss.item<double>() * static_cast<double>(count), correct_in(bench_, output, answers),
          rows.size()};
}

Result<TrainOutcome> TorchTrainer::run(std::span<const float> global, const TrainTask& task,
                                       const ProgressFn& progress) {
  using Clock = std::chrono::steady_clock;
  const Clock::time_point end = Clock::now() + std::chrono::milliseconds(task.deadline_ms);
  if (Status status = check_size(bench_, global); !status) return status.error();
  torch::manual_seed(task.seed);  // dropout in a TorchScript model
  load_flat(bench_.flat, global);
  bench_.net->set_training(true);
  const auto optimizer = make_optimizer(bench_, task);
  std::vector<std::int64_t> order(example_count());
  std::iota(order.begin(), order.end(), 0);
  const std::size_t batch = std::clamp<std::size_t>(task.batch_size, 1, order.size());
  const std::uint64_t pass_steps = (order.size() + batch - 1) / batch;
  const std::uint64_t steps =
      task.local_steps != 0 ? task.local_steps : pass_steps * task.local_epochs;
  BatchSums pass;
  for (std::uint64_t s = 0; s < steps; ++s) {
    if (task.cancelled != nullptr && task.cancelled->load())
      return Error{ErrorCode::refused, "training was cancelled"};
    if (task.deadline_ms != 0 && Clock::now() >= end)
      return Error{ErrorCode::refused, "training overran its deadline of " +
                                           std::to_string(task.deadline_ms) + " ms at step " +
                                           std::to_string(s) + " of " + std::to_string(steps)};
    if (s % pass_steps == 0) {
      Seeded(task.seed, kOrderStream, s / pass_steps).shuffle(std::span(order));
      pass = {};
    }
    const std::size_t at = (s % pass_steps) * batch;
    const BatchSums sums =
        step(*optimizer, std::span(order).subspan(at, std::min(batch, order.size() - at)));
    pass.loss += sums.loss;
    pass.correct += sums.correct;
    pass.samples += sums.samples;
    if (progress) progress({s + 1, steps, sums.loss / static_cast<double>(sums.samples), ""});
  }
  TrainOutcome outcome;
  outcome.parameters = store_flat(bench_.flat);
  for (const float value : outcome.parameters)
    if (!std::isfinite(value))
      return Error{ErrorCode::corrupt,
                   "training diverged to values that are not finite; lower the learning rate"};
  const auto seen = static_cast<double>(std::max<std::uint64_t>(pass.samples, 1));
  outcome.metrics["loss"] = measured(pass.loss / seen);
  if (bench_.task == Task::classification)
    outcome.metrics["accuracy"] = measured(pass.correct / seen);
  outcome.examples = std::min<std::uint64_t>(order.size(), steps * batch);
  outcome.steps = steps;
  return outcome;
}

class TorchEvaluator : public Evaluator {
 public:
  explicit TorchEvaluator(Bench bench) : bench_(std::move(bench)) {}

  const ModelLayout& layout() const override { return bench_.flat.layout; }
  Result<EvaluateOutcome> evaluate(std::span<const float> parameters,
                                   const EvaluateTask& /*task*/) override {
    return guarded("evaluation", [&] { return run(parameters); });
  }

 private:
  Result<EvaluateOutcome> run(std::span<const float> parameters) {
    if (Status status = check_size(bench_, parameters); !status) return status.error();
    torch::NoGradGuard no_grad;
    load_flat(bench_.flat, parameters);
    bench_.net->set_training(false);
    const auto rows = static_cast<std::uint64_t>(bench_.inputs.size(0));
    BatchSums sums;
    for (std::int64_t begin = 0; begin < bench_.inputs.size(0); begin += kEvaluationBatch) {
      const std::int64_t end = std::min(bench_.inputs.size(0), begin + kEvaluationBatch);
      const torch::Tensor answers = bench_.answers.slice(0, begin, end);
      const torch::Tensor output = bench_.net->forward(bench_.inputs.slice(0, begin, end));
      sums.loss +=
          batch_loss(bench_, output, answers).item<double>() * static_cast<double>(end - begin);
      sums.correct += correct_in(bench_, output, answers);
    }
    const double loss = sums.loss / static_cast<double>(rows);
    if (bench_.task == Task::classification)
      return EvaluateOutcome{{{"loss", measured(loss)},
                              {"accuracy", measured(sums.correct / static_cast<double>(rows))}},
                             rows};
    const double variance = bench_.answers.var(/*unbiased=*/false).item<double>();
    // Of targets that are all alike R² is not defined.
    std::optional<double> r2;
    if (variance > 0) r2 = measured(1.0 - loss / variance);
    return EvaluateOutcome{{{"loss", measured(loss)}, {"r2", r2}}, rows};
  }

  Bench bench_;
};

class TorchPredictor : public Predictor {
 public:
  explicit TorchPredictor(Bench bench) : bench_(std::move(bench)) {}

  const ModelLayout& layout() const override { return bench_.flat.layout; }
  Result<std::vector<float>> predict(std::span<const float> parameters) override {
    return guarded("prediction", [&] { return run(parameters); });
  }

 private:
  Result<std::vector<float>> run(std::span<const float> parameters) {
    if (Status status = check_size(bench_, parameters); !status) return status.error();
    torch::NoGradGuard no_grad;
    load_flat(bench_.flat, parameters);
    bench_.net->set_training(false);
    const std::int64_t rows = bench_.inputs.size(0);
    std::vector<float> values;
    for (std::int64_t at = 0; at < rows; at += kEvaluationBatch) {
      torch::Tensor output = bench_.net->forward(
          bench_.inputs.slice(0, at, std::min<std::int64_t>(rows, at + kEvaluationBatch)));
      if (bench_.task == Task::classification) output = output.softmax(1);
      output = output.to(torch::kCPU).contiguous();
      const float* begin = output.data_ptr<float>();
      values.insert(values.end(), begin, begin + output.numel());
    }
    return values;
  }

  Bench bench_;
};

}  // namespace

Result<std::unique_ptr<Predictor>> make_torch_predictor(const ModelOptions& model,
                                                        const DeviceOptions& device, Dataset rows) {
  return guarded("model " + model.model, [&]() -> Result<std::unique_ptr<Predictor>> {
    Result<Bench> bench = make_bench(model, device, rows);
    if (!bench) return bench.error();
    return std::unique_ptr<Predictor>(std::make_unique<TorchPredictor>(*std::move(bench)));
  });
}

Result<std::unique_ptr<Trainer>> make_torch_trainer(const ModelOptions& model,
                                                    const DeviceOptions& device, Dataset train) {
  return guarded("model " + model.model, [&]() -> Result<std::unique_ptr<Trainer>> {
    Result<Bench> bench = make_bench(model, device, train);
    if (!bench) return bench.error();
    const auto parameters = bench->net->parameters();
    if (std::none_of(parameters.begin(), parameters.end(),
                     [](const auto& named) { return named.second.requires_grad(); }))
      return Error{ErrorCode::bad_input,
                   "model " + model.model + ": none of its parameters requires a gradient"};
    return std::unique_ptr<Trainer>(std::make_unique<TorchTrainer>(*std::move(bench)));
  });
}

Result<std::unique_ptr<Evaluator>> make_torch_evaluator(const ModelOptions& model,
                                                        const DeviceOptions& device,
                                                        Dataset holdout) {
  return guarded("model " + model.model, [&]() -> Result<std::unique_ptr<Evaluator>> {
    Result<Bench> bench = make_bench(model, device, holdout);
    if (!bench) return bench.error();
    return std::unique_ptr<Evaluator>(std::make_unique<TorchEvaluator>(*std::move(bench)));
  });
}

Result<InitialModel> make_initial_model(const ModelOptions& model, const Dataset& data,
                                        std::uint64_t seed) {
  return guarded("model " + model.model, [&]() -> Result<InitialModel> {
    Result<std::unique_ptr<Net>> net = make_net(model, data, seed);
    if (!net) return net.error();
    Result<FlatNet> flat = flatten(**net);
    if (!flat) return flat.error();
    return InitialModel{flat->layout, store_flat(*flat)};
  });
}

Result<Hash> model_file_hash(const std::string& file) {
  Result<Bytes> bytes = read_file(file, kMaxModelFileBytes);
  if (!bytes) return bytes.error();
  return sha256(*bytes);
}

// Whether it was compiled in; a GPU need not be there.
bool torch_has_cuda() { return at::detail::getCUDAHooks().hasCUDART(); }

Result<std::string> describe_device(const std::string& device) {
  return guarded("device " + device, [&]() -> Result<std::string> {
    Result<torch::Device> selected = select_device(device);
    if (!selected) return selected.error();
    if (selected->is_cpu())
      return "cpu, " + std::to_string(at::get_num_threads()) + " threads, libtorch " +
             torch_version();
    torch::zeros({1}, *selected);  // the driver answers, or throws
    return selected->str() + ", libtorch " + torch_version();
  });
}

}  // namespace gradmint
