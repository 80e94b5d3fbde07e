#include "worker/equip.h"

#include "kernels/base/text.h"
#include "ledger/hash.h"
#include "ledger/scaler.h"
#include "ledger/tags.h"
#include "worker/cli/model_arguments.h"
#include "worker/command_evaluator.h"
#include "worker/command_trainer.h"
#include "worker/data/sums.h"
#include "worker/manifest.h"

namespace gradmint {
namespace {

using session::WorkerTrainers;

struct Samples {
  std::optional<Dataset> training;
  std::optional<Dataset> holdout;  // for the built-in evaluator
};

Result<Samples> load_samples(const EquipOrder& order) {
  Samples samples;
  if (order.data.data.empty()) return samples;
  auto training = load_training(order.data);
  if (!training) return training.error();
  samples.training = *std::move(training);
  if (order.data.holdout_permille == 0 || !order.trainer.empty() || !order.evaluator.empty())
    return samples;
  auto holdout = load_holdout(order.data);
  if (!holdout) return holdout.error();
  samples.holdout = *std::move(holdout);
  return samples;
}

// The kind of data goes on the ledger, never where they lie on this machine.
std::string public_name(const std::string& spec) { return spec.substr(0, spec.find(':')); }

RegisterDataset manifest_of(const EquipOrder& order, const Samples& samples) {
  RegisterDataset body;
  if (!samples.training) {
    // The samples are known to the user's program alone, so the root binds none of them: it only
    // makes this statement unlike any other.
    body.name = "undisclosed";
    body.samples_root = tagged_hash(tag::kUndisclosedSamples, order.secret.view());
    body.sample_count = order.samples;
    body.schema = "undisclosed: the count is the owner's word, and the root binds no sample";
    body.origin = order.origin;
    body.licence = order.licence;
    return body;
  }
  DatasetManifest manifest =
      make_manifest(*samples.training, order.secret, order.origin, order.licence);
  body.name = public_name(order.data.data);
  body.samples_root = manifest.root;
  body.sample_count = manifest.count;
  // Names of columns come from a file, whatever is in them.
  body.schema = clean_text(manifest.schema, kMaxSchemaBytes);
  body.origin = std::move(manifest.origin);
  body.licence = std::move(manifest.licence);
  return body;
}

// What this site states of its rows, and once the scaler is there: rows and contract with it.
Status sum_and_scale(const std::vector<ScalerBits>& scaler, Samples& samples, TaskSpec& task,
                     Equipment& equipment) {
  const auto sums = sums_of(*samples.training);
  if (!sums) return sums.error();
  equipment.sums = StateSums{{}, sums->rows, sums->columns};
  auto& remarks = equipment.remarks;
  remarks.insert(remarks.end(), sums->remarks.begin(), sums->remarks.end());
  if (scaler.empty()) return {};
  const auto contract = with_scaler(samples.training->contract, scaler);
  GRADMINT_CHECK(contract.has_value());  // the session compared it with the genesis
  task.contract = contract->encode();
  const std::size_t told = samples.training->remarks.size();
  if (Status scaled = scale_dataset(*contract, *samples.training); !scaled) return scaled;
  remarks.insert(remarks.end(),
                 samples.training->remarks.begin() + static_cast<std::ptrdiff_t>(told),
                 samples.training->remarks.end());
  return samples.holdout ? scale_dataset(*contract, *samples.holdout) : Status{};
}

Status add_torch_trainers(const EquipOrder& order, const Samples& samples, const TaskSpec& task,
                          WorkerTrainers& trainers) {
  auto model = fitting_model(order.model, task);
  if (!model) return model.error();
  if (order.adversary.kind == AdversaryKind::labelflip && samples.training->classes.empty())
    return Error{ErrorCode::bad_input, "--adversary labelflip needs classes: regression has none"};
  const DeviceOptions device = device_options(order.model);
  auto trainer = make_torch_trainer(*model, device, *samples.training);
  if (!trainer) return trainer.error();
  if (Status same = same_size((*trainer)->layout().size(), task); !same) return same;
  trainers.trainer = *std::move(trainer);
  if (order.adversary.kind == AdversaryKind::labelflip) {
    Dataset flipped = *samples.training;
    flip_labels(flipped.labels, static_cast<std::uint32_t>(flipped.outputs()));
    auto hostile = make_torch_trainer(*model, device, std::move(flipped));
    if (!hostile) return hostile.error();
    trainers.flipped = *std::move(hostile);
  }
  if (samples.holdout) {
    auto evaluator = make_torch_evaluator(*model, device, *samples.holdout);
    if (!evaluator) return evaluator.error();
    trainers.evaluator = *std::move(evaluator);
  }
  return {};
}

OwnProgram program_of(const EquipOrder& order, const TaskSpec& task, const std::string& role,
                      const std::string& command) {
  OwnProgram program;
  program.command = command;
  program.rounds_dir = order.home / role;
  program.contract = task.contract;
  return program;
}

Status add_command_trainer(const EquipOrder& order, const TaskSpec& task, const ModelLayout& layout,
                           WorkerTrainers& trainers) {
  auto trainer = make_command_trainer(program_of(order, task, "trainer", order.trainer), layout);
  if (!trainer) return trainer.error();
  trainers.trainer = *std::move(trainer);
  return {};
}

Status add_command_evaluator(const EquipOrder& order, const TaskSpec& task,
                             const ModelLayout& layout, WorkerTrainers& trainers) {
  auto evaluator =
      make_command_evaluator(program_of(order, task, "evaluator", order.evaluator), layout);
  if (!evaluator) return evaluator.error();
  trainers.evaluator = *std::move(evaluator);
  trainers.evaluator_is_untried = true;
  return {};
}

}  // namespace

Result<ModelOptions> fitting_model(const ModelArguments& model, const TaskSpec& task) {
  auto options = model_options(model);
  if (!options) return options;
  const bool is_file = model.model != "mlp" && model.model != "cnn";
  if (task.model == "torchscript") {
    if (!is_file) {
      return Error{ErrorCode::bad_input,
                   "this federation trains a TorchScript program: give your copy of it as "
                   "--model FILE.pt (SHA-256 " +
                       to_hex(task.program_hash) + ")"};
    }
    options->expected_file_hash = task.program_hash;
    return options;
  }
  if (task.model != model.model) {
    return Error{ErrorCode::bad_input,
                 task.model == "external"
                     ? "this federation's workers bring their own trainers: give --trainer"
                     : "this federation trains " + task.model + ", not " + model.model +
                           ": give --model " + task.model};
  }
  return options;
}

Status use_task(DataArguments& data, const TaskSpec& task) {
  if (!task.contract.empty()) {
    auto contract = DataContract::decode(task.contract);
    if (!contract) return contract.error();
    return use_contract(data, *std::move(contract));
  }
  const std::string objective = data.task.empty() ? "classification" : data.task;
  if (objective == task.objective) return {};
  return Error{ErrorCode::bad_input,
               "this federation's task is " + task.objective + ": give --task " + task.objective};
}

Status same_size(const ModelSize& size, const TaskSpec& task) {
  if (size == task.size) return {};
  return Error{ErrorCode::bad_input,
               "this federation's model (" + task.model + ") has " + describe(task.size) +
                   ", this worker's has " + describe(size) +
                   ": give the same --model, --hidden and data shape as the coordinator"};
}

Result<Equipment> equip(EquipOrder order, const GenesisRecord& genesis, const ModelLayout* layout,
                        const std::vector<ScalerBits>& scaler) {
  TaskSpec task = genesis.task;
  const bool sums_asked = summed_columns(task) != 0;
  if (sums_asked && order.data.data.empty())
    return Error{ErrorCode::bad_input,
                 "this federation's scaler comes from sums over its sites' rows: give --data, "
                 "beside a trainer of your own as well"};
  if (!order.data.data.empty()) {
    if (Status fits = use_task(order.data, task); !fits) return fits.error();
  }
  auto samples = load_samples(order);
  if (!samples) return samples.error();
  Equipment equipment;
  if (samples->training) equipment.remarks = samples->training->remarks;
  equipment.trainers.dataset = manifest_of(order, *samples);  // of the rows as the file has them
  if (sums_asked) {
    if (Status summed = sum_and_scale(scaler, *samples, task, equipment); !summed)
      return summed.error();
  }
  Status added;
  if (order.trainer.empty()) {
    added = add_torch_trainers(order, *samples, task, equipment.trainers);
  } else if (layout != nullptr) {
    added = add_command_trainer(order, task, *layout, equipment.trainers);
  }
  if (!added) return added.error();
  if (!order.evaluator.empty() && layout != nullptr) {
    added = add_command_evaluator(order, task, *layout, equipment.trainers);
    if (!added) return added.error();
  }
  return equipment;
}

}  // namespace gradmint
