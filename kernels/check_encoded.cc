// One pass over the bytes, on one thread; fp32, bf16 and fp16 by the CPU level's kernels. Bound:
// memory for these, 20 to 31 GB/s, about what a memcpy of as much took in the same run; int8, int4
// and top_k have few bytes (benchmarks/README.md).
#include "kernels/check_encoded.h"

#include <algorithm>
#include <cstring>
#include <optional>

#include "kernels/cpu_kernels.h"
#include "kernels/cpu_level.h"
#include "kernels/decode_rule.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

constexpr std::uint64_t kTile = 4096;

EncodedCheck fault_at(EncodedFault fault, std::uint64_t at) { return {fault, at, 0}; }

EncodedCheck with_magnitude(std::int32_t magnitude) {
  return {EncodedFault::none, 0, exponent_of_magnitude(static_cast<std::uint32_t>(magnitude))};
}

std::optional<std::uint64_t> first_nonzero(const std::byte* bytes, std::uint64_t begin,
                                           std::uint64_t end) {
  const auto* found =
      std::find_if(bytes + begin, bytes + end, [](std::byte each) { return each != std::byte{0}; });
  if (found == bytes + end) return std::nullopt;
  return static_cast<std::uint64_t>(found - bytes);
}

EncodedCheck check_plain(const std::byte* bytes, std::uint64_t count) {
  const CpuKernels& kernels = default_cpu_kernels();
  float tile[kTile];  // the bytes need not be aligned
  std::int32_t largest = 0;
  for (std::uint64_t begin = 0; begin < count; begin += kTile) {
    const std::uint64_t here = std::min(count - begin, kTile);
    std::memcpy(tile, bytes + 4 * begin, 4 * here);
    largest = std::max(largest, kernels.largest_magnitude(tile, here));
  }
  if (largest < kInfinityMagnitude) return with_magnitude(largest);
  std::uint64_t at = 0;
  while ((load_bytes<std::int32_t>(bytes + 4 * at) & 0x7fffffff) < kInfinityMagnitude) ++at;
  return fault_at(EncodedFault::not_finite, at);
}

EncodedCheck check_halves(const std::byte* bytes, EncodingKind kind, std::uint64_t count) {
  const auto largest = default_cpu_kernels().decoders->largest_bits(kind, bytes, count);
  const bool brain = kind == EncodingKind::bf16;
  const std::uint32_t infinity = brain ? 0x7f80 : 0x7c00;
  if (largest >= infinity) {
    std::uint64_t at = 0;
    while ((load_bytes<std::uint16_t>(bytes + 2 * at) & 0x7fffu) < infinity) ++at;
    return fault_at(EncodedFault::not_finite, at);
  }
  const auto half = static_cast<std::int32_t>(largest);
  return with_magnitude(
      magnitude<Lanes<1>>(brain ? bf16_value<Lanes<1>>(half) : fp16_value<Lanes<1>>(half)));
}

EncodedCheck check_integers(const std::byte* bytes, EncodingKind kind, std::uint64_t count) {
  const bool four = kind == EncodingKind::int4;
  const auto largest_bits = default_cpu_kernels().decoders->largest_bits;
  const std::uint64_t section = exponent_section_bytes(count);
  const std::uint64_t blocks = (count + kIntegerBlock - 1) / kIntegerBlock;
  if (const auto at = first_nonzero(bytes, blocks, section)) {
    return fault_at(EncodedFault::nonzero_padding, *at);
  }
  std::int32_t largest = 0;
  for (std::uint64_t block = 0; block < blocks; ++block) {
    const std::uint64_t first = block * kIntegerBlock;
    const std::uint64_t here = std::min<std::uint64_t>(count - first, kIntegerBlock);
    const int k = (std::to_integer<int>(bytes[block]) ^ 0x80) - 0x80;  // two's complement
    if (k < kMinBlockExponent || k > kMaxBlockExponent) {
      return fault_at(EncodedFault::exponent_out_of_range, first);
    }
    const std::byte* integers = bytes + section + (four ? first / 2 : first);
    if (four && here % 2 != 0 && nibble(integers[here / 2], 1) != 0) {
      return fault_at(EncodedFault::nonzero_padding, section + (first + here) / 2);
    }
    const auto q = static_cast<std::int32_t>(largest_bits(kind, integers, here));
    if (q > (four ? 7 : 127)) {
      std::uint64_t at = 0;
      while (four ? nibble(integers[at / 2], at) != -8
                  : static_cast<std::int8_t>(integers[at]) != -128) {
        ++at;
      }
      return fault_at(EncodedFault::value_out_of_range, first + at);
    }
    largest = std::max(largest, magnitude<Lanes<1>>(integer_value<Lanes<1>>(q, block_unit(k))));
  }
  return with_magnitude(largest);
}

// One record; `largest` grows.
EncodedCheck check_record(const std::byte* record, std::uint64_t first, std::uint64_t inside,
                          std::uint64_t kept, std::int32_t& largest) {
  const std::byte* values = record + index_bytes(kept);
  std::int64_t before = -1;
  for (std::uint64_t j = 0; j < kept; ++j) {
    const std::uint32_t index = index_of_kept(record, j);
    if (index >= inside) return fault_at(EncodedFault::index_out_of_range, first + index);
    if (index <= before) return fault_at(EncodedFault::index_not_ascending, first + index);
    before = index;
    const std::int32_t size = load_bytes<std::int32_t>(values + 4 * j) & 0x7fffffff;
    if (size >= kInfinityMagnitude) return fault_at(EncodedFault::not_finite, first + index);
    largest = std::max(largest, size);
  }
  return {};
}

EncodedCheck check_kept(const std::byte* bytes, std::uint32_t keep, std::uint64_t count) {
  std::int32_t largest = 0;
  std::uint64_t at = 0;
  for (std::uint64_t first = 0; first < count; first += kTopKBlock) {
    const std::uint64_t inside = std::min<std::uint64_t>(count - first, kTopKBlock);
    const std::uint64_t kept = std::min<std::uint64_t>(keep, inside);
    const EncodedCheck check = check_record(bytes + at, first, inside, kept, largest);
    if (!check.ok()) return check;
    const std::uint64_t values = at + index_bytes(kept);
    if (kept % 2 != 0 && (bytes[values - 1] & std::byte{0xf0}) != std::byte{0}) {
      return fault_at(EncodedFault::nonzero_padding, values - 1);
    }
    at += record_bytes(kept);
  }
  return with_magnitude(largest);
}

}  // namespace

std::string_view name_of(EncodedFault fault) {
  switch (fault) {
    case EncodedFault::none:
      return "none";
    case EncodedFault::truncated:
      return "truncated";
    case EncodedFault::too_long:
      return "too_long";
    case EncodedFault::exponent_out_of_range:
      return "exponent_out_of_range";
    case EncodedFault::value_out_of_range:
      return "value_out_of_range";
    case EncodedFault::nonzero_padding:
      return "nonzero_padding";
    case EncodedFault::index_out_of_range:
      return "index_out_of_range";
    case EncodedFault::index_not_ascending:
      return "index_not_ascending";
    case EncodedFault::not_finite:
      break;
  }
  return "not_finite";
}

EncodedCheck check_encoded(std::span<const std::uint8_t> bytes, const Encoding& encoding,
                           std::uint64_t count) {
  const std::uint64_t expected = encoded_bytes(encoding, count);
  if (bytes.size() < expected) return fault_at(EncodedFault::truncated, bytes.size());
  if (bytes.size() > expected) return fault_at(EncodedFault::too_long, expected);
  const ExactFloats exact;
  const auto* from = reinterpret_cast<const std::byte*>(bytes.data());
  switch (encoding.kind) {
    case EncodingKind::fp32:
      return check_plain(from, count);
    case EncodingKind::bf16:
    case EncodingKind::fp16:
      return check_halves(from, encoding.kind, count);
    case EncodingKind::int8:
    case EncodingKind::int4:
      return check_integers(from, encoding.kind, count);
    case EncodingKind::top_k:
      break;
  }
  return check_kept(from, encoding.keep, count);
}

std::string describe(const EncodedCheck& check, const Encoding& encoding) {
  return name_of(encoding) + ": " + std::string(name_of(check.fault)) + " at " +
         std::to_string(check.at);
}

}  // namespace gradmint::kernels
