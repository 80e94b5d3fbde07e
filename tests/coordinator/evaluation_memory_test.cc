#include "coordinator/server/evaluation_memory.h"

#include <doctest/doctest.h>

#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {
RevealEvaluation evaluation_of(std::uint64_t round, std::int64_t micro) {
  RevealEvaluation evaluation;
  evaluation.round = round;
  evaluation.metrics = {{"auc", micro}, {"dice", std::nullopt}};
  evaluation.examples = 100;
  evaluation.salt = hash_at("salt", round);
  return evaluation;
}
}  // namespace

TEST_CASE(
    "what an evaluator has said of a model is there after a restart, until its round is over") {
  const OrdererPlace place;
  const Hash model = hash_at("model", 7), other = hash_at("model", 8);
  const RevealEvaluation said = evaluation_of(7, 500'000);
  {
    const auto orderer = place.open();
    CHECK(remembered_evaluation(orderer->store(), 7, model).value() == std::nullopt);
    REQUIRE(remember_evaluation(orderer->store(), model, said).ok());
  }
  const auto orderer = place.open();
  const auto kept = remembered_evaluation(orderer->store(), 7, model).value();
  REQUIRE(kept.has_value());
  CHECK(encode_record(*kept) == encode_record(said));
  // Of another round, or of the same round's other attempt.
  CHECK(remembered_evaluation(orderer->store(), 8, model).value() == std::nullopt);
  CHECK(remembered_evaluation(orderer->store(), 7, other).value() == std::nullopt);
  CHECK(needless_evaluations(orderer->store(), 7).value().empty());
  orderer->forget_pending(needless_evaluations(orderer->store(), 8).value());
  REQUIRE(make_block(*orderer, 1, true).ok());
  CHECK(remembered_evaluation(orderer->store(), 7, model).value() == std::nullopt);
}
