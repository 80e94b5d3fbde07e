// Reads what libzmq tells about a client's connection and turns it into one state and one line:
// which of "nobody there", "my key is not admitted" and "not the coordinator I was told" it is.
// Pure.
#pragma once

#include <cstdint>
#include <string>

#include "coordinator/protocol/client_transport.h"

namespace gradmint {

enum class LinkEvent : std::uint8_t {
  tcp_connected,
  tcp_failed,
  retrying,
  handshake_succeeded,
  handshake_refused,  // the other side answered that this key is not admitted
  handshake_failed,   // any other end of a handshake
  disconnected,
};

class LinkWatch {
 public:
  explicit LinkWatch(std::string endpoint) : endpoint_(std::move(endpoint)) {}

  void on(LinkEvent event);

  LinkState state() const { return state_; }
  std::uint64_t connections() const { return connections_; }
  std::string diagnosis() const;

 private:
  std::string endpoint_;
  LinkState state_ = LinkState::connecting;
  std::uint64_t connections_ = 0;
};

}  // namespace gradmint
