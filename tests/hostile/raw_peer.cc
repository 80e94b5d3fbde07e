#include "tests/hostile/raw_peer.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <sstream>
#include <string_view>
#include <utility>

#include "coordinator/protocol/endpoint.h"
#include "kernels/base/check.h"

namespace gradmint::hostile {
namespace {

using Clock = std::chrono::steady_clock;
using Nonce = std::array<std::uint8_t, crypto_box_NONCEBYTES>;

constexpr std::size_t kGreetingBytes = 64;
constexpr std::uint8_t kLongFrame = 2;

int left_ms(Clock::time_point deadline) {
  const auto left =
      std::chrono::duration_cast<std::chrono::milliseconds>(deadline - Clock::now()).count();
  return left > 0 ? static_cast<int>(left) : 0;
}

// False when it took too long. A signal, as a fuzzer's timer sends it, is not an end.
bool await(int descriptor, short events, std::chrono::steady_clock::time_point deadline) {
  pollfd ready{descriptor, events, 0};
  while (left_ms(deadline) > 0) {
    const int count = poll(&ready, 1, left_ms(deadline));
    if (count > 0) return true;
    if (count == 0 || errno != EINTR) return false;
  }
  return false;
}
Clock::time_point after(int ms) { return Clock::now() + std::chrono::milliseconds(ms); }

void put(Bytes& out, ByteView bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }
void put(Bytes& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
void put_big_endian(Bytes& out, std::uint64_t value, int bytes) {
  for (int i = bytes - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
}

Nonce counted_nonce(std::string_view prefix, std::uint64_t count) {
  Nonce nonce{};
  std::copy(prefix.begin(), prefix.end(), nonce.begin());
  for (std::size_t i = 0; i < 8; ++i)
    nonce[16 + i] = static_cast<std::uint8_t>(count >> (8 * (7 - i)));
  return nonce;
}
Nonce long_nonce(std::string_view prefix, ByteView tail16) {
  Nonce nonce{};
  std::copy(prefix.begin(), prefix.end(), nonce.begin());
  std::copy(tail16.begin(), tail16.end(), nonce.begin() + 8);
  return nonce;
}

Bytes box(ByteView plain, const Nonce& nonce, const Hash& to, const Hash& from_secret) {
  Bytes out(plain.size() + crypto_box_MACBYTES);
  GRADMINT_CHECK(crypto_box_easy(out.data(), plain.data(), plain.size(), nonce.data(),
                                 to.bytes.data(), from_secret.bytes.data()) == 0);
  return out;
}

bool starts_with(ByteView bytes, std::string_view text) {
  return bytes.size() >= text.size() && std::memcmp(bytes.data(), text.data(), text.size()) == 0;
}

}  // namespace

std::vector<Property> dealer_properties(const std::string& routing_id) {
  return {{"Socket-Type", "DEALER"}, {"Identity", routing_id}};
}

Bytes wire_frame_head(std::uint64_t size_bytes, std::uint8_t flags) {
  Bytes out;
  if (size_bytes > 255) {
    out.push_back(static_cast<std::uint8_t>(flags | kLongFrame));
    put_big_endian(out, size_bytes, 8);
  } else {
    out.push_back(flags);
    out.push_back(static_cast<std::uint8_t>(size_bytes));
  }
  return out;
}

Bytes wire_frame(ByteView body, std::uint8_t flags) {
  Bytes out = wire_frame_head(body.size(), flags);
  put(out, body);
  return out;
}

RawPeer::RawPeer(RawPeer&& other) noexcept { *this = std::move(other); }
RawPeer& RawPeer::operator=(RawPeer&& other) noexcept {
  close();
  fd_ = std::exchange(other.fd_, -1);
  error_ = std::move(other.error_);
  inbox_ = std::move(other.inbox_);
  greeted_ = other.greeted_;
  nonce_ = other.nonce_;
  own_short_public_ = other.own_short_public_;
  own_short_secret_ = other.own_short_secret_;
  server_key_ = other.server_key_;
  server_short_ = other.server_short_;
  shared_ = other.shared_;
  cookie_ = std::move(other.cookie_);
  return *this;
}

bool RawPeer::connect(const std::string& endpoint, int timeout_ms, const std::string& source) {
  close();
  const Result<TcpEndpoint> parsed = parse_tcp_endpoint(endpoint);
  if (!parsed) return false;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(parsed->port);
  if (inet_pton(AF_INET, parsed->host.c_str(), &address.sin_addr) != 1) return false;
  fd_ = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  if (fd_ < 0) return false;
  const int yes = 1;
  setsockopt(fd_, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
  if (!source.empty()) {
    sockaddr_in from{};
    from.sin_family = AF_INET;
    // The port is chosen when it connects, by both ends: or a storm would use up all of them.
    setsockopt(fd_, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &yes, sizeof yes);
    if (inet_pton(AF_INET, source.c_str(), &from.sin_addr) != 1 ||
        bind(fd_, reinterpret_cast<const sockaddr*>(&from), sizeof from) != 0) {
      close();
      return false;
    }
  }
  if (::connect(fd_, reinterpret_cast<const sockaddr*>(&address), sizeof address) == 0) return true;
  int failed = 0;
  socklen_t size = sizeof failed;
  if (errno == EINPROGRESS && await(fd_, POLLOUT, after(timeout_ms)) &&
      getsockopt(fd_, SOL_SOCKET, SO_ERROR, &failed, &size) == 0 && failed == 0)
    return true;
  close();
  return false;
}

bool RawPeer::send_bytes(ByteView bytes, int timeout_ms) {
  const auto deadline = after(timeout_ms);
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(sent));
      continue;
    }
    if (sent < 0 && errno != EAGAIN && errno != EINTR) return false;
    if (!await(fd_, POLLOUT, deadline)) return false;
  }
  return true;
}

bool RawPeer::send_greeting() {
  Bytes greeting(kGreetingBytes);
  greeting[0] = 0xff;
  greeting[9] = 0x7f;
  greeting[10] = 3;
  greeting[11] = 1;
  std::copy_n("CURVE", 5, greeting.begin() + 12);
  return send_bytes(greeting);
}

bool RawPeer::send_hello(const Hash& server_key) {
  server_key_ = server_key;
  crypto_box_keypair(own_short_public_.bytes.data(), own_short_secret_.bytes.data());
  Bytes body;
  put(body, std::string_view("\x05HELLO\x01\0", 8));
  body.resize(body.size() + 72);
  put(body, ByteView(own_short_public_.bytes));
  put_big_endian(body, ++nonce_, 8);
  put(body,
      box(Bytes(64), counted_nonce("CurveZMQHELLO---", nonce_), server_key_, own_short_secret_));
  return send_bytes(wire_frame(body, kWireCommand));
}

bool RawPeer::await_welcome(int timeout_ms) {
  const auto welcome = receive_wire(timeout_ms);
  if (!welcome || welcome->body.size() != 168 || !starts_with(welcome->body, "\x07WELCOME"))
    return false;
  const ByteView body = welcome->body;
  Bytes plain(128);
  if (crypto_box_open_easy(plain.data(), body.data() + 24, 144,
                           long_nonce("WELCOME-", body.subspan(8, 16)).data(),
                           server_key_.bytes.data(), own_short_secret_.bytes.data()) != 0)
    return false;
  std::copy_n(plain.begin(), 32, server_short_.bytes.begin());
  cookie_.assign(plain.begin() + 32, plain.end());
  return crypto_box_beforenm(shared_.bytes.data(), server_short_.bytes.data(),
                             own_short_secret_.bytes.data()) == 0;
}

bool RawPeer::send_initiate(const CurveKeyPair& own, const std::vector<Property>& properties) {
  Bytes tail(16);
  randombytes_buf(tail.data(), tail.size());
  Bytes vouch(own_short_public_.bytes.begin(), own_short_public_.bytes.end());
  put(vouch, ByteView(server_key_.bytes));
  Bytes plain(own.public_key.bytes.begin(), own.public_key.bytes.end());
  put(plain, tail);
  put(plain, box(vouch, long_nonce("VOUCH---", tail), server_short_, own.secret_key));
  for (const Property& property : properties) {
    plain.push_back(static_cast<std::uint8_t>(property.name.size()));
    put(plain, std::string_view(property.name));
    put_big_endian(plain, property.value.size(), 4);
    put(plain, std::string_view(property.value));
  }
  Bytes body;
  put(body, "\x08INITIATE");
  put(body, cookie_);
  put_big_endian(body, ++nonce_, 8);
  put(body,
      box(plain, counted_nonce("CurveZMQINITIATE", nonce_), server_short_, own_short_secret_));
  return send_bytes(wire_frame(body, kWireCommand));
}

bool RawPeer::await_ready(int timeout_ms) {
  const auto ready = receive_wire(timeout_ms);
  if (!ready) return false;
  if (starts_with(ready->body,
                  "\x05"
                  "ERROR") &&
      ready->body.size() > 7)
    error_.assign(ready->body.begin() + 7, ready->body.end());
  return starts_with(ready->body, "\x05READY");
}

bool RawPeer::shake_hands(const Hash& server_key, const CurveKeyPair& own,
                          const std::vector<Property>& properties, int timeout_ms) {
  return send_greeting() && send_hello(server_key) && await_welcome(timeout_ms) &&
         send_initiate(own, properties) && await_ready(timeout_ms);
}

Bytes RawPeer::encrypted(ByteView body, std::uint8_t flags) {
  Bytes plain{flags};
  put(plain, body);
  Bytes message;
  put(message, "\x07MESSAGE");
  put_big_endian(message, ++nonce_, 8);
  const Nonce nonce = counted_nonce("CurveZMQMESSAGEC", nonce_);
  const std::size_t head = message.size();
  message.resize(head + plain.size() + crypto_box_MACBYTES);
  GRADMINT_CHECK(crypto_box_easy_afternm(message.data() + head, plain.data(), plain.size(),
                                         nonce.data(), shared_.bytes.data()) == 0);
  return wire_frame(message, 0);
}

Bytes RawPeer::encrypted_ping(std::uint16_t ttl_tenths) {
  Bytes body;
  put(body, "\x04PING");
  put_big_endian(body, ttl_tenths, 2);
  return encrypted(body, kCommand);
}

bool RawPeer::fill(std::size_t bytes, int timeout_ms) {
  const auto deadline = after(timeout_ms);
  while (inbox_.size() < bytes) {
    std::array<std::uint8_t, 65536> buffer;
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) {
      inbox_.insert(inbox_.end(), buffer.begin(), buffer.begin() + got);
      continue;
    }
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) return false;
    if (!await(fd_, POLLIN, deadline)) return false;
  }
  return true;
}

std::optional<RawPeer::Received> RawPeer::receive_wire(int timeout_ms) {
  if (!greeted_) {
    if (!fill(kGreetingBytes, timeout_ms)) return std::nullopt;
    inbox_.erase(inbox_.begin(), inbox_.begin() + kGreetingBytes);
    greeted_ = true;
  }
  if (!fill(2, timeout_ms)) return std::nullopt;
  const bool is_long = (inbox_[0] & kLongFrame) != 0;
  const std::size_t head = is_long ? 9 : 2;
  if (!fill(head, timeout_ms)) return std::nullopt;
  std::uint64_t size = 0;
  for (std::size_t i = 1; i < head; ++i) size = size << 8 | inbox_[i];
  if (size > (std::uint64_t{64} << 20) || !fill(head + size, timeout_ms)) return std::nullopt;
  const auto body = inbox_.begin() + static_cast<std::ptrdiff_t>(head);
  const auto end = body + static_cast<std::ptrdiff_t>(size);
  Received received{inbox_[0], Bytes(body, end)};
  inbox_.erase(inbox_.begin(), end);
  return received;
}

std::optional<RawPeer::Received> RawPeer::receive(int timeout_ms) {
  const auto wire = receive_wire(timeout_ms);
  if (!wire || !starts_with(wire->body, "\x07MESSAGE") || wire->body.size() < 33)
    return std::nullopt;
  Nonce nonce = counted_nonce("CurveZMQMESSAGES", 0);
  std::copy_n(wire->body.begin() + 8, 8, nonce.begin() + 16);
  Bytes plain(wire->body.size() - 16 - crypto_box_MACBYTES);
  if (crypto_box_open_easy_afternm(plain.data(), wire->body.data() + 16, wire->body.size() - 16,
                                   nonce.data(), shared_.bytes.data()) != 0)
    return std::nullopt;
  return Received{plain[0], Bytes(plain.begin() + 1, plain.end())};
}

bool RawPeer::closed_within(int timeout_ms) {
  const auto deadline = after(timeout_ms);
  for (;;) {
    std::array<char, 65536> buffer;
    const ssize_t got = recv(fd_, buffer.data(), buffer.size(), 0);
    if (got > 0) continue;
    if (got == 0 || (errno != EAGAIN && errno != EINTR)) return true;
    if (!await(fd_, POLLIN, deadline)) return false;
  }
}

bool RawPeer::end_within(int timeout_ms) {
  return shutdown(fd_, SHUT_WR) == 0 && closed_within(timeout_ms);
}

bool RawPeer::all_read(int timeout_ms) const {
  sockaddr_in near{};
  sockaddr_in far{};
  socklen_t size = sizeof near;
  if (getsockname(fd_, reinterpret_cast<sockaddr*>(&near), &size) != 0) return false;
  size = sizeof far;
  if (getpeername(fd_, reinterpret_cast<sockaddr*>(&far), &size) != 0) return false;
  char ends[64];  // of the other side's socket: its local and its remote end
  std::snprintf(ends, sizeof ends, "%08X:%04X %08X:%04X", far.sin_addr.s_addr, ntohs(far.sin_port),
                near.sin_addr.s_addr, ntohs(near.sin_port));
  const auto deadline = after(timeout_ms);
  do {
    std::ifstream table("/proc/net/tcp");
    for (std::string line; std::getline(table, line);) {
      const std::size_t at = line.find(ends);
      if (at == std::string::npos) continue;
      std::istringstream rest(line.substr(at + std::strlen(ends)));
      std::string state, queues;
      rest >> state >> queues;
      if (queues.substr(queues.find(':') + 1) == "00000000") return true;
    }
    pollfd gone{fd_, POLLIN, 0};
    poll(&gone, 1, 1);
  } while (left_ms(deadline) > 0);
  return false;
}

void RawPeer::reset() {
  if (fd_ < 0) return;
  const linger at_once{1, 0};
  setsockopt(fd_, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  close();
}

void RawPeer::close() {
  if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  inbox_.clear();
  greeted_ = false;
  nonce_ = 0;
}

}  // namespace gradmint::hostile
