// Vectors of floats for results of a pass: not zeroed when they are made, so that the threads of
// the pass are the first to touch their memory, and in large pages where the system has them.
//
// Tried for a new model of 40 MB and adam's state of 80 MB (benchmarks aggregate/mean and
// optimizer/adam: 16 updates, AVX-512, shares of the run's memcpy, medians of 3 runs on a busy
// machine), on one thread and on two: a zeroed std::vector 48 and 24 %, 48 and 23 %; untouched 4
// KiB pages 46 and 24 %, 54 and 24 %; untouched large pages 74 and 52 %, 74 and 53 %. So what cost
// was the system's work for each page, which threads wait for each other with, not the zeroing
// alone.
#pragma once

#include <algorithm>
#include <cstddef>
#include <new>
#include <utility>
#include <vector>

namespace gradmint::kernels {

// At a cache line, or at a large page where the block holds some. Throws std::bad_alloc.
void* allocate_untouched(std::size_t size_bytes);
void release_untouched(void* block, std::size_t size_bytes) noexcept;

// Leaves elements that are given no value as the memory was.
template <class T>
struct UntouchedAllocator {
  using value_type = T;
  UntouchedAllocator() = default;
  template <class U>
  // NOLINTNEXTLINE(google-explicit-constructor): allocators convert into each other
  UntouchedAllocator(const UntouchedAllocator<U>& /*other*/) {}

  T* allocate(std::size_t count) {
    if (count > static_cast<std::size_t>(-1) / sizeof(T)) throw std::bad_array_new_length();
    return static_cast<T*>(allocate_untouched(count * sizeof(T)));
  }
  void deallocate(T* block, std::size_t count) noexcept {
    release_untouched(block, count * sizeof(T));
  }
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
  template <class U>
  bool operator==(const UntouchedAllocator<U>& /*other*/) const {
    return true;
  }
};

// resize(n) and Floats(n) leave new values as the memory was: whoever makes it longer writes all.
using Floats = std::vector<float, UntouchedAllocator<float>>;
inline bool operator==(const Floats& a, const std::vector<float>& b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end());
}

}  // namespace gradmint::kernels
