// The functions a rule can call, and the event it is given. Internal to contracts/.
#pragma once

#include <vector>

#include "contracts/interpreter.h"
#include "contracts/rule.h"

namespace gradmint::contracts {

// One run of a rule: its meter, what it reads and what it has asked for so far.
struct RuleRun : Meter {
  using Meter::Meter;

  const CompiledRule* rule = nullptr;
  const RoundCloseEvent* event = nullptr;  // null while a rule is only being checked
  std::uint32_t max_effects = 0;
  std::vector<Mint> mints;  // in the order of the calls
};

// Sets the allow-listed globals: mint, apportion, add, sub, mul, muldiv. Nothing else exists.
void register_host_functions(lua_State* state);

// Pushes the event as one table.
void push_event(lua_State* state, const RoundCloseEvent& event);

}  // namespace gradmint::contracts
