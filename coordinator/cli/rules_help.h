// Every rule with its parameters, for --help. Pure.
#pragma once

#include <string>

namespace gradmint {

// A line for each rule: its name, its parameters with ranges of choices and presets, its meaning.
std::string rules_help();

}  // namespace gradmint
