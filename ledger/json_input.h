// JSON that somebody else wrote, read in time linear in its bytes (n log n in an object's keys) and
// in bounded memory: nesting and values are counted while it is read and end it, and a key that
// appears twice in an object is refused (two readers could each see another value). Every reader
// of a file or message that is not this process's own goes through here. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

inline constexpr std::size_t kMaxJsonDepth = 8;
// Of all kinds, objects and arrays among them. A safetensors header of 65,536 tensors of eight
// dimensions has 917,505.
inline constexpr std::uint64_t kMaxJsonValues = 1ULL << 20;

// An Error says what is wrong, in words that follow "is" or "the text is".
Result<nlohmann::json> parse_untrusted_json(std::string_view text);

// A JSON array of whole numbers ≥ 0, else empty.
std::optional<std::vector<std::uint64_t>> unsigned_list(const nlohmann::json& value);

// An object's member that is text; empty where there is none, or it is something else.
std::optional<std::string> text_member(const nlohmann::json& object, const char* key);

}  // namespace gradmint
