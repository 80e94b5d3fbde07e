// gradmint keys new | show | change-passphrase | rotate.
#pragma once

#include <CLI/App.hpp>

#include "coordinator/cli/command.h"

namespace gradmint {

// `context` must outlive the parse, in which the commands run.
void add_key_commands(CLI::App& app, CommandContext& context);

}  // namespace gradmint
