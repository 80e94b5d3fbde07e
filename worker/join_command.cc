#include "worker/join_command.h"

#include <memory>
#include <set>
#include <utility>

#include "coordinator/config/path_option.h"
#include "gradmint_revision.h"
#include "kernels/base/text.h"
#include "kernels/parallel.h"
#include "worker/cli/arguments.h"
#include "worker/data/load.h"
#include "worker/equip.h"
#include "worker/session/run.h"

namespace gradmint {
namespace {

namespace fs = std::filesystem;
using session::WorkerTrainers;

struct JoinArguments {
  std::string invitation;
  std::string coordinator;
  std::string home;
  DataArguments data;
  ModelArguments model;
  std::string trainer, evaluator;
  std::uint64_t samples = 0;
  std::string adversary;
  std::string name;
  std::string origin;
  std::string licence;
  std::string passphrase_file;
  std::string config;
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
  if (!a.data.data.empty()) {
    if (Status there = find_data(a.data.data, default_digits_file()); !there)
      return report(there.error());
  }
  auto home = session::WorkerHome::open(a.home, invitation, a.passphrase_file, a.coordinator);
  if (!home) return report(home.error());

  session::TerminalConsole console(session::TerminalConsole::stdout_is_terminal());
  console.say({false, "worker " + address_of(home->key().account()) + ", home " + a.home});
  std::set<std::string> told;
  const auto equipped = [&](const GenesisRecord& genesis, const ModelLayout* layout,
                            const std::vector<ScalerBits>& scaler) -> Result<Equipment> {
    auto equipment = equip({a.data, a.model, a.trainer, a.evaluator, a.samples, a.home, *adversary,
                            a.origin, a.licence, home->secret()},
                           genesis, layout, scaler);
    if (!equipment) return equipment.error();
    for (const std::string& remark : equipment->remarks) {
      if (told.insert(remark).second) console.say({false, remark});
    }
    return equipment;
  };
  session::RunOptions options;
  options.name = a.name;
  options.revision = GRADMINT_REVISION;
  options.encoder = *std::move(encoder);
  options.adversary = *adversary;
  options.adversary_seed = a.data.seed;
  std::optional<WorkerTrainers> made;         // before it registered
  std::optional<session::DataSummed> summed;  // likewise
  options.task.fits_task = [&](const GenesisRecord& genesis) -> Status {
    auto equipment = equipped(genesis, nullptr, {});
    if (!equipment) return equipment.error();
    if (equipment->sums) {
      summed = {"", equipment->trainers.dataset, *equipment->sums};
    } else if (a.trainer.empty() && a.evaluator.empty()) {
      made = std::move(equipment->trainers);
    }
    return {};
  };
  options.task.sums = [&](const GenesisRecord& genesis) -> Result<session::DataSummed> {
    if (summed) return *std::exchange(summed, std::nullopt);
    auto equipment = equipped(genesis, nullptr, {});
    if (!equipment) return equipment.error();
    return session::DataSummed{"", equipment->trainers.dataset, *equipment->sums};
  };
  options.task.trainers = [&](const GenesisRecord& genesis, const ModelLayout& layout,
                              const std::vector<ScalerBits>& scaler) -> Result<WorkerTrainers> {
    if (made) return *std::exchange(made, std::nullopt);
    auto equipment = equipped(genesis, &layout, scaler);
    if (!equipment) return equipment.error();
    return std::move(equipment->trainers);
  };
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
  command
      ->add_option("--coordinator", a->coordinator,
                   "tcp://HOST:PORT, where the coordinator has moved since the invitation; kept")
      ->type_name("ADDRESS");
  command->add_option("--home", a->home, "the worker's directory, made when missing")
      ->type_name("DIR")
      ->required()
      ->check(some_path());
  add_data_options(*command, a->data);
  command->get_option("--data")->required(false);
  add_shard_options(*command, a->data);
  add_model_options(*command, a->model);
  add_device_options(*command, a->model);
  command->add_option("--trainer", a->trainer, "your own program, run each round by /bin/sh -c")
      ->type_name("COMMAND");
  command
      ->add_option("--evaluator", a->evaluator,
                   "your own program that judges each new model on samples nobody trains on, run "
                   "by /bin/sh -c")
      ->type_name("COMMAND");
  command->add_option("--samples", a->samples,
                      "with --trainer and without --data: the most samples it trains on");
  command->add_option("--adversary", a->adversary,
                      "for tests of a federation: KIND or KIND@ROUND, as in signflip@4");
  command->add_option("--name", a->name, "shown to people; not an identity");
  command->add_option("--origin", a->origin, "where the data come from, for the manifest");
  command->add_option("--licence", a->licence, "the data's licence, for the manifest");
  command
      ->add_option("--passphrase-file", a->passphrase_file,
                   "file with the key's passphrase, instead of asking for it")
      ->type_name("FILE");
  command->add_option("--config", a->config, "TOML file with these options")
      ->type_name("FILE.toml");
  command->callback([a, &status] { status = run(*a); });
}

}  // namespace gradmint
