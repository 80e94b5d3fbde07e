// Token buckets, one for each name (an address, an account). Pure: time is an argument. Not thread
// safe. Holds at most `max_names`; the one that has been quiet longest makes room.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace gradmint {

struct RateLimit {
  std::uint32_t per_second = 0;
  std::uint32_t burst = 0;
};

class RateLimiter {
 public:
  RateLimiter(RateLimit limit, std::size_t max_names) : limit_(limit), max_names_(max_names) {}

  // True when `name` may act now. `now_ms` never decreases.
  bool admit(std::string_view name, std::uint64_t now_ms);

  std::size_t names() const { return buckets_.size(); }

 private:
  struct Bucket {
    std::uint64_t thousandths = 0;  // of one token
    std::uint64_t seen_ms = 0;
  };
  RateLimit limit_;
  std::size_t max_names_;
  std::map<std::string, Bucket, std::less<>> buckets_;
};

}  // namespace gradmint
