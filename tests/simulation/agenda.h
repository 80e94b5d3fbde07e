// What will happen when, in virtual time. One thing after the other; those of the same moment in
// the order in which they were put down.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "kernels/base/clock.h"

namespace gradmint::simulation {

class Agenda final : public Clock {
 public:
  using Action = std::function<void()>;

  void after(std::uint64_t wait_ms, Action action) {
    actions_.emplace(std::pair(now_ms_ + wait_ms, ++number_), std::move(action));
  }
  // The next thing happens. False: there is none.
  bool step() {
    if (actions_.empty()) return false;
    const auto first = actions_.begin();
    now_ms_ = first->first.first;
    const Action action = std::move(first->second);
    actions_.erase(first);
    action();
    return true;
  }

  std::uint64_t now_ms() const override { return now_ms_; }
  std::uint64_t unix_ms() const override { return kBeginMs + now_ms_ + jumped_ms_; }
  // The time of the day is set to another.
  void jump(std::int64_t by_ms) { jumped_ms_ += static_cast<std::uint64_t>(by_ms); }
  std::uint64_t steps() const { return number_; }

 private:
  static constexpr std::uint64_t kBeginMs = 1'800'000'000'000;
  std::uint64_t now_ms_ = 1'000'000, number_ = 0, jumped_ms_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, Action> actions_;
};

}  // namespace gradmint::simulation
