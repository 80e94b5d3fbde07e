// The command line of `gradmint dev`.
#pragma once

#include <CLI/App.hpp>

#include "coordinator/cli/command.h"

namespace gradmint {

// `context` must outlive the parse, in which the command runs.
void add_dev_command(CLI::App& app, CommandContext& context);

}  // namespace gradmint
