// The subcommands of gradmint-worker. Each add_* declares its options on `app`; after parsing, the
// one that was chosen leaves its exit status in `status`.
#pragma once

#include <CLI/CLI.hpp>

namespace gradmint {

void add_contract(CLI::App& app, int& status);
void add_evaluate(CLI::App& app, int& status);
void add_init_model(CLI::App& app, int& status);
void add_predict(CLI::App& app, int& status);
void add_preflight(CLI::App& app, int& status);

}  // namespace gradmint
