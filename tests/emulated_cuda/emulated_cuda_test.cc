// The emulated GPU means what CUDA's documents say, and refuses what a GPU would not survive.
#include <cuda_runtime.h>
#include <doctest/doctest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <numeric>
#include <string>
#include <vector>

#include "kernels/cuda_launch.h"
#include "kernels/cuda_mma.h"
#include "tests/emulated_cuda/cuda_pipeline_primitives.h"

namespace {

using gradmint::kernels::cuda::start;

constexpr unsigned kAll = 0xffffffffu;

unsigned thread_number() {
  return threadIdx.x + blockDim.x * (threadIdx.y + blockDim.y * threadIdx.z);
}

void count_kernel(int* visits) {
  const unsigned block = blockIdx.x + gridDim.x * (blockIdx.y + gridDim.y * blockIdx.z);
  ++visits[block * blockDim.x * blockDim.y * blockDim.z + thread_number()];
}

struct Shuffled {
  int from_three, exchanged, below, above;
};
void shuffle_kernel(Shuffled* out) {
  const int own = static_cast<int>(threadIdx.x);
  out[own] = {__shfl_sync(kAll, own, 3), __shfl_xor_sync(kAll, own, 5),
              __shfl_up_sync(kAll, own, 2), __shfl_down_sync(kAll, own, 2)};
}

struct Joined {
  unsigned ballot;
  int largest, sum;
};
void join_kernel(Joined* out) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  const int value = lane % 2 == 0 ? -lane : lane;
  if (lane < 16) {  // the halves of a warp apart
    out[threadIdx.x] = {__ballot_sync(0xffffu, lane % 3 == 0), __reduce_max_sync(0xffffu, value),
                        __reduce_add_sync(0xffffu, value)};
  } else {
    out[threadIdx.x] = {__ballot_sync(0xffff0000u, lane % 3 == 0),
                        __reduce_max_sync(0xffff0000u, value),
                        __reduce_add_sync(0xffff0000u, value)};
  }
}

template <bool kWaits>
void neighbour_kernel(unsigned* out) {
  __shared__ unsigned values[96];
  values[threadIdx.x] = 1000 * blockIdx.x + threadIdx.x;
  if constexpr (kWaits) __syncthreads();
  out[blockIdx.x * 96 + threadIdx.x] = values[(threadIdx.x + 1) % 96];
}

void copy_kernel(const int* from, int* seen) {
  __shared__ int to[4];
  for (int k = 0; k < 4; ++k) {
    to[k] = -1;
    __pipeline_memcpy_async(to + k, from + k, sizeof *to);
    __pipeline_commit();
  }
  for (std::size_t left = 4; left-- > 0;) {
    for (int k = 0; k < 4; ++k) *seen++ = to[k];
    __pipeline_wait_prior(left);
  }
}

void multiply_kernel(const std::int8_t* a, const std::int8_t* b, std::int32_t* c) {
  const unsigned g = threadIdx.x / 4;
  const unsigned t = threadIdx.x % 4;
  const auto four = [](const std::int8_t* from) {
    std::uint32_t word = 0;
    std::memcpy(&word, from, sizeof word);
    return word;
  };
  // b is stored column by column.
  const std::uint32_t left[4] = {four(a + g * 32 + 4 * t), four(a + (g + 8) * 32 + 4 * t),
                                 four(a + g * 32 + 16 + 4 * t),
                                 four(a + (g + 8) * 32 + 16 + 4 * t)};
  const std::uint32_t right[2] = {four(b + g * 32 + 4 * t), four(b + g * 32 + 16 + 4 * t)};
  std::int32_t sums[4] = {1, 2, 3, 4};
  gradmint::kernels::cuda::multiply_add(sums, left, right);
  for (unsigned k = 0; k < 4; ++k) c[(g + k / 2 * 8) * 8 + 2 * t + k % 2] = sums[k];
}

void lonely_barrier_kernel() {
  if (threadIdx.x < 40) __syncthreads();
}
void lost_lane_kernel() {
  if (threadIdx.x != 7) __shfl_sync(kAll, 1, 0);
}
void two_operations_kernel() {
  if (threadIdx.x == 7) {
    __ballot_sync(kAll, true);
  } else {
    __syncwarp();
  }
}

// How a process ends that launches this: the signal, or 0.
int signal_of(void (*kernel)()) {
  const pid_t child = fork();
  if (child == 0) {
    std::signal(SIGABRT, SIG_DFL);  // the test runner reports it otherwise
    close(STDERR_FILENO);
    start(kernel, 1, 64, nullptr);
    _exit(0);
  }
  int status = 0;
  REQUIRE(waitpid(child, &status, 0) == child);
  return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

}  // namespace

TEST_CASE("every thread of every block runs once, in grids and blocks of three dimensions") {
  for (int launch = 0; launch < 2; ++launch) {  // one of them backwards
    std::vector<int> visits(std::size_t{2} * 3 * 4 * 5 * 6 * 7, 0);
    REQUIRE(start(count_kernel, dim3(2, 3, 4), dim3(5, 6, 7), nullptr, visits.data()) ==
            cudaSuccess);
    CHECK(std::all_of(visits.begin(), visits.end(), [](int count) { return count == 1; }));
  }
}

TEST_CASE("shuffles, votes and reductions are those of a warp") {
  std::vector<Shuffled> shuffled(64);
  start(shuffle_kernel, 1, 64, nullptr, shuffled.data());
  std::vector<Joined> joined(64);
  start(join_kernel, 1, 64, nullptr, joined.data());
  for (int i = 0; i < 64; ++i) {
    CAPTURE(i);
    const int warp = i / 32 * 32;
    const int lane = i % 32;
    const auto at = static_cast<std::size_t>(i);
    CHECK(shuffled[at].from_three == warp + 3);
    CHECK(shuffled[at].exchanged == warp + (lane ^ 5));
    CHECK(shuffled[at].below == (lane < 2 ? i : i - 2));
    CHECK(shuffled[at].above == (lane > 29 ? i : i + 2));
    const bool low = lane < 16;
    CHECK(joined[at].ballot == (low ? 0x9249u : 0x49240000u));
    CHECK(joined[at].largest == (low ? 15 : 31));
    CHECK(joined[at].sum == 8);
  }
}

TEST_CASE("a barrier makes every write visible; without one the order of threads shows") {
  std::vector<unsigned> out(2 * 96);
  for (int launch = 0; launch < 2; ++launch) {
    start(neighbour_kernel<true>, 2, 96, nullptr, out.data());
    for (unsigned i = 0; i < 2 * 96; ++i) CHECK(out[i] == i / 96 * 1000 + (i % 96 + 1) % 96);
  }
  std::vector<unsigned> other(2 * 96);
  start(neighbour_kernel<false>, 2, 96, nullptr, out.data());
  start(neighbour_kernel<false>, 2, 96, nullptr, other.data());
  CHECK(out != other);
}

TEST_CASE("a copy arrives when it was waited for") {
  const int from[4] = {10, 11, 12, 13};
  int seen[16] = {};
  start(copy_kernel, 1, 1, nullptr, from, seen);
  const std::vector<int> expected = {-1, -1, -1, -1, 10, -1, -1, -1,
                                     10, 11, -1, -1, 10, 11, 12, -1};
  CHECK(std::vector<int>(seen, seen + 16) == expected);
}

TEST_CASE("a warp multiplies int8 matrices in the layout that cuda_mma.h states") {
  std::vector<std::int8_t> a(16 * 32);
  std::vector<std::int8_t> b(8 * 32);
  for (std::size_t i = 0; i < a.size(); ++i) a[i] = static_cast<std::int8_t>(i * 37 % 256 - 128);
  for (std::size_t i = 0; i < b.size(); ++i) b[i] = static_cast<std::int8_t>(i * 91 % 256 - 128);
  std::vector<std::int32_t> c(16 * 8);
  start(multiply_kernel, 1, 32, nullptr, a.data(), b.data(), c.data());
  for (std::size_t row = 0; row < 16; ++row) {
    for (std::size_t column = 0; column < 8; ++column) {
      const std::size_t start_value = 1 + row / 8 * 2 + column % 2;
      const std::int32_t expected =
          std::inner_product(a.begin() + static_cast<std::ptrdiff_t>(row * 32),
                             a.begin() + static_cast<std::ptrdiff_t>(row * 32 + 32),
                             b.begin() + static_cast<std::ptrdiff_t>(column * 32),
                             static_cast<std::int32_t>(start_value));
      CHECK(c[row * 8 + column] == expected);
    }
  }
}

TEST_CASE("what no GPU could launch is refused, and what would hang one ends the program") {
  int* const none = nullptr;
  CHECK(start(count_kernel, dim3(0), 32, nullptr, none) == cudaErrorInvalidConfiguration);
  CHECK(start(count_kernel, 1, 1025, nullptr, none) == cudaErrorInvalidConfiguration);
  CHECK(start(count_kernel, dim3(1, 65536), 1, nullptr, none) == cudaErrorInvalidConfiguration);
  CHECK(signal_of(lonely_barrier_kernel) == SIGABRT);
  CHECK(signal_of(lost_lane_kernel) == SIGABRT);
  CHECK(signal_of(two_operations_kernel) == SIGABRT);
}
