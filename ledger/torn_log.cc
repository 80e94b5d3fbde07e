#include "ledger/torn_log.h"

#include <algorithm>
#include <array>
#include <string>
#include <vector>

#include "ledger/durable_file.h"

namespace gradmint {
namespace {

constexpr std::size_t kBlockBytes = 32768;
constexpr std::size_t kHeadBytes = 7;  // checksum 4, length 2, type 1
constexpr std::size_t kMaxLogBytes = std::size_t{1} << 30;

std::uint32_t crc32c(ByteView bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      std::uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
      made[i] = crc;
    }
    return made;
  }();
  std::uint32_t crc = ~0u;
  for (const std::uint8_t byte : bytes) crc = table[(crc ^ byte) & 0xFF] ^ crc >> 8;
  return ~crc;
}

std::uint32_t number_at(ByteView log, std::size_t at, std::size_t bytes) {
  std::uint32_t value = 0;
  for (std::size_t i = bytes; i-- > 0;) value = value << 8 | log[at + i];
  return value;
}

// Where the record at `at` ends; nothing where none is whole there.
std::optional<std::size_t> end_of_record(ByteView log, std::size_t at) {
  if (log.size() - at < kHeadBytes) return std::nullopt;
  const std::size_t length = number_at(log, at + 4, 2);
  if (log[at + 6] == 0 || log.size() - at - kHeadBytes < length) return std::nullopt;
  const std::uint32_t stored = number_at(log, at, 4) - 0xA282EAD8u;  // as it is masked
  const std::uint32_t crc = stored >> 17 | stored << 15;
  if (crc != crc32c(log.subspan(at + 6, 1 + length))) return std::nullopt;
  return at + kHeadBytes + length;
}

// The newest log and every manifest.
Result<std::vector<std::string>> files_of(const Disk& disk, const std::filesystem::path& database) {
  std::vector<std::string> names, found;
  if (const int failed = disk.list(database, names)) return file_error("list", database, failed);
  std::string newest;
  for (const std::string& name : names) {
    if (name.starts_with("MANIFEST-") && !name.ends_with(".torn")) found.push_back(name);
    if (name.ends_with(".log"))
      newest = std::max(newest, name);  // of six digits or more, by LevelDB
  }
  if (!newest.empty()) found.push_back(newest);
  return found;
}

}  // namespace

std::optional<std::size_t> whole_bytes_before_torn_end(ByteView log) {
  std::size_t at = 0;
  while (log.size() - at >= kHeadBytes) {
    const std::size_t left_in_block = kBlockBytes - at % kBlockBytes;
    if (left_in_block < kHeadBytes) {
      at += std::min(left_in_block, log.size() - at);
      continue;
    }
    const auto end = end_of_record(log, at);
    if (!end) break;
    at = *end;
  }
  ByteView rest = log.subspan(at);
  if (rest.empty()) return std::nullopt;
  const bool has_zeros = rest.back() == 0;
  while (!rest.empty() && rest.back() == 0) rest = rest.first(rest.size() - 1);
  if (!has_zeros || rest.empty()) return std::nullopt;  // LevelDB knows these ends itself
  // What is left of the record must lie within it: what follows one is no end of the file.
  const std::size_t head = std::min(rest.size(), kHeadBytes);
  const std::size_t longest = head < kHeadBytes ? kHeadBytes : kHeadBytes + number_at(rest, 4, 2);
  return rest.size() <= longest ? std::optional(at) : std::nullopt;
}

Result<bool> cut_torn_ends(Disk& disk, const std::filesystem::path& database) {
  const auto names = files_of(disk, database);
  if (!names.ok()) return names.error();
  bool cut = false;
  for (const std::string& name : *names) {
    const std::filesystem::path file = database / name;
    const auto log = disk.map(file, kMaxLogBytes, Links::refuse);
    if (!log.ok()) return log.error();
    const auto whole = whole_bytes_before_torn_end(log->bytes());
    if (!whole) continue;
    if (Status kept = replace_file(disk, file.string() + ".torn", log->bytes()); !kept.ok())
      return kept.error();
    if (Status done = replace_file(disk, file, log->bytes().first(*whole)); !done.ok())
      return done.error();
    cut = true;
  }
  return cut;
}

}  // namespace gradmint
