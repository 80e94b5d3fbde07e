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
  answered,           // the coordinator said something on it
  handshake_refused,  // the other side answered that this key is not admitted
  handshake_failed,   // any other end of a handshake
  disconnected,
  went_silent,  // it answered no Ping for too long
};

class LinkWatch {
 public:
  explicit LinkWatch(std::string endpoint) : endpoint_(std::move(endpoint)) {}

  void on(LinkEvent event);
  // The coordinator answered that it has no room for this side now, and why.
  void told_full(const std::string& detail);

  LinkState state() const { return state_; }
  std::uint64_t connections() const { return connections_; }
  std::string diagnosis() const;

 private:
  std::string endpoint_;
  std::string full_detail_;
  bool greeted_ = false;  // a handshake has succeeded on the connection that is there
  LinkState state_ = LinkState::connecting;
  std::uint64_t connections_ = 0;
};

}  // namespace gradmint
