#include "ledger/output/error_line.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>
#include <iostream>
#include <string>

#include "kernels/base/printable.h"

namespace gradmint {
namespace {

constexpr int kExitUnwritten = 2;
constexpr int kPatienceMs = 1000;
constexpr std::size_t kMaxLineBytes = 4095;  // what a pipe that is ready takes at once

}  // namespace

void write_error_line(std::string_view program, std::string_view message) {
  std::string line = printable(program) + ": " + printable(message);
  if (line.size() > kMaxLineBytes) line = line.substr(0, kMaxLineBytes - 4) + " ...";
  line += '\n';
  pollfd ready{STDERR_FILENO, POLLOUT, 0};
  if (::poll(&ready, 1, kPatienceMs) <= 0) return;
  [[maybe_unused]] const ssize_t written = ::write(STDERR_FILENO, line.data(), line.size());
}

int finish_output(std::string_view program, int status) {
  std::cout.flush();
  const bool taken = std::fflush(stdout) == 0 && std::ferror(stdout) == 0 && std::cout.good();
  if (taken || status != 0) return status;
  write_error_line(program,
                   "not all of its output was written: standard output takes no more; free some "
                   "space, or write it elsewhere");
  return kExitUnwritten;
}

}  // namespace gradmint
