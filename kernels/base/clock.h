// The time, for those who may not read it themselves: whoever runs the program gives it.
#pragma once

#include <chrono>
#include <cstdint>

namespace gradmint {

class Clock {
 public:
  virtual ~Clock() = default;
  // Monotonic, from any beginning.
  virtual std::uint64_t now_ms() const = 0;
  // Of the day, in UTC since 1970. It may jump.
  virtual std::uint64_t unix_ms() const = 0;
};

// The machine's. Thread safe.
class MachineClock final : public Clock {
 public:
  std::uint64_t now_ms() const override { return in_ms(std::chrono::steady_clock::now()); }
  std::uint64_t unix_ms() const override { return in_ms(std::chrono::system_clock::now()); }

 private:
  template <class TimePoint>
  static std::uint64_t in_ms(TimePoint time) {
    using namespace std::chrono;
    return static_cast<std::uint64_t>(duration_cast<milliseconds>(time.time_since_epoch()).count());
  }
};

inline const Clock& machine_clock() {
  static const MachineClock clock;
  return clock;
}

}  // namespace gradmint
