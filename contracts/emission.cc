#include "contracts/emission.h"

#include <algorithm>

#include "contracts/amount.h"
#include "contracts/wide.h"

namespace gradmint::contracts {

const char* emission_fault(const Emission& emission) {
  if (emission.initial_per_round == 0) return "initial_per_round must be at least 1";
  if (emission.halving_rounds == 0) return "halving_rounds must be at least 1";
  if (emission.cap == 0) return "cap must be at least 1";
  if (emission.cap > kMaxAmount) return "cap exceeds 2^63-1 base units";
  if (emission.initial_per_round > emission.cap) return "initial_per_round exceeds the cap";
  const Wide per_period = Wide{emission.halving_rounds} * emission.initial_per_round;
  if (per_period < emission.cap && 2 * per_period < emission.cap) {
    return "cap exceeds 2 * halving_rounds * initial_per_round, which halving never reaches";
  }
  return nullptr;
}

std::uint64_t emission_at(const Emission& emission, std::uint64_t round,
                          std::uint64_t issued_so_far) {
  if (round == 0 || emission.halving_rounds == 0 || issued_so_far >= emission.cap) return 0;
  const std::uint64_t halvings = (round - 1) / emission.halving_rounds;
  const std::uint64_t scheduled = halvings < 64 ? emission.initial_per_round >> halvings : 0;
  return std::min(scheduled, emission.cap - issued_so_far);
}

}  // namespace gradmint::contracts
