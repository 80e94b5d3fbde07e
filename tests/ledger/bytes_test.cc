#include "ledger/bytes.h"

#include <doctest/doctest.h>

#include "ledger/codec.h"

using namespace gradmint;

TEST_CASE("hexadecimal: what is read back is what was written, and nothing else is read") {
  struct Row {
    std::string_view text;
    std::optional<Bytes> expected;
  };
  const Row rows[] = {
      {"", Bytes{}},        {"00", Bytes{0}},      {"00fF7f", Bytes{0, 255, 127}},
      {"0", std::nullopt},  {"000", std::nullopt}, {"0g", std::nullopt},
      {"g0", std::nullopt}, {" 0", std::nullopt},  {"0x", std::nullopt},
      {"+1", std::nullopt},
  };
  for (const Row& row : rows) {
    CAPTURE(row.text);
    CHECK(from_hex(row.text) == row.expected);
  }
  for (int value = 0; value < 256; ++value) {
    const Bytes one{static_cast<std::uint8_t>(value)};
    CHECK(from_hex(to_hex(one)) == one);
  }
}

TEST_CASE("hexadecimal: a hash has exactly 64 digits") {
  const std::string digits(64, '7');
  REQUIRE(hash_from_hex(digits));
  CHECK(to_hex(*hash_from_hex(digits)) == digits);
  CHECK_FALSE(hash_from_hex(digits + "77"));
  CHECK_FALSE(hash_from_hex(digits.substr(2)));
  CHECK(Hash{}.is_zero());
  CHECK_FALSE(hash_from_hex(digits)->is_zero());
}

TEST_CASE("codec: golden bytes, little-endian, lengths first") {
  Writer out;
  out.u8(1);
  out.u16(0x0203);
  out.u32(0x04050607);
  out.u64(0x08090a0b0c0d0e0f);
  out.i16(-2);
  out.i64(-3);
  out.boolean(true);
  out.text("ab");
  CHECK(to_hex(out.view()) ==
        "01"
        "0302"
        "07060504"
        "0f0e0d0c0b0a0908"
        "feff"
        "fdffffffffffffff"
        "01"
        "020000006162");
  const Bytes bytes = out.take();
  Reader in(bytes);
  CHECK(in.u8() == 1);
  CHECK(in.u16() == 0x0203);
  CHECK(in.u32() == 0x04050607);
  CHECK(in.u64() == 0x08090a0b0c0d0e0f);
  CHECK(in.i16() == -2);
  CHECK(in.i64() == -3);
  CHECK(in.boolean());
  CHECK_FALSE(in.finished());
  CHECK(in.text(2) == "ab");
  CHECK(in.finished());
}

TEST_CASE("codec: every shorter input fails, and stays failed") {
  Writer out;
  out.u32(7);
  out.hash(Hash{});
  out.text("four");
  out.boolean(false);
  const Bytes whole = out.take();
  for (std::size_t size = 0; size <= whole.size(); ++size) {
    Reader in(ByteView(whole).first(size));
    in.u32();
    in.hash();
    in.text(4);
    in.boolean();
    CAPTURE(size);
    CHECK(in.finished() == (size == whole.size()));
    if (!in.ok()) {
      CHECK(in.u64() == 0);
      CHECK(in.raw(0).empty());
      CHECK_FALSE(in.ok());
    }
  }
}

TEST_CASE("codec: caps, trailing bytes and odd booleans are refused") {
  SUBCASE("length above its cap") {
    const Bytes bytes{5, 0, 0, 0, 1, 2, 3, 4, 5};
    Reader in(bytes);
    CHECK(in.bytes(4).empty());
    CHECK_FALSE(in.ok());
  }
  SUBCASE("a length that promises more than there is allocates nothing") {
    const Bytes bytes{255, 255, 255, 255, 1};
    Reader in(bytes);
    CHECK(in.bytes(std::size_t{1} << 33).empty());
    CHECK_FALSE(in.ok());
    Reader list(bytes);
    CHECK(list.count(0xffffffff, 32) == 0);
    CHECK_FALSE(list.ok());
  }
  SUBCASE("trailing byte") {
    const Bytes bytes{1, 0};
    Reader in(bytes);
    in.u8();
    CHECK(in.ok());
    CHECK_FALSE(in.finished());
  }
  SUBCASE("boolean") {
    for (int value = 2; value < 256; ++value) {
      const Bytes bytes{static_cast<std::uint8_t>(value)};
      Reader in(bytes);
      in.boolean();
      CHECK_FALSE(in.ok());
    }
  }
  SUBCASE("count") {
    const Bytes bytes{2, 0, 0, 0, 9, 9, 9, 9};
    Reader fits(bytes);
    CHECK(fits.count(2, 2) == 2);
    Reader above_cap(bytes);
    CHECK(above_cap.count(1, 2) == 0);
    CHECK_FALSE(above_cap.ok());
    Reader too_long(bytes);
    CHECK(too_long.count(2, 3) == 0);
    CHECK_FALSE(too_long.ok());
  }
}
