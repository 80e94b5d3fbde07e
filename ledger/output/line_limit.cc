#include "ledger/output/line_limit.h"

namespace gradmint {
namespace {
constexpr std::uint64_t kMinuteMs = 60'000;
}  // namespace

bool LineLimit::admit(const std::string& kind, const std::string& text, std::uint64_t now_ms) {
  const auto [at, fresh] = minutes_.try_emplace(kind, Minute{now_ms, 0, 0, ""});
  Minute& minute = at->second;
  // A minute that left lines out ends with its summary, which due() gives.
  if (!fresh && minute.left_out == 0 && now_ms - minute.began_ms >= kMinuteMs) {
    minute = Minute{now_ms, 0, 0, ""};
  }
  if (minute.said < lines_a_minute_) {
    ++minute.said;
    return true;
  }
  ++minute.left_out;
  minute.last = text;
  return false;
}

std::vector<LineLimit::Summary> LineLimit::due(std::uint64_t now_ms) {
  std::vector<Summary> summaries;
  for (auto at = minutes_.begin(); at != minutes_.end();) {
    Minute& minute = at->second;
    if (now_ms - minute.began_ms < kMinuteMs) {
      ++at;
      continue;
    }
    if (minute.left_out > 0) {
      summaries.push_back({at->first, minute.left_out, std::move(minute.last)});
    }
    at = minutes_.erase(at);
  }
  return summaries;
}

}  // namespace gradmint
