#include "coordinator/protocol/connection_guard.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <utility>

namespace gradmint {
namespace {

// libzmq's own commands arrive without ever being taken by the loop.
constexpr std::uint64_t kSilentBytesPerSecond = 200;
// What wraps a taken frame on the wire, with room to spare.
constexpr std::uint64_t kWrappingBytesPerFrame = 64;
// Greeting, HELLO and INITIATE of a peer that has come in.
constexpr std::uint64_t kHandshakeBytes = 1024;
// Time for a last answer to leave.
constexpr std::uint64_t kLeaveMs = 500;
constexpr std::uint64_t kRestlessBytes = 64 * 1024;
// A process that was stopped for longer than this must not take its own sleep for the peers'.
constexpr std::uint64_t kMaxElapsedMs = 1000;

struct Remote {
  std::string address;
  std::string peer;
};

std::optional<Remote> remote_of(int descriptor) {
  sockaddr_storage storage{};
  socklen_t size = sizeof storage;
  if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&storage), &size) != 0)
    return std::nullopt;
  char text[INET6_ADDRSTRLEN] = {};
  std::uint16_t port = 0;
  if (storage.ss_family == AF_INET) {
    const auto& in = reinterpret_cast<const sockaddr_in&>(storage);
    inet_ntop(AF_INET, &in.sin_addr, text, sizeof text);
    port = ntohs(in.sin_port);
  } else if (storage.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
    inet_ntop(AF_INET6, &in6.sin6_addr, text, sizeof text);
    port = ntohs(in6.sin6_port);
  } else {
    return std::nullopt;
  }
  return Remote{text, std::string(text) + ":" + std::to_string(port)};
}

std::optional<std::uint64_t> arrived_bytes(int descriptor) {
  tcp_info info{};
  socklen_t size = sizeof info;
  if (getsockopt(descriptor, IPPROTO_TCP, TCP_INFO, &info, &size) != 0) return std::nullopt;
  return info.tcpi_bytes_received;
}

}  // namespace

void ConnectionGuard::count(const Connection& connection, bool in) {
  if (connection.stage != Stage::pending && connection.stage != Stage::guest) return;
  Census& here = by_address_[connection.address];
  for (Census* census : {&all_, &here}) {
    std::size_t& number = connection.stage == Stage::pending ? census->pending : census->guests;
    in ? ++number : --number;
  }
  if (here.pending + here.guests == 0) by_address_.erase(connection.address);
}

void ConnectionGuard::enter(Connection& connection, Stage stage) {
  count(connection, false);
  connection.stage = stage;
  count(connection, true);
}

std::string ConnectionGuard::busiest(std::size_t Census::*of) const {
  const auto most =
      std::max_element(by_address_.begin(), by_address_.end(),
                       [of](const auto& a, const auto& b) { return a.second.*of < b.second.*of; });
  return most == by_address_.end() ? std::string{} : most->first;
}

ConnectionGuard::Connections::iterator ConnectionGuard::find(int descriptor,
                                                             std::uint64_t handshake) {
  const auto found = connections_.find(descriptor);
  if (found != connections_.end() && handshake <= found->second.handshakes_before)
    return connections_.end();
  return found;
}

void ConnectionGuard::accepted(int descriptor, std::uint64_t handshakes, std::uint64_t now_ms,
                               Lines& lines) {
  closed(descriptor);
  const std::optional<Remote> remote = remote_of(descriptor);
  if (!remote) return;  // gone already
  restless_ = true;
  Connection& connection = connections_[descriptor];
  connection.address = remote->address;
  connection.peer = remote->peer;
  connection.handshakes_before = handshakes;
  connection.accepted_ms = connection.asked_ms = now_ms;
  count(connection, true);
  if (connections_.size() > limits_.max_connections) {
    return cut_off(descriptor, connection,
                   "more than " + std::to_string(limits_.max_connections) + " connections in all",
                   lines);
  }
  if (by_address_[remote->address].pending > limits_.max_pending_per_address) {
    return cut_off(descriptor, connection,
                   "more than " + std::to_string(limits_.max_pending_per_address) +
                       " connections from its address that have not said anything",
                   lines);
  }
  if (all_.pending <= limits_.max_pending) return;
  // The oldest of the busiest address makes room: whoever means it is through in a moment.
  const std::string address = busiest(&Census::pending);
  auto oldest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (it->second.stage != Stage::pending || it->second.address != address) continue;
    if (oldest == connections_.end() || it->second.accepted_ms < oldest->second.accepted_ms)
      oldest = it;
  }
  cut_off(oldest->first, oldest->second,
          "more than " + std::to_string(limits_.max_pending) +
              " connections that have not said anything",
          lines);
}

std::vector<AccountId> ConnectionGuard::members() const {
  std::vector<AccountId> found;
  for (const auto& [descriptor, connection] : connections_)
    if (connection.stage == Stage::member) found.push_back(connection.account);
  return found;
}

bool ConnectionGuard::closed(int descriptor) {
  const auto found = connections_.find(descriptor);
  if (found == connections_.end()) return false;  // gone before accepted() could look at it
  const bool pending = found->second.stage == Stage::pending;
  // What it had sent is in the loop's queue still, for all this side knows.
  if (!pending) gone_bytes_ += found->second.untaken_bytes;
  returned_bytes_ += found->second.arrived_bytes;
  count(found->second, false);
  connections_.erase(found);
  return !pending;
}

Standing ConnectionGuard::heard(const HeardMessage& message, std::uint64_t now_ms, Lines& lines) {
  const auto found = find(message.descriptor, message.handshake);
  if (found == connections_.end()) return Standing::welcome;  // gone: its last words
  Connection& connection = found->second;
  const bool first = connection.handshake == 0;
  connection.handshake = message.handshake;
  connection.taken_bytes += message.size_bytes + message.frames * kWrappingBytesPerFrame;
  if (connection.stage == Stage::leaving || connection.stage == Stage::cut_off)
    return Standing::leaving;
  if (message.asks) connection.asked_ms = now_ms;
  if (!first && connection.account == message.account) return Standing::welcome;
  if (first) connection.taken_bytes += kHandshakeBytes;
  connection.curve_key = message.curve_key;
  connection.account = message.account;
  if (message.account.is_zero())
    return receive_guest(message.descriptor, connection, now_ms, lines);
  receive_member(connection, lines);
  return Standing::welcome;
}

ConnectionGuard::Connections::iterator ConnectionGuard::idlest_guest(const std::string* address,
                                                                     int except) {
  auto idlest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (it->second.stage != Stage::guest || it->first == except) continue;
    if (address != nullptr && it->second.address != *address) continue;
    if (idlest == connections_.end() || it->second.asked_ms < idlest->second.asked_ms) idlest = it;
  }
  return idlest;
}

Standing ConnectionGuard::receive_guest(int descriptor, Connection& connection,
                                        std::uint64_t now_ms, Lines& lines) {
  enter(connection, Stage::guest);
  const auto make_room = [&](const std::string* address) {
    const auto idlest = idlest_guest(address, descriptor);
    if (idlest == connections_.end() || now_ms - idlest->second.asked_ms < limits_.idle_ms)
      return false;
    cut_off(idlest->first, idlest->second, "it asked nothing and another unregistered peer came",
            lines);
    return true;
  };
  if (by_address_[connection.address].guests > limits_.max_guests_per_address &&
      !make_room(&connection.address)) {
    leave(connection, now_ms);
    return Standing::full_for_address;
  }
  if (all_.guests <= limits_.max_guests || make_room(nullptr)) return Standing::welcome;
  // Nobody is idle. Who came from a busier address than this one's makes room all the same.
  const std::string address = busiest(&Census::guests);
  if (by_address_[address].guests <= by_address_[connection.address].guests) {
    leave(connection, now_ms);
    return Standing::full;
  }
  const auto idlest = idlest_guest(&address, descriptor);
  cut_off(idlest->first, idlest->second,
          "its address has the most unregistered peers and another one came", lines);
  return Standing::welcome;
}

// The account's own oldest connection makes room: most likely it is dead and does not know yet.
void ConnectionGuard::receive_member(Connection& connection, Lines& lines) {
  enter(connection, Stage::member);
  std::size_t own = 0;
  auto oldest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    if (it->second.stage != Stage::member || it->second.account != connection.account) continue;
    ++own;
    if (oldest == connections_.end() || it->second.handshake < oldest->second.handshake)
      oldest = it;
  }
  if (own <= limits_.max_per_account) return;
  cut_off(oldest->first, oldest->second,
          "more than " + std::to_string(limits_.max_per_account) + " connections of its account",
          lines);
}

// True when it goes on.
bool ConnectionGuard::inspect_one(int descriptor, Connection& connection, std::uint64_t now_ms,
                                  std::uint64_t elapsed_ms, Lines& lines) {
  if (connection.stage == Stage::leaving && now_ms >= connection.leaves_ms) {
    enter(connection, Stage::cut_off);
    const std::optional<Remote> remote = remote_of(descriptor);
    if (remote && remote->peer == connection.peer) shutdown(descriptor, SHUT_RDWR);
    return false;
  }
  const std::optional<std::uint64_t> arrived = arrived_bytes(descriptor);
  if (!arrived || *arrived < connection.arrived_bytes) return true;
  const std::uint64_t fresh = *arrived - connection.arrived_bytes;
  connection.silent_ms = fresh > 0 ? 0 : connection.silent_ms + elapsed_ms;
  const std::uint64_t in = connection.untaken_bytes + fresh;
  const std::uint64_t out =
      std::exchange(connection.taken_bytes, 0) + kSilentBytesPerSecond * elapsed_ms / 1000;
  connection.arrived_bytes = *arrived;
  connection.untaken_bytes = in > out ? in - out : 0;
  const bool pending = connection.stage == Stage::pending;
  if (pending && connection.arrived_bytes > limits_.max_first_bytes) {
    cut_off(descriptor, connection,
            "it sent " + std::to_string(connection.arrived_bytes) +
                " bytes before its first message was complete",
            lines);
  } else if (pending && now_ms - connection.accepted_ms > limits_.max_pending_ms) {
    cut_off(descriptor, connection, "it said nothing after it had connected", lines);
  } else if (connection.untaken_bytes > limits_.max_untaken_bytes) {
    cut_off(descriptor, connection,
            "it sent " + std::to_string(connection.untaken_bytes) +
                " bytes that no complete message accounts for",
            lines);
  } else if (connection.silent_ms > limits_.max_silent_ms) {
    cut_off(descriptor, connection, "it has been silent for too long", lines);
  }
  return connection.stage != Stage::cut_off;
}

void ConnectionGuard::inspect(std::uint64_t now_ms, Lines& lines) {
  const std::uint64_t elapsed_ms =
      inspected_ms_ == 0 ? 0 : std::min(now_ms - inspected_ms_, kMaxElapsedMs);
  inspected_ms_ = now_ms;
  std::uint64_t total = gone_bytes_;
  auto greatest = connections_.end();
  restless_ = false;
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    auto& [descriptor, connection] = *it;
    if (connection.stage != Stage::cut_off &&
        inspect_one(descriptor, connection, now_ms, elapsed_ms, lines)) {
      restless_ |= connection.stage == Stage::pending || connection.stage == Stage::leaving ||
                   connection.untaken_bytes > kRestlessBytes;
      if (greatest == connections_.end() ||
          connection.untaken_bytes > greatest->second.untaken_bytes) {
        greatest = it;
      }
    }
    total += connection.untaken_bytes;
  }
  if (total > limits_.max_untaken_total_bytes && greatest != connections_.end()) {
    cut_off(greatest->first, greatest->second,
            "all connections together hold " + std::to_string(total) + " bytes, and it the most",
            lines);
  }
}

void ConnectionGuard::dismiss(const Hash& curve_key, std::uint64_t now_ms) {
  for (auto& [descriptor, connection] : connections_) {
    if (connection.stage == Stage::member && connection.curve_key == curve_key)
      leave(connection, now_ms);
  }
}

void ConnectionGuard::cut(int descriptor, std::uint64_t handshake, const std::string& why,
                          Lines& lines) {
  const auto found = find(descriptor, handshake);
  if (found != connections_.end() && found->second.stage != Stage::cut_off)
    cut_off(found->first, found->second, why, lines);
}

std::uint64_t ConnectionGuard::take_returned_bytes() { return std::exchange(returned_bytes_, 0); }

void ConnectionGuard::leave(Connection& connection, std::uint64_t now_ms) {
  enter(connection, Stage::leaving);
  connection.leaves_ms = now_ms + kLeaveMs;
  restless_ = true;
}

void ConnectionGuard::cut_off(int descriptor, Connection& connection, const std::string& why,
                              Lines& lines) {
  enter(connection, Stage::cut_off);
  const std::optional<Remote> remote = remote_of(descriptor);
  if (remote && remote->peer == connection.peer) shutdown(descriptor, SHUT_RDWR);
  lines.push_back(connection.peer + " cut off: " + why);
}

}  // namespace gradmint
