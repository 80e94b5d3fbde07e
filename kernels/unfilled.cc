#include "kernels/unfilled.h"

#include <sys/mman.h>

#include <cstdlib>

// Encoding 1e7 values into fresh memory of small pages took 23 ms, about 20 of them in the
// operating system, which makes 10,000 pages one by one; of huge pages 6 ms.
namespace gradmint::kernels {
namespace {

constexpr std::size_t kHugePage = std::size_t{2} << 20;
constexpr std::size_t kLarge = 2 * kHugePage;  // from here on rounding up to a page costs little

}  // namespace

void* allocate_unfilled(std::size_t bytes) {
  if (bytes < kLarge) return ::operator new(bytes);
  if (bytes > std::numeric_limits<std::size_t>::max() - kHugePage) throw std::bad_alloc();
  const std::size_t whole = (bytes + kHugePage - 1) / kHugePage * kHugePage;
  void* const memory = std::aligned_alloc(kHugePage, whole);
  if (memory == nullptr) throw std::bad_alloc();
  // A wish: where it is not granted, the pages are small ones.
  static_cast<void>(::madvise(memory, whole, MADV_HUGEPAGE));
  return memory;
}

void free_unfilled(void* memory, std::size_t bytes) {
  if (bytes < kLarge) {
    ::operator delete(memory);
  } else {
    std::free(memory);
  }
}

}  // namespace gradmint::kernels
