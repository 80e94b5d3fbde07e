// gradmint-worker: trains on data that stays here.
#include <openssl/crypto.h>
#include <zlib.h>

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "coordinator/config/parse_fault.h"
#include "gradmint_revision.h"
#include "kernels/cpu_level.h"
#ifdef GRADMINT_WITH_CUDA
#include "kernels/cuda_backend.h"
#endif
#include "ledger/mapping_fault.h"
#include "ledger/output/error_line.h"
#include "ledger/output/log.h"
#include "worker/cli/arguments.h"
#include "worker/cli/commands.h"
#include "worker/join_command.h"
#include "worker/torch/torch_trainer.h"

namespace gradmint {

constexpr int kFarewellMs = 1000;  // for a reader of the log's last lines

namespace {

std::string version_text() {
  return std::string("gradmint-worker ") + GRADMINT_VERSION + " (" + GRADMINT_REVISION +
         ")\nlibtorch " + torch_version() + (torch_has_cuda() ? " with CUDA" : ", CPU only") +
         "\n" + OpenSSL_version(OPENSSL_VERSION) + ", zlib " + zlibVersion();
}

// One line for a command line that cannot be parsed.
std::string usage_fault(const CLI::App& app, const std::vector<std::string>& words,
                        const CLI::ParseError& fault) {
  std::string text = parse_fault_text(app, fault);
  if (app.get_subcommands().empty() && !words.empty() && !words.front().starts_with('-'))
    text = "there is no command '" + words.front() + "'";
  std::string command = "gradmint worker";
  for (const CLI::App* sub : app.get_subcommands()) command += " " + sub->get_name();
  return text + "; see " + command + " --help";
}

// Thrown out of a parse that was fine, before any command starts.
struct Unusable {
  Error error;
};

int run(std::vector<std::string> words) {
  CLI::App app{"Trains on this machine's data, which never leave it.", "gradmint worker"};
  app.footer(
      "Example:\n  gradmint worker preflight --data digits --home ~/worker\n"
      "gradmint worker COMMAND --help has an example for each command.");
  int status = kExitOk;
  std::string log_level = "warn";
  app.set_version_flag("--version", version_text, "Print revision, backends, libraries");
  app.add_option("--log-level", log_level, "trace, debug, info, warn, error or off")
      ->check(CLI::IsMember({"trace", "debug", "info", "warn", "error", "off"}))
      ->capture_default_str();
  app.fallthrough();
  app.require_subcommand(1);
  app.parse_complete_callback([&log_level] {
    start_log("gradmint-worker", log_level);
    if (const auto cpu = kernels::cpu_level_from_environment(); !cpu) throw Unusable{cpu.error()};
  });
  add_evaluate(app, status);
  add_init_model(app, status);
  add_join(app, status);
  add_contract(app, status);
  add_predict(app, status);
  add_preflight(app, status);
  Result<std::vector<std::string>> merged = with_config(app, std::move(words));
  if (!merged) return report(merged.error());
  try {
    std::vector<std::string> reversed(merged->rbegin(), merged->rend());  // as CLI11 wants them
    app.parse(reversed);
  } catch (const CLI::Success& done) {
    return app.exit(done);
  } catch (const CLI::ParseError& fault) {
    return report({ErrorCode::bad_input, usage_fault(app, *merged, fault)});
  } catch (const Unusable& fault) {
    return report(fault.error);
  }
  return status;
}

}  // namespace
}  // namespace gradmint

int main(int argc, char** argv) {
  gradmint::explain_mapping_faults("gradmint-worker", gradmint::kExitFailed);
#ifdef GRADMINT_WITH_CUDA
  gradmint::kernels::register_cuda_backend();
#endif
  try {
    const int status = gradmint::finish_output(
        "gradmint-worker", gradmint::run(std::vector<std::string>(argv + 1, argv + argc)));
    gradmint::stop_log(gradmint::kFarewellMs);
    return status;
  } catch (const std::exception& e) {
    return gradmint::report({gradmint::ErrorCode::io, e.what()});
  }
}
