#include "kernels/parallel.h"

#include <immintrin.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <vector>

#include "kernels/base/check.h"

namespace gradmint::kernels {
namespace {
constexpr unsigned kDefaultMxcsr = 0x1f80;  // all exceptions masked, nearest even, no FTZ, no DAZ
}

ExactFloats::ExactFloats() : saved_(_mm_getcsr()) { _mm_setcsr(kDefaultMxcsr); }
ExactFloats::~ExactFloats() { _mm_setcsr(saved_); }

int all_cores() {
  cpu_set_t allowed;
  if (::sched_getaffinity(0, sizeof allowed, &allowed) == 0) {
    return std::max(1, CPU_COUNT(&allowed));
  }
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

void parallel_for(int threads, std::size_t tasks,
                  const std::function<void(std::size_t, int)>& work) {
  GRADMINT_CHECK(threads >= 1);
  std::atomic<std::size_t> next{0};
  std::mutex guard;
  std::exception_ptr fault;
  const auto run = [&](int worker) {
    const ExactFloats exact;
    try {
      for (std::size_t task = next++; task < tasks; task = next++) work(task, worker);
    } catch (...) {  // out of memory, most often
      next = tasks;
      const std::scoped_lock lock(guard);
      if (fault == nullptr) fault = std::current_exception();
    }
  };
  std::vector<std::thread> others;
  const std::size_t wanted = std::min(tasks, static_cast<std::size_t>(threads));
  for (std::size_t worker = 1; worker < wanted; ++worker) {
    try {
      others.emplace_back(run, static_cast<int>(worker));
    } catch (const std::system_error&) {
      break;  // the machine is out of threads: those that run do all the work
    }
  }
  run(0);
  for (std::thread& other : others) other.join();
  if (fault != nullptr) std::rethrow_exception(fault);
}

}  // namespace gradmint::kernels
