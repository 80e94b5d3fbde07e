// gradmint-coordinator: init, run, status, workers, pause, resume, stop, invite, invitation,
// backup, vouch, member.
#include <poll.h>
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <algorithm>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <utility>

#include "coordinator/cli/command.h"
#include "coordinator/cli/event_output.h"
#include "coordinator/cli/invitation_commands.h"
#include "coordinator/cli/member_commands.h"
#include "coordinator/cli/version.h"
#include "coordinator/cli/workers_command.h"
#include "coordinator/config/parse_fault.h"
#include "coordinator/config/path_option.h"
#include "coordinator/order/signer.h"
#include "coordinator/protocol/admin_link.h"
#include "coordinator/server/backup.h"
#include "coordinator/server/coordinator.h"
#include "coordinator/server/init.h"
#include "kernels/base/exit_status.h"
#include "ledger/directory_lock.h"
#include "ledger/durable_file.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/keystore.h"
#include "ledger/mapping_fault.h"
#include "ledger/output/error_line.h"
#include "ledger/output/log.h"
#ifdef GRADMINT_WITH_CUDA
#include "kernels/cuda_backend.h"
#endif

namespace gradmint {
namespace {

constexpr const char* kProgram = "gradmint-coordinator";
constexpr int kAdminTimeoutMs = 5000;
constexpr int kStopTimeoutMs = 120'000;
constexpr int kLookMs = 50;
constexpr int kFarewellMs = 1000;  // for a reader of the last lines

struct Options {
  std::string home, config, passphrase_file, log_level = "warn", events = "text";
  std::string join, work, backend, directory;
  bool exit_when_finished = false;
  std::uint64_t height = 0;
};

std::atomic<bool> stop_requested{false};
Coordinator* running = nullptr;
void on_signal(int) {
  stop_requested = true;
  if (running != nullptr) running->wake();
}

int tell_fault(const Error& error) {
  write_error_line(kProgram, error.message);
  return exit_status(error.code);
}

std::uint64_t wall_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count());
}

int init(const Options& o) {
  const Home home{std::filesystem::absolute(o.home)};
  const std::filesystem::path config =
      o.config.empty() ? home.config() : std::filesystem::path(o.config);
  auto settings = load_settings(config);
  if (!settings) return tell_fault(settings.error());
  if (Status rule = read_rule_files(*settings); !rule) return tell_fault(rule.error());
  auto passphrase =
      obtain_passphrase(o.passphrase_file, !std::filesystem::exists(home.validator_key()));
  if (!passphrase) return tell_fault(passphrase.error());
  auto made = init_home(home, *settings, *passphrase, wall_ms());
  if (!made) return tell_fault(made.error());
  if (std::error_code same; !std::filesystem::equivalent(config, home.config(), same)) {
    auto text = read_file(config, std::size_t{1} << 20);
    if (!text) return tell_fault(text.error());
    if (Status s = replace_file(home.config(), *text); !s) return tell_fault(s.error());
  }
  std::printf(
      "chain      %s\nvalidator  %s\nmodel      %s\ndata       %s\n"
      "next       gradmint coordinator run --home %s\n",
      to_hex(made->chain_id).c_str(), address_of(made->validator).c_str(),
      describe(made->size).c_str(),
      made->contract.empty() ? "no contract: the trainers know what theirs mean"
                             : printable(made->contract).c_str(),
      printable(o.home).c_str());
  return kExitOk;
}

// Once the home is locked: of two coordinators in it only one writes there.
void keep_log(const Home& home) {
  if (Status kept = add_log_file({home.log()}); !kept) spdlog::warn("{}", kept.error().message);
}

Result<std::unique_ptr<Coordinator>> open_coordinator(const Options& o, const Home& home,
                                                      std::unique_ptr<EventOutput>& output) {
  auto settings = load_settings(o.config.empty() ? home.config() : std::filesystem::path(o.config));
  if (!settings) return settings.error();
  if (!o.join.empty()) settings->join_endpoint = o.join;
  if (!o.work.empty()) settings->work_endpoint = o.work;
  if (!o.backend.empty()) settings->backend = o.backend;
  if (o.exit_when_finished) settings->exit_when_finished = true;
  if (!std::filesystem::exists(home.validator_key())) {
    return Error{
        ErrorCode::not_found,
        home.root.string() + " is no coordinator's home: make one with gradmint coordinator init"};
  }
  auto passphrase = obtain_passphrase(o.passphrase_file, false);
  if (!passphrase) return passphrase.error();
  auto key = read_keystore(home.validator_key(), *passphrase);
  if (!key) return key.error();
  output = std::make_unique<EventOutput>(
      EventOutputOptions{o.events == "jsonl", o.home, settings->exit_when_finished});
  // From here on there is something to end politely.
  std::signal(SIGTERM, on_signal);
  std::signal(SIGINT, on_signal);
  return Coordinator::open(
      home, *settings, *key,
      Reporter([&output, home, logged = false](const nlohmann::json& event) mutable {
        if (!std::exchange(logged, true)) keep_log(home);
        output->on(event);
        if (event.value("event", "") == "progress") return;
        spdlog::info("{}", json_text(event));
      }));
}

int run(const Options& o) {
  std::signal(SIGPIPE, SIG_IGN);
#ifdef GRADMINT_WITH_CUDA
  kernels::register_cuda_backend();
#endif
  const Home home{std::filesystem::absolute(o.home)};
  std::unique_ptr<EventOutput> output;
  Status status;
  if (auto coordinator = open_coordinator(o, home, output); coordinator) {
    running = coordinator->get();
    status = (*coordinator)->run(stop_requested);
    running = nullptr;
  } else {
    status = coordinator.error();
  }
  if (output) output->close(kFarewellMs);
  std::signal(SIGTERM, SIG_DFL);
  std::signal(SIGINT, SIG_DFL);
  if (status.ok()) return kExitOk;
  spdlog::info("ended: {}", status.error().message);
  return tell_fault(status.error());
}

int vouch(const Options& o) {
  const Home home{std::filesystem::absolute(o.home)};
  const auto lock = lock_home(home);
  if (!lock) return tell_fault(lock.error());
  if (Status s = vouch_for(home.ledger(), home.signer_files(), o.height); !s) {
    return tell_fault(s.error());
  }
  std::printf("block %llu is taken for the newest that this key has signed\n",
              static_cast<unsigned long long>(o.height));
  return kExitOk;
}

int backup(const Options& o) {
  const auto made = back_up(Home{std::filesystem::absolute(o.home)}, o.directory);
  if (!made) return tell_fault(made.error());
  std::printf(
      "%s holds the ledger up to block %llu, %llu blobs, keys, settings and invitations: %.1f MiB\n"
      "to be run only in place of %s, and only where no newer block was signed: "
      "docs/operations.md\n",
      printable(o.directory).c_str(), static_cast<unsigned long long>(made->height),
      static_cast<unsigned long long>(made->blobs), static_cast<double>(made->bytes) / (1 << 20),
      printable(o.home).c_str());
  return kExitOk;
}

int ask(const Options& o, const char* op) {
  auto link = AdminLink::open(o.home);
  if (!link) return tell_fault(link.error());
  auto reply = link->ask({{"op", op}}, kAdminTimeoutMs);
  if (!reply) return tell_fault(reply.error());
  const auto text = text_member(*reply, "text");  // what happened, but for status
  std::printf("%s\n", text ? printable(*text).c_str() : json_text(*reply, 2).c_str());
  return kExitOk;
}

// Whoever copies or moves the home next must not find it in use: this ends once nobody runs there.
int stop(const Options& o) {
  if (const int asked = ask(o, "stop"); asked != kExitOk) return asked;
  std::fflush(stdout);
  const std::filesystem::path home = std::filesystem::absolute(o.home);
  for (int waited_ms = 0; waited_ms < kStopTimeoutMs; waited_ms += kLookMs) {
    const auto lock = DirectoryLock::take(home, "");
    if (lock || lock.error().code != ErrorCode::busy) {
      std::printf("stopped\n");
      return kExitOk;
    }
    ::poll(nullptr, 0, kLookMs);
  }
  return tell_fault({ErrorCode::io, "the coordinator in " + home.string() +
                                        " was told to stop and is still running after " +
                                        std::to_string(kStopTimeoutMs / 1000) +
                                        " s; its log says what it does"});
}

CLI::App* command(CLI::App& app, Options& o, const char* name, const char* what,
                  const char* example, bool home_required = true) {
  CLI::App* sub = app.add_subcommand(name, what);
  auto* home = sub->add_option("--home", o.home, "The coordinator's home directory")
                   ->type_name("DIR")
                   ->check(some_path());
  if (home_required) home->required();
  sub->footer(std::string("Example:\n  ") + example);
  return sub;
}

// Those that need no running coordinator.
template <class On>
void add_home_commands(CLI::App& app, Options& o, const On& on) {
  on(command(app, o, "backup", "Copy the home into a new directory, also while it runs",
             "gradmint coordinator backup /backups/2026-03-01 --home ~/federation"),
     [&] { return backup(o); })
      ->add_option("directory", o.directory, "Made by this; nothing may be there")
      ->required()
      ->type_name("DIR");
  auto* vouch_command =
      on(command(app, o, "vouch", "Say which block is the newest the key has signed",
                 "gradmint coordinator vouch --home ~/federation --height 812"),
         [&] { return vouch(o); });
  vouch_command
      ->add_option("--height", o.height,
                   "Height of the ledger's newest block, which you know to be the newest signed")
      ->required();
}

int tell_usage(const CLI::App& app, const CLI::ParseError& fault, const std::string& first) {
  std::string text = parse_fault_text(app, fault), asked;
  if (app.get_subcommands().empty() && !first.empty() && first[0] != '-')
    text = "there is no command '" + first + "'";
  for (const CLI::App* sub : app.get_subcommands()) asked += sub->get_name() + " ";
  write_error_line(kProgram, text + "; see gradmint coordinator " + asked + "--help");
  return kExitUnusable;
}

int main_of(int argc, char** argv) {
  Options o;
  int status = kExitOk;
  CLI::App app{"Run a federation: order blocks, aggregate, evaluate, pay", "gradmint coordinator"};
  app.set_version_flag("--version", version_text(), "Print revision, backends, libraries");
  app.add_option("--log-level", o.log_level, "What goes to the log on standard error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.footer(
      "Example:\n  gradmint coordinator run --home ~/federation\n"
      "gradmint coordinator COMMAND --help has an example for each command.");
  app.require_subcommand(1);
  app.fallthrough();
  const auto on = [&](CLI::App* sub, std::function<int()> action) {
    sub->callback([&status, &o, action] {
      start_log(kProgram, o.log_level);
      status = action();
      stop_log(kFarewellMs);
    });
    return sub;
  };
  auto* init_command =
      on(command(app, o, "init", "Make a home: keys, genesis, first block",
                 "gradmint coordinator init --home ~/federation --config federation.toml"),
         [&] { return init(o); });
  init_command->add_option("--config", o.config, "Settings in TOML (default: HOME/config.toml)")
      ->type_name("FILE.toml");
  init_command->add_option("--passphrase-file", o.passphrase_file, "File with the key's passphrase")
      ->type_name("FILE");
  auto* run_command =
      on(command(app, o, "run", "Run until stopped; started again, it resumes the round it was in",
                 "gradmint coordinator run --home ~/federation"),
         [&] { return run(o); });
  run_command->add_option("--config", o.config, "Settings in TOML (default: HOME/config.toml)")
      ->type_name("FILE.toml");
  run_command->add_option("--passphrase-file", o.passphrase_file, "File with the key's passphrase")
      ->type_name("FILE");
  run_command->add_option("--events", o.events, "What standard output gets")
      ->check(CLI::IsMember({"text", "jsonl"}))
      ->capture_default_str();
  run_command->add_option("--join", o.join, "Overrides network.join");
  run_command->add_option("--work", o.work, "Overrides network.work");
  run_command->add_option("--backend", o.backend, "Overrides run.backend: auto, cpu or cuda:N");
  run_command->add_flag("--exit-when-finished", o.exit_when_finished, "Exit after the last round");
  for (const auto& [op, what] :
       {std::pair{"status", "What a running coordinator is doing, as JSON"},
        std::pair{"pause", "Open no new round"}, std::pair{"resume", "Go on after a pause"}}) {
    on(command(app, o, op, what,
               (std::string("gradmint coordinator ") + op + " --home ~/federation").c_str()),
       [&o, op = op] { return ask(o, op); });
  }
  on(command(app, o, "stop", "End a running coordinator politely, and wait until it has ended",
             "gradmint coordinator stop --home ~/federation"),
     [&] { return stop(o); });
  add_home_commands(app, o, on);
  add_workers_command(app, o.home, status);
  add_member_commands(app, o.home, status);
  add_invitation_commands(app, o.home, status);
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {
    app.exit(done);
    return kExitOk;
  } catch (const CLI::ParseError& fault) {
    return tell_usage(app, fault, argc > 1 ? argv[1] : "");
  }
  return status;
}

}  // namespace
}  // namespace gradmint

int main(int argc, char** argv) {
  gradmint::explain_mapping_faults(gradmint::kProgram, gradmint::kExitFailed);
  try {
    return gradmint::finish_output(gradmint::kProgram, gradmint::main_of(argc, argv));
  } catch (const std::exception& fault) {
    gradmint::write_error_line(gradmint::kProgram, fault.what());
    return gradmint::kExitFailed;
  }
}
