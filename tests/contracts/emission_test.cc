#include "contracts/emission.h"

#include <doctest/doctest.h>

#include <string>

#include "contracts/amount.h"

using namespace gradmint::contracts;

TEST_CASE("emission halves and stops at the cap") {
  const struct {
    Emission emission;
    std::uint64_t round, issued, expected;
  } table[] = {
      {{100, 10, 1500}, 0, 0, 0},
      {{100, 10, 1500}, 1, 0, 100},
      {{100, 10, 1500}, 10, 900, 100},
      {{100, 10, 1500}, 11, 1000, 50},
      {{100, 10, 1500}, 20, 1450, 50},
      {{100, 10, 1500}, 21, 1500, 0},
      {{100, 10, 1520}, 21, 1500, 20},
      {{100, 10, 2000}, 61, 0, 1},
      {{100, 10, 2000}, 71, 0, 0},
      {{100, 1, 200}, 64, 0, 0},
      {{1ULL << 62, 1, kMaxAmount}, 63, 0, 1},
      {{1ULL << 62, 1, kMaxAmount}, 64, 0, 0},
      {{1ULL << 62, 1, kMaxAmount}, 65, 0, 0},  // a shift by 64 would be undefined
      {{1ULL << 62, 1, kMaxAmount}, UINT64_MAX, 0, 0},
      {{100, UINT64_MAX, 1500}, UINT64_MAX, 0, 100},
      {{100, 10, 1500}, 1, 1501, 0},
      {{100, 0, 1500}, 1, 0, 0},
  };
  for (const auto& row : table) {
    CAPTURE(row.round);
    CAPTURE(row.issued);
    CHECK(emission_at(row.emission, row.round, row.issued) == row.expected);
  }
}

TEST_CASE("no schedule of a small world issues more than its cap, and none exceeds 2*H*E0") {
  for (std::uint64_t initial = 1; initial <= 9; ++initial) {
    for (std::uint64_t halving = 1; halving <= 4; ++halving) {
      for (std::uint64_t cap = initial; cap <= 2 * halving * initial; ++cap) {
        const Emission emission{initial, halving, cap};
        REQUIRE(emission_fault(emission) == nullptr);
        std::uint64_t issued = 0;
        std::uint64_t before = initial;
        for (std::uint64_t round = 1; round <= 8 * halving; ++round) {
          const std::uint64_t now = emission_at(emission, round, issued);
          REQUIRE(now <= before);
          before = now;
          issued += now;
        }
        REQUIRE(issued <= cap);
      }
    }
  }
}

TEST_CASE("parameters that cannot be used are refused by name") {
  const struct {
    Emission emission;
    const char* expected;  // a part of the message, or "" for none
  } table[] = {
      {{100, 10, 1500}, ""},
      {{100, 10, 2000}, ""},
      {{1ULL << 62, UINT64_MAX, kMaxAmount}, ""},
      {{0, 10, 1500}, "initial_per_round"},
      {{100, 0, 1500}, "halving_rounds"},
      {{100, 10, 0}, "cap"},
      {{100, 10, 2001}, "never reaches"},
      {{100, 10, 99}, "exceeds the cap"},
      {{100, UINT64_MAX, kMaxAmount + 1}, "2^63-1"},
  };
  for (const auto& row : table) {
    CAPTURE(row.emission.cap);
    const char* fault = emission_fault(row.emission);
    const std::string said = fault == nullptr ? "" : fault;
    if (std::string(row.expected).empty()) {
      CHECK(said.empty());
    } else {
      CHECK(said.find(row.expected) != std::string::npos);
    }
  }
}
