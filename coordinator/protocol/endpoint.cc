#include "coordinator/protocol/endpoint.h"

#include <charconv>

#include "coordinator/protocol/limits.h"
#include "kernels/base/text.h"

namespace gradmint {
namespace {

constexpr std::string_view kTcp = "tcp://";

Error bad_endpoint(std::string_view text, std::string_view what) {
  return {ErrorCode::bad_input, "address \"" + clean_text(text, kMaxEndpointBytes) + "\" " +
                                    std::string(what) + ": write it as tcp://HOST:PORT"};
}

bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '-' || c == '_';
}

bool is_host(std::string_view host) {
  if (host == "*") return true;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    return host.find_first_not_of("0123456789abcdefABCDEF:.%", 1) == host.size() - 1;
  }
  for (const char c : host) {
    if (!is_host_character(c)) return false;
  }
  return !host.empty();
}

}  // namespace

Result<TcpEndpoint> parse_tcp_endpoint(std::string_view text) {
  if (text.size() > kMaxEndpointBytes) return bad_endpoint(text, "is too long");
  if (!text.starts_with(kTcp)) return bad_endpoint(text, "does not begin with tcp://");
  const std::string_view rest = text.substr(kTcp.size());
  const std::size_t colon = rest.rfind(':');
  if (colon == std::string_view::npos) return bad_endpoint(text, "has no port");
  const std::string_view host = rest.substr(0, colon);
  const std::string_view digits = rest.substr(colon + 1);
  if (!is_host(host)) return bad_endpoint(text, "has no host name that could be used");
  std::uint16_t port = 0;
  const auto [end, failure] = std::from_chars(digits.data(), digits.data() + digits.size(), port);
  if (digits.empty() || failure != std::errc{} || end != digits.data() + digits.size()) {
    return bad_endpoint(text, "has a port that is not a number from 0 to 65535");
  }
  return TcpEndpoint{std::string(host), port};
}

std::string to_string(const TcpEndpoint& endpoint) {
  return std::string(kTcp) + endpoint.host + ":" + std::to_string(endpoint.port);
}

Status check_reachable(const std::string& endpoint) {
  const Result<TcpEndpoint> parsed = parse_tcp_endpoint(endpoint);
  if (!parsed) return parsed.error();
  if (parsed->port == 0 || parsed->host == "*" || parsed->host == "0.0.0.0" ||
      parsed->host == "[::]") {
    return Error{
        ErrorCode::bad_input,
        "address " + endpoint + " is not one a worker can connect to: name the host and the port"};
  }
  return {};
}

std::string public_endpoint(const std::string& announced, std::string_view configured,
                            const std::string& bound) {
  if (announced.empty()) return bound;
  Result<TcpEndpoint> name = parse_tcp_endpoint(announced);
  const Result<TcpEndpoint> before = parse_tcp_endpoint(configured),
                            now = parse_tcp_endpoint(bound);
  if (!name || !before || !now || name->port != before->port) return announced;
  name->port = now->port;
  return to_string(*name);
}

Result<std::string> resolve_work_endpoint(std::string_view advertised,
                                          std::string_view join_endpoint) {
  Result<TcpEndpoint> work = parse_tcp_endpoint(advertised);
  if (!work) return work.error();
  if (work->host == "*" || work->host == "0.0.0.0" || work->host == "[::]") {
    const Result<TcpEndpoint> join = parse_tcp_endpoint(join_endpoint);
    if (!join) return join.error();
    work->host = join.value().host;
  }
  if (work->port == 0) return bad_endpoint(advertised, "has port 0");
  return to_string(*work);
}

}  // namespace gradmint
