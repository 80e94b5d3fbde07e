// Which questions are open: at most one of each kind, asked again when no answer comes, held back
// when the coordinator said "not now". Pure: time is an argument. Not thread safe.
#pragma once

#include <array>
#include <cstdint>

namespace gradmint::session {

enum class Ask : std::uint8_t {
  none,
  hello,
  genesis,
  headers,
  account,
  transaction,
  round,
  reveal,
  fork,
  scaler,
  blob,  // these two are many at a time, bounded by credits
  chunk,
  count_,
};

inline constexpr std::uint64_t kAnswerTimeoutMs = 10'000;

class Asks {
 public:
  // Nothing open of this kind (or its answer is overdue), and not held back.
  bool may(Ask kind, std::uint64_t now_ms) const;
  bool open(Ask kind) const { return at(kind).number != 0 && !at(kind).answered; }
  // Notes a question; its number goes with the message.
  std::uint64_t note(Ask kind, std::uint64_t now_ms);
  static Ask kind_of(std::uint64_t number) { return static_cast<Ask>(number & 0xFF); }
  // An answer came; a question may have several. False when it was asked anew since; blob and
  // chunk questions are always current.
  bool answered(std::uint64_t number);
  void hold_back(Ask kind, std::uint64_t until_ms);
  void connection_lost();  // nothing is open any more

 private:
  struct Slot {
    std::uint64_t number = 0;  // of the newest; 0: never asked on this connection
    bool answered = false;
    std::uint64_t asked_ms = 0;
    std::uint64_t not_before_ms = 0;
  };
  const Slot& at(Ask kind) const { return slots_[static_cast<std::size_t>(kind)]; }
  Slot& at(Ask kind) { return slots_[static_cast<std::size_t>(kind)]; }
  std::array<Slot, static_cast<std::size_t>(Ask::count_)> slots_{};
  std::uint64_t numbers_ = 0;
};

}  // namespace gradmint::session
