#include "tests/hostile/child_server.h"

#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <utility>

#include "kernels/base/check.h"

namespace gradmint::hostile {
namespace {

using Clock = std::chrono::steady_clock;

bool write_all(int fd, const void* data, std::size_t size) {
  return send(fd, data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size);
}
bool read_all(int fd, void* data, std::size_t size) {
  return recv(fd, data, size, MSG_WAITALL) == static_cast<ssize_t>(size);
}

bool write_text(int fd, const std::string& text) {
  const std::uint32_t size = static_cast<std::uint32_t>(text.size());
  return write_all(fd, &size, sizeof size) && write_all(fd, text.data(), text.size());
}
std::string read_text(int fd) {
  std::uint32_t size = 0;
  if (!read_all(fd, &size, sizeof size)) return {};
  std::string text(size, '\0');
  return read_all(fd, text.data(), size) ? text : std::string{};
}

void serve(ServerTransport& server, int ms) {
  const auto until = Clock::now() + std::chrono::milliseconds(ms);
  do {
    for (const Inbound& inbound : server.poll(5).inbound) {
      if (std::holds_alternative<Ping>(inbound.message)) server.reply(inbound, Pong{});
    }
  } while (Clock::now() < until);
}

[[noreturn]] void be_server(const ServerOptions& options, const Hash& admitted, int channel) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGABRT, SIG_DFL);  // doctest's handler would report a second time
  const rlimit none{0, 0};
  setrlimit(RLIMIT_CORE, &none);
  auto bound = ServerTransport::bind(options);
  GRADMINT_CHECK(bound.ok());
  ServerTransport& server = **bound;
  if (!admitted.is_zero()) server.admit(admitted, admitted);
  write_text(channel, server.join_endpoint());
  write_text(channel, server.work_endpoint());
  for (std::int32_t ms = 0; read_all(channel, &ms, sizeof ms) && ms >= 0;) {
    serve(server, ms);
    write_all(channel, &ms, sizeof ms);
  }
  bound->reset();
  _exit(0);
}

}  // namespace

ChildServer::ChildServer(ServerOptions options, const Hash& admitted) {
  int ends[2];
  GRADMINT_CHECK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0);
  options.join_endpoint = options.work_endpoint = "tcp://127.0.0.1:0";
  pid_ = fork();
  GRADMINT_CHECK(pid_ >= 0);
  if (pid_ == 0) {
    close(ends[0]);
    be_server(options, admitted, ends[1]);
  }
  close(ends[1]);
  channel_ = ends[0];
  join_ = read_text(channel_);
  work_ = read_text(channel_);
}

ChildServer::~ChildServer() {
  end();
  close(channel_);
}

bool ChildServer::run_loop(int ms) {
  const std::int32_t turn = ms;
  std::int32_t done = 0;
  return write_all(channel_, &turn, sizeof turn) && read_all(channel_, &done, sizeof done);
}

bool ChildServer::dies_within(int ms) const {
  pollfd gone{channel_, POLLIN, 0};
  return poll(&gone, 1, ms) > 0;  // it says nothing unasked: only its end can be read
}

int ChildServer::end() {
  if (pid_ < 0) return 0;
  const std::int32_t stop = -1;
  write_all(channel_, &stop, sizeof stop);
  int status = 0;
  GRADMINT_CHECK(waitpid(std::exchange(pid_, -1), &status, 0) > 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

std::uint64_t ChildServer::resident_bytes() const { return resident_bytes_of(pid_); }
std::size_t ChildServer::open_descriptors() const { return open_descriptors_of(pid_); }

std::uint64_t resident_bytes_of(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/statm");
  std::uint64_t total = 0;
  std::uint64_t resident = 0;
  file >> total >> resident;
  return resident * static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE));
}

std::size_t open_descriptors_of(pid_t pid) {
  std::size_t count = 0;
  std::error_code gone;
  const std::filesystem::path all = "/proc/" + std::to_string(pid) + "/fd";
  for (std::filesystem::directory_iterator it(all, gone), end; !gone && it != end;
       it.increment(gone))
    ++count;
  return count;
}

}  // namespace gradmint::hostile
