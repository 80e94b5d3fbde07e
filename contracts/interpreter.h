// A metered Lua state: every instruction and every allocated byte is counted, and the first limit
// reached ends the run for good. Internal to contracts/.
//
// A Lua error is a longjmp: a function that Lua calls holds no object with a destructor while it
// calls anything that may raise.
#pragma once

#include <cstdint>
#include <lua.hpp>

#include "contracts/rule.h"

namespace gradmint::contracts {

inline constexpr std::uint64_t kBytesPerGas = 16;

class Meter {
 public:
  Meter(std::uint64_t gas_limit, std::uint64_t memory_limit_bytes)
      : gas_limit_(gas_limit), memory_limit_(memory_limit_bytes) {}

  RuleCode stop() const { return stop_; }
  std::uint64_t gas_used() const { return gas_used_; }
  std::uint64_t peak_memory_bytes() const { return peak_; }
  std::uint32_t line() const { return line_; }

  // The first reason to stop is the one that stays.
  void stop_with(RuleCode code) {
    if (stop_ == RuleCode::ok) stop_ = code;
  }
  // False, and stopped, once the gas is used up. gas_used never exceeds the limit.
  bool charge(std::uint64_t gas);
  bool grow(std::uint64_t old_bytes, std::uint64_t new_bytes);
  void shrink(std::uint64_t bytes) { bytes_ -= bytes; }
  void set_line(std::uint32_t line) { line_ = line; }

 private:
  std::uint64_t gas_limit_;
  std::uint64_t memory_limit_;
  std::uint64_t gas_used_ = 0;
  std::uint64_t bytes_ = 0;
  std::uint64_t peak_ = 0;
  RuleCode stop_ = RuleCode::ok;
  std::uint32_t line_ = 0;
};

// Runs body in a fresh state (no library opened, collector stopped, C locale) as a protected call.
// The body finds its meter, and so whatever derives from it, through meter_of.
RuleCode run_metered(Meter& meter, lua_CFunction body);

Meter& meter_of(lua_State* state);

// Counts each instruction from here on.
void start_counting(lua_State* state);

// Ends the run with this code. Does not return.
int stop_run(lua_State* state, RuleCode code);

// Charges a host function's own work; ends the run when the gas is used up.
void charge_or_stop(lua_State* state, std::uint64_t gas);

}  // namespace gradmint::contracts
