#include "ledger/output/error_line.h"

#include <poll.h>
#include <unistd.h>

#include <string>

#include "kernels/base/printable.h"

namespace gradmint {
namespace {

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

}  // namespace gradmint
