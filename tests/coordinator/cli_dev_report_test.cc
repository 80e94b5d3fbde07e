#include <doctest/doctest.h>

#include "coordinator/cli/dev_report.h"
#include "coordinator/cli/rules_json.h"
#include "ledger/json_text.h"

using namespace gradmint;
using nlohmann::json;

namespace {

FederationEvent event(const std::string& line) {
  const auto parsed = parse_event(line);
  INFO(line);
  REQUIRE(parsed.ok());
  return *parsed;
}

RunOutcome two_workers() {
  RunOutcome run;
  run.workers = {{"worker-1", "gm1a", ""}, {"worker-2", "gm1b", "nan@2"}};
  return run;
}

const char* const kResult1 =
    R"({"event":"result","round":1,"model_root":"aa","accepted":[)"
    R"({"worker":"gm1a","name":"worker-1","weight":10,"score_ppm":900000},)"
    R"({"worker":"gm1b","name":"worker-2","weight":20,"score_ppm":500001}],"rejected":[]})";
const char* const kSettled1 =
    R"({"event":"settled","round":1,"attestations":1,)"
    R"("metrics":{"accuracy":{"measured":1,"median_micro":812345,"mean_micro":812345},)"
    R"("loss":{"measured":1,"median_micro":654321,"mean_micro":654321}},)"
    R"("training":{"loss":{"measured":2,"median_micro":1,"mean_micro":2}},)"
    R"("mints":[{"worker":"gm1a","name":"worker-1","amount":"47.36"},)"
    R"({"worker":"gm1b","name":"worker-2","amount":"52.64"}],"minted_total":"100"})";
const char* const kResult2 =
    R"({"event":"result","round":2,"model_root":"bb","accepted":[)"
    R"({"worker":"gm1a","name":"worker-1","weight":10,"score_ppm":800000}],)"
    R"("rejected":[{"worker":"gm1b","name":"worker-2","reason":"non_finite"}]})";
const char* const kSettled2 =
    R"({"event":"settled","round":2,"attestations":1,)"
    R"("metrics":{"dice":{"measured":0,"median_micro":null,"mean_micro":null},)"
    R"("loss":{"measured":1,"median_micro":1000000000000000,"mean_micro":null}},"training":{},)"
    R"("mints":[{"worker":"gm1a","name":"worker-1","amount":"100"}],"minted_total":"200"})";

}  // namespace

TEST_CASE("dev_events reads the coordinator's lines and refuses what is none") {
  CHECK(event(R"({"event":"waiting","workers":3,"needed":5})").count == 3);
  CHECK(event(R"({"event":"round_opened","round":4,"attempt":1,"members":5,"rounds":12})").of == 5);
  CHECK(event(R"({"event":"comet","tail":1})").kind == EventKind::other);
  CHECK(event(kSettled1).mints[0].amount == 47'360'000'000);
  for (const char* line :
       {"", "x", "[]", "{}", R"({"event":1})", R"({"event":"waiting"})",
        R"({"event":"settled","round":1})", R"({"event":"progress","round":1,"done_ppm":"x"})",
        R"({"event":"result","model_root":"a","accepted":{},"rejected":[1]})"}) {
    CAPTURE(line);
    CHECK_FALSE(parse_event(line).ok());
  }
}

TEST_CASE("dev_report gathers rounds and workers") {
  RunOutcome run = two_workers();
  for (const char* line : {kResult1, kSettled1, kResult2, kSettled2, kSettled2})
    run.on(event(line));
  CHECK(run.workers[0].rounds_accepted == 2);
  CHECK(run.workers[0].score_ppm() == 850000);
  CHECK(run.workers[0].minted == 147'360'000'000);
  CHECK(run.workers[1].rounds_accepted == 1);
  CHECK(run.workers[1].score_ppm() == 500001);
  CHECK(run.fault(2) == "");
  CHECK(run.fault(3) == "only 2 of 3 rounds were settled");
}

TEST_CASE("a round that nobody attested is a fault") {
  RunOutcome run = two_workers();
  run.on(event(kResult1));
  run.on(event(R"({"event":"settled","round":1,"attestations":0,"metrics":{},"training":{},)"
               R"("mints":[],"minted_total":"0"})"));
  CHECK(run.fault(1) == "round 1 was settled without an attestation");
}

TEST_CASE("rules are shown by name: choices, whole numbers, the shortest decimals") {
  const auto shown = [](const char* name, std::vector<Parameter> parameters) {
    return json_text(rules_json({{}, {name, std::move(parameters)}, {"plain", {}}})["aggregator"]);
  };
  CHECK(shown("krum", {{"f", 0x3f800000}, {"convention", 0x40000000}}) ==
        R"({"name":"krum","parameters":{"f":1,"convention":"flower"}})");
  CHECK(shown("centered_clipping", {{"tau", 0x3dcccccd}, {"steps", 0x40400000}}) ==
        R"({"name":"centered_clipping","parameters":{"tau":0.1,"steps":3}})");
  // Of another program's ledger.
  CHECK(shown("krum", {{"convention", 0x40c00000}, {"new", 0x3f000000}}) ==
        R"({"name":"krum","parameters":{"convention":6,"new":0.5}})");
  CHECK(shown("newer", {{"f", 0x3f800000}}) == R"({"name":"newer","parameters":{"f":1.0}})");
}

TEST_CASE("the report file") {
  RunOutcome run = two_workers();
  for (const char* line : {kResult1, kSettled1, kResult2, kSettled2}) run.on(event(line));
  ReportFrame frame;
  frame.seed = 3;
  frame.data = "digits";
  frame.model = "mlp";
  frame.encoding = "int8";
  frame.aggregation = {
      {{"clip", {{"tau", 0x3f8ccccd}}}}, {"median", {}}, {"plain", {{"lr", 0x3f800000}}}};
  frame.home = "/h";
  frame.ledger = "/h/coordinator/ledger";
  frame.audit = {{"ok", true}, {"height", 9}};
  const json expected = json::parse(R"({
    "schema": "gradmint.dev-report.v2", "ok": true, "failure": null, "seed": 3,
    "data": "digits", "model": "mlp", "encoding": "int8", "aggregator": "median", "optimizer": "plain",
    "aggregation": {"pre": [{"name": "clip", "parameters": {"tau": 1.1}}],
      "aggregator": {"name": "median", "parameters": {}},
      "optimizer": {"name": "plain", "parameters": {"lr": 1.0}}},
    "home": "/h", "ledger": "/h/coordinator/ledger", "audit": {"ok": true, "height": 9},
    "rounds": [
      {"round": 1, "model_root": "aa", "attestations": 1,
       "metrics": {"accuracy": {"measured": 1, "median": 0.812345, "mean": 0.812345, "saturated": false},
                   "loss": {"measured": 1, "median": 0.654321, "mean": 0.654321, "saturated": false}},
       "training": {"loss": {"measured": 2, "median": 1e-6, "mean": 2e-6, "saturated": false}},
       "accepted": ["gm1a", "gm1b"], "rejected": [],
       "scores": {"gm1a": 900000, "gm1b": 500001}, "minted": 100000000000},
      {"round": 2, "model_root": "bb", "attestations": 1,
       "metrics": {"dice": {"measured": 0, "median": null, "mean": null, "saturated": false},
                   "loss": {"measured": 1, "median": null, "mean": null, "saturated": true}},
       "training": {},
       "accepted": ["gm1a"], "rejected": [{"worker": "gm1b", "reason": "non_finite"}],
       "scores": {"gm1a": 800000}, "minted": 100000000000}],
    "workers": [
      {"name": "worker-1", "address": "gm1a", "adversary": null, "rounds_accepted": 2,
       "score_ppm": 850000, "minted": 147360000000, "minted_tokens": "147.36"},
      {"name": "worker-2", "address": "gm1b", "adversary": "nan@2", "rounds_accepted": 1,
       "score_ppm": 500001, "minted": 52640000000, "minted_tokens": "52.64"}]})");
  CHECK(report_json(run, frame) == expected);
  frame.failure = "round 3 was abandoned";
  CHECK(report_json(run, frame)["ok"] == false);
  CHECK(report_json(run, frame)["failure"] == "round 3 was abandoned");
}
