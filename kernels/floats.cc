#include "kernels/floats.h"

#include <sys/mman.h>

namespace gradmint::kernels {
namespace {

constexpr std::size_t kLineBytes = 64;
constexpr std::size_t kLargePageBytes = std::size_t{2} << 20;

// A block that is not at least two large pages long is not worth the alignment.
std::align_val_t alignment_of(std::size_t size_bytes) {
  return std::align_val_t{size_bytes < 2 * kLargePageBytes ? kLineBytes : kLargePageBytes};
}

}  // namespace

void* allocate_untouched(std::size_t size_bytes) {
  const std::align_val_t alignment = alignment_of(size_bytes);
  void* const block = ::operator new(size_bytes, alignment);
  // Only a hint: where the system has no large pages, the others serve.
  if (alignment == std::align_val_t{kLargePageBytes}) ::madvise(block, size_bytes, MADV_HUGEPAGE);
  return block;
}

void release_untouched(void* block, std::size_t size_bytes) noexcept {
  ::operator delete(block, alignment_of(size_bytes));
}

}  // namespace gradmint::kernels
