// gradmint coordinator workers: who is there, and what each is doing.
#pragma once

#include <CLI/App.hpp>
#include <string>

#include "coordinator/protocol/admin_link.h"

namespace gradmint {

// All of a list that the coordinator gives in parts ("members", "workers"), in its last reply.
Result<nlohmann::json> ask_list(AdminLink& link, const std::string& what);

void add_workers_command(CLI::App& app, std::string& home, int& status);

}  // namespace gradmint
