#include "coordinator/cli/roster_text.h"

#include <algorithm>
#include <cstdio>

#include "coordinator/cli/display.h"
#include "kernels/base/printable.h"

namespace gradmint {
namespace {

using nlohmann::json;

constexpr std::size_t kHeadCharacters = 12, kTailCharacters = 6;

// Screen columns, near enough: one for each character.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string state_text(const json& worker) {
  const std::string state = worker.value("state", "");
  const auto done = worker.find("done_ppm"), age = worker.find("for_ms");
  if (done != worker.end() && done->is_number_integer())
    return state + " " + std::to_string(done->get<std::uint64_t>() / 10'000) + " %";
  if (age == worker.end() || !age->is_number_integer()) return state;
  if (state == "away") return "not seen since start";
  return state + " since " + duration_text(age->get<std::uint64_t>());
}

std::string bytes_text(std::uint64_t bytes) {
  char text[32];
  const bool few = bytes < (1 << 20);
  std::snprintf(text, sizeof text, few ? "%.1f KiB" : "%.1f MiB",
                static_cast<double>(bytes) / (few ? 1 << 10 : 1 << 20));
  return text;
}

}  // namespace

std::string short_address(const std::string& address) {
  if (address.size() <= kHeadCharacters + kTailCharacters + 1) return address;
  return address.substr(0, kHeadCharacters) + "…" +
         address.substr(address.size() - kTailCharacters);
}

std::string duration_text(std::uint64_t ms) {
  const std::uint64_t seconds = ms / 1000;
  if (seconds < 120) return std::to_string(seconds) + " s";
  if (seconds < 7200) return std::to_string(seconds / 60) + " min";
  return std::to_string(seconds / 3600) + " h";
}

std::string text_table(const std::vector<std::vector<std::string>>& rows,
                       const std::vector<std::size_t>& right) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()), 0);
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  std::string table;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string gap(widths[i] - width_of(row[i]), ' ');
      const bool to_right = std::find(right.begin(), right.end(), i) != right.end();
      line += (i == 0 ? "" : "  ") + (to_right ? gap + row[i] : row[i] + gap);
    }
    table += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return table;
}

std::string roster_table(const json& workers) {
  std::vector<std::vector<std::string>> rows = {
      {"name", "address", "state", "last update", "score", "received"}};
  bool zero = false;
  for (const json& worker : workers) {
    const bool gave = worker["last_round"].is_number_integer();
    const auto score = gave ? worker["last_score_ppm"].get<std::uint32_t>() : 0;
    zero = zero || (gave && score == 0);
    rows.push_back(
        {printable(worker.value("name", "")), short_address(worker.value("address", "")),
         state_text(worker),
         gave ? "round " + std::to_string(worker["last_round"].get<std::uint64_t>()) : "none",
         gave ? score_text(score) : "-",
         bytes_text(worker.value("bytes_received", std::uint64_t{0}))});
  }
  if (rows.size() == 1) return "no worker has registered yet\n";
  return text_table(rows, {4, 5}) + (zero ? std::string(kZeroScore) + "\n" : "");
}

}  // namespace gradmint
