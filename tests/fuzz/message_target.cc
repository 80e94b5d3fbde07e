#include "coordinator/protocol/messages.h"
#include "kernels/base/check.h"
#include "tests/coordinator/protocol_samples.h"
#include "tests/fuzz/target.h"

namespace gradmint::fuzz {
namespace {

// Whatever is taken has one form: encoding it gives the same frame.
void run(ByteView input) {
  const DecodedMessage decoded = decode_message(input);
  if (!decoded.ok()) {
    GRADMINT_CHECK(!decoded.refusal->name.empty());
    return;
  }
  const Result<Bytes> again = encode_message(decoded.message, decoded.request_id);
  GRADMINT_CHECK(again.ok());
  // A Refusal is read whatever version its sender speaks, which the first two bytes say.
  const std::ptrdiff_t from = std::holds_alternative<Refusal>(decoded.message) ? 2 : 0;
  GRADMINT_CHECK(
      std::equal(again->begin() + from, again->end(), input.begin() + from, input.end()));
}

std::vector<Bytes> seeds() {
  std::vector<Bytes> out;
  for (const Message& message : sample_messages()) {
    out.push_back(encode_message(message, out.size()).value());
  }
  return out;
}

}  // namespace

Target message_target() { return {"message", run, seeds}; }

}  // namespace gradmint::fuzz
