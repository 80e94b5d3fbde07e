// What the connections of one entrance may cost, where libzmq has no limit: how many there are, in
// all, from one address and of one account; how long one may say nothing; and how many bytes it may
// have sent that the loop has not taken. libzmq counts complete messages, so a peer that never ends
// a multi-part message would fill the memory; the kernel's own count of received bytes (TCP_INFO)
// shows it.
//
// A connection is pending until the loop takes its first message, which says who it is: a member,
// whose key is admitted, or a guest. Guests make room for each other; members do not count among
// them, so a hospital's workers behind one address are limited by account alone.
//
// Descriptors belong to libzmq and are only looked at, or shut down, which makes libzmq close them.
// One that has been closed and reused in between is recognised by its remote address, which is
// compared first, and what a gone connection said by the number of its handshake: messages wait in
// the loop's queue for longer than their connection may last, and the next one then has its
// descriptor. Time is an argument and never decreases. Not thread safe.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ledger/bytes.h"

namespace gradmint {

struct GuardLimits {
  std::size_t max_connections = 0;
  std::size_t max_pending = 0;
  std::size_t max_pending_per_address = 0;
  std::size_t max_guests = 0;
  std::size_t max_guests_per_address = 0;
  std::size_t max_per_account = 0;
  std::size_t max_first_bytes = 0;          // of one that is pending: handshake and first message
  std::size_t max_untaken_bytes = 0;        // of one that is not
  std::size_t max_untaken_total_bytes = 0;  // of all together, and of those that have gone
  std::uint64_t max_pending_ms = 0;
  std::uint64_t max_silent_ms = 0;  // nothing at all arrived
  std::uint64_t idle_ms = 0;        // a guest that asked nothing for so long makes room for another
};

// One message that the loop has taken.
struct HeardMessage {
  int descriptor = -1;
  std::uint64_t handshake = 0;  // its connection's number: later ones have greater numbers
  Hash curve_key;
  AccountId account;  // zero: a guest
  bool asks = false;  // anything but a Ping
  std::uint64_t size_bytes = 0;
  std::size_t frames = 0;
};

enum class Standing : std::uint8_t {
  welcome,
  full_for_address,  // too many guests from there: tell it so; it is closed a moment later
  full,              // too many guests in all: the same
  leaving,           // was told already, or was dismissed
};

class ConnectionGuard {
 public:
  explicit ConnectionGuard(const GuardLimits& limits) : limits_(limits) {}

  // Lines are for the log: one for each connection cut off.
  using Lines = std::vector<std::string>;

  // handshakes: the number of the newest one so far. This connection's is yet to come.
  void accepted(int descriptor, std::uint64_t handshakes, std::uint64_t now_ms, Lines& lines);
  // False when it had not said who it is and was not cut off for that.
  bool closed(int descriptor);
  Standing heard(const HeardMessage& message, std::uint64_t now_ms, Lines& lines);
  // The loop has found nothing more waiting: what connections that are gone had sent is taken too.
  void all_taken() { gone_bytes_ = 0; }
  // Compares what has arrived with what was taken, and looks at the time.
  void inspect(std::uint64_t now_ms, Lines& lines);

  // This key's connections are closed in a moment, so that an answer still reaches them.
  void dismiss(const Hash& curve_key, std::uint64_t now_ms);
  void cut(int descriptor, std::uint64_t handshake, const std::string& why, Lines& lines);

  std::size_t connections() const { return connections_.size(); }
  std::vector<AccountId> members() const;  // one for each of their connections
  // Worth looking at often: somebody is in a handshake, leaving, or far ahead of the loop.
  bool restless() const { return restless_; }
  // No more should come in until the loop has caught up.
  bool crowded() const { return gone_bytes_ > limits_.max_untaken_total_bytes / 2; }
  // What closed connections had sent since the last call: memory that may be given back.
  std::uint64_t take_returned_bytes();

 private:
  enum class Stage : std::uint8_t { pending, guest, member, leaving, cut_off };
  struct Connection {
    std::string address;
    std::string peer;  // address and port
    Stage stage = Stage::pending;
    std::uint64_t handshakes_before = 0;
    std::uint64_t handshake = 0;  // none until its first message is taken
    Hash curve_key;
    AccountId account;
    std::uint64_t accepted_ms = 0;
    std::uint64_t asked_ms = 0;   // when it last asked for something
    std::uint64_t silent_ms = 0;  // of inspected time
    std::uint64_t leaves_ms = 0;
    std::uint64_t arrived_bytes = 0;
    std::uint64_t taken_bytes = 0;
    std::uint64_t untaken_bytes = 0;
  };
  using Connections = std::map<int, Connection>;
  // Whose handshake this was, where it is not gone.
  Connections::iterator find(int descriptor, std::uint64_t handshake);

  struct Census {  // of all, or of one address
    std::size_t pending = 0;
    std::size_t guests = 0;
  };
  void enter(Connection& connection, Stage stage);  // the only way to change it
  void count(const Connection& connection, bool in);
  // The address with the most of them.
  std::string busiest(std::size_t Census::*of) const;
  Standing receive_guest(int descriptor, Connection& connection, std::uint64_t now_ms,
                         Lines& lines);
  void receive_member(Connection& connection, Lines& lines);
  // Of the guests (of one address, or of all) the one that asked last longest ago.
  Connections::iterator idlest_guest(const std::string* address, int except);
  bool inspect_one(int descriptor, Connection& connection, std::uint64_t now_ms,
                   std::uint64_t elapsed_ms, Lines& lines);
  void cut_off(int descriptor, Connection& connection, const std::string& why, Lines& lines);
  void leave(Connection& connection, std::uint64_t now_ms);

  GuardLimits limits_;
  Connections connections_;
  Census all_;
  std::map<std::string, Census> by_address_;
  std::uint64_t inspected_ms_ = 0;
  std::uint64_t gone_bytes_ = 0;
  std::uint64_t returned_bytes_ = 0;
  bool restless_ = false;
};

}  // namespace gradmint
