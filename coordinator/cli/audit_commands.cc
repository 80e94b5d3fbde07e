#include "coordinator/cli/audit_commands.h"

#include <unistd.h>

#include <filesystem>
#include <memory>

#include "coordinator/cli/audit_json.h"
#include "coordinator/cli/audit_show.h"
#include "coordinator/cli/audit_text.h"
#include "coordinator/cli/ledger_view.h"
#include "ledger/audit/export.h"
#include "ledger/audit/verify.h"
#include "ledger/json_text.h"
#include "ledger/regular_file.h"

namespace gradmint {
namespace {

struct AuditArguments {
  std::filesystem::path ledger;
  std::string format = "table";
  bool recompute = false;
  std::uint64_t from_height = 0;
  std::string worker, address, what, which;
  std::optional<std::uint64_t> round, attempt, height;
  std::filesystem::path output, kept_update;
  bool blobs = false;
  bool json() const { return format == "json"; }
};

void print(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stdout); }

void print(const AuditArguments& arguments, const Json& value) {
  print(arguments.json() ? json_text(value, 2) + "\n" : table_text(value));
}

Error bad_input(const std::string& message) { return {ErrorCode::bad_input, message}; }

// A live line on a terminal, nothing elsewhere.
void show_progress(const AuditProgress& progress) {
  std::fprintf(stderr, "\rblock %llu of %llu", static_cast<unsigned long long>(progress.height),
               static_cast<unsigned long long>(progress.tip));
  if (progress.round > 0) {
    std::fprintf(stderr, ", round %llu recomputed",
                 static_cast<unsigned long long>(progress.round));
  }
  if (progress.height == progress.tip) std::fputs("\r\033[K", stderr);
}

int verify(const AuditArguments& arguments) {
  AuditOptions options;
  options.recompute = arguments.recompute;
  options.from_height = arguments.from_height;
  const bool live = ::isatty(STDERR_FILENO) == 1;
  if (live) options.progress = show_progress;
  const auto report = verify_ledger(open_source(arguments.ledger), options);
  if (!report) return tell(report.error());
  if (live && !report->ok()) std::fputs("\r\033[K", stderr);
  print(arguments.json() ? json_text(verify_json(*report), 2) + "\n"
                         : verify_text(*report, arguments.recompute));
  return report->ok() ? kExitOk : kExitFailed;
}

// What the ledger tells is told only of a ledger that holds together.
int tell_unreadable(const Error& error) {
  tell(error);
  return error.code == ErrorCode::corrupt ? kExitFailed : kExitUnusable;
}

int export_ledger(const AuditArguments& arguments) {
  const auto source = open_source(arguments.ledger);
  if (!source) return tell_unreadable(source.error());
  ExportOptions options;
  options.output = arguments.output;
  options.height = arguments.height;
  options.blobs = arguments.blobs;
  if (::isatty(STDERR_FILENO) == 1) {
    options.progress = [](std::uint64_t height, std::uint64_t tip) {
      show_progress({height, tip, 0});
    };
  }
  const auto report = export_bundle(*source, options);
  if (!report) return tell_unreadable(report.error());
  print(arguments, export_json(*report));
  return kExitOk;
}

Result<OpenedLedger> open_replayed(const AuditArguments& arguments) {
  auto source = open_source(arguments.ledger);
  if (!source) return source.error();
  auto replayed = open_history(*source, arguments.height);
  if (!replayed) return replayed.error();
  return OpenedLedger{*std::move(source), *std::move(replayed)};
}

int contributions(const AuditArguments& arguments) {
  ContributionFilter filter;
  filter.round = arguments.round;
  if (!arguments.worker.empty()) {
    const auto account = account_from(arguments.worker);
    if (!account) return tell(account.error());
    filter.worker = *account;
  }
  const auto opened = open_replayed(arguments);
  if (!opened) return tell_unreadable(opened.error());
  if (filter.round && opened->replayed.history.find_round(*filter.round) == nullptr) {
    return tell(no_such_round(opened->replayed.history, std::to_string(*filter.round)));
  }
  if (filter.worker && !opened->replayed.history.workers.contains(*filter.worker)) {
    return tell(bad_input("the ledger knows no worker " + arguments.worker +
                          "; without --worker, gradmint audit contributions lists them all"));
  }
  print(arguments, contributions_json(opened->replayed.history, filter));
  return kExitOk;
}

int explain(const AuditArguments& arguments) {
  const auto account = account_from(arguments.address);
  if (!account) return tell(account.error());
  const auto opened = open_replayed(arguments);
  if (!opened) return tell_unreadable(opened.error());
  if (!opened->replayed.chain.state().find(state_key::account(*account))) {
    return tell(bad_input("the ledger knows no account " + arguments.address));
  }
  if (arguments.round && opened->replayed.history.find_round(*arguments.round) == nullptr) {
    return tell(no_such_round(opened->replayed.history, std::to_string(*arguments.round)));
  }
  const Json explained = explain_json(opened->replayed.history, *account, arguments.round);
  print(arguments.json() ? json_text(explained, 2) + "\n" : explain_text(explained));
  return kExitOk;
}

int show(const AuditArguments& arguments) {
  if (arguments.attempt && arguments.what != "round") {
    return tell(bad_input("--attempt goes with 'round' alone"));
  }
  if (arguments.height && arguments.what != "state") {
    return tell(bad_input("--height goes with 'state' alone"));
  }
  const auto opened = open_replayed(arguments);
  if (!opened) return tell_unreadable(opened.error());
  const auto value = show_part(*opened, arguments.what, arguments.which, arguments.attempt);
  if (!value) return tell_unreadable(value.error());
  print(arguments, *value);
  return kExitOk;
}

Result<KeptUpdate> read_kept_update(const std::filesystem::path& file) {
  constexpr std::uint64_t kCapBytes = 64 * 1024;  // the largest is a tenth of it
  const auto bytes = read_file(file, kCapBytes);
  if (!bytes) return bytes.error();
  auto kept = decode_record<KeptUpdate>(*bytes);
  if (!kept) {
    return bad_input("'" + file.string() +
                     "' is no update as a worker keeps it, or is damaged: give the file update of "
                     "one of the folders in HOME/rounds");
  }
  if (kept->receipt.size() != kReceiptBytes) {
    return bad_input("'" + file.string() +
                     "' has no receipt: no coordinator has said that it has this update");
  }
  return *std::move(kept);
}

int receipt(const AuditArguments& arguments) {
  const auto kept = read_kept_update(arguments.kept_update);
  if (!kept) return tell(kept.error());
  const auto opened = open_replayed(arguments);
  if (!opened) return tell_unreadable(opened.error());
  const LedgerHistory& history = opened->replayed.history;
  const ReceiptCheck check = check_receipt(history, opened->replayed.chain.chain_id(), *kept);
  const Json said = receipt_json(history, check, ByteView(kept->receipt).subspan(32));
  print(arguments.json() ? json_text(said, 2) + "\n" : receipt_text(said));
  if (check.standing == ReceiptStanding::pending) return kExitUnusable;
  return check.fault ? kExitFailed : kExitOk;
}

CLI::App* add_command(CLI::App& audit, const char* name, const char* what, const char* example,
                      const std::shared_ptr<AuditArguments>& arguments) {
  CLI::App* command = audit.add_subcommand(name, what);
  command
      ->add_option("--ledger", arguments->ledger,
                   "The ledger's directory (HOME/ledger), or a bundle")
      ->required()
      ->type_name("DIR|FILE");
  command->add_option("--format", arguments->format, "table or json (docs/schemas)")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
  command->footer(std::string("Example:\n  ") + example +
                  "\nExit status: 0 all holds, 1 a fault was found, 2 the audit could not run.");
  return command;
}

void add_export_options(CLI::App& command, AuditArguments& arguments) {
  command.add_option("-o,--output", arguments.output, "The bundle to write")
      ->required()
      ->type_name("FILE");
  command.add_flag("--blobs", arguments.blobs,
                   "With the blobs that verify --recompute needs: updates, models, layout");
  command.add_option("--height", arguments.height, "Up to this block (default: the newest)")
      ->check(whole_number())
      ->type_name("H");
}

void add_show_options(CLI::App& command, AuditArguments& arguments) {
  command.add_option("what", arguments.what, "block, round, tx, worker, dataset or state")
      ->required()
      ->check(CLI::IsMember({"block", "round", "tx", "worker", "dataset", "state"}));
  command
      .add_option("which", arguments.which,
                  "Its height, number, id (or how it begins), address or key (or how it begins)")
      ->required();
  command.add_option("--attempt", arguments.attempt, "round: this attempt (default: the newest)")
      ->check(whole_number())
      ->type_name("A");
  command.add_option("--height", arguments.height, "state: after this block (default: the newest)")
      ->check(whole_number())
      ->type_name("H");
}

}  // namespace

void add_audit_commands(CLI::App& app, CommandContext& context) {
  const auto arguments = std::make_shared<AuditArguments>();
  CLI::App* audit = app.add_subcommand("audit", "Check a ledger, and ask it who did what");
  audit->require_subcommand(1);
  audit->footer("Example:\n  gradmint audit verify --recompute --ledger HOME/ledger");
  const auto run = [&context, arguments](int (*command)(const AuditArguments&)) {
    return [&context, arguments, command] { context.exit_status = command(*arguments); };
  };

  CLI::App* command =
      add_command(*audit, "verify", "Replay everything and check it",
                  "gradmint audit verify --recompute --ledger HOME/ledger", arguments);
  command->add_flag("--recompute", arguments->recompute,
                    "Hash every blob and repeat every round's arithmetic");
  command
      ->add_option("--from-height", arguments->from_height,
                   "Below this height replay only: no signatures, no recomputation")
      ->check(whole_number())
      ->type_name("H");
  command->callback(run(verify));

  command = add_command(*audit, "contributions", "Who contributed what and was paid what for it",
                        "gradmint audit contributions --round 3 --ledger HOME/ledger", arguments);
  command->add_option("--worker", arguments->worker, "Of this worker alone")->type_name("ADDR");
  command->add_option("--round", arguments->round, "In this round alone")
      ->check(whole_number())
      ->type_name("R");
  command->callback(run(contributions));

  command = add_command(
      *audit, "show", "Print one block, round, transaction, worker, dataset or entry of the state",
      "gradmint audit show round 3 --ledger HOME/ledger", arguments);
  add_show_options(*command, *arguments);
  command->callback(run(show));

  command = add_command(*audit, "export", "Write the ledger as one canonical file, a bundle",
                        "gradmint audit export -o ledger.bundle --ledger HOME/ledger", arguments);
  add_export_options(*command, *arguments);
  command->callback(run(export_ledger));

  command = add_command(
      *audit, "receipt",
      "Tell whether a worker's receipt is honoured (status 2 while its attempt goes on)",
      "gradmint audit receipt WORKER/rounds/000003-0/update --ledger HOME/ledger", arguments);
  command
      ->add_option("file", arguments->kept_update,
                   "The update as the worker keeps it, with its receipt")
      ->required()
      ->type_name("FILE");
  command->callback(run(receipt));

  command = add_command(*audit, "explain",
                        "From a balance back to rule, score, commitment, dataset and signer",
                        "gradmint audit explain gm1... --ledger HOME/ledger", arguments);
  command->add_option("address", arguments->address, "The account")->required()->type_name("ADDR");
  command->add_option("--round", arguments->round, "This round alone")
      ->check(whole_number())
      ->type_name("R");
  command->callback(run(explain));
}

}  // namespace gradmint
