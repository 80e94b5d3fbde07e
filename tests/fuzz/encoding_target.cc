#include <cmath>

#include "kernels/base/check.h"
#include "kernels/check_encoded.h"
#include "kernels/encode.h"
#include "tests/fuzz/target.h"

namespace gradmint::fuzz {
namespace {

using namespace kernels;

std::vector<Encoding> encodings() {
  std::vector<Encoding> out;
  for (const char* name : {"fp32", "bf16", "fp16", "int8", "int4", "top_k:keep=3"}) {
    out.push_back(parse_encoding(name).value());
  }
  return out;
}

// One byte says which encoding, two how many values; the rest is an update. What is accepted
// decodes to finite numbers.
void run(ByteView input) {
  static const std::vector<Encoding> all = encodings();
  if (input.size() < 3 || input[0] >= all.size()) return;
  const Encoding& encoding = all[input[0]];
  const std::uint64_t count = 1 + input[1] + 256U * input[2];
  // Aligned as a mapped file is, and with nothing behind its end.
  const Bytes bytes(input.begin() + 3, input.end());
  const EncodedCheck check = check_encoded(bytes, encoding, count);
  GRADMINT_CHECK(!describe(check, encoding).empty());
  if (!check.ok()) return;
  for (const float value : decode_row(Row(encoding, bytes, count))) {
    GRADMINT_CHECK(std::isfinite(value));
  }
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> out;
  std::uint8_t which = 0;
  for (const Encoding& encoding : encodings()) {
    for (const std::uint64_t count : {1U, 5U, 300U}) {
      std::vector<float> values(count);
      for (std::size_t i = 0; i < count; ++i) {
        values[i] = std::ldexp(static_cast<float>(i % 7) - 3.0F, static_cast<int>(i % 5) - 2);
      }
      const auto encoded = encode(encoding, values).value();
      Bytes seed{which, static_cast<std::uint8_t>((count - 1) & 255),
                 static_cast<std::uint8_t>((count - 1) >> 8)};
      seed.insert(seed.end(), encoded.bytes.begin(), encoded.bytes.end());
      out.push_back(std::move(seed));
    }
    ++which;
  }
  return out;
}

}  // namespace

Target encoding_target() { return {"encoding", run, seeds}; }

}  // namespace gradmint::fuzz
