// Stands in for the toolkit's header of this name: copies to shared memory that run meanwhile.
#pragma once

#include "tests/emulated_cuda/emulator.h"

inline void __pipeline_memcpy_async(void* to, const void* from, std::size_t bytes) {
  emulated_cuda::copy_later(to, from, bytes);
}
inline void __pipeline_commit() { emulated_cuda::commit_copies(); }
inline void __pipeline_wait_prior(std::size_t batches) { emulated_cuda::wait_for_copies(batches); }
