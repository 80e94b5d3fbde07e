// The manifest decides what a rule may do to money, so its text has one meaning only: a strict part
// of TOML, every key required, unknown and repeated keys refused by name.
#include <array>
#include <optional>

#include "contracts/rule.h"

namespace gradmint::contracts {

namespace {

constexpr std::size_t kMaxNameLength = 32;
constexpr std::uint64_t kPpm = 1'000'000;

std::string_view trimmed(std::string_view text) {
  const std::size_t first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

// The line without its comment. A '#' within quotes is no comment.
std::string_view without_comment(std::string_view line) {
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '#' && !quoted) return line.substr(0, i);
  }
  return line;
}

// A decimal integer without sign or leading zero.
std::optional<std::uint64_t> parse_integer(std::string_view text) {
  if (text.empty() || text.size() > 18 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  return value;
}

bool is_name(std::string_view text) {
  if (text.empty() || text.size() > kMaxNameLength || text[0] < 'a' || text[0] > 'z') return false;
  return text.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string_view::npos;
}

// A basic string that is a name: all that strings are used for here.
std::optional<std::string_view> parse_name(std::string_view text) {
  if (text.size() < 2 || text.front() != '"' || text.back() != '"') return std::nullopt;
  text = text.substr(1, text.size() - 2);
  if (!is_name(text)) return std::nullopt;
  return text;
}

enum Key { kName, kVersion, kAbi, kCapabilities, kMintBudgetPpm, kMaxEffectsKey, kKeyCount };
constexpr std::array<std::string_view, kKeyCount> kKeys = {
    "name", "version", "abi", "capabilities", "mint_budget_ppm", "max_effects"};

// ["mint"] or []: the capabilities that exist, each at most once.
bool parse_capabilities(std::string_view text, RuleManifest& manifest) {
  if (text.size() < 2 || text.front() != '[' || text.back() != ']') return false;
  text = trimmed(text.substr(1, text.size() - 2));
  if (text.empty()) return true;
  manifest.may_mint = parse_name(text) == "mint";
  return manifest.may_mint;
}

// What is wrong with the value, or nullptr.
const char* set_value(Key key, std::string_view text, RuleManifest& manifest) {
  if (key == kName) {
    const auto name = parse_name(text);
    if (!name) return "must be a quoted name of at most 32 characters from a-z, 0-9 and _";
    manifest.name = *name;
    return nullptr;
  }
  if (key == kCapabilities) {
    return parse_capabilities(text, manifest) ? nullptr : "must be [\"mint\"] or []";
  }
  const auto number = parse_integer(text);
  if (!number) return "must be a decimal integer";
  if (key == kMintBudgetPpm) {
    manifest.mint_budget_ppm = *number;
    return *number <= kPpm ? nullptr : "must be at most 1000000";
  }
  if (key == kMaxEffectsKey) {
    if (*number > kMaxEffects) return "must be at most 4095";
    manifest.max_effects = static_cast<std::uint32_t>(*number);
    return nullptr;
  }
  if (*number == 0 || *number > UINT32_MAX) return "must be at least 1 and fit 32 bits";
  (key == kVersion ? manifest.version : manifest.abi) = static_cast<std::uint32_t>(*number);
  return nullptr;
}

RuleRefusal refused(std::size_t line, std::string_view key, std::string_view why) {
  std::string message = "rule manifest";
  if (line > 0) message += " line " + std::to_string(line);
  message += ": ";
  if (!key.empty()) message += std::string(key) + " ";
  return {RuleCode::bad_manifest, message + std::string(why)};
}

}  // namespace

std::variant<RuleManifest, RuleRefusal> parse_rule_manifest(std::string_view text) {
  if (text.size() > kMaxRuleManifestBytes) {
    return RuleRefusal{RuleCode::too_large, "rule manifest: over 4096 bytes"};
  }
  RuleManifest manifest;
  std::array<bool, kKeyCount> seen{};
  for (std::size_t number = 1; !text.empty(); ++number) {
    const std::size_t end = text.find('\n');
    const std::string_view line = trimmed(without_comment(text.substr(0, end)));
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    if (line.empty()) continue;
    const std::size_t equals = line.find('=');
    if (equals == std::string_view::npos) return refused(number, "", "expected key = value");
    const std::string_view key = trimmed(line.substr(0, equals));
    std::size_t index = 0;
    while (index < kKeyCount && kKeys[index] != key) ++index;
    if (index == kKeyCount) {
      return refused(number, is_name(key) ? key : "key", "is not one this version knows");
    }
    if (seen[index]) return refused(number, key, "is given twice");
    seen[index] = true;
    const char* why =
        set_value(static_cast<Key>(index), trimmed(line.substr(equals + 1)), manifest);
    if (why != nullptr) return refused(number, key, why);
  }
  for (std::size_t index = 0; index < kKeyCount; ++index) {
    if (!seen[index]) return refused(0, kKeys[index], "is missing");
  }
  return manifest;
}

}  // namespace gradmint::contracts
