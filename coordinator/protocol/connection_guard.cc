#include "coordinator/protocol/connection_guard.h"

#include <arpa/inet.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace gradmint {
namespace {

// Heartbeats and handshakes arrive without ever being taken by the loop.
constexpr std::uint64_t kSilentBytesPerSecond = 200;
// What wraps a taken message on the wire, with room to spare.
constexpr std::uint64_t kWrappingBytes = 256;

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

std::optional<std::string> ConnectionGuard::accepted(int descriptor) {
  const std::optional<Remote> remote = remote_of(descriptor);
  if (!remote) return std::nullopt;  // gone already
  Connection& connection = connections_[descriptor];
  connection = Connection{remote->address, remote->peer};
  const auto from_address = static_cast<std::size_t>(
      std::count_if(connections_.begin(), connections_.end(),
                    [&](const auto& entry) { return entry.second.address == remote->address; }));
  if (from_address > limits_.max_per_address) {
    return cut_off(
        descriptor, connection,
        "more than " + std::to_string(limits_.max_per_address) + " connections from its address");
  }
  if (connections_.size() > limits_.max_connections) {
    return cut_off(descriptor, connection,
                   "more than " + std::to_string(limits_.max_connections) + " connections in all");
  }
  return std::nullopt;
}

void ConnectionGuard::closed(int descriptor) { connections_.erase(descriptor); }

void ConnectionGuard::taken(int descriptor, std::uint64_t size_bytes) {
  const auto found = connections_.find(descriptor);
  if (found != connections_.end()) found->second.taken_bytes += size_bytes + kWrappingBytes;
}

std::vector<std::string> ConnectionGuard::inspect(std::uint64_t elapsed_ms) {
  std::vector<std::string> lines;
  std::uint64_t total = 0;
  auto greatest = connections_.end();
  for (auto it = connections_.begin(); it != connections_.end(); ++it) {
    auto& [descriptor, connection] = *it;
    const std::optional<std::uint64_t> arrived = arrived_bytes(descriptor);
    if (connection.cut_off || !arrived || *arrived < connection.arrived_bytes) continue;
    const std::uint64_t in = connection.untaken_bytes + *arrived - connection.arrived_bytes;
    const std::uint64_t out =
        std::exchange(connection.taken_bytes, 0) + kSilentBytesPerSecond * elapsed_ms / 1000;
    connection.arrived_bytes = *arrived;
    connection.untaken_bytes = in > out ? in - out : 0;
    if (connection.untaken_bytes > limits_.max_untaken_bytes) {
      lines.push_back(cut_off(descriptor, connection,
                              "it sent " + std::to_string(connection.untaken_bytes) +
                                  " bytes that no complete message accounts for"));
      continue;
    }
    total += connection.untaken_bytes;
    if (greatest == connections_.end() ||
        connection.untaken_bytes > greatest->second.untaken_bytes) {
      greatest = it;
    }
  }
  if (total > limits_.max_untaken_total_bytes && greatest != connections_.end()) {
    lines.push_back(cut_off(
        greatest->first, greatest->second,
        "all connections together hold " + std::to_string(total) + " bytes, and it the most"));
  }
  return lines;
}

std::string ConnectionGuard::cut_off(int descriptor, Connection& connection,
                                     const std::string& why) {
  connection.cut_off = true;
  const std::optional<Remote> remote = remote_of(descriptor);
  if (remote && remote->peer == connection.peer) shutdown(descriptor, SHUT_RDWR);
  return connection.peer + " cut off: " + why;
}

}  // namespace gradmint
