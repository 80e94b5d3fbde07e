#include "coordinator/protocol/rate_limit.h"

#include <algorithm>

namespace gradmint {

bool RateLimiter::admit(std::string_view name, std::uint64_t now_ms) {
  constexpr std::uint64_t kToken = 1000;
  const std::uint64_t full = limit_.burst * kToken;
  auto found = buckets_.find(name);
  if (found == buckets_.end()) {
    if (buckets_.size() >= max_names_) {
      buckets_.erase(std::min_element(
          buckets_.begin(), buckets_.end(),
          [](const auto& a, const auto& b) { return a.second.seen_ms < b.second.seen_ms; }));
    }
    found = buckets_.emplace(std::string(name), Bucket{full, now_ms}).first;
  }
  Bucket& bucket = found->second;
  // A day of quiet fills any bucket; the cap keeps the product below from overflowing.
  const std::uint64_t quiet_ms = std::min<std::uint64_t>(now_ms - bucket.seen_ms, 86'400'000);
  bucket.thousandths = std::min(full, bucket.thousandths + quiet_ms * limit_.per_second);
  bucket.seen_ms = now_ms;
  if (bucket.thousandths < kToken) return false;
  bucket.thousandths -= kToken;
  return true;
}

}  // namespace gradmint
