// The generated networks: by the 0-1 principle a network that selects right for every input of
// zeros and ones does so for every input.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <vector>

#include "kernels/sorted_rule.h"
#include "tests/kernels/samples.h"

using namespace gradmint;

namespace {

template <int P>
bool selects(std::uint64_t ones) {
  std::int32_t keys[P];
  int zeros = 0;
  for (int i = 0; i < P; ++i) {
    keys[i] = static_cast<std::int32_t>(ones >> i & 1);
    zeros += keys[i] == 0 ? 1 : 0;
  }
  kernels::order_middle<P>(keys);
  return keys[P / 2 - 1] == (zeros > P / 2 - 1 ? 0 : 1) && keys[P / 2] == (zeros > P / 2 ? 0 : 1);
}

template <int P>
bool sorts(std::uint64_t ones) {
  float values[P];
  int zeros = 0;
  for (int i = 0; i < P; ++i) {
    values[i] = static_cast<float>(ones >> i & 1);
    zeros += values[i] == 0 ? 1 : 0;
  }
  kernels::sort_all<P>(values);
  for (int i = 0; i < P; ++i) {
    if (values[i] != (i < zeros ? 0.0f : 1.0f)) return false;
  }
  return true;
}

}  // namespace

TEST_CASE("networks of 4, 8 and 16 select the middle two of every input of zeros and ones") {
  for (std::uint64_t ones = 0; ones < 1u << 4; ++ones) REQUIRE(selects<4>(ones));
  for (std::uint64_t ones = 0; ones < 1u << 8; ++ones) REQUIRE(selects<8>(ones));
  for (std::uint64_t ones = 0; ones < 1u << 16; ++ones) REQUIRE(selects<16>(ones));
}

TEST_CASE("networks of 32 and 64 select the middle two of many inputs of zeros and ones") {
  test::Sequence sequence(7);
  for (int i = 0; i < 200000; ++i) {
    REQUIRE(selects<32>(sequence.next() & 0xffffffffu));
    REQUIRE(selects<64>(sequence.next()));
  }
}

TEST_CASE("whole networks sort inputs of zeros and ones") {
  for (std::uint64_t ones = 0; ones < 1u << 4; ++ones) REQUIRE(sorts<4>(ones));
  for (std::uint64_t ones = 0; ones < 1u << 8; ++ones) REQUIRE(sorts<8>(ones));
  for (std::uint64_t ones = 0; ones < 1u << 16; ++ones) REQUIRE(sorts<16>(ones));
  test::Sequence sequence(17);
  for (int i = 0; i < 100000; ++i) {
    REQUIRE(sorts<32>(sequence.next() & 0xffffffffu));
    REQUIRE(sorts<64>(sequence.next()));
  }
}

TEST_CASE("the networks' sizes are those of a merge sort, pruned and whole") {
  using Kind = kernels::NetworkKind;
  CHECK((kernels::kNetwork<Kind::middle, 8>.size == 17));
  CHECK((kernels::kNetwork<Kind::middle, 16>.size == 53));
  CHECK((kernels::kNetwork<Kind::middle, 32>.size == 157));
  CHECK((kernels::kNetwork<Kind::middle, 64>.size == 445));
  CHECK((kernels::kNetwork<Kind::whole, 8>.size == 19));
  CHECK((kernels::kNetwork<Kind::whole, 16>.size == 63));
  CHECK((kernels::kNetwork<Kind::whole, 32>.size == 191));
  CHECK((kernels::kNetwork<Kind::whole, 64>.size == 543));
}

TEST_CASE("bisection finds the middle two of any keys") {
  test::Sequence sequence(11);
  for (int n = 1; n <= 40; ++n) {
    for (int round = 0; round < 200; ++round) {
      std::vector<std::int32_t> keys(static_cast<std::size_t>(n));
      for (auto& key : keys) {
        const auto bits = static_cast<std::int32_t>(static_cast<std::uint32_t>(sequence.next()));
        key = round % 2 == 0 ? bits : bits % 3;
      }
      std::int32_t lower = 0;
      std::int32_t upper = 0;
      kernels::bisect_middle<kernels::Lanes<1>>(
          n, [&](int i) { return keys[static_cast<std::size_t>(i)]; }, lower, upper);
      std::sort(keys.begin(), keys.end());
      REQUIRE(lower == keys[static_cast<std::size_t>((n - 1) / 2)]);
      REQUIRE(upper == keys[static_cast<std::size_t>(n / 2)]);
    }
  }
}
