#include "kernels/base/sanitizers.h"
#include "tests/kernels/backends.h"

namespace gradmint::test {

std::vector<std::unique_ptr<kernels::Backend>> backends() {
  std::vector<std::unique_ptr<kernels::Backend>> all;
#if GRADMINT_THREAD_SANITIZER  // slow, and what it looks for is in the threads, not in the level
  all.push_back(kernels::make_cpu_backend(kernels::supported_cpu_levels().back(), 3));
  return all;
#endif
  for (const kernels::CpuLevel level : kernels::supported_cpu_levels()) {
    for (const int threads : {1, 2, 3}) all.push_back(kernels::make_cpu_backend(level, threads));
  }
  return all;
}

}  // namespace gradmint::test
