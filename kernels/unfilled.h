// A vector whose new values are left as they are: for memory that is written whole right after it
// was asked for. Filling it with zeros first would be a pass of its own, and what the operating
// system does for each new page takes longer than encoding into it: large ones are asked for in
// huge pages (unfilled.cc has what that gains).
#pragma once

#include <cstddef>
#include <limits>
#include <new>
#include <utility>
#include <vector>

namespace gradmint::kernels {

// Throws std::bad_alloc where there is none.
void* allocate_unfilled(std::size_t bytes);
void free_unfilled(void* memory, std::size_t bytes);

template <class T>
struct UnfilledAllocator {
  using value_type = T;
  UnfilledAllocator() = default;
  template <class U>
  UnfilledAllocator(const UnfilledAllocator<U>&) {}  // NOLINT: vectors convert it

  T* allocate(std::size_t count) {
    if (count > std::numeric_limits<std::size_t>::max() / sizeof(T)) throw std::bad_alloc();
    return static_cast<T*>(allocate_unfilled(count * sizeof(T)));
  }
  void deallocate(T* memory, std::size_t count) { free_unfilled(memory, count * sizeof(T)); }

  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }

  template <class U>
  bool operator==(const UnfilledAllocator<U>&) const {
    return true;
  }
};

template <class T>
using UnfilledVector = std::vector<T, UnfilledAllocator<T>>;

}  // namespace gradmint::kernels
