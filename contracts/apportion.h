// Apportionment by largest remainder (Hamilton's method): integers that sum to the pool exactly.
// Each share first gets floor(pool * share / sum) in 128 bits; the units left over go one each to
// the largest remainders, ties to the smaller account. When every share is 0 nobody gets anything
// and the caller carries the pool. Pure and thread safe.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <vector>

namespace gradmint::contracts {

struct Share {
  std::array<std::uint8_t, 32> account{};
  std::uint64_t share = 0;
};

// Amounts in the order of `shares`. At most 2^32 shares.
std::vector<std::uint64_t> apportion(std::uint64_t pool, std::span<const Share> shares);

// The same where position stands for the account: ties go to the smaller index.
std::vector<std::uint64_t> apportion(std::uint64_t pool, std::span<const std::uint64_t> shares);

}  // namespace gradmint::contracts
