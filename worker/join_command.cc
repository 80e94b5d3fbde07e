#include "worker/join_command.h"

#include <memory>
#include <utility>

#include "coordinator/config/path_option.h"
#include "gradmint_revision.h"
#include "kernels/base/text.h"
#include "kernels/parallel.h"
#include "ledger/hash.h"
#include "worker/cli/arguments.h"
#include "worker/cli/model_arguments.h"
#include "worker/command_trainer.h"
#include "worker/manifest.h"
#include "worker/session/run.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;
using session::WorkerTrainers;

struct JoinArguments {
  std::string invitation;
  std::string home;
  DataArguments data;
  ModelArguments model;
  std::string trainer;
  std::uint64_t samples = 0;
  std::string adversary;
  std::string name;
  std::string origin;
  std::string licence;
  std::string passphrase_file;
  std::string config;
};

// What the worker trains and evaluates on; shared with the trainers' factory.
struct Samples {
  std::optional<Dataset> training;
  std::optional<Dataset> holdout;
};

Status check_text(const std::string& option, const std::string& text, std::size_t cap) {
  if (text.size() > cap) {
    return Error{ErrorCode::bad_input,
                 option + " is longer than " + std::to_string(cap) + " bytes"};
  }
  if (is_clean_text(text)) return {};
  return Error{ErrorCode::bad_input,
               option +
                   " must be one line of UTF-8 text without control characters and invisible "
                   "marks: it goes on the ledger"};
}

Status check_arguments(const JoinArguments& a) {
  if (a.trainer.empty() && a.data.data.empty()) {
    return Error{ErrorCode::bad_input,
                 "join: give --data (and --model), or --trainer 'COMMAND' with --samples N"};
  }
  if (a.data.data.empty() && a.samples == 0) {
    return Error{ErrorCode::bad_input,
                 "join: a trainer of your own needs --data, or --samples N: how many samples it "
                 "trains on at most, for the manifest"};
  }
  if (!a.data.data.empty() && a.samples != 0) {
    return Error{ErrorCode::bad_input, "join: --samples is for a trainer without --data"};
  }
  for (const auto& [option, text] :
       {std::pair{"--origin", a.origin}, std::pair{"--licence", a.licence}}) {
    if (Status s = check_text(option, text, kMaxRecordTextBytes); !s) return s;
  }
  return check_text("--name", a.name, kMaxNameBytes);
}

Result<Samples> load_samples(const JoinArguments& a) {
  Samples samples;
  if (a.data.data.empty()) return samples;
  auto training = load_training(a.data);
  if (!training) return training.error();
  samples.training = *std::move(training);
  if (a.data.holdout_permille == 0 || !a.trainer.empty()) return samples;
  auto holdout = load_holdout(a.data);
  if (!holdout) return holdout.error();
  samples.holdout = *std::move(holdout);
  return samples;
}

// The kind of data goes on the ledger, never where they lie on this machine.
std::string public_name(const std::string& spec) { return spec.substr(0, spec.find(':')); }

RegisterDataset manifest_of(const JoinArguments& a, const Samples& samples, const Hash& secret) {
  RegisterDataset body;
  if (!samples.training) {
    // The samples are known to the user's program alone, so the root binds none of them: it only
    // makes this statement unlike any other.
    body.name = "undisclosed";
    body.samples_root = tagged_hash("gradmint/undisclosed-samples/v1", secret.view());
    body.sample_count = a.samples;
    body.schema = "undisclosed: the count is the owner's word, and the root binds no sample";
    body.origin = a.origin;
    body.licence = a.licence;
    return body;
  }
  DatasetManifest manifest = make_manifest(*samples.training, secret, a.origin, a.licence);
  body.name = public_name(a.data.data);
  body.samples_root = manifest.root;
  body.sample_count = manifest.count;
  // Names of columns come from a file, whatever is in them.
  body.schema = clean_text(manifest.schema, kMaxSchemaBytes);
  body.origin = std::move(manifest.origin);
  body.licence = std::move(manifest.licence);
  return body;
}

Result<ModelOptions> fitting_model(const JoinArguments& a, const TaskSpec& task) {
  auto options = model_options(a.model);
  if (!options) return options;
  const bool is_file = a.model.model != "mlp" && a.model.model != "cnn";
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
  if (task.model != a.model.model) {
    return Error{ErrorCode::bad_input,
                 task.model == "external"
                     ? "this federation's workers bring their own trainers: give --trainer"
                     : "this federation trains " + task.model + ", not " + a.model.model +
                           ": give --model " + task.model};
  }
  return options;
}

Result<WorkerTrainers> torch_trainers(const JoinArguments& a, const AdversarySpec& adversary,
                                      const Samples& samples, const GenesisRecord& genesis) {
  auto model = fitting_model(a, genesis.task);
  if (!model) return model.error();
  if (genesis.task.objective != a.data.objective()) {
    return Error{ErrorCode::bad_input, "this federation's task is " + genesis.task.objective +
                                           ": give --task " + genesis.task.objective};
  }
  const DeviceOptions device = device_options(a.model);
  WorkerTrainers trainers;
  auto trainer = make_torch_trainer(*model, device, *samples.training);
  if (!trainer) return trainer.error();
  trainers.trainer = *std::move(trainer);
  if (adversary.kind == AdversaryKind::labelflip) {
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
  return trainers;
}

Status same_size(const WorkerTrainers& trainers, const TaskSpec& task) {
  const std::uint64_t here = trainers.trainer->layout().parameter_count();
  if (here == task.parameter_count) return {};
  return Error{ErrorCode::bad_input,
               "this federation's model (" + task.model + ") has " +
                   std::to_string(task.parameter_count) + " parameters, this worker's has " +
                   std::to_string(here) +
                   ": give the same --model, --hidden and data shape as the coordinator"};
}

Result<WorkerTrainers> command_trainers(const JoinArguments& a, const ModelLayout& layout) {
  CommandTrainerOptions options;
  options.command = a.trainer;
  options.rounds_dir = fs::path(a.home) / "trainer";
  auto trainer = make_command_trainer(std::move(options), layout);
  if (!trainer) return trainer.error();
  WorkerTrainers trainers;
  trainers.trainer = *std::move(trainer);
  return trainers;
}

Result<AdversarySpec> adversary_of(const JoinArguments& a) {
  if (a.adversary.empty()) return AdversarySpec{};
  auto spec = parse_adversary(a.adversary);
  if (spec && spec->kind == AdversaryKind::labelflip && !a.trainer.empty()) {
    return Error{ErrorCode::bad_input,
                 "--adversary labelflip needs the built-in training, not --trainer"};
  }
  return spec;
}

// Updates are encoded where the worker trains. A program without CUDA kernels encodes on the
// processor even where its libtorch has a GPU: the bytes are the same.
Result<std::shared_ptr<kernels::Backend>> open_encoder(const std::string& device) {
  auto opened =
      kernels::open_backend(kernels::has_cuda_backend() ? device : "cpu", kernels::all_cores());
  if (!opened) return opened.error();
  return std::shared_ptr<kernels::Backend>(*std::move(opened));
}

int run(const JoinArguments& a) {
  if (Status s = check_arguments(a); !s) return report(s.error());
  auto encoder = open_encoder(a.model.device);
  if (!encoder) return report(encoder.error());
  auto adversary = adversary_of(a);
  if (!adversary) return report(adversary.error());
  std::optional<Invitation> invitation;
  if (!a.invitation.empty()) {
    auto parsed = parse_invitation(a.invitation);
    if (!parsed) return report(parsed.error());
    invitation = *std::move(parsed);
  }
  auto samples = load_samples(a);
  if (!samples) return report(samples.error());
  auto home = session::WorkerHome::open(a.home, invitation, a.passphrase_file);
  if (!home) return report(home.error());

  session::RunOptions options;
  options.name = a.name;
  options.revision = GRADMINT_REVISION;
  options.dataset = manifest_of(a, *samples, home->secret());
  options.encoder = *std::move(encoder);
  options.adversary = *adversary;
  options.adversary_seed = a.data.seed;
  std::optional<WorkerTrainers> made;
  options.fits_task = [&](const GenesisRecord& genesis) -> Status {
    if (!a.trainer.empty()) return {};  // a program of the user's is asked when there is a model
    auto trainers = torch_trainers(a, *adversary, *samples, genesis);
    if (!trainers) return trainers.error();
    if (Status same = same_size(*trainers, genesis.task); !same) return same;
    made = *std::move(trainers);
    return {};
  };
  options.trainers = [&](const GenesisRecord& genesis,
                         const ModelLayout& layout) -> Result<WorkerTrainers> {
    if (!a.trainer.empty()) return command_trainers(a, layout);
    if (made) return *std::exchange(made, std::nullopt);
    return torch_trainers(a, *adversary, *samples, genesis);
  };
  session::Console console(session::Console::stdout_is_terminal());
  console.say({false, "worker " + address_of(home->key().account()) + ", home " + a.home});
  if (samples->training) {
    for (const std::string& remark : samples->training->remarks) console.say({false, remark});
  }
  return session::run_session(*home, options, console);
}

}  // namespace

void add_join(CLI::App& app, int& status) {
  auto a = std::make_shared<JoinArguments>();
  CLI::App* command = app.add_subcommand("join", "Take part in a federation, round after round");
  command->footer(
      "Example:\n  gradmint worker join gminv1... --home ./worker --data digits --model mlp\n"
      "Ctrl-C ends it politely; the same command goes on where it stopped.");
  command->add_option("INVITE", a->invitation,
                      "the coordinator's invitation; not needed once this home has joined");
  command->add_option("--home", a->home, "the worker's directory, made when missing")
      ->required()
      ->check(some_path());
  add_data_options(*command, a->data);
  command->get_option("--data")->required(false);
  add_shard_options(*command, a->data);
  add_model_options(*command, a->model);
  add_device_options(*command, a->model);
  command->add_option("--trainer", a->trainer, "your own program, run each round by /bin/sh -c");
  command->add_option("--samples", a->samples,
                      "with --trainer and without --data: the most samples it trains on");
  command->add_option("--adversary", a->adversary,
                      "for tests of a federation: KIND or KIND@ROUND, as in signflip@4");
  command->add_option("--name", a->name, "shown to people; not an identity");
  command->add_option("--origin", a->origin, "where the data come from, for the manifest");
  command->add_option("--licence", a->licence, "the data's licence, for the manifest");
  command->add_option("--passphrase-file", a->passphrase_file,
                      "file with the key's passphrase, instead of asking for it");
  command->add_option("--config", a->config, "TOML file with these options");
  command->callback([a, &status] { status = run(*a); });
}

}  // namespace gradmint
