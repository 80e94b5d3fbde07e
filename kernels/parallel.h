// Runs tasks on threads, each with exact floating-point arithmetic.
#pragma once

#include <cstddef>
#include <functional>

namespace gradmint::kernels {

// While it lives, this thread rounds to nearest even and keeps denormals (MXCSR at its default): a
// library that set flush-to-zero must not change a byte on the ledger. Restores what was there.
class ExactFloats {
 public:
  ExactFloats();
  ~ExactFloats();
  ExactFloats(const ExactFloats&) = delete;
  ExactFloats& operator=(const ExactFloats&) = delete;

 private:
  unsigned saved_;
};

// How many threads use the whole machine: the cores this process may run on, at least 1.
int all_cores();

// Calls work(task, worker) once for each task in [0, tasks), on at most `threads` threads (the
// calling one among them); worker < threads says which. Tasks are taken in ascending order, so work
// must not depend on which worker gets which. Where threads cannot be started, fewer are used. What
// a task throws stops the others soon and is thrown here once all have ended.
void parallel_for(int threads, std::size_t tasks,
                  const std::function<void(std::size_t task, int worker)>& work);

}  // namespace gradmint::kernels
