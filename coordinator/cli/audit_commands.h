// gradmint audit verify | contributions | show | explain | export | receipt.
#pragma once

#include <CLI/App.hpp>

#include "coordinator/cli/command.h"

namespace gradmint {

// `context` must outlive the parse, in which the commands run.
void add_audit_commands(CLI::App& app, CommandContext& context);

}  // namespace gradmint
