#include "contracts/apportion.h"

#include <algorithm>
#include <numeric>

#include "contracts/wide.h"
#include "kernels/base/check.h"

namespace gradmint::contracts {

namespace {

// The total of up to 2^32 shares of 64 bits may exceed 64 bits; pool * share always fits 128.
template <class ShareAt, class Before>
std::vector<std::uint64_t> largest_remainder(std::uint64_t pool, std::size_t count,
                                             ShareAt share_at, Before account_before) {
  std::vector<std::uint64_t> amounts(count, 0);
  Wide total = 0;
  for (std::size_t i = 0; i < count; ++i) total += share_at(i);
  if (total == 0) return amounts;

  std::vector<Wide> remainders(count);
  std::uint64_t left = pool;
  for (std::size_t i = 0; i < count; ++i) {
    const Wide product = Wide{pool} * share_at(i);
    amounts[i] = static_cast<std::uint64_t>(product / total);
    remainders[i] = product % total;
    left -= amounts[i];
  }
  // The remainders sum to left * total and each is below total, so fewer than `count` units are
  // left, and at least that many shares have a remainder above zero.
  GRADMINT_CHECK(left < count);
  std::vector<std::size_t> order(count);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (remainders[a] != remainders[b]) return remainders[a] > remainders[b];
    return account_before(a, b);
  });
  for (std::size_t k = 0; k < left; ++k) {
    GRADMINT_CHECK(remainders[order[k]] > 0);
    ++amounts[order[k]];
  }
  return amounts;
}

}  // namespace

std::vector<std::uint64_t> apportion(std::uint64_t pool, std::span<const Share> shares) {
  return largest_remainder(
      pool, shares.size(), [&](std::size_t i) { return shares[i].share; },
      [&](std::size_t a, std::size_t b) {
        // The same account twice keeps the order it was given in.
        if (shares[a].account != shares[b].account) return shares[a].account < shares[b].account;
        return a < b;
      });
}

std::vector<std::uint64_t> apportion(std::uint64_t pool, std::span<const std::uint64_t> shares) {
  return largest_remainder(
      pool, shares.size(), [&](std::size_t i) { return shares[i]; },
      [](std::size_t a, std::size_t b) { return a < b; });
}

}  // namespace gradmint::contracts
