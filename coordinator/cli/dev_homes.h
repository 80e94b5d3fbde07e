// The directory of a `gradmint dev`: claimed for one process, and filled with the keys and settings
// that make the same seed give the same federation.
#pragma once

#include <filesystem>
#include <vector>

#include "coordinator/cli/dev_plan.h"
#include "ledger/directory_lock.h"

namespace gradmint {

// Holds the directory's lock for as long as it lives.
class DevHome {
 public:
  // With an empty `wanted`, a fresh directory below $TMPDIR (or the system's). bad_input: there is
  // something in it already; busy: another process holds it.
  static Result<DevHome> claim(const std::filesystem::path& wanted);

  const std::filesystem::path& path() const { return path_; }  // absolute

 private:
  DevHome(std::filesystem::path path, DirectoryLock lock)
      : path_(std::move(path)), lock_(std::move(lock)) {}
  std::filesystem::path path_;
  DirectoryLock lock_;
};

// Writes homes, keys, passphrase and the coordinator's settings. Gives the workers' addresses.
Result<std::vector<std::string>> furnish_homes(const DevPlan& plan);

}  // namespace gradmint
