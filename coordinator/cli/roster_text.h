// The list of workers, for people. Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace gradmint {

// What a score of 0 means, and what it need not mean.
inline constexpr const char* kZeroScore =
    "score 0: no agreement with the others in that round; normal where a model has converged";

// "gm1qw508d6qe…f3t4": enough to tell it from others. Shorter texts stay as they are.
std::string short_address(const std::string& address);

// 45'000 -> "45 s"; from two minutes on in minutes, from two hours on in hours.
std::string duration_text(std::uint64_t ms);

// Lines of cells, each column as wide as its widest cell; those in `right` are set to the right.
std::string text_table(const std::vector<std::vector<std::string>>& rows,
                       const std::vector<std::size_t>& right = {});

// `workers`: as the coordinator lists them (server/roster.h).
std::string roster_table(const nlohmann::json& workers);

}  // namespace gradmint
