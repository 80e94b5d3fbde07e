// Runs a CUDA kernel on the processor: the blocks of the grid one after another, the threads of a
// block as fibers, each until it has to wait for others. Every second launch goes through blocks,
// warps and lanes backwards, so that code which leans on an order shows.
//
// Stricter than a GPU: the program ends, with a line that says why, where a thread waits for one
// that has returned or waits somewhere else, and where the lanes of a warp meet in different
// operations. What it cannot show: the memory model (missing fences), and speed.
//
// One launch at a time; others wait.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>

#include "tests/emulated_cuda/vector_types.h"

namespace emulated_cuda {

inline constexpr unsigned kWarp = 32;

// Within the limits of every GPU, and not empty.
bool is_possible(dim3 grid, dim3 block);

void run(dim3 grid, dim3 block, const std::function<void()>& kernel);

// The following are called by running threads.

unsigned own_lane();

void block_barrier();

enum class Collective { barrier, shuffle, ballot, maximum, minimum, sum, multiply };
using Payload = std::array<std::uint64_t, 3>;
using Lanes = std::array<Payload, kWarp>;

// Waits for every lane of `mask` (all of them, or a part that holds the caller), all in the same
// operation, and returns what each gave. Valid until the lane's next exchange but one.
const Lanes& exchange(Collective operation, unsigned mask, const Payload& own);

// kernels/cuda_mma.h, with the layout that is stated there.
void multiply_add(std::int32_t (&sums)[4], const std::uint32_t (&a)[4],
                  const std::uint32_t (&b)[2]);

// Copies that have happened when they were waited for, and not before.
void copy_later(void* to, const void* from, std::size_t bytes);
void commit_copies();
void wait_for_copies(std::size_t batches_left);

}  // namespace emulated_cuda
