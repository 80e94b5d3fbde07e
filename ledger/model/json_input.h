// JSON from strangers: nesting is bounded before the parser sees it, and a key that appears twice
// in an object is refused (two readers could each see another value). Pure; thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <vector>

namespace gradmint {

inline constexpr int kMaxJsonDepth = 8;

// Empty when the text is not JSON, nests deeper than kMaxJsonDepth, or repeats a key.
std::optional<nlohmann::json> parse_untrusted_json(std::string_view text);

// A JSON array of whole numbers ≥ 0, else empty.
std::optional<std::vector<std::uint64_t>> unsigned_list(const nlohmann::json& value);

}  // namespace gradmint
