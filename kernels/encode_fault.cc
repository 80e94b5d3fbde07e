#include "kernels/encode_fault.h"

#include <algorithm>
#include <string>

#include "kernels/base/check.h"
#include "kernels/decode_rule.h"
#include "kernels/encode_rule.h"
#include "kernels/parallel.h"

namespace gradmint::kernels {
namespace {

using L = Lanes<1>;

std::int32_t magnitude_at(const EncodePass& pass, std::size_t i) {
  const float carried = pass.carried.empty() ? 0.0f : pass.carried[i];
  return magnitude<L>(value_to_encode<L>(pass.values[i], carried));
}

// The first value that reaches the limit; as many as there are where none does.
std::size_t first_reaching(const EncodePass& pass, std::int32_t limit) {
  std::size_t i = 0;
  while (i < pass.values.size() && magnitude_at(pass, i) < limit) ++i;
  return i;
}

std::size_t first_too_large(const EncodePass& pass) {
  const EncodingKind kind = pass.encoding.kind;
  const std::size_t first = first_reaching(pass, unencodable_magnitude(kind));
  GRADMINT_CHECK(first < pass.values.size());
  if (!has_exponents(kind)) return first;
  const std::size_t end =
      std::min<std::size_t>(pass.values.size(), (first / kIntegerBlock + 1) * kIntegerBlock);
  std::size_t top = first;
  for (std::size_t i = first; i < end; ++i) {
    if (magnitude_at(pass, i) > magnitude_at(pass, top)) top = i;
  }
  return top;
}

Error fault(const Encoding& encoding, std::uint64_t at, const std::string& why) {
  return {ErrorCode::bad_input,
          "encoding as " + name_of(encoding) + ": value " + std::to_string(at) + " " + why};
}

}  // namespace

Error not_finite_fault(const Encoding& encoding, std::uint64_t at) {
  return fault(encoding, at, "is not finite");
}

Error too_large_fault(const Encoding& encoding, std::uint64_t at) {
  return fault(encoding, at,
               "is too large for it: lower the learning rate, clip the update, or use fp32");
}

Error encode_fault(const EncodePass& pass) {
  const ExactFloats exact;
  const std::size_t not_finite = first_reaching(pass, kInfinityMagnitude);
  if (not_finite < pass.values.size()) return not_finite_fault(pass.encoding, not_finite);
  return too_large_fault(pass.encoding, first_too_large(pass));
}

void pad_exponents(const EncodePass& pass) {
  if (!has_exponents(pass.encoding.kind)) return;
  const std::size_t size = pass.values.size();
  const std::size_t blocks = (size + kIntegerBlock - 1) / kIntegerBlock;
  const auto padding = pass.bytes.subspan(blocks, exponent_section_bytes(size) - blocks);
  std::fill(padding.begin(), padding.end(), std::uint8_t{0});
}

}  // namespace gradmint::kernels
