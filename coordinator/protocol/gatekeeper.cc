#include "coordinator/protocol/gatekeeper.h"

#include <pthread.h>
#include <signal.h>

#include <chrono>

#include "kernels/base/check.h"

namespace gradmint {
namespace {

constexpr int kInspectEveryMs = 50;
constexpr std::size_t kMaxNamesLimited = 1024;
constexpr std::size_t kZapFrames = 7;  // version, id, domain, address, identity, mechanism, key
constexpr int kMonitored = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_ACCEPT_FAILED | ZMQ_EVENT_DISCONNECTED |
                           ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL;

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

std::string text_of(Frame& frame) {
  const ByteView view = frame.view();
  return {view.begin(), view.end()};
}

const char* name_of(Entrances entrance) { return entrance == kAtJoin ? "join" : "work"; }

}  // namespace

Gatekeeper::Gatekeeper(const ZmqContext& context, const GateLimits& limits)
    : context_(context),
      join_{kAtJoin, {}, ConnectionGuard(limits.join), {}},
      work_{kAtWork, {}, ConnectionGuard(limits.work), {}},
      join_handshakes_(limits.join_handshakes, kMaxNamesLimited),
      join_handshakes_total_(limits.join_handshakes_total, 1),
      work_handshakes_(limits.work_handshakes, kMaxNamesLimited),
      report_rate_(RateLimit{1, 5}, kMaxNamesLimited) {}

Gatekeeper::~Gatekeeper() { GRADMINT_CHECK(!thread_.joinable()); }

void Gatekeeper::start(const ZmqSocket& join, const ZmqSocket& work) {
  // The handler must be there before anything binds: without one CURVE admits any key.
  authenticator_ = ZmqSocket(context_, ZMQ_REP);
  authenticator_.set(ZMQ_LINGER, 0);
  GRADMINT_CHECK(zmq_bind(authenticator_.get(), "inproc://zeromq.zap.01") == 0);
  join_.monitor = start_monitor(context_, join, kMonitored);
  work_.monitor = start_monitor(context_, work, kMonitored);
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are for the program's own thread
  thread_ = std::thread([this] { run(); });
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

void Gatekeeper::stop(const ZmqSocket& join, const ZmqSocket& work) {
  if (!thread_.joinable()) return;
  // While the thread still reads them: a monitor nobody reads would block the I/O thread.
  stop_monitor(join);
  stop_monitor(work);
  stopping_ = true;
  stop_requested_.wake();
  thread_.join();
  join_.monitor.close();
  work_.monitor.close();
  authenticator_.close();
}

void Gatekeeper::run() {
  std::uint64_t inspected_ms = now_ms();
  while (!stopping_) {
    zmq_pollitem_t items[] = {{authenticator_.get(), 0, ZMQ_POLLIN, 0},
                              {join_.monitor.get(), 0, ZMQ_POLLIN, 0},
                              {work_.monitor.get(), 0, ZMQ_POLLIN, 0},
                              {nullptr, stop_requested_.fd(), ZMQ_POLLIN, 0}};
    const bool idle = join_.guard.connections() + work_.guard.connections() == 0;
    if (zmq_poll(items, 4, idle ? -1 : kInspectEveryMs) < 0) continue;
    if (items[0].revents != 0) answer_authentication();
    if (items[1].revents != 0) read_monitor(join_);
    if (items[2].revents != 0) read_monitor(work_);
    const std::uint64_t elapsed_ms = now_ms() - inspected_ms;
    if (elapsed_ms >= kInspectEveryMs) {
      inspect(join_, elapsed_ms);
      inspect(work_, elapsed_ms);
      inspected_ms += elapsed_ms;
    }
  }
}

// ZAP status codes. 300 means "not now": libzmq then closes the connection without a word, and the
// client tries again; 400 is told to the client, which by itself would give up.
std::string_view Gatekeeper::decide(std::string_view domain, const std::string& address,
                                    const Hash& key) {
  const std::uint64_t now = now_ms();
  if (domain == kJoinDomain) {
    if (join_handshakes_.admit(address, now) && join_handshakes_total_.admit({}, now)) return "200";
  } else if (domain == kWorkDomain && account_of(key)) {
    if (work_handshakes_.admit(to_hex(key), now)) return "200";
  } else {
    report(TransportEventKind::stranger_refused, address,
           "refused at work: key " + to_z85(key) + " from " + address + " is not registered");
    return "400";
  }
  report(TransportEventKind::peer_cut_off, address,
         address + " connects too often: turned away for now");
  return "300";
}

void Gatekeeper::answer_authentication() {
  const auto request = receive_frames(authenticator_, kZapFrames);
  if (!request) return;
  std::string_view status = "400";
  std::string user;
  if (request->count == kZapFrames && text_of(*request->frames[0]) == "1.0" &&
      text_of(*request->frames[5]) == "CURVE" && request->frames[6]->view().size() == 32) {
    Hash key;
    const ByteView raw = request->frames[6]->view();
    std::copy(raw.begin(), raw.end(), key.bytes.begin());
    status = decide(text_of(*request->frames[2]), text_of(*request->frames[3]), key);
    if (status == "200") user = to_hex(key);
  }
  const std::string id = request->count > 1 ? text_of(*request->frames[1]) : std::string{};
  const std::string_view parts[] = {"1.0", id, status, {}, user, {}};  // no text, no metadata
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    zmq_send(authenticator_.get(), parts[i].data(), parts[i].size(),
             i + 1 < std::size(parts) ? ZMQ_SNDMORE : 0);
  }
}

void Gatekeeper::read_monitor(Door& door) {
  while (const auto seen = next_event(door.monitor)) {
    const std::string entrance = name_of(door.entrance);
    switch (seen->event) {
      case ZMQ_EVENT_ACCEPTED:
        if (auto line = door.guard.accepted(static_cast<int>(seen->value))) {
          report(TransportEventKind::peer_cut_off, entrance, std::move(*line));
        }
        break;
      case ZMQ_EVENT_DISCONNECTED:
        door.guard.closed(static_cast<int>(seen->value));
        break;
      case ZMQ_EVENT_ACCEPT_FAILED:
        report(TransportEventKind::peer_cut_off, entrance,
               std::string("a connection at ") + entrance +
                   " could not be accepted: " + zmq_strerror(static_cast<int>(seen->value)));
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL:
        report(
            TransportEventKind::handshake_failed, entrance,
            "a peer at " + entrance +
                " could not prove that it knows this coordinator's key, or does not speak CURVE");
        break;
      case ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL:
        report(TransportEventKind::handshake_failed, entrance,
               "a peer at " + entrance + " broke off its handshake or took too long over it");
        break;
      default:
        break;
    }
  }
}

void Gatekeeper::inspect(Door& door, std::uint64_t elapsed_ms) {
  std::map<int, std::uint64_t> taken_bytes;
  {
    const std::lock_guard lock(mutex_);
    taken_bytes.swap(door.taken_bytes);
  }
  for (const auto& [descriptor, size_bytes] : taken_bytes) door.guard.taken(descriptor, size_bytes);
  for (std::string& line : door.guard.inspect(elapsed_ms)) {
    std::string peer = line.substr(0, line.find(':'));
    report(TransportEventKind::peer_cut_off, std::move(peer), std::move(line));
  }
}

void Gatekeeper::admit(const Hash& curve_key, const AccountId& account) {
  const std::lock_guard lock(mutex_);
  admitted_[curve_key] = account;
}

void Gatekeeper::revoke(const Hash& curve_key) {
  const std::lock_guard lock(mutex_);
  admitted_.erase(curve_key);
}

std::optional<AccountId> Gatekeeper::account_of(const Hash& curve_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = admitted_.find(curve_key);
  if (found == admitted_.end()) return std::nullopt;
  return found->second;
}

void Gatekeeper::taken(Entrances entrance, int descriptor, std::uint64_t size_bytes) {
  if (descriptor < 0) return;
  const std::lock_guard lock(mutex_);
  (entrance == kAtJoin ? join_ : work_).taken_bytes[descriptor] += size_bytes;
}

void Gatekeeper::report(TransportEventKind kind, const std::string& about, std::string text) {
  const std::lock_guard lock(mutex_);
  const std::string name = std::to_string(static_cast<int>(kind)) + about;
  if (events_.size() >= kMaxWaitingEvents || !report_rate_.admit(name, now_ms())) {
    ++events_dropped_;
    return;
  }
  events_.push_back({kind, std::move(text)});
  events_waiting_.wake();
}

void Gatekeeper::hand_over(ServerBatch& batch) {
  const std::lock_guard lock(mutex_);
  events_waiting_.drain();
  batch.events.swap(events_);
  events_.clear();
  batch.events_dropped = std::exchange(events_dropped_, 0);
}

}  // namespace gradmint
