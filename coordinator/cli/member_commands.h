// gradmint coordinator member list|suspend|readmit|rotate: what the operator of a running
// coordinator says about its members.
#pragma once

#include <CLI/App.hpp>
#include <string>

namespace gradmint {

// Adds the commands; `home` is the option that all of the coordinator's commands share, `status`
// gets the exit status.
void add_member_commands(CLI::App& app, std::string& home, int& status);

}  // namespace gradmint
