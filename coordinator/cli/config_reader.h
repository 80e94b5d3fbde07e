// --config FILE for a CLI11 command line: [dev] workers = 5 stands for `dev --workers 5`, and what
// the command line gives lies on top. A key that is no option is refused by its full name and line.
#pragma once

#include <CLI/App.hpp>
#include <CLI/Config.hpp>

namespace gradmint {

// Adds --config to `app`, which must outlive the parse.
void add_config_option(CLI::App& app);

}  // namespace gradmint
