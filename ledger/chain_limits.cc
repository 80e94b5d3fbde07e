#include "ledger/chain_limits.h"

namespace gradmint {
namespace {

std::string range_fault(const char* name, std::uint64_t value, std::uint64_t least,
                        std::uint64_t most) {
  if (value >= least && value <= most) return {};
  return std::string(name) + " is " + std::to_string(value) + ", not from " +
         std::to_string(least) + " to " + std::to_string(most);
}

}  // namespace

void ChainLimits::write(Writer& w) const {
  w.u32(datasets_per_worker);
  w.u32(statements_per_round);
  w.u64(least_new_balance);
  w.u32(registrations_per_round);
  w.u32(suspend_after_rounds);
  w.u32(rotation_delay_blocks);
}
void ChainLimits::read(Reader& r) {
  datasets_per_worker = r.u32();
  statements_per_round = r.u32();
  least_new_balance = r.u64();
  registrations_per_round = r.u32();
  suspend_after_rounds = r.u32();
  rotation_delay_blocks = r.u32();
}

std::string chain_limits_fault(const ChainLimits& limits) {
  const ChainLimits &least = kLeastChainLimits, &most = kMostChainLimits;
  const std::string faults[] = {
      range_fault("datasets_per_worker", limits.datasets_per_worker, least.datasets_per_worker,
                  most.datasets_per_worker),
      range_fault("statements_per_round", limits.statements_per_round, least.statements_per_round,
                  most.statements_per_round),
      range_fault("least_new_balance", limits.least_new_balance, least.least_new_balance,
                  most.least_new_balance),
      range_fault("registrations_per_round", limits.registrations_per_round,
                  least.registrations_per_round, most.registrations_per_round),
      range_fault("suspend_after_rounds", limits.suspend_after_rounds, least.suspend_after_rounds,
                  most.suspend_after_rounds),
      range_fault("rotation_delay_blocks", limits.rotation_delay_blocks,
                  least.rotation_delay_blocks, most.rotation_delay_blocks),
  };
  for (const std::string& fault : faults) {
    if (!fault.empty()) return fault;
  }
  return {};
}

}  // namespace gradmint
