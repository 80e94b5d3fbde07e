// LevelDB's files as somebody sees them who wants to harm: where the parts are that a checksum
// covers, and how to change one so that its checksum holds (doc/log_format.md, doc/table_format.md
// of LevelDB).
#pragma once

#include <array>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <string>
#include <vector>

namespace gradmint::test {

inline std::uint32_t crc32c(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < 256; ++i) {
      std::uint32_t crc = i;
      for (int bit = 0; bit < 8; ++bit) crc = (crc & 1) != 0 ? crc >> 1 ^ 0x82F63B78u : crc >> 1;
      made[i] = crc;
    }
    return made;
  }();
  std::uint32_t crc = ~0u;
  for (const char c : bytes) crc = table[(crc ^ static_cast<std::uint8_t>(c)) & 0xFF] ^ crc >> 8;
  return ~crc;
}

// As LevelDB stores it.
inline std::uint32_t masked(std::uint32_t crc) { return (crc >> 15 | crc << 17) + 0xA282EAD8u; }

// Bytes that one checksum covers, and where that stands.
struct Covered {
  std::size_t begin = 0, size = 0, checksum_at = 0;
};

inline std::uint64_t fixed(const std::string& file, std::size_t at, std::size_t bytes) {
  std::uint64_t value = 0;
  for (std::size_t i = bytes; i-- > 0;)
    value = value << 8 | static_cast<std::uint8_t>(file.at(at + i));
  return value;
}

// Logs and manifests: blocks of 32 KiB, records of checksum, length (2), type (1) and data; the
// checksum covers type and data.
inline std::vector<Covered> records_of_log(const std::string& file) {
  constexpr std::size_t kBlock = 32768, kHead = 7;
  std::vector<Covered> records;
  for (std::size_t at = 0; at + kHead <= file.size();) {
    if (kBlock - at % kBlock < kHead) {
      at += kBlock - at % kBlock;
      continue;
    }
    const std::size_t length = fixed(file, at + 4, 2);
    if (at + kHead + length > file.size() || file[at + 6] == 0) break;
    records.push_back({at + 6, 1 + length, at});
    at += kHead + length;
  }
  return records;
}

inline std::uint64_t varint(const std::string& file, std::size_t& at) {
  std::uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const auto byte = static_cast<std::uint8_t>(file.at(at++));
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if ((byte & 0x80) == 0) return value;
  }
}

// Tables: blocks of contents, type (1) and checksum over both; the last 48 bytes name the index of
// blocks. (The entries of an index are keys that share a prefix; the values are places.)
inline std::vector<Covered> blocks_of_table(const std::string& file) {
  std::vector<Covered> blocks;
  const auto add = [&](std::uint64_t offset, std::uint64_t size) {
    blocks.push_back({offset, size + 1, offset + size + 1});
  };
  std::size_t at = file.size() - 48;
  const std::uint64_t meta_offset = varint(file, at), meta_size = varint(file, at);
  const std::uint64_t index_offset = varint(file, at), index_size = varint(file, at);
  add(meta_offset, meta_size);
  add(index_offset, index_size);
  const std::uint64_t restarts = fixed(file, index_offset + index_size - 4, 4);
  const std::size_t end = index_offset + index_size - 4 - 4 * restarts;
  for (at = index_offset; at < end;) {
    varint(file, at);  // shared
    const std::uint64_t key_bytes = varint(file, at);
    varint(file, at);  // the value's size
    at += key_bytes;
    const std::uint64_t offset = varint(file, at), size = varint(file, at);
    add(offset, size);
  }
  return blocks;
}

inline void fix_checksum(std::string& file, const Covered& part) {
  const std::uint32_t sum = masked(crc32c(std::string_view(file).substr(part.begin, part.size)));
  for (std::size_t i = 0; i < 4; ++i)
    file[part.checksum_at + i] = static_cast<char>(sum >> (8 * i));
}

inline std::vector<Covered> covered_parts(const std::filesystem::path& name,
                                          const std::string& file) {
  return name.extension() == ".ldb" ? blocks_of_table(file) : records_of_log(file);
}

}  // namespace gradmint::test
