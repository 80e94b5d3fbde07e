#include "worker/session/asks.h"

namespace gradmint::session {

bool Asks::may(Ask kind, std::uint64_t now_ms) const {
  const Slot& slot = at(kind);
  if (now_ms < slot.not_before_ms) return false;
  return !open(kind) || now_ms >= slot.asked_ms + kAnswerTimeoutMs;
}

std::uint64_t Asks::note(Ask kind, std::uint64_t now_ms) {
  const std::uint64_t number = (++numbers_ << 8) | static_cast<std::uint64_t>(kind);
  if (kind == Ask::blob || kind == Ask::chunk) return number;
  at(kind).number = number;
  at(kind).answered = false;
  at(kind).asked_ms = now_ms;
  return number;
}

bool Asks::answered(std::uint64_t number) {
  const Ask kind = kind_of(number);
  if (kind == Ask::none || kind >= Ask::count_) return false;
  if (kind == Ask::blob || kind == Ask::chunk) return true;
  if (at(kind).number != number) return false;
  at(kind).answered = true;
  return true;
}

void Asks::hold_back(Ask kind, std::uint64_t until_ms) { at(kind).not_before_ms = until_ms; }

void Asks::connection_lost() {
  for (Slot& slot : slots_) slot = Slot{};
}

}  // namespace gradmint::session
