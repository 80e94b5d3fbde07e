// How the stations of a session speak during one step: questions through the one connection, and
// effects. Pure; lives no longer than the step.
#pragma once

#include <string>
#include <utility>

#include "worker/session/asks.h"
#include "worker/session/events.h"

namespace gradmint::session {

class Outgoing {
 public:
  Outgoing(Asks& asks, Effects& effects, std::uint64_t now_ms, bool link_up)
      : asks_(&asks), effects_(&effects), now_ms_(now_ms), link_up_(link_up) {}

  std::uint64_t now_ms() const { return now_ms_; }
  bool link_up() const { return link_up_; }

  bool may_ask(Ask kind) const { return link_up_ && asks_->may(kind, now_ms_); }
  // Asks unless the same question is open, held back, or there is no connection.
  bool ask(Ask kind, Message message, std::optional<UpdateSlice> slice = {}) {
    if (!may_ask(kind)) return false;
    effects_->push_back(Send{asks_->note(kind, now_ms_), std::move(message), slice});
    return true;
  }
  void hold_back(Ask kind, std::uint64_t delay_ms) { asks_->hold_back(kind, now_ms_ + delay_ms); }

  void effect(Effect effect) { effects_->push_back(std::move(effect)); }
  void say(std::string text) { effects_->push_back(Say{false, std::move(text)}); }
  void warn(std::string text) { effects_->push_back(Say{true, std::move(text)}); }

 private:
  Asks* asks_;
  Effects* effects_;
  std::uint64_t now_ms_;
  bool link_up_;
};

}  // namespace gradmint::session
