// ZeroMQ addresses: "tcp://HOST:PORT" (port 0: the system picks one) and "ipc://PATH". Pure.
#pragma once

#include <string>
#include <string_view>

#include "kernels/base/result.h"

namespace gradmint {

struct TcpEndpoint {
  std::string host;  // name, IPv4, [IPv6], or "*": every interface
  std::uint16_t port = 0;
  bool operator==(const TcpEndpoint&) const = default;
};

Result<TcpEndpoint> parse_tcp_endpoint(std::string_view text);
std::string to_string(const TcpEndpoint& endpoint);

// bad_input unless a worker could connect there: a host of its own and a port.
Status check_reachable(const std::string& endpoint);

// What invitations name. A coordinator may listen elsewhere than its settings say (`run --join`):
// the public name's port moves along where it was the configured one, so that nothing between the
// two translates it. `announced`: network.public_join, or empty.
std::string public_endpoint(const std::string& announced, std::string_view configured,
                            const std::string& bound);

// Where to reach the work entrance a coordinator advertises: a host that means "every interface"
// becomes the host under which its join entrance was reached.
Result<std::string> resolve_work_endpoint(std::string_view advertised,
                                          std::string_view join_endpoint);

}  // namespace gradmint
