#include "contracts/apportion.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <numeric>

using namespace gradmint::contracts;

namespace {

using Amounts = std::vector<std::uint64_t>;

Share share_of(std::uint8_t account, std::uint64_t share) {
  Share made;
  made.account[0] = account;
  made.share = share;
  return made;
}

Amounts by_index(std::uint64_t pool, const Amounts& shares) {
  return apportion(pool, std::span<const std::uint64_t>(shares));
}

std::uint64_t sum(const Amounts& amounts) {
  return std::accumulate(amounts.begin(), amounts.end(), std::uint64_t{0});
}

// The definition, written the other way round: one unit at a time to the largest remainder.
Amounts by_definition(std::uint64_t pool, const Amounts& shares) {
  Amounts amounts(shares.size(), 0);
  const std::uint64_t total = sum(shares);
  if (total == 0) return amounts;
  for (std::size_t i = 0; i < shares.size(); ++i) amounts[i] = pool * shares[i] / total;
  std::vector<bool> served(shares.size(), false);
  while (sum(amounts) < pool) {
    std::size_t best = shares.size();
    for (std::size_t i = 0; i < shares.size(); ++i) {
      if (served[i]) continue;
      if (best == shares.size() || pool * shares[i] % total > pool * shares[best] % total) best = i;
    }
    served[best] = true;
    ++amounts[best];
  }
  return amounts;
}

}  // namespace

TEST_CASE("known answers") {
  const struct {
    std::uint64_t pool;
    Amounts shares, expected;
  } table[] = {
      {100, {1, 1, 1}, {34, 33, 33}},
      {100, {}, {}},
      {100, {0, 0, 0}, {0, 0, 0}},
      {0, {1, 2}, {0, 0}},
      {7, {5}, {7}},
      {1, {1, 1, 1, 1}, {1, 0, 0, 0}},
      {10, {1, 2, 3}, {2, 3, 5}},  // remainders 4, 2, 0 of 6: the one unit left goes first
      {5, {0, 1, 0, 1}, {0, 3, 0, 2}},
      // Hamilton's method on the votes of a textbook election of 10 seats.
      {10, {47000, 16000, 15800, 12000, 6100, 3100}, {5, 2, 1, 1, 1, 0}},
      {UINT64_MAX, {UINT64_MAX, UINT64_MAX}, {(UINT64_MAX >> 1) + 1, UINT64_MAX >> 1}},
      {UINT64_MAX, {UINT64_MAX, 0}, {UINT64_MAX, 0}},
      {3, {UINT64_MAX, UINT64_MAX, UINT64_MAX}, {1, 1, 1}},
  };
  for (const auto& row : table) {
    CAPTURE(row.pool);
    CHECK(by_index(row.pool, row.shares) == row.expected);
  }
}

TEST_CASE("ties go to the smaller account, whatever the order of the shares") {
  std::vector<Share> shares = {share_of(9, 1), share_of(2, 1), share_of(5, 1)};
  CHECK(apportion(100, std::span<const Share>(shares)) == Amounts{33, 34, 33});
  CHECK(apportion(101, std::span<const Share>(shares)) == Amounts{33, 34, 34});
  std::ranges::reverse(shares);
  CHECK(apportion(101, std::span<const Share>(shares)) == Amounts{34, 34, 33});
}

TEST_CASE(
    "every world of up to 4 shares in 0..4 and pools to 13: definition, quota, conservation") {
  int worlds = 0;
  for (std::size_t count = 1; count <= 4; ++count) {
    Amounts shares(count, 0);
    for (bool more = true; more;) {
      for (std::uint64_t pool = 0; pool <= 13; ++pool, ++worlds) {
        const Amounts amounts = by_index(pool, shares);
        const std::uint64_t total = sum(shares);
        REQUIRE(sum(amounts) == (total == 0 ? 0 : pool));
        REQUIRE(amounts == by_definition(pool, shares));
        std::vector<Share> named;
        for (std::size_t i = 0; i < count; ++i) {
          named.push_back(share_of(static_cast<std::uint8_t>(i), shares[i]));
        }
        REQUIRE(apportion(pool, std::span<const Share>(named)) == amounts);
        for (std::size_t i = 0; i < count && total > 0; ++i) {
          REQUIRE(amounts[i] >= pool * shares[i] / total);
          REQUIRE(amounts[i] * total < pool * shares[i] + total);
        }
      }
      std::size_t digit = 0;
      while (digit < count && ++shares[digit] > 4) shares[digit++] = 0;
      more = digit < count;
    }
  }
  MESSAGE("worlds: ", worlds);
  CHECK(worlds == 14 * (5 + 25 + 125 + 625));
}

TEST_CASE("4095 large shares conserve the pool") {
  Amounts shares;
  std::uint64_t state = 7;
  for (int i = 0; i < 4095; ++i) {
    shares.push_back(state >> 1);
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
  }
  for (const std::uint64_t pool : {std::uint64_t{1}, std::uint64_t{4094}, UINT64_MAX}) {
    CHECK(sum(by_index(pool, shares)) == pool);
  }
}
