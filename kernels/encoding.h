// How an update's values are written as bytes, and a view of an update in that form. All rounds
// agree on one encoding (it is on the ledger); kernels decode as they read (decode_rule.h).
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

namespace gradmint::kernels {

enum class EncodingKind : std::uint8_t { fp32 = 0 };

struct Encoding {
  EncodingKind kind = EncodingKind::fp32;
  bool operator==(const Encoding&) const = default;
};

// An update where it lies, read and never copied whole. The bytes must outlive the view.
class Row {
 public:
  Row() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): plain values are the commonest row
  Row(std::span<const float> values)
      : bytes_(reinterpret_cast<const std::byte*>(values.data())), size_(values.size()) {}

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
