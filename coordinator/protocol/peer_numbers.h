// The routing ids that a ROUTER of libzmq gives to peers without one: a zero byte and a number,
// which begins at random and is counted up. libzmq 4.3.4 aborts when it gives a number that a peer
// has taken for itself, so whoever comes with another id than a given one may not stay. Immutable.
#pragma once

#include <cstdint>
#include <string_view>

#include "coordinator/protocol/zmq_handles.h"

namespace gradmint {

class PeerNumbers {
 public:
  // Learns the first number by a peer of its own. Before the router is bound to anything.
  static PeerNumbers of(const ZmqContext& context, const ZmqSocket& router);

  // Whether this id was given, when `welcomed` handshakes have succeeded so far.
  bool gave(std::string_view routing_id, std::uint64_t welcomed) const;

 private:
  std::uint32_t first_ = 0;
};

}  // namespace gradmint
