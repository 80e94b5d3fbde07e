// The keys of the block store (listed in store.h). Numbers are big-endian so that iteration is in
// order.
#pragma once

#include <string>
#include <string_view>

#include "ledger/bytes.h"

namespace gradmint::store_keys {

inline constexpr std::string_view kSchema = "m/schema";
inline constexpr std::string_view kTip = "m/tip";
inline constexpr std::string_view kSequence = "m/sequence";
inline constexpr std::string_view kGenesis = "g/";
inline constexpr std::string_view kHeader = "h/";
inline constexpr std::string_view kTransactions = "b/";
inline constexpr std::string_view kCertificate = "q/";
inline constexpr std::string_view kReceipts = "r/";
inline constexpr std::string_view kTransactionId = "t/";
inline constexpr std::string_view kAccountIndex = "x/";
inline constexpr std::string_view kState = "s/";
inline constexpr std::string_view kPending = "p/";

inline void append_big_endian(std::string& out, std::uint64_t value, int size_bytes) {
  for (int i = size_bytes - 1; i >= 0; --i) out.push_back(static_cast<char>(value >> (8 * i)));
}

// Precondition: at most 8 bytes.
inline std::uint64_t read_big_endian(std::string_view bytes) {
  std::uint64_t value = 0;
  for (const char c : bytes) value = value << 8 | static_cast<unsigned char>(c);
  return value;
}

inline std::string big_endian(std::uint64_t value, int size_bytes) {
  std::string out;
  append_big_endian(out, value, size_bytes);
  return out;
}

inline std::string_view as_text(ByteView bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

inline std::string at_height(std::string_view prefix, std::uint64_t height) {
  std::string key(prefix);
  append_big_endian(key, height, 8);
  return key;
}

inline std::string of_hash(std::string_view prefix, const Hash& hash) {
  return std::string(prefix).append(as_text(hash.view()));
}

inline std::string of_account_at(const AccountId& account, std::uint64_t height) {
  std::string key = of_hash(kAccountIndex, account);
  append_big_endian(key, height, 8);
  return key;
}

inline std::string with_prefix(std::string_view prefix, std::string_view rest) {
  return std::string(prefix).append(rest);
}

}  // namespace gradmint::store_keys
