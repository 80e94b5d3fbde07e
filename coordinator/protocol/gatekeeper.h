// Who may come in, on a thread of its own so that a busy loop never delays or loosens it: answers
// libzmq's authentication requests (ZAP, ZeroMQ RFC 27), reads the connection monitors and runs the
// guards.
//
// Thread safety: start, bind the sockets, stop, close the sockets, in this order and from one
// thread; everything else from any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "coordinator/protocol/connection_guard.h"
#include "coordinator/protocol/event_digest.h"
#include "coordinator/protocol/rate_limit.h"
#include "coordinator/protocol/server_transport.h"
#include "coordinator/protocol/zmq_handles.h"

namespace gradmint {

// The ZAP domains of the two entrances.
inline constexpr std::string_view kJoinDomain = "join";
inline constexpr std::string_view kWorkDomain = "work";

struct GateLimits {
  GuardLimits join;
  GuardLimits work;
  RateLimit join_handshakes;        // for each address
  RateLimit join_handshakes_total;  // over all
  RateLimit work_handshakes;        // for each admitted key
  RateLimit work_handshakes_total;  // over all
};

// Whose connection a message came over. The gatekeeper gives each a pass, which libzmq attaches to
// all of its messages (as the user id of ZAP).
struct Pass {
  Hash curve_key;
  std::uint64_t handshake = 0;  // counted from 1 over both entrances
};
std::string write_pass(const Pass& pass);
std::optional<Pass> read_pass(std::string_view text);

class Gatekeeper {
 public:
  Gatekeeper(const ZmqContext& context, const GateLimits& limits);
  ~Gatekeeper();
  Gatekeeper(const Gatekeeper&) = delete;
  Gatekeeper& operator=(const Gatekeeper&) = delete;

  void start(const ZmqSocket& join, const ZmqSocket& work);
  void stop(const ZmqSocket& join, const ZmqSocket& work);

  void admit(const Hash& curve_key, const AccountId& account);
  void revoke(const Hash& curve_key);
  std::optional<AccountId> account_of(const Hash& curve_key) const;
  std::vector<AccountId> members_at_work() const;  // one for each of their connections

  // The loop has taken a message; what becomes of its sender. account: of this key now, if any.
  Standing heard(Entrances entrance, const HeardMessage& message);
  void all_taken(Entrances entrance);
  void cut(Entrances entrance, int descriptor, std::uint64_t handshake, const std::string& why);
  // How many handshakes have been welcomed at this entrance so far.
  std::uint64_t welcomed(Entrances entrance) const;

  // `about` names the peer. Bounded: see EventDigest.
  void report(TransportEventKind kind, const std::string& about, std::string text);
  // Moves what waits into the batch.
  void hand_over(ServerBatch& batch);
  const Waker& events_waiting() const { return events_waiting_; }

 private:
  struct Door {  // one entrance's connections
    Entrances entrance;
    ZmqSocket monitor;
    ConnectionGuard guard;  // guarded by guards_mutex_
    std::atomic<std::uint64_t> welcomed{0};
  };
  Door& door(Entrances entrance) { return entrance == kAtJoin ? join_ : work_; }
  void run();
  void answer_authentication();
  std::string_view decide(std::string_view domain, const std::string& address, const Hash& key);
  void read_monitor(Door& door);
  void inspect();
  void give_memory_back(std::uint64_t time_ms);
  int wait_ms();
  void tell_cut_off(const ConnectionGuard::Lines& lines);

  const ZmqContext& context_;
  Door join_;
  Door work_;
  ZmqSocket authenticator_;
  Waker stop_requested_;
  Waker events_waiting_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
  RateLimiter join_handshakes_;  // the thread's own, these eight
  RateLimiter join_handshakes_total_;
  RateLimiter work_handshakes_;
  RateLimiter work_handshakes_total_;
  std::uint64_t handshakes_ = 0;
  std::uint64_t inspected_ms_ = 0;
  std::uint64_t returned_bytes_ = 0;
  std::uint64_t trimmed_ms_ = 0;

  mutable std::mutex guards_mutex_;  // never taken while mutex_ is held
  mutable std::mutex mutex_;
  std::map<Hash, AccountId> admitted_;
  EventDigest digest_;
};

}  // namespace gradmint
