// A vector whose new values are left as they are: for memory that is written whole right after it
// was asked for. Filling it with zeros first would be a pass of its own.
#pragma once

#include <memory>
#include <new>
#include <utility>
#include <vector>

namespace gradmint::kernels {

template <class T>
struct UnfilledAllocator : std::allocator<T> {
  template <class U>
  struct rebind {
    using other = UnfilledAllocator<U>;
  };
  template <class U>
  void construct(U* at) noexcept {
    ::new (static_cast<void*>(at)) U;
  }
  template <class U, class... Arguments>
  void construct(U* at, Arguments&&... arguments) {
    ::new (static_cast<void*>(at)) U(std::forward<Arguments>(arguments)...);
  }
};

template <class T>
using UnfilledVector = std::vector<T, UnfilledAllocator<T>>;

}  // namespace gradmint::kernels
