#include "tests/simulation/chance.h"

#include <cstdlib>

namespace gradmint::simulation {

namespace {
constexpr std::string_view kNames[kFaultKinds] = {"drop",           "repeat",        "cut",
                                                  "delay",          "disconnect",    "kill",
                                                  "power_cut",      "disk_full",     "judge_fails",
                                                  "train_fails",    "clock_jumps",   "owner_pauses",
                                                  "owner_suspends", "order_refuses", "order_late",
                                                  "order_repeats",  "word_late"};
}

std::string_view fault_name(Fault fault) { return kNames[static_cast<std::size_t>(fault)]; }

std::optional<FaultAt> fault_of(std::string_view text) {
  const std::size_t mark = text.find('#');
  for (std::size_t kind = 0; kind < kFaultKinds && mark != text.npos; ++kind) {
    if (text.substr(0, mark) != kNames[kind]) continue;
    return FaultAt{static_cast<Fault>(kind),
                   std::strtoull(std::string(text.substr(mark + 1)).c_str(), nullptr, 10)};
  }
  return std::nullopt;
}

std::string text_of(const FaultAt& fault) {
  return std::string(fault_name(fault.fault)) + "#" + std::to_string(fault.number);
}

}  // namespace gradmint::simulation
