#include "tests/emulated_cuda/emulator.h"

#include <boost/context/fiber.hpp>
#include <boost/context/fixedsize_stack.hpp>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <mutex>
#include <vector>

namespace emulated_cuda {
namespace {

namespace context = boost::context;

constexpr std::size_t kStackBytes = 256 * 1024;

[[noreturn]] void stop(const char* why) {
  std::fprintf(stderr, "emulated CUDA: block (%u, %u, %u), thread (%u, %u, %u): %s\n", blockIdx.x,
               blockIdx.y, blockIdx.z, threadIdx.x, threadIdx.y, threadIdx.z, why);
  std::abort();
}

enum class State { ready, at_collective, at_block_barrier, returned };

struct Copy {
  void* to;
  const void* from;
  std::size_t bytes;
  std::size_t batch;
};

struct Thread {
  uint3 index{};
  unsigned number = 0;
  State state = State::returned;
  Collective operation{};
  unsigned mask = 0;
  unsigned exchanges = 0;
  std::vector<Copy> copies;  // the oldest first
  std::size_t batch = 0;     // of the copies that come next
  context::fiber fiber;
  context::fiber scheduler;
};

struct Warp {
  Lanes lanes[2];  // in turn: a lane can be one exchange ahead of the slowest, and no more
};

const std::function<void()>* kernel_now = nullptr;
Thread* running = nullptr;

class Machine {
 public:
  // Threads are kept from launch to launch: making a fiber costs more than switching to it.
  void run(dim3 grid, dim3 block, const std::function<void()>& kernel) {
    kernel_now = &kernel;
    gridDim = grid;
    blockDim = block;
    backwards_ = !backwards_;
    place_threads(block);
    const std::size_t blocks = std::size_t{grid.x} * grid.y * grid.z;
    for (std::size_t i = 0; i < blocks; ++i) {
      const std::size_t number = backwards_ ? blocks - 1 - i : i;
      blockIdx = {static_cast<unsigned>(number % grid.x),
                  static_cast<unsigned>(number / grid.x % grid.y),
                  static_cast<unsigned>(number / grid.x / grid.y)};
      run_block();
    }
    kernel_now = nullptr;
  }

  Warp& warp_of(const Thread& thread) { return warps_[thread.number / kWarp]; }

 private:
  void place_threads(dim3 block) {
    count_ = block.x * block.y * block.z;
    while (threads_.size() < count_) threads_.push_back(std::make_unique<Thread>());
    warps_.resize((count_ + kWarp - 1) / kWarp);
    for (unsigned i = 0; i < count_; ++i) {
      threads_[i]->number = i;
      threads_[i]->index = {i % block.x, i / block.x % block.y, i / block.x / block.y};
    }
  }

  void run_block() {
    for (unsigned i = 0; i < count_; ++i) {
      threads_[i]->state = State::ready;
      threads_[i]->exchanges = 0;
      threads_[i]->copies.clear();
    }
    for (;;) {
      for (std::size_t i = 0; i < warps_.size(); ++i) {
        run_warp(backwards_ ? warps_.size() - 1 - i : i);
      }
      unsigned waiting = 0;
      for (unsigned i = 0; i < count_; ++i) {
        waiting += threads_[i]->state == State::at_block_barrier ? 1 : 0;
      }
      if (waiting == 0) return;
      if (waiting != count_) stop("__syncthreads() that not every thread of the block comes to");
      for (unsigned i = 0; i < count_; ++i) threads_[i]->state = State::ready;
    }
  }

  // Until each of its lanes has returned or waits for the block.
  void run_warp(std::size_t warp) {
    const unsigned begin = static_cast<unsigned>(warp) * kWarp;
    const unsigned end = begin + kWarp < count_ ? begin + kWarp : count_;
    for (;;) {
      unsigned present = 0;
      for (unsigned i = begin; i < end; ++i) {
        Thread& thread = *threads_[backwards_ ? end - 1 - (i - begin) : i];
        if (thread.state == State::ready) resume(thread);
        present |= thread.state == State::at_collective ? 1u << (thread.number - begin) : 0;
      }
      if (present == 0) return;
      release(begin, end, present);
    }
  }

  // Lets the lanes go on whose whole mask has come to the same operation.
  void release(unsigned begin, unsigned end, unsigned present) {
    bool any = false;
    for (unsigned i = begin; i < end; ++i) {
      Thread& thread = *threads_[i];
      if (thread.state != State::at_collective) continue;
      running = &thread;
      threadIdx = thread.index;
      if ((thread.mask & present) != thread.mask) continue;
      if ((thread.mask >> (i - begin) & 1u) == 0) stop("a lane outside its own mask");
      for (unsigned k = begin; k < end; ++k) {
        const Thread& other = *threads_[k];
        if ((thread.mask >> (k - begin) & 1u) == 0) continue;
        if (other.operation != thread.operation || other.mask != thread.mask ||
            other.exchanges != thread.exchanges) {
          stop("lanes of one warp meet in different operations");
        }
      }
      any = true;
    }
    if (!any) stop("a lane waits for one that has returned or waits elsewhere");
    for (unsigned i = begin; i < end; ++i) {
      Thread& thread = *threads_[i];
      if (thread.state == State::at_collective && (thread.mask & present) == thread.mask) {
        thread.state = State::ready;
      }
    }
  }

  static void resume(Thread& thread) {
    running = &thread;
    threadIdx = thread.index;
    if (!thread.fiber) {
      thread.fiber = context::fiber(std::allocator_arg, context::fixedsize_stack(kStackBytes),
                                    [&thread](context::fiber&& scheduler) {
                                      thread.scheduler = std::move(scheduler);
                                      for (;;) {
                                        (*kernel_now)();
                                        leave(thread, State::returned);
                                      }
                                      return std::move(thread.scheduler);
                                    });
    }
    thread.fiber = std::move(thread.fiber).resume();
  }

 public:
  // Back to the scheduler, until it resumes the thread.
  static void leave(Thread& thread, State state) {
    thread.state = state;
    thread.scheduler = std::move(thread.scheduler).resume();
  }

 private:
  bool backwards_ = true;
  unsigned count_ = 0;
  std::vector<std::unique_ptr<Thread>> threads_;
  std::vector<Warp> warps_;
};

Machine& machine() {
  // Never taken down: its fibers stand inside a loop.
  static Machine* const only = new Machine;
  return *only;
}

}  // namespace

bool is_possible(dim3 grid, dim3 block) {
  const std::size_t threads = std::size_t{block.x} * block.y * block.z;
  return threads >= 1 && threads <= 1024 && block.z <= 64 && grid.x >= 1 && grid.x <= 0x7fffffffu &&
         grid.y >= 1 && grid.y <= 65535 && grid.z >= 1 && grid.z <= 65535;
}

void run(dim3 grid, dim3 block, const std::function<void()>& kernel) {
  static std::mutex one_at_a_time;
  const std::lock_guard lock(one_at_a_time);
  machine().run(grid, block, kernel);
}

unsigned own_lane() { return running->number % kWarp; }

void block_barrier() { Machine::leave(*running, State::at_block_barrier); }

const Lanes& exchange(Collective operation, unsigned mask, const Payload& own) {
  Thread& thread = *running;
  Lanes& lanes = machine().warp_of(thread).lanes[thread.exchanges % 2];
  lanes[thread.number % kWarp] = own;
  ++thread.exchanges;
  thread.operation = operation;
  thread.mask = mask;
  Machine::leave(thread, State::at_collective);
  return lanes;
}

void multiply_add(std::int32_t (&sums)[4], const std::uint32_t (&a)[4],
                  const std::uint32_t (&b)[2]) {
  const auto two = [](std::uint32_t low, std::uint32_t high) {
    return std::uint64_t{high} << 32 | low;
  };
  const Lanes& lanes = exchange(Collective::multiply, 0xffffffffu,
                                {two(a[0], a[2]), two(a[1], a[3]), two(b[0], b[1])});
  const unsigned lane = own_lane();
  std::int8_t rows[2][32];
  std::int8_t columns[2][32];
  for (unsigned t = 0; t < 4; ++t) {
    for (unsigned half = 0; half < 2; ++half) {
      std::memcpy(rows[half] + 8 * t, &lanes[lane / 4 * 4 + t][half], 8);
      std::memcpy(columns[half] + 8 * t, &lanes[(lane % 4 * 2 + half) * 4 + t][2], 8);
    }
  }
  for (unsigned k = 0; k < 4; ++k) {
    std::int32_t dot = 0;
    for (unsigned i = 0; i < 32; ++i) dot += rows[k / 2][i] * columns[k % 2][i];
    sums[k] += dot;
  }
}

void copy_later(void* to, const void* from, std::size_t bytes) {
  running->copies.push_back({to, from, bytes, running->batch});
}

void commit_copies() { ++running->batch; }

void wait_for_copies(std::size_t batches_left) {
  Thread& thread = *running;
  std::size_t done = 0;
  for (const Copy& copy : thread.copies) {
    if (copy.batch + batches_left >= thread.batch) break;
    std::memcpy(copy.to, copy.from, copy.bytes);
    ++done;
  }
  thread.copies.erase(thread.copies.begin(),
                      thread.copies.begin() + static_cast<std::ptrdiff_t>(done));
}

}  // namespace emulated_cuda
