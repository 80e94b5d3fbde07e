#include "contracts/amount.h"

#include "contracts/wide.h"

namespace gradmint::contracts {

std::optional<std::uint64_t> checked_add(std::uint64_t a, std::uint64_t b) {
  if (b > UINT64_MAX - a) return std::nullopt;
  return a + b;
}

std::optional<std::uint64_t> checked_sub(std::uint64_t a, std::uint64_t b) {
  if (b > a) return std::nullopt;
  return a - b;
}

std::optional<std::uint64_t> muldiv(std::uint64_t a, std::uint64_t b, std::uint64_t divisor) {
  if (divisor == 0) return std::nullopt;
  const Wide quotient = Wide{a} * b / divisor;
  if (quotient > UINT64_MAX) return std::nullopt;
  return static_cast<std::uint64_t>(quotient);
}

std::optional<std::uint64_t> parse_amount(std::string_view text) {
  const std::size_t point = text.find('.');
  const std::string_view whole = text.substr(0, point);
  const std::string_view decimals =
      point == std::string_view::npos ? std::string_view{} : text.substr(point + 1);
  if (whole.empty()) return std::nullopt;
  if (point != std::string_view::npos && decimals.empty()) return std::nullopt;
  if (decimals.size() > kAmountDecimals) return std::nullopt;

  Wide units = 0;
  const auto take = [&units](char c) {
    if (c < '0' || c > '9') return false;
    units = units * 10 + static_cast<unsigned>(c - '0');
    return units <= UINT64_MAX;
  };
  for (const char c : whole) {
    if (!take(c)) return std::nullopt;
  }
  for (std::size_t i = 0; i < kAmountDecimals; ++i) {
    if (!take(i < decimals.size() ? decimals[i] : '0')) return std::nullopt;
  }
  return static_cast<std::uint64_t>(units);
}

std::string format_amount(std::uint64_t amount) {
  std::string text = std::to_string(amount / kUnitsPerToken);
  const std::uint64_t fraction = amount % kUnitsPerToken;
  if (fraction == 0) return text;
  std::string decimals = std::to_string(fraction);
  decimals.insert(0, kAmountDecimals - decimals.size(), '0');
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return text + "." + decimals;
}

}  // namespace gradmint::contracts
