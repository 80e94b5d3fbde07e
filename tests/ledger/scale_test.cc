// Rounds in which members send next to nothing, or lie about how much: the honest ones are accepted
// and paid (design: the numeric law, who can move E).
#include <doctest/doctest.h>

#include "kernels/encoding.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

std::vector<float> scaled(std::vector<float> values, float factor) {
  for (float& value : values) value *= factor;
  return values;
}

struct Settled {
  Verdict verdict = Verdict::unknown_worker;
  std::uint64_t paid = 0;
};

// A round of `workers`, after `prepare` has changed what some of them do.
std::vector<Settled> settled(int workers, const std::function<void(World&)>& prepare,
                             const std::string& encoding = "fp32") {
  WorldOptions options;
  options.workers = workers;
  options.encoding = ledger_encoding(kernels::parse_encoding(encoding).value());
  World w(options);
  w.enrol();
  w.open();
  prepare(w);
  w.commit();
  w.close();
  w.result();
  const RoundResult result = w.round().result;
  w.attest();
  w.settle();
  std::vector<Settled> all(static_cast<std::size_t>(workers));
  for (const ResultEntry& entry : result.entries) {
    const auto account = get<AccountRecord>(w.chain.state(), state_key::account(entry.worker));
    all[static_cast<std::size_t>(w.worker_of(entry.worker))] = {entry.verdict, account->balance};
  }
  return all;
}

}  // namespace

TEST_CASE("scale: of two workers one sends its parameters unchanged") {
  for (const char* encoding : {"fp32", "bf16", "fp16", "int8", "int4", "top_k:keep=4"}) {
    CAPTURE(encoding);
    const auto all = settled(
        2, [](World& w) { w.own_payloads[0] = std::vector<float>(8, 0.0F); }, encoding);
    CHECK(all[0].verdict == Verdict::ok);
    CHECK(all[0].paid == 0);  // nothing done, nothing paid
    CHECK(all[1].verdict == Verdict::ok);
    CHECK(all[1].paid > 0);
  }
}

TEST_CASE("scale: of four workers two send zeros, or a hundred thousandth of their update") {
  const auto idle = [](World& w) {
    w.own_payloads[0] = std::vector<float>(8, 0.0F);
    w.own_payloads[2] = scaled(w.payload_of(2), 1e-30F);
  };
  const auto tiny = [](World& w) {
    for (const int worker : {0, 2}) w.own_payloads[worker] = scaled(w.payload_of(worker), 1e-5F);
  };
  for (const auto& prepare :
       {std::function<void(World&)>(idle), std::function<void(World&)>(tiny)}) {
    const auto all = settled(4, prepare);
    for (const int honest : {1, 3}) {
      CHECK(all[static_cast<std::size_t>(honest)].verdict == Verdict::ok);
      CHECK(all[static_cast<std::size_t>(honest)].paid > 0);
    }
  }
}

TEST_CASE("scale: half send nothing and one declares all there is") {
  const auto all = settled(4, [](World& w) {
    w.own_exponents[0] = kMaxExponent;
    w.own_payloads[2] = scaled(w.payload_of(2), 1e-30F);
    w.own_payloads[3] = std::vector<float>(8, 0.0F);
  });
  CHECK(all[0].verdict == Verdict::out_of_range);
  CHECK(all[1].verdict == Verdict::ok);
}

TEST_CASE("scale: a declaration that the payload does not keep has had its say within bounds") {
  const auto all = settled(4, [](World& w) {
    w.own_exponents[0] = 10;  // within reach of the honest ones: it raises E, and is found out
    w.own_payloads[2] = std::vector<float>(8, 0.0F);
  });
  CHECK(all[0].verdict == Verdict::exponent_mismatch);
  CHECK(all[0].paid == 0);
  CHECK(all[1].paid > 0);
  CHECK(all[3].paid > 0);
}
