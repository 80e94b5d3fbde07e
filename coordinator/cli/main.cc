// The light CLI: keys, wallet, models, audits and `dev`; everything else is a sibling program.
#include <CLI/CLI.hpp>
#include <algorithm>
#include <set>
#include <string>
#include <vector>

#include "coordinator/cli/audit_commands.h"
#include "coordinator/cli/command.h"
#include "coordinator/cli/config_reader.h"
#include "coordinator/cli/dev_command.h"
#include "coordinator/cli/key_commands.h"
#include "coordinator/cli/model_commands.h"
#include "coordinator/cli/reader_command.h"
#include "coordinator/cli/sibling.h"
#include "coordinator/cli/version.h"
#include "coordinator/cli/wallet_commands.h"
#include "coordinator/config/parse_fault.h"
#include "coordinator/config/toml_config.h"
#include "kernels/base/nearest.h"
#include "ledger/mapping_fault.h"
#include "ledger/reader/child_reader.h"
#include "ledger/reader/serve_reader.h"

namespace {

using gradmint::CommandContext;

struct Sibling {
  const char* name;
  const char* what;
};
constexpr Sibling kSiblings[] = {
    {"coordinator", "Run a federation: init, run, status, pause, resume, stop, invite"},
    {"worker", "Train for a federation: join, preflight"},
    {"aggregate", "Aggregate update files without a federation"}};

constexpr const char* kExamples =
    "Examples:\n"
    "  gradmint dev --workers 5 --rounds 12 --data digits --adversary 4:signflip@4\n"
    "  gradmint audit verify --recompute --ledger HOME/ledger\n"
    "  gradmint worker join gminv1... --home ~/worker --data csv:mine.csv --model mlp\n"
    "gradmint COMMAND --help has an example for each command.";

// Options of ours that may stand before a sibling's name, with their value.
bool is_log_level(const std::string& word) { return word == "--log-level"; }

// The sibling that the command line asks for, or nothing. Fills what is handed on to it.
const Sibling* asked_sibling(const std::vector<std::string>& words,
                             std::vector<std::string>& handed_on) {
  std::size_t at = 0;
  while (at < words.size() && words[at].rfind("--log-level", 0) == 0)
    at += is_log_level(words[at]) ? 2 : 1;
  if (at >= words.size()) return nullptr;
  for (const Sibling& sibling : kSiblings) {
    if (words[at] != sibling.name) continue;
    handed_on.assign(words.begin() + static_cast<std::ptrdiff_t>(at) + 1, words.end());
    handed_on.insert(handed_on.end(), words.begin(),
                     words.begin() + static_cast<std::ptrdiff_t>(at));
    return &sibling;
  }
  return nullptr;
}

// One line for a command line that cannot be parsed; CLI11 itself does not name an unknown command.
std::string usage_fault(const CLI::App& app, const std::vector<std::string>& words,
                        const CLI::ParseError& fault) {
  std::string text = gradmint::parse_fault_text(app, fault);
  const bool nothing_chosen = dynamic_cast<const CLI::RequiredError*>(&fault) != nullptr &&
                              !words.empty() && app.get_subcommands().empty();
  const std::string first = words.empty() ? "" : words.front().substr(0, words.front().find('='));
  if (nothing_chosen && first.rfind('-', 0) == 0) {
    if (app.get_option_no_throw(first) == nullptr) text = "there is no option '" + first + "'";
  } else if (nothing_chosen) {
    std::set<std::string> names;
    for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
      names.insert(command->get_name());
    const std::string near = gradmint::nearest_name(words.front(), names);
    text = "there is no command '" + words.front() + "'" +
           (near.empty() ? "" : "; did you mean '" + near + "'?");
  }
  std::string command = "gradmint";
  for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
    at = at->get_subcommands().front();
    command += " " + at->get_name();
  }
  return text + "; see " + command + " --help";
}

int run_commands(const std::vector<std::string>& words) {
  CommandContext context;
  CLI::App app{"gradmint: federated learning that anyone can audit to the last bit", "gradmint"};
  app.footer(kExamples);
  app.set_version_flag("--version", gradmint::version_text(),
                       "Print revision, backends, libraries");
  app.add_option("--log-level", context.log_level, "What goes to the log on standard error")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.require_subcommand(1);
  app.fallthrough();
  for (const Sibling& sibling : kSiblings) app.add_subcommand(sibling.name, sibling.what);
  gradmint::add_dev_command(app, context);
  gradmint::add_key_commands(app, context);
  gradmint::add_audit_commands(app, context);
  gradmint::add_wallet_commands(app, context);
  gradmint::add_model_commands(app, context);
  gradmint::add_config_option(app);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::Success& done) {  // --help, --version
    app.exit(done);
    return gradmint::kExitOk;
  } catch (const CLI::ParseError& fault) {
    gradmint::write_error_line("gradmint", usage_fault(app, words, fault));
    return gradmint::kExitUnusable;
  }
  return context.exit_status;
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> words(argv + (argc > 0 ? 1 : 0), argv + argc);
  if (words == std::vector<std::string>{gradmint::kReaderCommand})
    return gradmint::serve_reader(gradmint::kReaderSocket);
  std::vector<std::string> handed_on;
  if (const Sibling* sibling = asked_sibling(words, handed_on))
    return gradmint::tell(gradmint::become_sibling(sibling->name, handed_on));
  gradmint::explain_mapping_faults("gradmint", gradmint::kExitUnusable);
  try {
    return gradmint::finish_output("gradmint", run_commands(words));
  } catch (const std::exception& fault) {
    gradmint::write_error_line("gradmint", fault.what());
    return gradmint::kExitUnusable;
  }
}
