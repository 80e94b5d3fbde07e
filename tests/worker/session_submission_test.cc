#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "kernels/check_encoded.h"
#include "kernels/encode.h"
#include "kernels/fixed_point.h"
#include "ledger/merkle.h"
#include "ledger/payload.h"
#include "worker/session/submission.h"

namespace gradmint::session {
namespace {

std::vector<float> values_of(ByteView payload) {
  std::vector<float> values(payload.size() / sizeof(float));
  std::memcpy(values.data(), payload.data(), payload.size());
  return values;
}

// Wherever an update is encoded, it has the same bytes (tests/kernels).
Result<Submission> submit(std::span<const float> global, std::span<const float> local,
                          std::span<const float> residual, const kernels::Encoding& encoding,
                          const AdversarySpec& adversary, const AdversaryView& view) {
  const auto encoder = kernels::make_cpu_backend(kernels::supported_cpu_levels().back(), 2);
  return make_submission({global.size(), 0}, global, local, residual, encoding, adversary, view,
                         *encoder);
}

AdversaryView in_round(std::uint64_t round) {
  AdversaryView view;
  view.round = round;
  return view;
}

TEST_CASE("an honest submission is the difference, its root and its exponent") {
  const std::vector<float> global{1, 2, 3}, local{1.5F, 2, -5};
  const auto submission = submit(global, local, {}, {}, {}, in_round(1));
  REQUIRE(submission.ok());
  CHECK(values_of(submission->payload) == std::vector<float>{0.5F, 0, -8});
  CHECK(submission->root == blob_root(submission->payload));
  CHECK(submission->exponent == 3);
}

TEST_CASE("buffers stand behind the encoded parameters, as fp32") {
  std::vector<float> global(7, 0.0F), local{1, 2, 3, 4, 5, 4096.5F, -0.0F};
  const ModelSize size{5, 2};
  const auto encoder = kernels::make_cpu_backend(kernels::supported_cpu_levels().back(), 1);
  for (const auto kind :
       {kernels::EncodingKind::fp32, kernels::EncodingKind::bf16, kernels::EncodingKind::int4}) {
    const kernels::Encoding encoding{kind, 0};
    CAPTURE(kernels::name_of(encoding));
    const auto made = make_submission(size, global, local, {}, encoding, {}, in_round(1), *encoder);
    REQUIRE(made.ok());
    CHECK(made->exponent == 3);  // of the parameters alone
    REQUIRE(made->payload.size() == payload_bytes(encoding, size));
    const PayloadParts parts = payload_parts(made->payload, encoding, size);
    const auto alone = kernels::encode(encoding, std::span<const float>(local).first(5));
    CHECK(std::equal(parts.parameters.begin(), parts.parameters.end(), alone->bytes.begin(),
                     alone->bytes.end()));
    CHECK(parts.padding.size() == (4 - alone->bytes.size() % 4) % 4);
    for (const std::uint8_t byte : parts.padding) CHECK(byte == 0);
    CHECK(values_of(parts.buffers) == std::vector<float>{4096.5F, 0});
    CHECK(made->residual.size() == (kind == kernels::EncodingKind::fp32 ? 0 : 5));
    CHECK(made->root == blob_root(made->payload));
  }
}

TEST_CASE("zeros have no exponent; sizes must agree") {
  const std::vector<float> same{1, 2};
  const auto zeros = submit(same, same, {}, {}, {}, in_round(1));
  REQUIRE(zeros.ok());
  CHECK(zeros->exponent == kernels::kNoExponent);
  CHECK_FALSE(submit(same, std::vector<float>{1}, {}, {}, {}, {}).ok());
}

TEST_CASE("a NaN passes with the exponent of the rest, for intake to find") {
  const std::vector<float> global(64, 0.0F), local(64, 3.0F);
  const AdversarySpec nan{AdversaryKind::nan, 2};
  const auto honest = submit(global, local, {}, {}, nan, in_round(1));
  const auto hostile = submit(global, local, {}, {}, nan, in_round(2));
  REQUIRE(honest.ok());
  REQUIRE(hostile.ok());
  CHECK(hostile->payload != honest->payload);
  CHECK(hostile->exponent == 2);
  CHECK(hostile->root == blob_root(hostile->payload));
}

TEST_CASE("what an encoding loses is sent with the next update") {
  const kernels::Encoding int8{kernels::EncodingKind::int8, 0};
  const std::vector<float> global(600, 0.0F);
  std::vector<float> local(600);
  for (std::size_t i = 0; i < local.size(); ++i) {
    local[i] = 0.001F * static_cast<float>(i % 17) - 0.37F * static_cast<float>(i % 2);
  }
  std::vector<float> sent(600, 0.0F);
  kernels::Floats residual;
  constexpr int kRounds = 40;
  for (int round = 1; round <= kRounds; ++round) {
    const auto submission = submit(global, local, residual, int8, {}, in_round(1));
    REQUIRE(submission.ok());
    CHECK(submission->payload.size() == kernels::encoded_bytes(int8, 600));
    CHECK(submission->root == blob_root(submission->payload));
    const auto values = kernels::decode_row({int8, submission->payload, 600});
    CHECK(submission->exponent == kernels::exponent_of_largest(values));
    for (std::size_t i = 0; i < sent.size(); ++i) sent[i] += values[i];
    residual = submission->residual;
    REQUIRE(residual.size() == 600);
  }
  // Whatever one round loses, all of them together lose no more than one.
  for (std::size_t i = 0; i < sent.size(); ++i) {
    CHECK(std::fabs(sent[i] - kRounds * local[i]) < 0.01F);
  }
  CHECK(submit(global, local, {}, {}, {}, in_round(1))->residual.empty());
  CHECK_FALSE(submit(global, local, std::vector<float>(9), int8, {}, in_round(1)).ok());
}

TEST_CASE("a hostile update that no encoder writes is one that intake refuses") {
  const std::vector<float> global(64, 0.0F), local(64, 3.0F);
  const AdversarySpec nan{AdversaryKind::nan, 1};
  for (const char* name : {"bf16", "fp16", "int8", "int4", "top_k:keep=3"}) {
    CAPTURE(name);
    const auto encoding = kernels::parse_encoding(name).value();
    const auto hostile = submit(global, local, {}, encoding, nan, in_round(1));
    REQUIRE(hostile.ok());
    CHECK(hostile->payload.size() == kernels::encoded_bytes(encoding, 64));
    CHECK_FALSE(kernels::check_encoded(hostile->payload, encoding, 64).ok());
  }
}

TEST_CASE("an update too large for its encoding is not sent") {
  const std::vector<float> global(64, 0.0F), local(64, 1e6F);
  const auto refused = submit(global, local, {}, {kernels::EncodingKind::fp16, 0}, {}, in_round(1));
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("too large") != std::string::npos);
}

}  // namespace
}  // namespace gradmint::session
