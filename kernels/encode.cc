#include "kernels/encode.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>

#include "kernels/cpu_level.h"
#include "kernels/decode_rule.h"
#include "kernels/encode_rule.h"
#include "kernels/parallel.h"
#include "kernels/row_tile.h"

namespace gradmint::kernels {
namespace {

constexpr std::size_t kTile = 4096;

Error bad_value(const Encoding& encoding, std::size_t at, const std::string& why) {
  return {ErrorCode::bad_input,
          "encoding as " + name_of(encoding) + ": value " + std::to_string(at) + " " + why};
}

Error too_large(const Encoding& encoding, std::size_t at) {
  return bad_value(encoding, at,
                   "is too large for it: lower the learning rate, clip the update, or use fp32");
}

class Encoder {
 public:
  Encoder(const Encoding& encoding, std::span<const float> values)
      : encoding_(encoding), values_(values), bytes_(encoded_bytes(encoding, values.size())) {}

  Status run() {
    switch (encoding_.kind) {
      case EncodingKind::fp32:
        return plain();
      case EncodingKind::bf16:
        return halves(bf16_bits);
      case EncodingKind::fp16:
        return halves(fp16_bits);
      case EncodingKind::int8:
      case EncodingKind::int4:
        return integers();
      case EncodingKind::top_k:
        break;
    }
    return kept();
  }
  std::vector<std::uint8_t> take() { return std::move(bytes_); }

 private:
  float value(std::size_t i) const { return values_[i] + 0.0f; }  // -0 becomes +0
  Status plain();
  Status halves(std::uint32_t (*bits_of)(float));
  Status integers();
  Status kept();
  void keep_block(std::size_t first, std::size_t count, std::uint8_t* record);

  const Encoding& encoding_;
  std::span<const float> values_;
  std::vector<std::uint8_t> bytes_;
  std::vector<std::uint64_t> order_;
};

Status Encoder::plain() {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const float x = value(i);
    std::memcpy(bytes_.data() + 4 * i, &x, sizeof x);
  }
  return {};
}

Status Encoder::halves(std::uint32_t (*bits_of)(float)) {
  for (std::size_t i = 0; i < values_.size(); ++i) {
    const std::uint32_t bits = bits_of(value(i));
    if (bits == kTooLarge) return too_large(encoding_, i);
    const auto half = static_cast<std::uint16_t>(bits);
    std::memcpy(bytes_.data() + 2 * i, &half, sizeof half);
  }
  return {};
}

Status Encoder::integers() {
  const bool four = encoding_.kind == EncodingKind::int4;
  std::uint8_t* const integers = bytes_.data() + exponent_section_bytes(values_.size());
  for (std::size_t first = 0; first < values_.size(); first += kIntegerBlock) {
    const std::size_t end = std::min<std::size_t>(values_.size(), first + kIntegerBlock);
    std::size_t top = first;
    for (std::size_t i = first; i < end; ++i) {
      if (std::fabs(values_[i]) > std::fabs(values_[top])) top = i;
    }
    const int k = block_exponent(magnitude<Lanes<1>>(values_[top]), four);
    if (k > kMaxBlockExponent) return too_large(encoding_, top);
    bytes_[first / kIntegerBlock] = static_cast<std::uint8_t>(k);
    const float inverse = inverse_block_unit(k);
    for (std::size_t i = first; i < end; ++i) {
      const std::int32_t q = integer_bits(value(i), inverse);
      if (four) {
        integers[i / 2] |= static_cast<std::uint8_t>((q & 15) << (i % 2 == 0 ? 0 : 4));
      } else {
        integers[i] = static_cast<std::uint8_t>(q);
      }
    }
  }
  return {};
}

// Larger magnitudes first, of equal ones the lower coordinate: as one number.
void Encoder::keep_block(std::size_t first, std::size_t count, std::uint8_t* record) {
  const std::size_t kept = std::min<std::size_t>(encoding_.keep, count);
  order_.resize(count);
  for (std::size_t c = 0; c < count; ++c) {
    const auto size = static_cast<std::uint64_t>(magnitude<Lanes<1>>(values_[first + c]));
    order_[c] = size << 12 | (kTopKBlock - 1 - c);
  }
  const auto last = order_.begin() + static_cast<std::ptrdiff_t>(kept);
  if (kept < count) std::nth_element(order_.begin(), last, order_.end(), std::greater<>());
  for (auto each = order_.begin(); each != last; ++each) *each = kTopKBlock - 1 - (*each & 0xfff);
  std::sort(order_.begin(), last);
  std::uint8_t* const kept_values = record + index_bytes(kept);
  for (std::size_t j = 0; j < kept; ++j) {
    const std::uint64_t packed = order_[j] << (j % 2 == 0 ? 0 : 4);
    record[j * 3 / 2] |= static_cast<std::uint8_t>(packed);
    record[j * 3 / 2 + 1] |= static_cast<std::uint8_t>(packed >> 8);
    const float x = value(first + order_[j]);
    std::memcpy(kept_values + 4 * j, &x, sizeof x);
  }
}

Status Encoder::kept() {
  std::size_t at = 0;
  for (std::size_t first = 0; first < values_.size(); first += kTopKBlock) {
    const std::size_t count = std::min<std::size_t>(values_.size() - first, kTopKBlock);
    keep_block(first, count, bytes_.data() + at);
    at += record_bytes(std::min<std::size_t>(encoding_.keep, count));
  }
  return {};
}

}  // namespace

Result<Encoded> encode(const Encoding& encoding, std::span<const float> values) {
  if (!is_encoding(encoding)) {
    return Error{ErrorCode::bad_input, name_of(encoding) + " is not an encoding"};
  }
  const ExactFloats exact;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!std::isfinite(values[i])) return bad_value(encoding, i, "is not finite");
  }
  Encoder encoder(encoding, values);
  if (const Status done = encoder.run(); !done.ok()) return done.error();
  Encoded encoded;
  encoded.bytes = encoder.take();
  if (encoding.kind == EncodingKind::fp32) return encoded;
  encoded.residual = decode_row(Row(encoding, encoded.bytes, values.size()));
  for (std::size_t i = 0; i < values.size(); ++i) {
    encoded.residual[i] = values[i] - encoded.residual[i] + 0.0f;
  }
  return encoded;
}

std::vector<float> decode_row(const Row& row) {
  const ExactFloats exact;
  const CpuKernels& kernels = default_cpu_kernels();
  std::vector<float> values(row.size());
  float scratch[kTile];
  for (std::size_t begin = 0; begin < row.size(); begin += kTile) {
    const std::size_t count = std::min(kTile, row.size() - begin);
    std::copy_n(tile(kernels, row, begin, count, scratch), count, values.data() + begin);
  }
  return values;
}

}  // namespace gradmint::kernels
