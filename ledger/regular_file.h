// Opening what somebody else may have put there. Only a regular file is ever read: a pipe would be
// waited for, a device never ends, and a size is compared before a byte is read. Thread safe.
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <utility>

#include "kernels/base/result.h"
#include "ledger/bytes.h"

namespace gradmint {

// A descriptor that is closed on every way out.
class Descriptor {
 public:
  explicit Descriptor(int fd = -1) : fd_(fd) {}
  ~Descriptor();
  Descriptor(Descriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  bool close();  // now; false where closing finds out what writing did not (quota)

 private:
  int fd_;
};

// Inside a copy that somebody gave, a name stands for the file that lies there and for no other.
enum class Links { follow, refuse };

inline constexpr std::uint64_t kAnySizeBytes = std::numeric_limits<std::int64_t>::max();

struct RegularFile {
  Descriptor fd;  // for reading
  std::uint64_t size_bytes = 0;
};

// Never waits, whatever lies there. bad_input: it is no regular file (a directory, a pipe, a
// device, a link where none may be); corrupt: it is longer than `cap_bytes`; not_found and io as
// file_error says.
Result<RegularFile> open_regular_file(const std::filesystem::path& file, std::uint64_t cap_bytes,
                                      Links links = Links::follow);

// The whole of it, under the same conditions.
Result<Bytes> read_file(const std::filesystem::path& file, std::uint64_t cap_bytes,
                        Links links = Links::follow);

}  // namespace gradmint
