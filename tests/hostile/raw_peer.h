// A hostile peer: ZMTP 3.1 with CURVE (ZeroMQ RFCs 37 and 26) over a plain socket, so that every
// byte, its moment and the way a connection ends are the caller's. Nothing here keeps to a limit.
//
// For tests, fuzz targets and the soak program: errors are return values, never assertions. Blocks
// at most as long as it is told to. Not thread safe.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "coordinator/protocol/curve.h"
#include "ledger/bytes.h"

namespace gradmint::hostile {

// What a connection claims about itself in its INITIATE; each property as it stands, twice if it
// stands twice.
struct Property {
  std::string name, value;
};
std::vector<Property> dealer_properties(const std::string& routing_id = {});

// A frame as the wire has it: flags, size, body. `flags` of the wire: 1 more follow, 4 a command.
inline constexpr std::uint8_t kWireMore = 1;
inline constexpr std::uint8_t kWireCommand = 4;
Bytes wire_frame(ByteView body, std::uint8_t flags);
// Only the beginning of a frame that announces `size_bytes`.
Bytes wire_frame_head(std::uint64_t size_bytes, std::uint8_t flags);

class RawPeer {
 public:
  RawPeer() = default;
  ~RawPeer() { close(); }
  RawPeer(RawPeer&& other) noexcept;
  RawPeer& operator=(RawPeer&& other) noexcept;

  // TCP alone. `endpoint`: "tcp://127.0.0.1:7700". `source`: this machine's address that the other
  // side sees, "127.0.0.2"; empty: the system's choice.
  bool connect(const std::string& endpoint, int timeout_ms = 5000, const std::string& source = {});

  // As it is; false when the connection broke or took too long.
  bool send_bytes(ByteView bytes, int timeout_ms = 5000);
  bool send_greeting();

  // The whole way to READY. False when it was broken off; error() then says what the other side
  // said, if anything.
  bool shake_hands(const Hash& server_key, const CurveKeyPair& own,
                   const std::vector<Property>& properties = dealer_properties(),
                   int timeout_ms = 5000);
  // Single steps of it, for those who stop in between. Both need the greeting to have been sent.
  bool send_hello(const Hash& server_key);
  bool await_welcome(int timeout_ms = 5000);
  bool send_initiate(const CurveKeyPair& own, const std::vector<Property>& properties);
  bool await_ready(int timeout_ms = 5000);

  // Encrypted; only after shake_hands. The frame's wire bytes, to be sent in whatever pieces.
  // `flags` inside the box: kMore, kCommand.
  static constexpr std::uint8_t kMore = 1;
  static constexpr std::uint8_t kCommand = 2;
  Bytes encrypted(ByteView body, std::uint8_t flags);
  bool send_frame(ByteView body, std::uint8_t flags = 0, int timeout_ms = 5000) {
    return send_bytes(encrypted(body, flags), timeout_ms);
  }
  // A PING command of ZMTP itself, of which the application above libzmq never hears.
  Bytes encrypted_ping(std::uint16_t ttl_tenths = 0);

  struct Received {
    std::uint8_t flags = 0;
    Bytes body;
  };
  std::optional<Received> receive(int timeout_ms = 5000);

  // True once the other side has closed; what it said before is dropped.
  bool closed_within(int timeout_ms);
  // Everything sent so far was read by the other side's program, as this machine's kernel sees it
  // (/proc/net/tcp): for servers on loopback.
  bool all_read(int timeout_ms = 5000) const;

  // Says that it has no more to say, and waits until the other side has closed.
  bool end_within(int timeout_ms);
  void reset();  // ends it with RST: what the other side has not read is lost
  void close();  // ends it with FIN
  bool is_open() const { return fd_ >= 0; }
  int descriptor() const { return fd_; }
  const std::string& error() const { return error_; }

 private:
  std::optional<Received> receive_wire(int timeout_ms);
  bool fill(std::size_t bytes, int timeout_ms);

  int fd_ = -1;
  std::string error_;
  Bytes inbox_;
  bool greeted_ = false;  // the other side's greeting was taken
  std::uint64_t nonce_ = 0;
  Hash own_short_public_, own_short_secret_, server_key_, server_short_, shared_;
  Bytes cookie_;
};

}  // namespace gradmint::hostile
