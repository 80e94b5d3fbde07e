#include <doctest/doctest.h>

#include <cstdio>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "coordinator/protocol/messages.h"
#include "gradmint_test_paths.h"
#include "ledger/codec.h"
#include "tests/coordinator/protocol_samples.h"

using namespace gradmint;

namespace {

Bytes encoded(const Message& message, std::uint64_t request_id = 0x1122334455667788) {
  Result<Bytes> out = encode_message(message, request_id);
  REQUIRE_MESSAGE(out.ok(), kind_of(message).name);
  return std::move(out).value();
}

// What a frame decodes to must encode to the same frame: whoever is accepted was canonical.
void check_decodes_canonically(ByteView frame) {
  const DecodedMessage decoded = decode_message(frame);
  if (!decoded.ok()) return;
  if (frame[0] != kProtocolVersion || frame[1] != 0)
    return;  // a Refusal of another version comes back as ours
  const Result<Bytes> again = encode_message(decoded.message, decoded.request_id);
  REQUIRE(again.ok());
  CHECK(again.value() == Bytes(frame.begin(), frame.end()));
}

Bytes prefix(std::uint16_t version, std::uint16_t type, std::uint64_t request_id) {
  Writer out;
  out.u16(version);
  out.u16(type);
  out.u64(request_id);
  return out.take();
}

}  // namespace

TEST_CASE("every kind survives its frame") {
  std::set<std::size_t> seen;
  for (const Message& message : sample_messages()) {
    seen.insert(message.index());
    const DecodedMessage decoded = decode_message(encoded(message));
    REQUIRE_MESSAGE(decoded.ok(), kind_of(message).name);
    CHECK(decoded.request_id == 0x1122334455667788);
    CHECK(decoded.message == message);
  }
  CHECK(seen.size() == std::variant_size_v<AnyMessage>);  // a new kind must join the samples
}

TEST_CASE("golden frames") {
  std::ifstream file(std::string(GRADMINT_SOURCE_DIR) + "/tests/coordinator/protocol_golden.txt");
  REQUIRE(file.is_open());
  std::map<std::string, std::string> golden;
  for (std::string name, hex; file >> name >> hex;) golden[name] = hex;
  const std::vector<Message> samples = sample_messages();
  CHECK(golden.size() == samples.size());
  for (const Message& message : samples) {
    const std::string name(kind_of(message).name);
    CHECK_MESSAGE(golden[name] == to_hex(encoded(message)), name);
  }
}

TEST_CASE(
    "truncated, extended and flipped frames never crash and are never accepted in two forms") {
  for (const Message& message : sample_messages()) {
    const Bytes frame = encoded(message);
    for (std::size_t size = 0; size < frame.size(); ++size) {
      CHECK_FALSE(decode_message(ByteView(frame).first(size)).ok());
    }
    Bytes longer = frame;
    longer.push_back(0);
    CHECK(decode_message(longer).refusal->code == RefusalCode::malformed);
    for (std::size_t bit = 0; bit < frame.size() * 8; ++bit) {
      Bytes flipped = frame;
      flipped[bit / 8] ^= static_cast<std::uint8_t>(1u << (bit % 8));
      check_decodes_canonically(flipped);
    }
  }
}

TEST_CASE("random frames of every type never crash") {
  std::mt19937_64 random(20240611);
  std::size_t accepted = 0;
  for (int i = 0; i < 60'000; ++i) {
    Bytes frame = prefix(kProtocolVersion, static_cast<std::uint16_t>(random() % 64), random());
    const std::size_t body = random() % 200;
    // Mostly small numbers, so that lengths and flags are often plausible.
    for (std::size_t k = 0; k < body; ++k) {
      frame.push_back(static_cast<std::uint8_t>(random() % 4 == 0 ? random() : 0));
    }
    accepted += decode_message(frame).ok() ? 1 : 0;
    check_decodes_canonically(frame);
  }
  CHECK(accepted > 0);
}

TEST_CASE("a lying length allocates nothing") {
  Writer out;
  out.raw(prefix(kProtocolVersion, Headers::kKind.type, 1));
  out.u64(0);
  out.u32(kMaxHeadersPerReply);  // and nothing behind it
  CHECK(decode_message(out.view()).refusal->code == RefusalCode::malformed);
  Writer huge;
  huge.raw(prefix(kProtocolVersion, SubmitTransaction::kKind.type, 1));
  huge.u32(0xffffffff);
  CHECK(decode_message(huge.view()).refusal->code == RefusalCode::malformed);
}

TEST_CASE("other versions and unknown types are refused by name, with the request's id") {
  struct Row {
    Bytes frame;
    std::uint64_t request_id;
    RefusalCode expected;
  };
  const Row rows[] = {
      {{}, 0, RefusalCode::malformed},
      {prefix(kProtocolVersion, 1, 5), 5, RefusalCode::malformed},  // a Hello without its fields
      {prefix(kProtocolVersion + 1, 1, 6), 6, RefusalCode::wrong_version},
      {prefix(0, 999, 7), 7, RefusalCode::wrong_version},
      {prefix(kProtocolVersion, 999, 8), 8, RefusalCode::unknown_message},
      {prefix(kProtocolVersion, 0, 9), 9, RefusalCode::unknown_message},
  };
  for (const Row& row : rows) {
    const DecodedMessage decoded = decode_message(row.frame);
    REQUIRE_FALSE(decoded.ok());
    CHECK(decoded.request_id == row.request_id);
    CHECK(decoded.refusal->code == row.expected);
    CHECK(decoded.refusal->name == refusal_name(row.expected));
  }
  CHECK(decode_message(prefix(kProtocolVersion + 1, 1, 6)).refusal->detail ==
        "this side speaks protocol version 6, the other 7: update the older of the two");
}

TEST_CASE("a Refusal is read whatever version and code it has") {
  Bytes frame = encoded(Refusal{static_cast<RefusalCode>(4000), "from_the_future", "update"}, 3);
  frame[0] = 9;
  const DecodedMessage decoded = decode_message(frame);
  REQUIRE(decoded.ok());
  const auto& refusal = std::get<Refusal>(decoded.message);
  CHECK(refusal.name == "from_the_future");
  CHECK(refusal_name(refusal.code) == "unnamed");
}

TEST_CASE("what is over a limit is refused by the sender, by name") {
  struct Row {
    Message message;
    const char* expected;  // empty: it is sent
  };
  const Row rows[] = {
      {SubmitTransaction{Bytes(kMaxTransactionBytes)}, ""},
      {SubmitTransaction{Bytes(kMaxTransactionBytes + 1)},
       "SubmitTransaction: a transaction of 262145 bytes is larger than the 262144 a message may "
       "carry"},
      {Receipt{{}, Bytes(kMaxReceiptBytes + 1)},
       "Receipt: a receipt of 1025 bytes is larger than the 1024 a message may carry"},
      {Headers{0, std::vector<CertifiedHeader>(kMaxHeadersPerReply + 1)},
       "Headers: a list of headers of 65 entries is larger than the 64 a message may carry"},
      {GetBlob{{}, 0, 0}, "GetBlob: a chunk of 0 is outside 1 … 4194304"},
      {GetHeaders{0, 65}, "GetHeaders: a count of headers of 65 is outside 1 … 64"},
      {Progress{0, 1'000'001, {}},
       "Progress: progress in parts per million of 1000001 is outside 0 … 1000000"},
      {AdminRequest{std::string(kMaxAdminRequestBytes + 1, 'x')},
       "AdminRequest: the JSON text of 65537 bytes is larger than the 65536 a message may carry"},
  };
  for (const Row& row : rows) {
    const Result<Bytes> out = encode_message(row.message, 1);
    CHECK((out.ok() ? std::string{} : out.error().message) == row.expected);
  }
}

TEST_CASE("the largest message of each kind fits its frame") {
  Headers headers{~std::uint64_t{0}, {}};
  headers.headers.assign(kMaxHeadersPerReply,
                         {Bytes(kMaxHeaderBytes, 1), Bytes(kMaxCertificateBytes, 2)});
  RoundState state;
  state.open_round.assign(kMaxRecordBytes, 3);
  CHECK(encoded(headers).size() <= kMaxReplyFrameBytes);
  CHECK(encoded(state).size() <= kMaxReplyFrameBytes);
  CHECK(encoded(AdminReply{std::string(kMaxAdminReplyBytes, 'x')}).size() <= kMaxReplyFrameBytes);
  CHECK(encoded(Register{Bytes(kMaxTransactionBytes), {}}).size() <= kMaxRequestFrameBytes);
  CHECK(decode_message(encoded(headers)).ok());
}

TEST_CASE("text is cleaned on the way out and refused on the way in") {
  const Bytes frame = encoded(Notice{NoticeKind::paused, 1, "one\ntwo\x1b[31m"});
  const DecodedMessage decoded = decode_message(frame);
  const auto& notice = std::get<Notice>(decoded.message);
  CHECK(notice.text == "one two [31m");
  Bytes hostile = encoded(Notice{NoticeKind::paused, 1, "abc"});
  hostile.back() = 0x1b;
  CHECK(decode_message(hostile).refusal->code == RefusalCode::malformed);
  const std::string long_text(3 * kMaxTextBytes, 'y');
  const DecodedMessage cut = decode_message(encoded(refuse(RefusalCode::failed, long_text)));
  CHECK(std::get<Refusal>(cut.message).detail.size() == kMaxTextBytes);
}
