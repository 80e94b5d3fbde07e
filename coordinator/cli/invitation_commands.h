// gradmint coordinator invite, invitation list, invitation revoke: with or without a running
// coordinator.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace gradmint {

void add_invitation_commands(CLI::App& app, std::string& home, int& status);

}  // namespace gradmint
