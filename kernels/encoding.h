// How an update's values are written as bytes, and a view of an update in that form. All rounds
// agree on one encoding (it is on the ledger); kernels decode as they read (decode_rule.h).
//
// Everything is little-endian. Values are blocked, so that the coordinates of a range of bytes are
// known. D values:
//
//   fp32   D floats.
//   bf16   D 16-bit values: the upper half of an fp32, rounded to nearest even.
//   fp16   D 16-bit values: IEEE binary16, rounded to nearest even.
//   int8   Blocks of 256 values with an exponent k each. First one signed byte k per block, padded
//          with zeros to a multiple of 4096 bytes; then D signed bytes q in [-127, 127].
//          x = q * 2^k. k is in [-126, 121], so x is never denormal and always finite. An encoder
//          takes the smallest such k with max|x| < 127.5 * 2^k, and q = x * 2^-k rounded to
//          nearest even.
//   int4   The same with q in [-7, 7] and max|x| < 7.5 * 2^k, two values a byte: the first in the
//          low four bits, two's complement. The last four bits of an odd D are zero.
//   top_k  Blocks of 4096 coordinates with a record each, of which `keep` (in [1, 4096]) values are
//          kept, or all where the last block has fewer: the kept coordinates, counted from the
//          block's first, in ascending order as 12-bit numbers packed from the low bits up (the
//          bits left in the last byte are zero); then as many fp32 values in that order. What is
//          not kept is 0. An encoder keeps the largest magnitudes, of equal ones the lowest
//          coordinate; it may be left with zeros to keep.
//
// A value of -0 is read as +0; no encoder here writes it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "kernels/base/result.h"

namespace gradmint::kernels {

// The numbers are on the ledger: never renumber.
enum class EncodingKind : std::uint8_t {
  fp32 = 0,
  bf16 = 1,
  fp16 = 2,
  int8 = 3,
  int4 = 4,
  top_k = 5,
};

inline constexpr std::uint32_t kIntegerBlock = 256;   // values under one exponent
inline constexpr std::uint32_t kTopKBlock = 4096;     // coordinates of one record
inline constexpr std::uint32_t kSectionBytes = 4096;  // the exponents are padded to this
inline constexpr int kMinBlockExponent = -126;        // k
inline constexpr int kMaxBlockExponent = 121;
inline constexpr std::uint16_t kDefaultKeep = 64;  // where only "top_k" is said

struct Encoding {
  EncodingKind kind = EncodingKind::fp32;
  std::uint16_t keep = 0;  // top_k: in [1, 4096]; 0 for all others
  bool operator==(const Encoding&) const = default;
};

// Whether there is such an encoding: a known kind, and a `keep` that belongs to it.
bool is_encoding(const Encoding& encoding);

// "fp32", "int8", "top_k:keep=64"; parse_encoding reads the same, and "top_k" alone.
std::string name_of(const Encoding& encoding);
Result<Encoding> parse_encoding(std::string_view name);

// How many bytes `count` values take; is_encoding() must hold.
std::uint64_t encoded_bytes(const Encoding& encoding, std::uint64_t count);

// Whether blocks of values have an exponent each: int8 and int4.
bool has_exponents(EncodingKind kind);

// Where in an update of `size` values the bytes of value `begin` lie, which begins a block of
// top_k and is even; not those of its exponent.
std::uint64_t value_offset(const Encoding& encoding, std::uint64_t size, std::uint64_t begin);

// An update where it lies, read and never copied whole. The bytes must outlive the view.
class Row {
 public:
  Row() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): plain values are the commonest row
  Row(std::span<const float> values)
      : bytes_(reinterpret_cast<const std::byte*>(values.data())), size_(values.size()) {}
  // `bytes` are those of `size` values, as long as encoded_bytes says (checked) and accepted by
  // check_encoded (check_encoded.h); aligned for floats where the encoding is fp32 (checked).
  Row(const Encoding& encoding, std::span<const std::uint8_t> bytes, std::size_t size);

  Encoding encoding() const { return encoding_; }
  std::size_t size() const { return size_; }  // in values
  const std::byte* bytes() const { return bytes_; }
  bool is_plain() const { return encoding_.kind == EncodingKind::fp32; }
  // The values themselves; plain rows only.
  const float* values() const { return reinterpret_cast<const float*>(bytes_); }

 private:
  Encoding encoding_;
  const std::byte* bytes_ = nullptr;
  std::size_t size_ = 0;
};

using Rows = std::span<const Row>;  // n updates of the same length

}  // namespace gradmint::kernels
