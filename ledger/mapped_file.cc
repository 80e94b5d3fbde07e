#include "ledger/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>
#include <utility>

#include "ledger/durable_file.h"

namespace gradmint {

Result<MappedFile> MappedFile::open(const std::filesystem::path& file, std::uint64_t cap_bytes,
                                    Links links) {
  const auto opened = open_regular_file(file, cap_bytes, links);
  if (!opened.ok()) return opened.error();
  MappedFile mapped;
  if (opened->size_bytes == 0) return mapped;  // an empty mapping is refused by the system
  const auto size = static_cast<std::size_t>(opened->size_bytes);
  void* const address = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, opened->fd.get(), 0);
  if (address == MAP_FAILED) return file_error("map", file, errno);
  mapped.mapping_ = std::shared_ptr<const void>(
      address, [size](const void* at) { ::munmap(const_cast<void*>(at), size); });
  mapped.bytes_ = {static_cast<const std::uint8_t*>(address), size};
  return mapped;
}

MappedFile MappedFile::of(std::shared_ptr<const void> owner, ByteView bytes) {
  MappedFile held;
  held.mapping_ = std::move(owner);
  held.bytes_ = bytes;
  return held;
}

MappedFile MappedFile::part(std::size_t offset, std::size_t size) const {
  GRADMINT_CHECK(offset <= bytes_.size() && size <= bytes_.size() - offset);
  MappedFile part = *this;
  part.bytes_ = bytes_.subspan(offset, size);
  return part;
}

}  // namespace gradmint
