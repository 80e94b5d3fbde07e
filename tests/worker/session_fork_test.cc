// What a session does with two certified blocks at one height.
#include <doctest/doctest.h>

#include "tests/worker/session_stage.h"

namespace gradmint::test {
namespace {

TEST_CASE("a fork is kept as evidence and told, and nothing is done after it") {
  Federation f = at(Stage::training);
  World& world = f.coordinator.world;
  const std::uint64_t height = world.chain.height();
  Header other = world.played.back().draft.block.header;
  other.time_ms += 1;
  const CertifiedHeader certified{encode_record(other), encode_record(world.certify(other, {0}))};
  Headers headers{height, {certified}};
  const Effects effects = f.inject(0, arrives(f, headers));
  REQUIRE(names_of(effects) == "SaveForkEvidence CancelTraining");
  CHECK(std::get<SaveForkEvidence>(effects[0]).height == height);
  CHECK(f.inject(0, arrives(f, state_of(f))).empty());
  const CertifiedHeader first = f.workers[0].session->chain()->newest();
  const Effects told = f.inject(0, ForkSaved{"evidence/fork.json", first});
  REQUIRE(names_of(told) == "ReportFork");
  const auto& report = std::get<Send>(told[0]);
  CHECK(std::get<ReportFork>(report.message) == ReportFork{first, certified});
  CHECK(f.inject(0, arrives(f, state_of(f))).empty());
  const Effects end = f.inject(0, Arrived{f.workers[0].link, report.ask, Pong{}, {}});
  REQUIRE(names_of(end) == "Stop1");
  const std::string& why = std::get<Stop>(end[0]).text;
  for (const char* part : {"evidence/fork.json", "was told", "ask its operator"}) {
    CHECK(why.find(part) != std::string::npos);
  }
  CHECK(f.workers[0].session->stopped());
  CHECK(f.inject(0, arrives(f, state_of(f))).empty());

  // A coordinator that does not want to hear it does not keep the worker.
  Federation deaf = at(Stage::training);
  headers = {height, {certified}};
  REQUIRE(names_of(deaf.inject(0, arrives(deaf, headers))) == "SaveForkEvidence CancelTraining");
  REQUIRE(names_of(deaf.inject(0, ForkSaved{"fork.json", first})) == "ReportFork");
  deaf.now_ms += 3000;
  const Effects alone = deaf.inject(0, Tick{});
  REQUIRE(names_of(alone) == "Stop1");
  CHECK(std::get<Stop>(alone[0]).text.find("could not be told") != std::string::npos);

  // One that is not certified proves nothing, and changes nothing.
  headers = {height, {certified}};
  Federation g = at(Stage::training);
  headers.headers[0].certificate = encode_record(world.played.back().certificate);
  CHECK(names_of(g.inject(0, arrives(g, headers))) == "Warn");

  // One above our tip that builds on another block: theirs at our height is asked for.
  Federation h = at(Stage::training);
  other = h.coordinator.world.played.back().draft.block.header;
  other.height += 1;
  other.parent_hash = hash_of("their block");
  headers.headers = {
      {encode_record(other), encode_record(h.coordinator.world.certify(other, {0}))}};
  const Effects asked = h.inject(0, arrives(h, headers));
  REQUIRE(names_of(asked) == "GetHeaders");
  CHECK(std::get<GetHeaders>(std::get<Send>(asked[0]).message).from_height == height);
}

}  // namespace
}  // namespace gradmint::test
