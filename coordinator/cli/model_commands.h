// gradmint model list | export.
#pragma once

#include <CLI/App.hpp>

#include "coordinator/cli/command.h"

namespace gradmint {

// `context` must outlive the parse, in which the commands run.
void add_model_commands(CLI::App& app, CommandContext& context);

}  // namespace gradmint
