// Reads what lua_dump wrote and refuses what a rule must not contain: anything that can make a
// float, cost more than its gas, or turn a string into a number.
//
// The format is that of Lua 5.4 (ldump.c, lopcodes.h of release 5.4.4), with 4-byte instructions,
// 8-byte integers and 8-byte floats; any other header is refused as abi_mismatch.
#pragma once

#include <cstdint>
#include <string_view>

#include "contracts/rule.h"

namespace gradmint::contracts {

inline constexpr std::size_t kMaxRuleStringBytes = 64;

struct ScanResult {
  RuleCode code = RuleCode::ok;  // ok, forbidden_bytecode or abi_mismatch
  const char* what = "";         // what was found, for a person
  std::uint32_t line = 0;        // first line of the function it was found in
};

ScanResult scan_bytecode(std::string_view bytecode);

}  // namespace gradmint::contracts
