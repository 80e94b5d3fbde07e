#include "coordinator/protocol/peer_numbers.h"

#include <optional>
#include <string>

#include "kernels/base/check.h"

namespace gradmint {
namespace {

std::optional<std::uint32_t> number_in(ByteView routing_id) {
  if (routing_id.size() != 5 || routing_id[0] != 0) return std::nullopt;
  std::uint32_t number = 0;
  for (const std::uint8_t byte : routing_id.subspan(1)) number = number << 8 | byte;
  return number;
}

}  // namespace

PeerNumbers PeerNumbers::of(const ZmqContext& context, const ZmqSocket& router) {
  const std::string address =
      "inproc://first-number-" + std::to_string(reinterpret_cast<std::uintptr_t>(router.get()));
  GRADMINT_CHECK(zmq_bind(router.get(), address.c_str()) == 0);
  ZmqSocket probe(context, ZMQ_DEALER);
  probe.set(ZMQ_LINGER, 0);
  GRADMINT_CHECK(zmq_connect(probe.get(), address.c_str()) == 0);
  GRADMINT_CHECK(zmq_send(probe.get(), "", 0, 0) == 0);
  zmq_pollitem_t arrived{router.get(), 0, ZMQ_POLLIN, 0};
  while (zmq_poll(&arrived, 1, -1) <= 0) {
  }
  const auto received = receive_frames(router, 1);
  GRADMINT_CHECK(received.has_value());
  const auto number = number_in(received->frames[0]->view());
  GRADMINT_CHECK(number.has_value());
  GRADMINT_CHECK(zmq_unbind(router.get(), address.c_str()) == 0);
  PeerNumbers numbers;
  numbers.first_ = *number;
  return numbers;
}

bool PeerNumbers::gave(std::string_view routing_id, std::uint64_t welcomed) const {
  const auto number = number_in(as_bytes(routing_id));
  if (!number) return false;
  const std::uint32_t nth = *number - first_;  // libzmq's count goes round as this does
  return nth != 0 && nth <= welcomed;
}

}  // namespace gradmint
