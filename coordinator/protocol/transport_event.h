// What a server's transport tells of peers that it refused or cut off.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

namespace gradmint {

enum class TransportEventKind : std::uint8_t {
  stranger_refused,  // a key that is not admitted knocked at work
  handshake_failed,  // gone before it had said anything: not CURVE, or another coordinator's key
  peer_cut_off,      // flooding, or too many connections
  message_refused,   // answered with a Refusal here
};
inline constexpr std::size_t kTransportEventKinds = 4;

struct TransportEvent {
  TransportEventKind kind = TransportEventKind::message_refused;
  std::string text;  // one line for the log: who, what
};

}  // namespace gradmint
