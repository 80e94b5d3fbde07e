// gradmint-worker join: take part in a federation.
#pragma once

#include <CLI/CLI.hpp>

namespace gradmint {

// Declares the subcommand on `app`; after parsing, its exit status is in `status`.
void add_join(CLI::App& app, int& status);

}  // namespace gradmint
