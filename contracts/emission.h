// New tokens for each round: E0 halved every H rounds, and never beyond the cap. Pure, thread safe.
#pragma once

#include <cstdint>

namespace gradmint::contracts {

struct Emission {
  std::uint64_t initial_per_round = 0;  // E0, base units
  std::uint64_t halving_rounds = 0;     // H
  std::uint64_t cap = 0;                // base units that may ever be issued
};

// Why the parameters cannot be used, in one line, or nullptr when they can: E0, H and the cap are
// at least 1, E0 is at most the cap, and the cap is at most kMaxAmount and at most 2*H*E0 (the
// halving series never reaches more, so a larger cap would promise what cannot be issued).
const char* emission_fault(const Emission& emission);

// What `round` (from 1; round 0 emits nothing) adds to its pool: E0 >> ((round-1)/H), cut to what
// the cap leaves. `issued_so_far` is all that earlier rounds emitted, whether minted or carried.
std::uint64_t emission_at(const Emission& emission, std::uint64_t round,
                          std::uint64_t issued_so_far);

}  // namespace gradmint::contracts
