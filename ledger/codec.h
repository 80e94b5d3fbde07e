// The one codec for everything that is signed or stored: little-endian, no padding, lengths first
// and capped. For every accepted input, encoding what was decoded gives the same bytes; a reader
// that did not end exactly at the end of its input, or met a cap, has failed. Decoders never throw
// and never allocate more than the bytes that are there justify.
#pragma once

#include <cstring>
#include <limits>
#include <string>
#include <utility>

#include "kernels/base/check.h"
#include "kernels/base/text.h"
#include "ledger/bytes.h"

namespace gradmint {

class Writer {
 public:
  void u8(std::uint8_t v) { out_.push_back(v); }
  void u16(std::uint16_t v) { little_endian(v, 2); }
  void u32(std::uint32_t v) { little_endian(v, 4); }
  void u64(std::uint64_t v) { little_endian(v, 8); }
  void i16(std::int16_t v) { u16(static_cast<std::uint16_t>(v)); }
  void i64(std::int64_t v) { u64(static_cast<std::uint64_t>(v)); }
  void boolean(bool v) { u8(v ? 1 : 0); }
  void hash(const Hash& v) { raw(v.view()); }
  void raw(ByteView v) { out_.insert(out_.end(), v.begin(), v.end()); }
  void bytes(ByteView v) {  // u32 length, then the bytes
    GRADMINT_CHECK(v.size() <= std::numeric_limits<std::uint32_t>::max());
    u32(static_cast<std::uint32_t>(v.size()));
    raw(v);
  }
  void text(std::string_view v) { bytes(as_bytes(v)); }

  const Bytes& view() const { return out_; }
  Bytes take() { return std::move(out_); }

 private:
  void little_endian(std::uint64_t v, int size) {
    for (int i = 0; i < size; ++i) out_.push_back(static_cast<std::uint8_t>(v >> (8 * i)));
  }
  Bytes out_;
};

// Reads fail softly: after the first failure every read returns zero and ok() stays false, so a
// decoder reads straight through and asks once.
class Reader {
 public:
  explicit Reader(ByteView in) : in_(in) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(little_endian(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(little_endian(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(little_endian(4)); }
  std::uint64_t u64() { return little_endian(8); }
  std::int16_t i16() { return static_cast<std::int16_t>(u16()); }
  std::int64_t i64() { return static_cast<std::int64_t>(u64()); }
  bool boolean() {
    const std::uint8_t v = u8();
    if (v > 1) fail();
    return v == 1;
  }
  Hash hash() {
    Hash h;
    const ByteView v = raw(h.bytes.size());
    if (ok_) std::memcpy(h.bytes.data(), v.data(), v.size());
    return h;
  }
  ByteView raw(std::size_t size) {
    if (!ok_ || size > in_.size() - at_) {
      fail();
      return {};
    }
    const ByteView v = in_.subspan(at_, size);
    at_ += size;
    return v;
  }
  Bytes bytes(std::size_t cap) {
    const std::uint32_t size = u32();
    if (size > cap) fail();
    const ByteView v = raw(ok_ ? size : 0);
    return {v.begin(), v.end()};
  }
  // One line of text, clean as in kernels/base/text.h: it will be shown to people.
  std::string text(std::size_t cap) { return checked_text(cap, is_clean_text); }
  // Several lines.
  std::string lines(std::size_t cap) { return checked_text(cap, is_clean_lines); }
  // The length of a list whose elements take at least `element_bytes` each.
  std::uint32_t count(std::uint32_t cap, std::size_t element_bytes) {
    const std::uint32_t n = u32();
    if (n > cap || n * static_cast<std::uint64_t>(element_bytes) > in_.size() - at_) fail();
    return ok_ ? n : 0;
  }

  void fail() { ok_ = false; }
  bool ok() const { return ok_; }
  // Whether the first failure was a text that is not clean.
  bool met_unclean_text() const { return met_unclean_text_; }
  // True when everything was read and nothing was left over: ask this last.
  bool finished() const { return ok_ && at_ == in_.size(); }
  std::size_t position() const { return at_; }

 private:
  std::string checked_text(std::size_t cap, bool (*is_clean)(std::string_view)) {
    const Bytes v = bytes(cap);
    std::string text(v.begin(), v.end());
    if (ok_ && !is_clean(text)) {
      met_unclean_text_ = true;
      fail();
    }
    return text;
  }
  std::uint64_t little_endian(std::size_t size) {
    const ByteView v = raw(size);
    std::uint64_t value = 0;
    for (std::size_t i = 0; i < v.size(); ++i) value |= std::uint64_t{v[i]} << (8 * i);
    return value;
  }
  ByteView in_;
  std::size_t at_ = 0;
  bool ok_ = true;
  bool met_unclean_text_ = false;
};

}  // namespace gradmint
