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

// Where the quoted text that begins at `begin` ends: behind its closing quotes, or at the end of
// the line where there are none (of the text, for the kinds of several lines).
inline std::size_t end_of_quoted(std::string_view text, std::size_t begin) {
  const char quote = text[begin];
  const bool long_form = text.substr(begin, 3) == std::string(3, quote);
  std::size_t at = begin + (long_form ? 3 : 1);
  while (at < text.size()) {
    if (text[at] == '\\' && quote == '"') {
      at += 2;
    } else if (!long_form && text[at] == '\n') {
      return at;
    } else if (text[at] != quote) {
      ++at;
    } else if (!long_form) {
      return at + 1;
    } else {
      const std::size_t quotes = std::min(text.find_first_not_of(quote, at), text.size()) - at;
      at += std::min<std::size_t>(quotes, 5);  // the text itself may end with two
      if (quotes >= 3) return at;
    }
  }
  return text.size();
}

// Outside of quoted text and comments TOML is ASCII. toml++ asks of whatever stands there whether
// it is white space, by a function whose behaviour is undefined for U+00A1 and hundreds of others.
inline std::optional<TomlFault> find_stray_character(std::string_view text) {
  constexpr std::string_view kByteOrderMark = "\xef\xbb\xbf";
  std::size_t at = text.substr(0, 3) == kByteOrderMark ? 3 : 0;
  while (at < text.size()) {
    if (text[at] == '#') {
      at = std::min(text.find('\n', at), text.size());
    } else if (text[at] == '"' || text[at] == '\'') {
      at = end_of_quoted(text, at);
    } else if (static_cast<unsigned char>(text[at]) >= 0x80) {
      const auto line =
          std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
      return TomlFault{static_cast<std::uint32_t>(line) + 1,
                       "is no TOML: a character that is not ASCII outside of quotes"};
    } else {
      ++at;
    }
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
  if (auto stray = find_stray_character(text)) return *std::move(stray);
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
