#include <doctest/doctest.h>

#include <cstring>

#include "kernels/fixed_point.h"
#include "ledger/merkle.h"
#include "worker/session/submission.h"

namespace gradmint::session {
namespace {

std::vector<float> values_of(const Bytes& payload) {
  std::vector<float> values(payload.size() / sizeof(float));
  std::memcpy(values.data(), payload.data(), payload.size());
  return values;
}

AdversaryView in_round(std::uint64_t round) {
  AdversaryView view;
  view.round = round;
  return view;
}

TEST_CASE("an honest submission is the difference, its root and its exponent") {
  const std::vector<float> global{1, 2, 3}, local{1.5F, 2, -5};
  const auto submission = make_submission(global, local, {}, {}, {}, in_round(1));
  REQUIRE(submission.ok());
  CHECK(values_of(submission->payload) == std::vector<float>{0.5F, 0, -8});
  CHECK(submission->root == blob_root(submission->payload));
  CHECK(submission->exponent == 3);
}

TEST_CASE("zeros have the least exponent; sizes must agree") {
  const std::vector<float> same{1, 2};
  const auto zeros = make_submission(same, same, {}, {}, {}, in_round(1));
  REQUIRE(zeros.ok());
  CHECK(zeros->exponent == kernels::kMinExponent);
  CHECK_FALSE(make_submission(same, std::vector<float>{1}, {}, {}, {}, {}).ok());
}

TEST_CASE("a NaN passes with the exponent of the rest, for intake to find") {
  const std::vector<float> global(64, 0.0F), local(64, 3.0F);
  const AdversarySpec nan{AdversaryKind::nan, 2};
  const auto honest = make_submission(global, local, {}, {}, nan, in_round(1));
  const auto hostile = make_submission(global, local, {}, {}, nan, in_round(2));
  REQUIRE(honest.ok());
  REQUIRE(hostile.ok());
  CHECK(hostile->payload != honest->payload);
  CHECK(hostile->exponent == 2);
  CHECK(hostile->root == blob_root(hostile->payload));
}

}  // namespace
}  // namespace gradmint::session
