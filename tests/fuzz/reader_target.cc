// What a child that read a stranger's store answers (ledger/reader/reader_protocol.h): the first
// byte says which answer, and whatever is taken has one form.
#include "kernels/base/check.h"
#include "ledger/reader/reader_protocol.h"
#include "tests/fuzz/target.h"

namespace gradmint::fuzz {
namespace {

template <class Decode, class Encode>
void one_form(ByteView body, Decode decode, Encode encode) {
  const auto value = decode(body);
  if (!value) return;
  const Bytes again = encode(*value);
  // An encoded answer begins with a byte that says that it is a value.
  const auto inner = decode_answer(again);
  GRADMINT_CHECK(inner.has_value() && inner->ok());
  GRADMINT_CHECK(std::equal((*inner)->begin(), (*inner)->end(), body.begin(), body.end()));
}

void run(ByteView input) {
  if (input.empty()) return;
  const ByteView body = input.subspan(1);
  switch (input[0] % 9) {
    case 0:
      one_form(body, decode_tip_answer, encode_tip_answer);
      break;
    case 1:
      one_form(body, decode_bytes_answer, [](const Bytes& b) { return encode_bytes_answer(b); });
      break;
    case 2:
      one_form(body, decode_blocks_answer, encode_blocks_answer);
      break;
    case 3:
      one_form(body, decode_places_answer, encode_places_answer);
      break;
    case 4:
      one_form(body, decode_heights_answer, encode_heights_answer);
      break;
    case 5:
      one_form(body, decode_state_answer, encode_state_answer);
      break;
    case 6:
      one_form(body, decode_checkpoint_answer, encode_checkpoint_answer);
      break;
    case 7:
      if (const auto request = decode_request(body)) {
        const Bytes again = encode_request(*request);
        GRADMINT_CHECK(std::equal(again.begin(), again.end(), body.begin(), body.end()));
      }
      break;
    default:
      static_cast<void>(decode_answer(body));
      break;
  }
}

Bytes seed(std::uint8_t which, ByteView body) {
  Bytes out(1 + body.size(), which);
  std::copy(body.begin(), body.end(), out.begin() + 1);
  return out;
}

std::vector<Bytes> seeds() {
  const Tip tip{7, Hash{}};
  const std::vector<Bytes> answers = {
      encode_tip_answer(tip),
      encode_bytes_answer(Bytes{1, 2, 3}),
      encode_blocks_answer({{{1}, {2, 3}, {}, {4}}}),
      encode_places_answer({TransactionPlace{5, 6}, std::nullopt}),
      encode_heights_answer({1, 2, 3}),
      encode_state_answer({{"a/key", {1, 2}}}),
      encode_checkpoint_answer({tip, {9, 9}}),
  };
  std::vector<Bytes> out;
  for (std::size_t i = 0; i < answers.size(); ++i)
    out.push_back(seed(static_cast<std::uint8_t>(i), **decode_answer(answers[i])));
  ReaderRequest request;
  request.directory = "ledger";
  request.ids = {Hash{}};
  for (const ReaderAsk ask : {ReaderAsk::open, ReaderAsk::blocks, ReaderAsk::transactions}) {
    request.ask = ask;
    out.push_back(seed(7, encode_request(request)));
  }
  out.push_back(seed(8, encode_failure({ErrorCode::corrupt, "damaged"})));
  return out;
}

}  // namespace

Target reader_target() { return {"reader", run, seeds}; }

}  // namespace gradmint::fuzz
