// Rounds whose updates have no aggregate: they fail by name, and an audit tries them again.
#include <doctest/doctest.h>

#include "ledger/audit/verify.h"
#include "ledger/blobs.h"
#include "tests/ledger/store_fixture.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// The server's step overflows: any update of this size does it.
WorldOptions overflowing() {
  WorldOptions options;
  options.workers = 3;
  kernels::AggregateSpec spec;
  spec.optimizer.parameters = {{"lr", 3e38F}};
  options.aggregation = spec;
  return options;
}

World closed(const WorldOptions& options) {
  World w(options);
  w.enrol();
  w.open();
  for (int i = 0; i < options.workers; ++i) {
    w.own_payloads[i] = std::vector<float>(8, 4.0F + static_cast<float>(i));
    w.own_exponents[i] = 3;
  }
  w.own_exponents[0] = 2;  // of 4.0
  w.commit();
  w.close();
  return w;
}

// What an audit finds where such a round was given up for `reason`.
std::string found(World w, Verdict reason, bool keep_payloads) {
  AbandonRound body = w.abandon_body();
  body.reason = reason;
  for (const RevealedRoot& revealed : body.revealed) {
    const auto payload = w.payload_of(w.worker_of(revealed.worker));
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(payload.data());
    if (keep_payloads) {
      w.blobs[revealed.opening.root] = Bytes(bytes, bytes + payload.size() * sizeof(float));
    }
  }
  w.must(w.validator(), body);
  TemporaryDirectory folder;
  store_world(w, folder.path() / "ledger");
  const auto report = verify_ledger(source_at(folder.path() / "ledger"), AuditOptions{true, 0, {}});
  if (!report.ok()) return report.error().message;
  return report->fault
             ? report->fault->rule + ": " + report->fault->expected + ", " + report->fault->found
             : "ok";
}

}  // namespace

TEST_CASE("a result that is not finite fails the round by name, and is no error") {
  const World w = closed(overflowing());
  const RoundExecution execution = w.execute();
  CHECK(execution.failure == Verdict::non_finite_result);
  CHECK(execution.failure_text.find("lower the optimizer's lr") != std::string::npos);
  CHECK(execution.result.model_root.is_zero());
  CHECK(execution.model.empty());
}

TEST_CASE("what the rules of the round cannot take fails it by name") {
  // The state of another optimizer: the coordinator was told to use this one from now on.
  World w = closed({});
  w.optimizer_state.assign(8, 0.0F);
  const RoundExecution execution = w.execute();
  CHECK(execution.failure == Verdict::aggregation_refused);
  CHECK(execution.failure_text.find("needs a state of 0 values, got 8") != std::string::npos);
}

TEST_CASE("too few updates for f fail the round by name, and the audit agrees") {
  WorldOptions krum;
  krum.workers = 4;
  kernels::AggregateSpec spec;
  spec.aggregator = {"krum", {{"f", 1.0F}}};
  krum.aggregation = spec;
  const World w = closed(krum);
  const RoundExecution execution = w.execute();
  CHECK(execution.failure == Verdict::aggregation_refused);
  CHECK(execution.failure_text.find("f = 1 needs at least 5 updates, there are 4") !=
        std::string::npos);
  CHECK(found(w, Verdict::aggregation_refused, true) == "ok");
  CHECK(found(w, Verdict::non_finite_result, true) ==
        "wrong_abandonment: aggregation_refused, non_finite_result");
}

TEST_CASE("audit: an attempt given up for want of an aggregate is tried again") {
  CHECK(found(closed(overflowing()), Verdict::non_finite_result, true) == "ok");
  CHECK(found(closed(overflowing()), Verdict::aggregation_refused, true) ==
        "wrong_abandonment: non_finite_result, aggregation_refused");
  CHECK(found(closed({}), Verdict::non_finite_result, true) ==
        "wrong_abandonment: a result, non_finite_result");
  // Any other reason is the coordinator's own, and without the payloads nobody can tell.
  CHECK(found(closed({}), Verdict::too_few_updates, true) == "ok");
  CHECK(found(closed({}), Verdict::non_finite_result, false) == "ok");
}

TEST_CASE("a false reason is found although the next attempt opens in the same block") {
  World w = closed({});
  AbandonRound body = w.abandon_body();
  body.reason = Verdict::non_finite_result;
  for (const RevealedRoot& revealed : body.revealed) {
    w.blobs[revealed.opening.root] = w.encoded_of(w.worker_of(revealed.worker));
  }
  OpenRound next = w.round().open;
  ++next.attempt;
  const Transaction first = w.draft(w.validator(), body);
  Transaction second = w.draft(w.validator(), next);
  ++second.nonce;
  const auto verdicts =
      w.play({sign_transaction(first, w.validator()), sign_transaction(second, w.validator())});
  REQUIRE(verdicts == std::vector<Verdict>{Verdict::ok, Verdict::ok});
  TemporaryDirectory folder;
  store_world(w, folder.path() / "ledger");
  const auto report = verify_ledger(source_at(folder.path() / "ledger"), AuditOptions{true, 0, {}});
  REQUIRE(report.ok());
  REQUIRE(report->fault.has_value());
  CHECK(report->fault->rule == "wrong_abandonment");
}
