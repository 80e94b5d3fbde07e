// The checks a worker makes before it joins: one line each, with the remedy.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <vector>

namespace gradmint {

// How a check that did not fail begins: a note is a remark, a warning is for somebody to look at.
enum class CheckWord : std::uint8_t { ok, note, skipped, warning };

struct CheckLine {
  std::string name;
  bool passed = false;
  std::string text;  // what was found; when it failed, also what to do
  CheckWord word = CheckWord::ok;
};

CheckLine check_memory(std::uint64_t needed_bytes);
// Against a coordinator's, as heard just now. No clock decides anything on the ledger, so one that
// is far off is a warning.
CheckLine check_clock(std::optional<std::int64_t> peer_unix_ms);
CheckLine check_home(const std::filesystem::path& home);     // exists or can be made, space left
CheckLine check_key(const std::filesystem::path& key_file);  // there, readable, private
std::string format_check(const CheckLine& line);

}  // namespace gradmint
