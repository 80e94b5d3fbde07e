// gradmint X starts its sibling gradmint-X, as git does: found beside this executable, else in
// PATH.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

// This program's own executable.
std::filesystem::path own_executable();

// not_found names the program and where it was looked for.
// What to type for this program: its name where PATH leads to it, else its whole path.
std::string own_command();

Result<std::filesystem::path> find_sibling(const std::string& name);

// Replaces this process by gradmint-<command> with `arguments`. Returns only when that failed.
Error become_sibling(const std::string& command, const std::vector<std::string>& arguments);

}  // namespace gradmint
