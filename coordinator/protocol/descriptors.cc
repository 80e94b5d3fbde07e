#include "coordinator/protocol/descriptors.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

#include "coordinator/protocol/limits.h"

namespace gradmint {

std::size_t descriptor_limit() {
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return 1024;
  constexpr rlim_t kWanted = 16384;
  if (limit.rlim_cur < kWanted && limit.rlim_cur < limit.rlim_max) {
    limit.rlim_cur = std::min(kWanted, limit.rlim_max);
    setrlimit(RLIMIT_NOFILE, &limit);
    getrlimit(RLIMIT_NOFILE, &limit);
  }
  return static_cast<std::size_t>(std::min(limit.rlim_cur, kWanted));
}

Status enough_descriptors() {
  const std::size_t descriptors = descriptor_limit();
  if (descriptors >= kMinDescriptors) return {};
  return Error{ErrorCode::bad_input, "this process may open only " + std::to_string(descriptors) +
                                         " files and serving takes at least " +
                                         std::to_string(kMinDescriptors) +
                                         ": raise the limit (ulimit -n 4096)"};
}

Status descriptors_free(std::size_t count) {
  std::vector<int> taken;
  while (taken.size() < count) {
    const int descriptor = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (descriptor < 0) break;
    taken.push_back(descriptor);
  }
  for (const int descriptor : taken) close(descriptor);
  if (taken.size() == count) return {};
  rlimit limit{};
  getrlimit(RLIMIT_NOFILE, &limit);
  return Error{ErrorCode::busy, "only " + std::to_string(taken.size()) + " of this process's " +
                                    std::to_string(limit.rlim_cur) +
                                    " file descriptors are free and connecting takes " +
                                    std::to_string(count) + ": raise the limit (ulimit -n)"};
}

}  // namespace gradmint
