// toml++ as it may be given any text. Its assertions check what it has read, not what it was asked:
// a line of `[` alone fails one. So they throw instead of ending the program. Include it in
// toml_config.cc alone: elsewhere the same functions would be compiled with other assertions.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

namespace gradmint::detail {

struct TomlAssertion {};
// Not inlined into toml++'s functions, some of which are noexcept: the compiler would warn of a
// throw that it can see there. None of those asserts anything of a text.
[[noreturn, gnu::noinline]] inline void toml_assertion_failed() { throw TomlAssertion{}; }

}  // namespace gradmint::detail

#undef NDEBUG  // or it would assume what it asserts
#define TOML_ASSERT(expr) \
  ((expr) ? static_cast<void>(0) : ::gradmint::detail::toml_assertion_failed())
#include <toml++/toml.h>

namespace gradmint::detail {

struct TomlFault {
  std::uint32_t line = 1;
  std::string text;
};

constexpr std::ptrdiff_t kMaxDotsInLine = 256;

// Tables are as deep as keys have dots, and toml++ frees them by recursion: its limit for nested
// values is none for these.
inline std::optional<TomlFault> find_deep_key(std::string_view text) {
  std::uint32_t line = 1;
  for (std::size_t begin = 0; begin < text.size(); ++line) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view one = text.substr(begin, end - begin);
    const std::size_t first = one.find_first_not_of(" \t");
    const bool comment = first != std::string_view::npos && one[first] == '#';
    if (!comment && std::count(one.begin(), one.end(), '.') > kMaxDotsInLine) {
      return TomlFault{line, "more than " + std::to_string(kMaxDotsInLine) + " dots in one line"};
    }
    begin = end + 1;
  }
  return std::nullopt;
}

inline bool fails_assertion(std::string_view text) {
  try {
    static_cast<void>(toml::parse(text));
  } catch (const toml::parse_error&) {
  } catch (const TomlAssertion&) {
    return true;
  }
  return false;
}
// A text is read from its beginning, so what fails in a part of it fails in every longer part.
inline std::uint32_t line_of_assertion(std::string_view text) {
  const auto lines = static_cast<std::uint32_t>(std::count(text.begin(), text.end(), '\n')) + 1;
  const auto beginning = [&](std::uint32_t count) {
    std::size_t end = 0;
    for (std::uint32_t i = 0; i < count && end < text.size(); ++i) {
      end = std::min(text.find('\n', end), text.size() - 1) + 1;
    }
    return text.substr(0, end);
  };
  std::uint32_t low = 1, high = lines;
  while (low < high) {
    const std::uint32_t middle = low + (high - low) / 2;
    if (fails_assertion(beginning(middle))) {
      high = middle;
    } else {
      low = middle + 1;
    }
  }
  return low;
}

inline std::variant<toml::table, TomlFault> parse_toml(std::string_view text) {
  if (auto deep = find_deep_key(text)) return *std::move(deep);
  try {
    return toml::parse(text);
  } catch (const toml::parse_error& fault) {
    return TomlFault{fault.source().begin.line, std::string(fault.description())};
  } catch (const TomlAssertion&) {
    return TomlFault{line_of_assertion(text),
                     "is no TOML: a table is [name], a value is name = value"};
  }
}

}  // namespace gradmint::detail
