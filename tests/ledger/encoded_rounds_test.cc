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

constexpr std::uint64_t kBuffers = 33;

WorldOptions with_buffers(const EncodingSpec& encoding, const char* aggregator, float f) {
  WorldOptions options = in(encoding);
  options.parameters = 4501;  // so that most encodings end within a word
  options.buffers = kBuffers;
  kernels::AggregateSpec rules{{}, {aggregator, {}}, {"adam", {}}};
  if (f >= 0) rules.aggregator.parameters.push_back({"f", f});
  options.aggregation = *kernels::complete_spec(rules);
  return options;
}

// Worker k's update of buffer i in every round: as large as no parameter ever is, and worker 3's
// beyond all reason.
float buffer_update(std::size_t k, std::size_t i) {
  return (k == 3 ? 1e30F : 1000.0F) * static_cast<float>(k + 1) + static_cast<float>(i);
}

void give_updates(World& w, bool with_buffers) {
  const float spread[] = {0.125F, 0.25F, 0.0625F, 0.5F};  // so that no two distances are equal
  for (std::size_t k = 0; k < 4; ++k) {
    std::vector<float> values(4501 + kBuffers, 0.0F);
    for (std::size_t i = 0; i < 4501; ++i)
      values[i] =
          static_cast<float>(4 + i % 3) + static_cast<float>((i * 7 + k * 3) % 11) * spread[k];
    for (std::size_t i = 0; with_buffers && i < kBuffers; ++i)
      values[4501 + i] = buffer_update(k, i);
    w.own_payloads[static_cast<int>(k)] = values;
  }
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
      CHECK(entry.opening->size_bytes == payload_bytes(w.round().open, {4500, 0}));
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

TEST_CASE("buffers: averaged or the median, and part of nothing else, in every encoding") {
  struct Case {
    const char* aggregator;
    float f;
    // Of 1000, 2000, 3000 with weights 10, 20, 30, where worker 3 is out; and the lower and upper
    // middle of all four.
    float expected;
  };
  for (const Case& each : {Case{"mean", -1, 140000.0F / 60.0F}, Case{"krum", 0, 2500.0F}}) {
    for (const EncodingSpec& encoding : kEncodings) {
      CAPTURE(each.aggregator);
      CAPTURE(kernels::name_of(kernel_encoding(encoding)));
      World w(with_buffers(encoding, each.aggregator, each.f));
      const std::vector<float> first = w.model;
      World bare(with_buffers(encoding, each.aggregator, each.f));
      for (World* world : {&w, &bare}) {
        world->enrol();
        give_updates(*world, world == &w);
        world->run_round();
      }
      for (std::size_t i = 0; i < kBuffers; ++i)
        CHECK(w.model[4501 + i] ==
              doctest::Approx(first[4501 + i] + each.expected + static_cast<float>(i)));
      CHECK(std::equal(w.model.begin(), w.model.begin() + 4501, bare.model.begin()));
      CHECK(w.optimizer_state.size() == 2 * 4501);
      for (const ResultEntry& entry : w.round().result.entries) {
        CHECK(entry.verdict == Verdict::ok);
        CHECK(entry.score_ppm > 0);
      }
      w.own_payloads.clear();
      w.run_round();
      CHECK(audited(w) == "ok");
    }
  }
}

TEST_CASE("buffers: what stands behind the parameters is checked as they are") {
  struct Case {
    const char* what;
    std::size_t from_end;  // the byte that is changed
    std::uint8_t to;
    Verdict expected;
  };
  // int4: 4501 values end in a byte whose upper half is padding, then a byte of zeros.
  const Case cases[] = {{"an infinity", 1, 0x7F, Verdict::non_finite},
                        {"padding", kBuffers * 4 + 1, 1, Verdict::malformed_payload}};
  for (const Case& each : cases) {
    CAPTURE(each.what);
    World w(with_buffers({Encoding::int4, 0}, "mean", -1));
    w.enrol();
    w.open();
    Bytes bytes = w.encoded_of(0);
    bytes[bytes.size() - each.from_end] = each.to;
    if (each.expected == Verdict::non_finite) bytes[bytes.size() - 2] = 0x80;
    w.own_bytes[0] = bytes;
    w.commit();
    w.close();
    w.result();
    for (const ResultEntry& entry : w.round().result.entries) {
      const bool is_changed = w.worker_of(entry.worker) == 0;
      CHECK(entry.verdict == (is_changed ? each.expected : Verdict::ok));
    }
    CHECK(audited(w) == "ok");
  }
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
