#include "coordinator/protocol/waker.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <cstdint>

#include "kernels/base/check.h"

namespace gradmint {

Waker::Waker() : fd_(eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) { GRADMINT_CHECK(fd_ >= 0); }

Waker::~Waker() { close(fd_); }

void Waker::wake() const {
  const std::uint64_t one = 1;
  // Fails only when 2^64 − 2 wakes wait already, and then one waits.
  [[maybe_unused]] const auto written = write(fd_, &one, sizeof one);
}

bool Waker::drain() const {
  std::uint64_t count = 0;
  return read(fd_, &count, sizeof count) == sizeof count;
}

}  // namespace gradmint
