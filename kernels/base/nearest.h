// Which known name somebody probably meant. Pure.
#pragma once

#include <set>
#include <string>
#include <string_view>

namespace gradmint {

// The nearest of `names` when it is near enough to be a slip of the fingers, else "". By edit
// distance (Levenshtein 1966).
std::string nearest_name(std::string_view wrong, const std::set<std::string>& names);

}  // namespace gradmint
