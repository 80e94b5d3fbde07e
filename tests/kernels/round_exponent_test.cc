// Who can move E: every small world there is, and what the sums of honest updates lose.
//
// A world is n members; the exponents of the honest lie in [a, h], h <= a + kHonestSpread, the
// others declare what they like. E depends on exponents through their order and through who is at
// most kHonestSpread above the middle one, which lies in [a, h] in the worlds that count. So all
// exponents below a are alike, and all above h + kHonestSpread: worlds() tries every multiset over
// what is left, and both ends. The last cases leave nothing out.
#include <doctest/doctest.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <functional>
#include <set>
#include <span>
#include <vector>

#include "kernels/aggregate.h"
#include "kernels/base/sanitizers.h"
#include "kernels/fixed_point.h"
#include "tests/kernels/backends.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

using kernels::kHonestSpread;
using kernels::kMaxExponent;
using kernels::kMaxWeight;
using kernels::kMinExponent;
using kernels::kNoExponent;

struct World {
  std::vector<int> exponents;  // the honest first
  std::size_t honest = 0;
  int least = 0, most = 0;  // of the honest
};

// Whether the property is promised: at most half below the honest, fewer than half above.
bool is_within_promise(const World& world) {
  const std::size_t n = world.exponents.size();
  std::size_t small = 0, huge = 0;
  for (const int e : world.exponents) {
    if (e < world.least) ++small;
    if (e > world.most) ++huge;
  }
  return small <= n / 2 && 2 * huge < n;
}

// Calls `with` for every ascending choice of `count` of the values, each as often as wanted, put
// behind what is in `chosen`.
void every_multiset(std::span<const int> values, std::size_t count, std::vector<int>& chosen,
                    const std::function<void()>& with) {
  if (count == 0) return with();
  for (std::size_t i = 0; i < values.size(); ++i) {
    chosen.push_back(values[i]);
    every_multiset(values.subspan(i), count - 1, chosen, with);
    chosen.pop_back();
  }
}

std::vector<int> range(int first, int last) {
  std::vector<int> values;
  for (int e = std::max(first, kMinExponent); e <= std::min(last, kMaxExponent); ++e) {
    values.push_back(e);
  }
  return values;
}

// What a faulty member may declare, beside honest ones within [least, most].
std::vector<int> faulty_values(int least, int most) {
  std::set<int> values = {kNoExponent, kMinExponent, kMaxExponent};
  for (const int e : range(least - 1, most + kHonestSpread + 1)) values.insert(e);
  return {values.begin(), values.end()};
}

// Every world of n members whose least honest exponent is `least`.
void worlds(std::size_t n, int least, const std::function<void(const World&)>& with) {
  for (std::size_t honest = 1; honest <= n; ++honest) {
    const int last = honest == 1 ? least : std::min(least + kHonestSpread, kMaxExponent);
    for (int most = least; most <= last; ++most) {
      const std::vector<int> between = range(least, most);
      const std::vector<int> faulty = faulty_values(least, most);
      World world{{least}, honest, least, most};
      if (honest > 1) world.exponents.push_back(most);
      const std::size_t inner = honest > 2 ? honest - 2 : 0;
      every_multiset(between, inner, world.exponents, [&] {
        every_multiset(faulty, n - honest, world.exponents, [&] { with(world); });
      });
    }
  }
}

struct Count {
  std::uint64_t worlds = 0, promised = 0, refused = 0, too_coarse = 0;
  void add(const World& world) {
    ++worlds;
    if (!is_within_promise(world)) return;
    ++promised;
    const int e = kernels::choose_round_exponent(world.exponents);
    if (e < world.most) ++refused;
    if (e > world.most + kHonestSpread) ++too_coarse;
  }
  void check(const char* what) const {
    std::printf("round exponent: %s: %llu worlds, %llu within the promise\n", what,
                static_cast<unsigned long long>(worlds), static_cast<unsigned long long>(promised));
    CHECK(promised > 0);
    CHECK(refused == 0);
    CHECK(too_coarse == 0);
  }
};

}  // namespace

TEST_CASE("no honest update is refused and E stays near: every world of up to seven") {
#if GRADMINT_ADDRESS_SANITIZER || GRADMINT_THREAD_SANITIZER
  constexpr std::size_t kMost = 5;
#else
  constexpr std::size_t kMost = 7;
#endif
  Count count;
  for (std::size_t n = 1; n <= kMost; ++n) {
    // Both ends of what fp32 has, and the middle: nothing else of an exponent's size matters.
    for (const int least : {kMinExponent, -3, kMaxExponent - kHonestSpread, kMaxExponent}) {
      worlds(n, least, [&](const World& world) { count.add(world); });
    }
  }
  count.check("up to seven members");
}

TEST_CASE("no honest update is refused and E stays near: three members, nothing left out") {
  Count count;
  std::vector<int> all = range(kMinExponent, kMaxExponent);
  all.insert(all.begin(), kNoExponent);
  for (const int least : range(kMinExponent, kMaxExponent)) {
    World one{{least}, 1, least, least};
    count.add(one);
    for (const std::size_t faulty : {1u, 2u}) {
      // Two that may be anything differ from what they are swapped to in nothing.
      every_multiset(all, faulty, one.exponents, [&] { count.add(one); });
    }
    for (const int most : range(least, least + kHonestSpread)) {
      World two{{least, most}, 2, least, most};
      count.add(two);
      every_multiset(all, 1, two.exponents, [&] { count.add(two); });
    }
  }
  count.check("up to three members");
}

TEST_CASE("where more than half send zeros, the promise holds among the others") {
  Count count;
  for (std::size_t n = 1; n <= 4; ++n) {
    worlds(n, -3, [&](const World& world) {
      if (std::count(world.exponents.begin(), world.exponents.end(), kNoExponent) > 0) return;
      ++count.worlds;
      if (!is_within_promise(world)) return;
      ++count.promised;
      std::vector<int> with_zeros = world.exponents;
      with_zeros.insert(with_zeros.end(), n + 1, kNoExponent);
      const int e = kernels::choose_round_exponent(with_zeros);
      if (e < world.most) ++count.refused;
      if (e > world.most + kHonestSpread) ++count.too_coarse;
    });
  }
  count.check("mostly zeros");
}

// One small or one huge member more than is promised, and the same exponents are those of two
// worlds whose honest members need different scales.
TEST_CASE("no rule over exponents could promise more") {
  constexpr int kLow = -60, kHigh = 60;
  for (std::size_t n = 2; n <= 7; ++n) {
    const std::size_t low_count = n / 2 + 1;  // one too many
    std::vector<int> exponents(n, kHigh);
    std::fill_n(exponents.begin(), low_count, kLow);
    if (low_count == n) continue;
    const World high_is_honest{exponents, n - low_count, kHigh, kHigh};
    const World low_is_honest{exponents, low_count, kLow, kLow};
    CHECK_FALSE(is_within_promise(high_is_honest));
    CHECK(is_within_promise(low_is_honest));
    const int e = kernels::choose_round_exponent(exponents);
    CHECK(e == kLow);  // which the promised one of the two needs
  }
}

TEST_CASE("who declares what does not matter, nor how often one weighs") {
  std::vector<int> exponents = {kNoExponent, -40, -3, 2, 90};
  const int first = kernels::choose_round_exponent(exponents);
  do {
    REQUIRE(kernels::choose_round_exponent(exponents) == first);
  } while (std::next_permutation(exponents.begin(), exponents.end()));
  CHECK(first == 2);
}

// The published bound: less than n * 2^-38 of the largest honest value, 2^-38 at equal weights.
TEST_CASE("what a mean loses, by E and s") {
  for (const int most : {kMinExponent, -20, 0, kMaxExponent - kHonestSpread}) {
    for (const std::uint32_t largest :
         {1u, 2u, 3u, 4u, 5u, 1000u, 1025u, (1u << 23) + 1, kMaxWeight}) {
      for (const std::size_t n :
           {std::size_t{1}, std::size_t{2}, std::size_t{7}, kernels::kMaxUpdates}) {
        const int shift = kernels::choose_shift(most + kHonestSpread, largest);
        const auto lost = [&](double total) {
          return static_cast<double>(n) * std::ldexp(0.5, -shift) / total;
        };
        const double honest = std::ldexp(0.5, most);  // the largest honest value is above it
        const double alone = static_cast<double>(largest) + static_cast<double>(n - 1);
        CHECK(lost(alone) <= static_cast<double>(n) * std::ldexp(honest, -38));
        CHECK(lost(static_cast<double>(largest) * static_cast<double>(n)) <=
              std::ldexp(honest, -38));
      }
    }
  }
}

// Two idle members and one that declares as much as it may: its values stand where the honest have
// zeros, so that the other coordinates show what the honest ones' sum has lost.
TEST_CASE("what the honest values of a mean lose beside those who move the scale") {
  constexpr std::size_t kValues = 257, kMembers = 7;
  for (const std::uint32_t weight_of_faulty : {1u, kMaxWeight}) {
    std::vector<std::vector<float>> updates(kMembers, std::vector<float>(kValues, 0.0f));
    std::uint32_t state = 11;
    float largest = 0;
    for (std::size_t i = 0; i < 3; ++i) {
      for (std::size_t c = 1; c < kValues; ++c) {
        state = state * 1664525u + 1013904223u;
        const float value = 1.0f + static_cast<float>(state >> 9) * 0x1p-23f;
        updates[i][c] = std::ldexp((state & 256) != 0 ? value : -value, -static_cast<int>(6 * i));
        largest = std::max(largest, std::fabs(updates[i][c]));
      }
    }
    updates[3][0] = std::ldexp(1.0f, -140);
    updates[4][0] = std::ldexp(1.0f, kHonestSpread - 5);  // within reach of the middle one
    updates[6][0] = std::ldexp(1.0f, 100);                // out of range
    kernels::AggregateInput input;
    std::vector<int> exponents;
    for (const auto& update : updates) exponents.push_back(kernels::exponent_of_largest(update));
    input.round_exponent = kernels::choose_round_exponent(exponents);
    CHECK(input.round_exponent == exponents[0] + 6);
    std::vector<double> exact(kValues, 0.0);
    double total = 0;
    for (std::size_t i = 0; i + 1 < kMembers; ++i) {
      input.updates.emplace_back(std::span<const float>(updates[i]));
      input.weights.push_back(i == 5 ? weight_of_faulty : static_cast<std::uint32_t>(i + 1));
      total += input.weights.back();
      for (std::size_t c = 0; c < kValues; ++c) {
        exact[c] += static_cast<double>(updates[i][c]) * input.weights.back();
      }
    }
    input.shift =
        kernels::choose_shift(input.round_exponent, *std::ranges::max_element(input.weights));
    input.want_delta = true;
    const std::vector<float> model(kValues, 0.0f);
    input.model = model;
    for (const auto& backend : backends()) {
      const auto got = kernels::aggregate(kernels::AggregateSpec{}, input, *backend).value();
      for (std::size_t c = 1; c < kValues; ++c) {
        const double mean = exact[c] / total;
        const double lost = std::fabs(mean - static_cast<double>(got.delta[c]));
        const double bound = kMembers * std::ldexp(static_cast<double>(largest), -38) +
                             std::ldexp(std::fabs(mean), -23);  // the division, and fp32
        REQUIRE(lost <= bound);
      }
    }
  }
}
