// Rounds in every encoding, from commitments to an audit that recomputes them; and a coordinator
// that judges encoded payloads wrongly.
#include <doctest/doctest.h>

#include "ledger/audit/verify.h"
#include "ledger/kernel_spec.h"
#include "tests/ledger/store_fixture.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr EncodingSpec kEncodings[] = {
    {Encoding::fp32, 0}, {Encoding::bf16, 0},  {Encoding::fp16, 0},  {Encoding::int8, 0},
    {Encoding::int4, 0}, {Encoding::top_k, 1}, {Encoding::top_k, 64}};

WorldOptions in(const EncodingSpec& encoding) {
  WorldOptions options;
  options.parameters = 4500;
  options.encoding = encoding;
  return options;
}

std::string audited(const World& world) {
  TemporaryDirectory folder;
  store_world(world, folder.path() / "ledger");
  const auto report = verify_ledger(source_at(folder.path() / "ledger"), {true, 0, {}});
  if (!report.ok()) return "could not run: " + report.error().message;
  return report->fault ? report->fault->rule : "ok";
}

// What the audit says of a round in int8 in which worker 0's payload is `bytes` and the coordinator
// states `verdict` of it.
std::string stated(Verdict verdict, bool malformed) {
  World w(in({Encoding::int8, 0}));
  w.enrol();
  w.open();
  if (malformed) {
    w.own_bytes[0] = w.encoded_of(0);
    w.own_bytes[0].back() = 0x80;
  }
  w.commit();
  w.close();
  w.lie([&](RoundResult& body) {
    for (ResultEntry& entry : body.entries) {
      if (w.worker_of(entry.worker) != 0) continue;
      const bool accepted = verdict == Verdict::ok;
      const ResultEntry& other =
          w.worker_of(body.entries[0].worker) == 0 ? body.entries[1] : body.entries[0];
      const auto opening = entry.opening;
      entry = accepted ? other : ResultEntry{};
      entry.worker = w.workers[0].account();
      entry.opening = opening;
      entry.verdict = verdict;
    }
  });
  return audited(w);
}

}  // namespace

TEST_CASE("encoded rounds: committed, revealed, aggregated, settled and recomputed") {
  for (const EncodingSpec& encoding : kEncodings) {
    CAPTURE(kernels::name_of(kernel_encoding(encoding)));
    World w(in(encoding));
    w.enrol();
    w.run_round();
    w.run_round();
    CHECK(w.round().open.encoding == encoding);
    for (const ResultEntry& entry : w.round().result.entries) {
      CHECK(entry.verdict == Verdict::ok);
      CHECK(entry.opening->encoding == encoding.kind);
      CHECK(entry.opening->size_bytes == payload_bytes(w.round().open, 4500));
    }
    CHECK(audited(w) == "ok");
  }
}

TEST_CASE("encoded rounds: what was lost in encoding is lost in the model too") {
  World plain(in({})), rough(in({Encoding::int4, 0}));
  for (World* w : {&plain, &rough}) {
    w->enrol();
    w->run_round();
  }
  CHECK(plain.model != rough.model);
}

TEST_CASE("encoded rounds: a coordinator that judges payloads wrongly is found out") {
  CHECK(stated(Verdict::ok, true) == "wrong_rejection");
  CHECK(stated(Verdict::malformed_payload, false) == "wrong_rejection");
  CHECK(stated(Verdict::non_finite, true) == "wrong_rejection");
}

TEST_CASE("encoded rounds: an OpenRound names an encoding that there is") {
  OpenRound open;
  const auto accepts = [&](Encoding kind, std::uint16_t keep) {
    open.encoding = {kind, keep};
    return decode_record<OpenRound>(encode_record(open)).has_value();
  };
  for (const EncodingSpec& encoding : kEncodings) CHECK(accepts(encoding.kind, encoding.keep));
  CHECK(accepts(Encoding::top_k, 4096));
  CHECK_FALSE(accepts(Encoding::top_k, 0));
  CHECK_FALSE(accepts(Encoding::top_k, 4097));
  CHECK_FALSE(accepts(Encoding::int8, 1));
  CHECK_FALSE(accepts(static_cast<Encoding>(6), 0));
}
