#include "coordinator/protocol/messages.h"

#include <type_traits>

namespace gradmint {

Message::Message() = default;
Message::Message(const Message&) = default;
Message::Message(Message&&) noexcept = default;
Message& Message::operator=(const Message&) = default;
Message& Message::operator=(Message&&) noexcept = default;
Message::~Message() = default;
bool Message::operator==(const Message&) const = default;

const Kind& kind_of(const Message& message) {
  return std::visit([](const auto& m) -> const Kind& { return std::decay_t<decltype(m)>::kKind; },
                    message);
}

Refusal refuse(RefusalCode code, std::string detail) {
  return Refusal{code, std::string(refusal_name(code)), std::move(detail)};
}

std::string_view refusal_name(RefusalCode code) {
  switch (code) {
    case RefusalCode::wrong_version:
      return "wrong_version";
    case RefusalCode::malformed:
      return "malformed";
    case RefusalCode::unknown_message:
      return "unknown_message";
    case RefusalCode::not_accepted_here:
      return "not_accepted_here";
    case RefusalCode::oversized:
      return "oversized";
    case RefusalCode::rate_limited:
      return "rate_limited";
    case RefusalCode::unknown_chain:
      return "unknown_chain";
    case RefusalCode::not_a_member:
      return "not_a_member";
    case RefusalCode::bad_invitation:
      return "bad_invitation";
    case RefusalCode::not_found:
      return "not_found";
    case RefusalCode::not_now:
      return "not_now";
    case RefusalCode::not_as_agreed:
      return "not_as_agreed";
    case RefusalCode::overloaded:
      return "overloaded";
    case RefusalCode::paused:
      return "paused";
    case RefusalCode::failed:
      return "failed";
    case RefusalCode::full:
      return "full";
  }
  return "unnamed";
}

std::string_view phase_name(Phase phase) {
  switch (phase) {
    case Phase::waiting_for_workers:
      return "waiting for workers";
    case Phase::training:
      return "training";
    case Phase::revealing:
      return "revealing";
    case Phase::aggregating:
      return "aggregating";
    case Phase::evaluating:
      return "evaluating";
    case Phase::settled:
      return "settled";
    case Phase::paused:
      return "paused";
    case Phase::finished:
      return "finished";
  }
  return "unnamed";
}

}  // namespace gradmint
