#include "coordinator/protocol/gatekeeper.h"

#include <malloc.h>
#include <pthread.h>
#include <signal.h>

#include <algorithm>
#include <charconv>
#include <chrono>

#include "kernels/base/check.h"

namespace gradmint {
namespace {

constexpr int kInspectEveryMs = 50;
constexpr int kInspectRestlessMs = 5;
// Looking at a connection costs a system call: never more of them in a millisecond than this.
constexpr int kConnectionsPerMs = 50;
constexpr int kTellEveryMs = 1000;
constexpr std::uint64_t kTrimEveryMs = 1000;
constexpr std::uint64_t kTrimFromBytes = 4 * kMiB;
constexpr std::size_t kMaxNamesLimited = 1024;
constexpr std::size_t kZapFrames = 7;  // version, id, domain, address, identity, mechanism, key
// Not ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL: libzmq 4.3.4 tells of a frame that cannot be decrypted
// between setting errno and reading it. Telling makes it EAGAIN, so the connection is taken for one
// that waits, and its descriptor is never closed.
constexpr int kMonitored = ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED;

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

constexpr std::size_t kKeyDigits = 64;

}  // namespace

std::string write_pass(const Pass& pass) {
  return to_hex(pass.curve_key) + std::to_string(pass.handshake);
}

std::optional<Pass> read_pass(std::string_view text) {
  const std::optional<Hash> key = hash_from_hex(text.substr(0, kKeyDigits));
  if (!key) return std::nullopt;
  Pass pass{*key, 0};
  const char* end = text.data() + text.size();
  const auto read = std::from_chars(text.data() + kKeyDigits, end, pass.handshake);
  if (read.ec != std::errc{} || read.ptr != end) return std::nullopt;
  return pass;
}

Gatekeeper::Gatekeeper(const ZmqContext& context, const GateLimits& limits)
    : context_(context),
      join_{kAtJoin, {}, ConnectionGuard(limits.join)},
      work_{kAtWork, {}, ConnectionGuard(limits.work)},
      join_handshakes_(limits.join_handshakes, kMaxNamesLimited),
      join_handshakes_total_(limits.join_handshakes_total, 1),
      work_handshakes_(limits.work_handshakes, kMaxNamesLimited),
      work_handshakes_total_(limits.work_handshakes_total, 1) {}

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

int Gatekeeper::wait_ms() {
  const std::lock_guard lock(guards_mutex_);
  const std::size_t connections = join_.guard.connections() + work_.guard.connections();
  if (connections == 0 && returned_bytes_ == 0) {
    const std::lock_guard events_lock(mutex_);
    return digest_.has_counted() ? kTellEveryMs : -1;
  }
  const int least_ms = static_cast<int>(connections) / kConnectionsPerMs;
  return join_.guard.restless() || work_.guard.restless() ? std::max(kInspectRestlessMs, least_ms)
                                                          : std::max(kInspectEveryMs, least_ms);
}

void Gatekeeper::run() {
  inspected_ms_ = now_ms();
  while (!stopping_) {
    zmq_pollitem_t items[] = {{authenticator_.get(), 0, ZMQ_POLLIN, 0},
                              {join_.monitor.get(), 0, ZMQ_POLLIN, 0},
                              {work_.monitor.get(), 0, ZMQ_POLLIN, 0},
                              {nullptr, stop_requested_.fd(), ZMQ_POLLIN, 0}};
    const int until_ms = wait_ms();
    const std::uint64_t passed_ms = now_ms() - inspected_ms_;
    const int left_ms =
        until_ms < 0
            ? -1
            : std::max(
                  0, until_ms - static_cast<int>(std::min<std::uint64_t>(passed_ms, kTellEveryMs)));
    if (zmq_poll(items, 4, left_ms) < 0) continue;
    if (items[0].revents != 0) answer_authentication();
    if (items[1].revents != 0) read_monitor(join_);
    if (items[2].revents != 0) read_monitor(work_);
    if (until_ms >= 0 && now_ms() - inspected_ms_ >= static_cast<std::uint64_t>(until_ms))
      inspect();
  }
}

// ZAP status codes. 300 means "not now": libzmq then closes the connection without a word, and the
// client tries again; 400 is told to the client, which by itself would give up.
std::string_view Gatekeeper::decide(std::string_view domain, const std::string& address,
                                    const Hash& key) {
  const std::uint64_t now = now_ms();
  if (domain == kJoinDomain) {
    if (join_handshakes_.admit(address, now) && join_handshakes_total_.admit({}, now)) {
      ++join_.welcomed;
      return "200";
    }
  } else if (domain == kWorkDomain && account_of(key)) {
    const bool crowded = [this] {
      const std::lock_guard lock(guards_mutex_);
      return work_.guard.crowded();
    }();
    if (!crowded && work_handshakes_.admit(to_hex(key), now) &&
        work_handshakes_total_.admit({}, now)) {
      ++work_.welcomed;
      return "200";
    }
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
  // Its connection is known before its handshake gets a number, and so are those that are gone.
  read_monitor(join_);
  read_monitor(work_);
  std::string_view status = "400";
  std::string user;
  if (request->count == kZapFrames && text_of(*request->frames[0]) == "1.0" &&
      text_of(*request->frames[5]) == "CURVE" && request->frames[6]->view().size() == 32) {
    Hash key;
    const ByteView raw = request->frames[6]->view();
    std::copy(raw.begin(), raw.end(), key.bytes.begin());
    status = decide(text_of(*request->frames[2]), text_of(*request->frames[3]), key);
    if (status == "200") user = write_pass({key, ++handshakes_});
  }
  const std::string id = request->count > 1 ? text_of(*request->frames[1]) : std::string{};
  const std::string_view parts[] = {"1.0", id, status, {}, user, {}};  // no text, no metadata
  for (std::size_t i = 0; i < std::size(parts); ++i) {
    zmq_send(authenticator_.get(), parts[i].data(), parts[i].size(),
             i + 1 < std::size(parts) ? ZMQ_SNDMORE : 0);
  }
}

void Gatekeeper::tell_cut_off(const ConnectionGuard::Lines& lines) {
  for (const std::string& line : lines)
    report(TransportEventKind::peer_cut_off, line.substr(0, line.rfind(':', line.find(' '))), line);
}

void Gatekeeper::read_monitor(Door& door) {
  ConnectionGuard::Lines lines;
  while (const auto seen = next_event(door.monitor)) {
    const std::string entrance = name_of(door.entrance);
    switch (seen->event) {
      case ZMQ_EVENT_ACCEPTED: {
        const std::lock_guard lock(guards_mutex_);
        door.guard.accepted(static_cast<int>(seen->value), handshakes_, now_ms(), lines);
        break;
      }
      case ZMQ_EVENT_DISCONNECTED: {
        const bool known = [&] {
          const std::lock_guard lock(guards_mutex_);
          return door.guard.closed(static_cast<int>(seen->value));
        }();
        if (known) break;
        report(
            TransportEventKind::handshake_failed, entrance,
            "a peer at " + entrance +
                " was gone before it had said anything: it does not know this coordinator's key, "
                "does not speak CURVE, took too long or broke off");
        break;
      }
      default:
        break;
    }
  }
  tell_cut_off(lines);
}

void Gatekeeper::inspect() {
  inspected_ms_ = now_ms();
  ConnectionGuard::Lines lines;
  {
    const std::lock_guard lock(guards_mutex_);
    for (Door* door : {&join_, &work_}) {
      door->guard.inspect(inspected_ms_, lines);
      returned_bytes_ += door->guard.take_returned_bytes();
    }
  }
  tell_cut_off(lines);
  give_memory_back(inspected_ms_);
  const std::lock_guard lock(mutex_);
  if (digest_.is_due(inspected_ms_)) events_waiting_.wake();
}

// What closed connections had sent lies freed in the allocator, which keeps it.
void Gatekeeper::give_memory_back(std::uint64_t time_ms) {
  if (returned_bytes_ == 0 || time_ms - trimmed_ms_ < kTrimEveryMs) return;
  if (returned_bytes_ >= kTrimFromBytes) malloc_trim(0);
  trimmed_ms_ = time_ms;
  returned_bytes_ = 0;
}

void Gatekeeper::admit(const Hash& curve_key, const AccountId& account) {
  const std::lock_guard lock(mutex_);
  admitted_[curve_key] = account;
}

void Gatekeeper::revoke(const Hash& curve_key) {
  {
    const std::lock_guard lock(mutex_);
    admitted_.erase(curve_key);
  }
  const std::lock_guard lock(guards_mutex_);
  for (Door* door : {&join_, &work_}) door->guard.dismiss(curve_key, now_ms());
}

std::optional<AccountId> Gatekeeper::account_of(const Hash& curve_key) const {
  const std::lock_guard lock(mutex_);
  const auto found = admitted_.find(curve_key);
  if (found == admitted_.end()) return std::nullopt;
  return found->second;
}

std::vector<AccountId> Gatekeeper::members_at_work() const {
  const std::lock_guard lock(guards_mutex_);
  return work_.guard.members();
}

Standing Gatekeeper::heard(Entrances entrance, const HeardMessage& message) {
  ConnectionGuard::Lines lines;
  const Standing standing = [&] {
    const std::lock_guard lock(guards_mutex_);
    return door(entrance).guard.heard(message, now_ms(), lines);
  }();
  tell_cut_off(lines);
  return standing;
}

void Gatekeeper::all_taken(Entrances entrance) {
  const std::lock_guard lock(guards_mutex_);
  door(entrance).guard.all_taken();
}

void Gatekeeper::cut(Entrances entrance, int descriptor, std::uint64_t handshake,
                     const std::string& why) {
  ConnectionGuard::Lines lines;
  {
    const std::lock_guard lock(guards_mutex_);
    door(entrance).guard.cut(descriptor, handshake, why, lines);
  }
  tell_cut_off(lines);
}

std::uint64_t Gatekeeper::welcomed(Entrances entrance) const {
  return (entrance == kAtJoin ? join_ : work_).welcomed;
}

void Gatekeeper::report(TransportEventKind kind, const std::string& about, std::string text) {
  const std::lock_guard lock(mutex_);
  digest_.add(kind, about, std::move(text), now_ms());
  if (digest_.has_told()) events_waiting_.wake();
}

void Gatekeeper::hand_over(ServerBatch& batch) {
  const std::lock_guard lock(mutex_);
  events_waiting_.drain();
  batch.events = digest_.take(now_ms());
}

}  // namespace gradmint
