// The options that fill RuleWords, the same in every command that takes rules.
#pragma once

#include <CLI/CLI.hpp>

#include "coordinator/rules/rule_words.h"

namespace gradmint {

// Adds --aggregator, --pre, --optimizer and one option for each parameter of any rule. `words` must
// live as long as `command`; what it holds is the default.
void add_rule_options(CLI::App& command, RuleWords& words);

}  // namespace gradmint
