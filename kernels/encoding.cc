#include "kernels/encoding.h"

#include <array>
#include <charconv>
#include <utility>

#include "kernels/decode_rule.h"

namespace gradmint::kernels {
namespace {

constexpr std::array<std::pair<EncodingKind, std::string_view>, 6> kNames{{
    {EncodingKind::fp32, "fp32"},
    {EncodingKind::bf16, "bf16"},
    {EncodingKind::fp16, "fp16"},
    {EncodingKind::int8, "int8"},
    {EncodingKind::int4, "int4"},
    {EncodingKind::top_k, "top_k"},
}};

Error bad_name(std::string_view name, const std::string& why) {
  return {ErrorCode::bad_input, "encoding '" + std::string(name) + "' " + why};
}

}  // namespace

bool is_encoding(const Encoding& encoding) {
  if (encoding.kind == EncodingKind::top_k) {
    return encoding.keep >= 1 && encoding.keep <= kTopKBlock;
  }
  return encoding.kind < EncodingKind::top_k && encoding.keep == 0;
}

std::string name_of(const Encoding& encoding) {
  for (const auto& [kind, name] : kNames) {
    if (kind != encoding.kind) continue;
    std::string text(name);
    if (kind == EncodingKind::top_k) text += ":keep=" + std::to_string(encoding.keep);
    return text;
  }
  return "encoding " + std::to_string(static_cast<int>(encoding.kind));
}

Result<Encoding> parse_encoding(std::string_view name) {
  const std::size_t colon = name.find(':');
  const std::string_view wanted = name.substr(0, colon);
  for (const auto& [kind, known] : kNames) {
    if (wanted != known) continue;
    Encoding encoding{kind, kind == EncodingKind::top_k ? kDefaultKeep : std::uint16_t{0}};
    if (colon == std::string_view::npos) return encoding;
    constexpr std::string_view prefix = "keep=";
    std::string_view number = name.substr(colon + 1);
    if (kind != EncodingKind::top_k || number.substr(0, prefix.size()) != prefix) {
      return bad_name(name, "has a parameter it does not take: only top_k takes one, keep=NUMBER");
    }
    number.remove_prefix(prefix.size());
    const char* const end = number.data() + number.size();
    const auto parsed = std::from_chars(number.data(), end, encoding.keep);
    if (parsed.ec != std::errc{} || parsed.ptr != end || !is_encoding(encoding)) {
      return bad_name(name, "keeps a number of values that is not a whole one in [1, 4096]");
    }
    return encoding;
  }
  return bad_name(name, "is unknown: use fp32, bf16, fp16, int8, int4 or top_k:keep=NUMBER");
}

std::uint64_t encoded_bytes(const Encoding& encoding, std::uint64_t count) {
  GRADMINT_CHECK(is_encoding(encoding));
  switch (encoding.kind) {
    case EncodingKind::fp32:
      return 4 * count;
    case EncodingKind::bf16:
    case EncodingKind::fp16:
      return 2 * count;
    case EncodingKind::int8:
      return exponent_section_bytes(count) + count;
    case EncodingKind::int4:
      return exponent_section_bytes(count) + (count + 1) / 2;
    case EncodingKind::top_k:
      break;
  }
  const std::uint64_t rest = count % kTopKBlock;
  const std::uint64_t whole = count / kTopKBlock * record_bytes(encoding.keep);
  return whole + record_bytes(rest < encoding.keep ? rest : encoding.keep);
}

bool has_exponents(EncodingKind kind) {
  return kind == EncodingKind::int8 || kind == EncodingKind::int4;
}

std::uint64_t value_offset(const Encoding& encoding, std::uint64_t size, std::uint64_t begin) {
  if (!has_exponents(encoding.kind)) return encoded_bytes(encoding, begin);
  return exponent_section_bytes(size) + (encoding.kind == EncodingKind::int4 ? begin / 2 : begin);
}

Row::Row(const Encoding& encoding, std::span<const std::uint8_t> bytes, std::size_t size)
    : encoding_(encoding), bytes_(reinterpret_cast<const std::byte*>(bytes.data())), size_(size) {
  GRADMINT_CHECK(bytes.size() == encoded_bytes(encoding, size));
  GRADMINT_CHECK(!is_plain() ||
                 reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) == 0);
}

}  // namespace gradmint::kernels
