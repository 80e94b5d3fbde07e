#include "ledger/output/output_queue.h"

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>

namespace gradmint {
namespace {

// Interrupts a write that waits for its reader. By itself it does nothing, whoever sends it.
constexpr int kInterrupt = SIGURG;
constexpr int kInterruptTries = 50;
constexpr std::chrono::milliseconds kInterruptEvery{10};
constexpr int kPollMs = 100;
constexpr std::size_t kTextOverheadBytes = 64;

std::uint64_t lines_in(const std::string& text) {
  return static_cast<std::uint64_t>(std::count(text.begin(), text.end(), '\n'));
}

void install_interrupt() {
  struct sigaction action {};
  action.sa_handler = [](int) {};  // without SA_RESTART: the write comes back
  ::sigaction(kInterrupt, &action, nullptr);
}

}  // namespace

struct OutputQueue::State {
  State(int d, DroppedText t, std::size_t m)
      : descriptor(d), dropped_text(std::move(t)), max_waiting_bytes(m) {}

  void work();
  std::uint64_t write_all(const std::string& text);
  void leave_out(std::uint64_t lines) {  // under the mutex
    untold += lines;
    dropped += lines;
  }

  const int descriptor;
  const DroppedText dropped_text;
  const std::size_t max_waiting_bytes;

  std::mutex mutex;
  std::condition_variable wake, done;
  std::deque<std::string> waiting;
  std::size_t waiting_bytes = 0;
  std::uint64_t untold = 0, dropped = 0;  // lines left out: not told yet, in all
  bool full = false;                      // nothing more until the reader has taken half
  bool failing = false;                   // the last write was refused (a full disk)
  bool closing = false, ended = false;
  std::atomic<bool> given_up{false};
  bool inside_line = false;  // of the writing thread alone: a refused write ended within a line
  std::thread thread;
};

// The lines that the descriptor refuses: 0 once it is all written, or given up.
std::uint64_t OutputQueue::State::write_all(const std::string& text) {
  const std::string whole = (inside_line ? "\n" : "") + text;
  for (std::size_t at = 0; at < whole.size();) {
    if (given_up) return 0;
    const ssize_t n = ::write(descriptor, whole.data() + at, whole.size() - at);
    if (n > 0) {
      at += static_cast<std::size_t>(n);
      inside_line = whole[at - 1] != '\n';
    } else if (n < 0 && errno == EINTR) {
      continue;
    } else if (n < 0 && errno == EAGAIN) {  // whoever shares it made it non-blocking
      pollfd ready{descriptor, POLLOUT, 0};
      ::poll(&ready, 1, kPollMs);
    } else {
      return std::max<std::uint64_t>(lines_in(whole.substr(at)), 1);
    }
  }
  inside_line = false;  // a live line has no end of its own
  return 0;
}

void OutputQueue::State::work() {
  sigset_t own;
  sigemptyset(&own);
  sigaddset(&own, kInterrupt);
  sigaddset(&own, SIGPIPE);
  ::pthread_sigmask(SIG_UNBLOCK, &own, nullptr);
  std::unique_lock lock(mutex);
  for (;;) {
    wake.wait(lock, [&] { return !waiting.empty() || (untold > 0 && !failing) || closing; });
    if (given_up || (waiting.empty() && (untold == 0 || failing))) break;
    const bool tell = untold > 0 && (waiting.empty() || failing);
    const std::uint64_t told = tell ? std::exchange(untold, 0) : 0;
    std::string text;
    if (tell) {
      text = dropped_text(told);
    } else {
      text = std::move(waiting.front());
      waiting.pop_front();
      waiting_bytes -= text.size() + kTextOverheadBytes;
    }
    lock.unlock();
    const std::uint64_t refused = write_all(text);
    lock.lock();
    failing = refused > 0;
    if (!failing) continue;
    if (tell) {
      untold += told;
    } else {
      leave_out(refused);
    }
    // What waits would be refused as well.
    for (const std::string& each : waiting) leave_out(lines_in(each));
    waiting.clear();
    waiting_bytes = 0;
  }
  ended = true;
  done.notify_all();
}

OutputQueue::OutputQueue(int descriptor, DroppedText dropped_text, std::size_t max_waiting_bytes)
    : state_(std::make_shared<State>(descriptor, std::move(dropped_text), max_waiting_bytes)) {
  install_interrupt();
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  ::pthread_sigmask(SIG_BLOCK, &all, &before);  // signals are for the program's own thread
  state_->thread = std::thread([state = state_] { state->work(); });
  ::pthread_sigmask(SIG_SETMASK, &before, nullptr);
}

OutputQueue::~OutputQueue() { close(0); }

void OutputQueue::write(std::string text) {
  if (text.empty()) return;
  State& s = *state_;
  const std::lock_guard lock(s.mutex);
  if (s.closing) return;
  const std::size_t size = text.size() + kTextOverheadBytes;
  if (s.full && s.waiting_bytes <= s.max_waiting_bytes / 2) s.full = false;
  if (s.full || s.waiting_bytes + size > s.max_waiting_bytes) {
    s.full = true;
    s.leave_out(lines_in(text));
    return;
  }
  if (s.untold > 0 && !s.failing) {
    std::string notice = s.dropped_text(std::exchange(s.untold, 0));
    s.waiting_bytes += notice.size() + kTextOverheadBytes;
    s.waiting.push_back(std::move(notice));
  }
  s.waiting_bytes += size;
  s.waiting.push_back(std::move(text));
  s.wake.notify_one();
}

bool OutputQueue::close(int patience_ms) {
  State& s = *state_;
  std::unique_lock lock(s.mutex);
  if (std::exchange(s.closing, true)) return s.ended;
  s.wake.notify_one();
  const auto ended = [&s] { return s.ended; };
  const bool written = s.done.wait_for(lock, std::chrono::milliseconds(patience_ms), ended);
  for (int i = 0; i < kInterruptTries && !s.ended; ++i) {
    s.given_up = true;
    ::pthread_kill(s.thread.native_handle(), kInterrupt);
    s.done.wait_for(lock, kInterruptEvery, ended);
  }
  const bool joined = s.ended;
  const bool nothing_lost = written && s.untold == 0;
  lock.unlock();
  // A write that even a signal does not interrupt (a disk over a network that is gone) keeps its
  // thread and its state; the program goes without them.
  if (joined) {
    s.thread.join();
  } else {
    s.thread.detach();
  }
  return nothing_lost;
}

std::uint64_t OutputQueue::dropped_lines() const {
  const std::lock_guard lock(state_->mutex);
  return state_->dropped;
}

}  // namespace gradmint
