// A federation of a thousand: registration, a round and its settlement on the ledger, with the
// rules that cost most, and one that so many cannot use.
#include <doctest/doctest.h>

#include "ledger/execute_round.h"
#include "ledger/kernel_spec.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

constexpr int kThousand = 1000;

World closed_round(const kernels::NamedRule& aggregator) {
  WorldOptions options;
  options.workers = kThousand;
  options.parameters = 40;
  kernels::AggregateSpec spec;
  spec.pre = {{"clip", {{"tau", 2.5f}}}};
  spec.aggregator = aggregator;
  options.aggregation = kernels::complete_spec(spec).value();
  World world(options);
  world.enrol();
  world.open();
  for (int i = 0; i < kThousand; ++i) {
    std::vector<float> values;
    for (int c = 0; c < 40; ++c) {
      values.push_back(static_cast<float>((i * 7919 + c * 104729) % 1009) * 0.001f);
    }
    world.own_payloads[i] = values;
    world.own_examples[i] = 50;
  }
  world.commit();
  world.close();
  return world;
}

}  // namespace

TEST_CASE("a round of 1000 workers is executed, stands and is settled") {
  World world = closed_round({"bulyan", {{"f", 240}}});
  CHECK(members_of(world.chain.state()).size() == kThousand);
  world.result();
  std::size_t selected = 0;
  for (const ResultEntry& entry : world.round().result.entries) {
    CHECK(entry.verdict == Verdict::ok);
    selected += entry.selected ? 1 : 0;
  }
  CHECK(selected == 520);
  world.attest();
  world.settle();
  CHECK(world.round().phase == RoundPhase::settled);
}

TEST_CASE("a rule that 1000 workers leave too many choices is refused by name") {
  const World world = closed_round({"mda", {{"f", 240}}});
  const RoundExecution execution = world.execute();
  CHECK(execution.failure == Verdict::aggregation_refused);
  CHECK(execution.failure_text.find("f = 240 of 1000 updates leaves more than 5000000 subsets") !=
        std::string::npos);
}
