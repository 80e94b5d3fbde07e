#include "contracts/amount.h"

#include <doctest/doctest.h>

#include <string>

using namespace gradmint::contracts;

namespace {
constexpr std::uint64_t kMax = UINT64_MAX;
constexpr std::uint64_t kNone = 0xBAD;  // stands for "nothing" in a table's last column

std::uint64_t or_none(std::optional<std::uint64_t> value) { return value.value_or(kNone); }
}  // namespace

TEST_CASE("checked_add and checked_sub") {
  CHECK(checked_add(1, 2) == 3);
  CHECK(checked_add(kMax, 0) == kMax);
  CHECK(checked_add(kMax - 1, 1) == kMax);
  CHECK_FALSE(checked_add(kMax, 1));
  CHECK_FALSE(checked_add(kMax, kMax));
  CHECK(checked_sub(3, 2) == 1);
  CHECK(checked_sub(kMax, kMax) == 0);
  CHECK_FALSE(checked_sub(0, 1));
}

TEST_CASE("muldiv") {
  const struct {
    std::uint64_t a, b, divisor, expected;
  } table[] = {
      {7, 3, 2, 10},
      {0, kMax, 5, 0},
      {kMax, kMax, kMax, kMax},
      {kMax, 2, 2, kMax},
      {kMax, 2, 1, kNone},
      {kMax, kMax, kMax - 1, kNone},
      {1, 1, 0, kNone},
      {1ULL << 63, 2, 3, 6148914691236517205ULL},
  };
  for (const auto& row : table) {
    CAPTURE(row.a);
    CAPTURE(row.b);
    CHECK(or_none(muldiv(row.a, row.b, row.divisor)) == row.expected);
  }
}

TEST_CASE("parse_amount accepts one spelling of tokens and refuses the rest") {
  const struct {
    const char* text;
    std::uint64_t expected;
  } table[] = {
      {"0", 0},
      {"1", 1'000'000'000},
      {"1.25", 1'250'000'000},
      {"0.000000001", 1},
      {"00012", 12'000'000'000},
      {"1.000000000", 1'000'000'000},
      {"18446744073.709551615", kMax},
      {"18446744073.709551616", kNone},
      {"18446744074", kNone},
      {"99999999999999999999999999999999999999999999", kNone},
      {"0.0000000001", kNone},
      {"", kNone},
      {".", kNone},
      {".5", kNone},
      {"5.", kNone},
      {"-1", kNone},
      {"+1", kNone},
      {" 1", kNone},
      {"1 ", kNone},
      {"1e9", kNone},
      {"1,5", kNone},
      {"1.2.3", kNone},
      {"0x10", kNone},
  };
  for (const auto& row : table) {
    CAPTURE(std::string(row.text));
    CHECK(or_none(parse_amount(row.text)) == row.expected);
  }
}

TEST_CASE("format_amount is the shortest text that parses back") {
  CHECK(format_amount(0) == "0");
  CHECK(format_amount(1) == "0.000000001");
  CHECK(format_amount(1'250'000'000) == "1.25");
  CHECK(format_amount(12'000'000'000) == "12");
  CHECK(format_amount(kMax) == "18446744073.709551615");
  std::uint64_t amount = 1;
  for (int i = 0; i < 2000; ++i) {
    CHECK(parse_amount(format_amount(amount)) == amount);
    amount = amount * 6364136223846793005ULL + 1442695040888963407ULL;
  }
}
