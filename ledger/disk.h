// A file system, as far as what is kept needs one: durable files, blobs, the block store, the homes
// of coordinators and workers. Whoever keeps something is given the disk it keeps it on:
// posix_disk(), the machine's own, or that of a simulation, which fills up, and loses in a crash
// what was not synced (tests/simulation/simulated_disk.h).
//
// Calls give 0, or the errno of why not, of which file_error (durable_file.h) makes a line for a
// person. Interrupted calls are taken up again. Thread safe, but for one DiskFile in two threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/mapped_file.h"
#include "ledger/regular_file.h"

namespace leveldb {
class Env;
}

namespace gradmint {

// An open file. Destroying it closes it.
class DiskFile {
 public:
  virtual ~DiskFile() = default;
  // All of `bytes`, at the file's end. What failed may have written a part of them.
  virtual int append(ByteView bytes) = 0;
  // `got` bytes, less than asked for at the end of the file alone.
  virtual int read_at(std::uint64_t offset_bytes, std::span<std::uint8_t> into,
                      std::size_t& got) const = 0;
  virtual int size(std::uint64_t& size_bytes) const = 0;
  virtual int truncate(std::uint64_t size_bytes) = 0;
  // Its bytes outlive a power cut from here on; its name is its directory's to keep.
  virtual int sync() = 0;
  // The first name of a nameless one. EEXIST where something has it already.
  virtual int give_name(const std::filesystem::path& name) = 0;
  // Now: closing may find out what writing did not (quota, network file systems).
  virtual int close() = 0;
};

// What lies at a path.
struct DiskEntry {
  enum class Kind : std::uint8_t { nothing, regular, directory, other };
  Kind kind = Kind::nothing;  // nothing, too, where it cannot be told
  std::uint64_t size_bytes = 0;
  unsigned mode = 0;  // permission bits

  bool is_there() const { return kind != Kind::nothing; }
  bool is_regular() const { return kind == Kind::regular; }
  bool is_directory() const { return kind == Kind::directory; }
};

// Held until it is destroyed.
class DiskLock {
 public:
  virtual ~DiskLock() = default;
};

class Disk {
 public:
  enum class Open : std::uint8_t {
    existing,    // for reading
    create,      // for both, made where it is not there yet
    create_new,  // for writing; EEXIST
    nameless,    // for writing; `path` is the directory that its name will lie in. ENOTSUP
  };

  virtual ~Disk() = default;

  virtual int open(const std::filesystem::path& path, Open how, unsigned mode,
                   std::unique_ptr<DiskFile>& file) = 0;
  // As read_file and MappedFile::open say.
  virtual Result<Bytes> read(const std::filesystem::path& file, std::uint64_t cap_bytes,
                             Links links = Links::follow) const = 0;
  virtual Result<MappedFile> map(const std::filesystem::path& file,
                                 std::uint64_t cap_bytes = kAnySizeBytes,
                                 Links links = Links::follow) const = 0;
  virtual DiskEntry look(const std::filesystem::path& path, Links links = Links::follow) const = 0;
  // Names in a directory, in no order.
  virtual int list(const std::filesystem::path& directory,
                   std::vector<std::string>& names) const = 0;
  virtual int rename(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual int link(const std::filesystem::path& from, const std::filesystem::path& to) = 0;
  virtual int remove(const std::filesystem::path& path) = 0;  // a file, or an empty directory
  virtual int make_directory(const std::filesystem::path& directory, unsigned mode) = 0;
  virtual int sync_directory(const std::filesystem::path& directory) = 0;
  virtual int set_mode(const std::filesystem::path& path, unsigned mode) = 0;
  // EWOULDBLOCK while another holds it. See directory_lock.h.
  virtual int lock_directory(const std::filesystem::path& directory,
                             std::unique_ptr<DiskLock>& lock) = 0;
  // What LevelDB keeps a database with, the caller's to delete; null: its own, on this machine.
  virtual leveldb::Env* new_database_env() { return nullptr; }
};

Disk& posix_disk();

// The directory and all below it; what cannot be removed stays.
void remove_tree(Disk& disk, const std::filesystem::path& directory);

}  // namespace gradmint
