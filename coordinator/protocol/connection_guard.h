// Keeps what connections may cost within bounds that libzmq does not know: how many there are, in
// all and from one address, and how many bytes one may have sent that the loop has not taken.
// libzmq counts complete messages, so a peer that never ends a multi-part message would fill the
// memory; the kernel's own count of received bytes (TCP_INFO) shows it. Not thread safe.
//
// Descriptors belong to libzmq and are only looked at, or shut down, which makes libzmq close them.
// One that has been closed and reused in between is recognised by its remote address, which is
// compared first.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace gradmint {

struct GuardLimits {
  std::size_t max_connections = 0;
  std::size_t max_per_address = 0;
  std::size_t max_untaken_bytes = 0;        // of one connection
  std::size_t max_untaken_total_bytes = 0;  // of all together
};

class ConnectionGuard {
 public:
  explicit ConnectionGuard(const GuardLimits& limits) : limits_(limits) {}

  // A line for the log when the connection was cut off at once.
  std::optional<std::string> accepted(int descriptor);
  void closed(int descriptor);

  // The loop has taken this much from it since the last inspection.
  void taken(int descriptor, std::uint64_t size_bytes);

  // Compares what has arrived with what was taken; a line for each connection cut off.
  // `elapsed_ms` since the last inspection.
  std::vector<std::string> inspect(std::uint64_t elapsed_ms);

  std::size_t connections() const { return connections_.size(); }

 private:
  struct Connection {
    std::string address;
    std::string peer;  // address and port
    std::uint64_t arrived_bytes = 0;
    std::uint64_t taken_bytes = 0;
    std::uint64_t untaken_bytes = 0;
    bool cut_off = false;
  };
  std::string cut_off(int descriptor, Connection& connection, const std::string& why);

  GuardLimits limits_;
  std::map<int, Connection> connections_;
};

}  // namespace gradmint
