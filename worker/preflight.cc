#include "worker/preflight.h"

#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>

#include "kernels/base/utc_text.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kMiB = 1ULL << 20;
constexpr std::uint64_t kNeededDiskBytes = 1ULL << 30;
constexpr std::int64_t kMaxSkewMs = 30'000;
constexpr std::int64_t kYear2024Ms = 1'704'067'200'000;
constexpr std::int64_t kYear2100Ms = 4'102'444'800'000;

std::uint64_t available_memory_bytes() {
  std::ifstream file("/proc/meminfo");
  std::string key;
  std::uint64_t kib = 0;
  std::string unit;
  while (file >> key >> kib) {
    std::getline(file, unit);
    if (key == "MemAvailable:") return kib * 1024;
  }
  return 0;
}

std::string mib(std::uint64_t bytes) { return std::to_string(bytes / kMiB) + " MiB"; }

}  // namespace

CheckLine check_memory(std::uint64_t needed_bytes) {
  const std::uint64_t available = available_memory_bytes();
  if (available == 0) return {"memory", false, "cannot read /proc/meminfo; is /proc mounted?"};
  if (available < needed_bytes)
    return {"memory", false,
            mib(available) + " free, " + mib(needed_bytes) +
                " needed; close other programs or use a smaller model or shard"};
  return {"memory", true, mib(available) + " free, " + mib(needed_bytes) + " needed"};
}

CheckLine check_clock(std::optional<std::int64_t> peer_unix_ms) {
  const std::int64_t now = std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::system_clock::now().time_since_epoch())
                               .count();
  if (now < kYear2024Ms || now > kYear2100Ms)
    return {"clock", false, "this machine's date is wrong; set it, or start its NTP service"};
  if (!peer_unix_ms) return {"clock", true, "the date is plausible"};
  const std::int64_t skew = now - *peer_unix_ms;
  if (skew >= -kMaxSkewMs && skew <= kMaxSkewMs)
    return {"clock", true, std::to_string(skew) + " ms from the coordinator's"};
  return {"clock", true,
          "here it is " + utc_text(static_cast<std::uint64_t>(now)) + ", at the coordinator " +
              utc_text(static_cast<std::uint64_t>(std::max<std::int64_t>(*peer_unix_ms, 0))) +
              ", " + std::to_string(std::abs(skew) / 1000) +
              " s apart: rounds go on, but the times in blocks and in both logs will not agree; "
              "start the NTP service where the clock is wrong",
          CheckWord::warning};
}

CheckLine check_home(const std::filesystem::path& home) {
  std::filesystem::path existing = home;
  std::error_code failed;
  while (!std::filesystem::exists(existing, failed) && existing.has_relative_path())
    existing = existing.has_parent_path() ? existing.parent_path() : ".";
  if (!std::filesystem::is_directory(existing, failed))
    return {"home", false, existing.string() + " is not a directory; choose another --home"};
  if (::access(existing.c_str(), W_OK | X_OK) != 0)
    return {"home", false, existing.string() + " is not writable; choose another --home"};
  const std::filesystem::space_info space = std::filesystem::space(existing, failed);
  if (failed) return {"home", false, existing.string() + ": " + failed.message()};
  if (space.available < kNeededDiskBytes)
    return {"home", false,
            mib(space.available) + " free on its disk; 1024 MiB are needed, make room"};
  return {"home", true, home.string() + ", " + mib(space.available) + " free on its disk"};
}

CheckLine check_key(const std::filesystem::path& key_file) {
  std::error_code failed;
  const std::filesystem::file_status status = std::filesystem::status(key_file, failed);
  if (!std::filesystem::exists(status))
    return {"key", false, key_file.string() + " is not there; run gradmint keys new"};
  using std::filesystem::perms;
  if ((status.permissions() & (perms::group_all | perms::others_all)) != perms::none)
    return {"key", false, key_file.string() + " can be read by others; run chmod 600 on it"};
  if (::access(key_file.c_str(), R_OK) != 0)
    return {"key", false, key_file.string() + " cannot be read; check who owns it"};
  return {"key", true, key_file.string()};
}

std::string format_check(const CheckLine& line) {
  std::string name = line.name;
  name.resize(10, ' ');
  constexpr const char* kWords[] = {"ok      ", "note    ", "skipped ", "warning "};
  return (line.passed ? kWords[static_cast<std::size_t>(line.word)] : "FAILED  ") + name +
         line.text;
}

}  // namespace gradmint
