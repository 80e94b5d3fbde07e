// What every command of the light CLI shares: exit statuses and how a failure is told.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Validators.hpp>
#include <string>

#include "kernels/base/result.h"
#include "ledger/output/error_line.h"

namespace gradmint {

inline constexpr int kExitOk = 0;
inline constexpr int kExitFailed = 1;    // the command ran, and what it tried did not hold
inline constexpr int kExitUnusable = 2;  // it could not run: arguments, missing files, nobody there

// What the commands of one invocation give back, and what all of them are told.
struct CommandContext {
  std::string log_level = "warn";
  int exit_status = kExitOk;
};

// One line on standard error. A refusal by a peer or a rule is a failure; the rest could not run.
inline int tell(const Error& error) {
  write_error_line("gradmint", error.message);
  return error.code == ErrorCode::refused ? kExitFailed : kExitUnusable;
}

// For heights and rounds: CLI11 itself takes -1 for the largest number there is.
inline CLI::Validator whole_number() {
  return CLI::Validator(
      [](std::string& text) {
        const bool whole = !text.empty() && text.find_first_not_of("0123456789") == text.npos;
        return whole ? std::string() : "'" + text + "' is no whole number from 0";
      },
      "");
}

inline void add_format_option(CLI::App& command, std::string& format) {
  command.add_option("--format", format, "table or json")
      ->check(CLI::IsMember({"table", "json"}))
      ->capture_default_str();
}

}  // namespace gradmint
