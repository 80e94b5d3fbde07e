#include "ledger/mapping_fault.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <string_view>

namespace gradmint {
namespace {

// Everything below runs in a signal handler: no allocation, no locks, no stdio.

const char* program_name = "gradmint";
int status_at_end = 1;

// One line of /proc/self/maps at a time, cut at the end of the buffer.
class MapsReader {
 public:
  MapsReader() : fd_(::open("/proc/self/maps", O_RDONLY | O_CLOEXEC)) {}
  bool next(std::string_view& line) {
    std::size_t size = 0;
    for (char c = 0; take(c);) {
      if (c == '\n') {
        line = {line_, size};
        return true;
      }
      if (size < sizeof line_) line_[size++] = c;
    }
    return false;
  }

 private:
  bool take(char& c) {
    if (at_ == end_) {
      const ssize_t got = fd_ < 0 ? 0 : ::read(fd_, buffer_, sizeof buffer_);
      if (got <= 0) return false;
      at_ = 0;
      end_ = static_cast<std::size_t>(got);
    }
    c = buffer_[at_++];
    return true;
  }
  int fd_;  // closed by the process's end, which is near
  char buffer_[4096], line_[4096];
  std::size_t at_ = 0, end_ = 0;
};

std::uintptr_t hexadecimal(std::string_view text) {
  std::uintptr_t value = 0;
  for (const char c : text)
    value = value * 16 + static_cast<std::uintptr_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  return value;
}

// The file that is mapped at `address`: the line is "from-to rights offset device inode   path".
std::string_view file_at(MapsReader& maps, std::uintptr_t address) {
  for (std::string_view line; maps.next(line);) {
    const std::size_t dash = line.find('-'), space = line.find(' ');
    if (dash == line.npos || space == line.npos || dash > space) continue;
    if (address < hexadecimal(line.substr(0, dash))) continue;
    if (address >= hexadecimal(line.substr(dash + 1, space - dash - 1))) continue;
    const std::size_t path = line.find('/');
    return path == line.npos ? std::string_view() : line.substr(path);
  }
  return {};
}

void say(std::string_view text) {
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, text.data(), text.size());
}

void on_bus_error(int, siginfo_t* info, void*) {
  MapsReader maps;
  const std::string_view file = file_at(maps, reinterpret_cast<std::uintptr_t>(info->si_addr));
  say(program_name);
  say(": '");
  say(file.empty() ? "a mapped file" : file);
  say("' was cut short while it was read, or its disk fails: restore it from a copy, and start "
      "again when nobody writes to it\n");
  ::_exit(status_at_end);
}

}  // namespace

void explain_mapping_faults(const char* program, int exit_status) {
  program_name = program;
  status_at_end = exit_status;
  struct sigaction action {};
  action.sa_sigaction = on_bus_error;
  action.sa_flags = SA_SIGINFO;
  ::sigaction(SIGBUS, &action, nullptr);
}

}  // namespace gradmint
