#include <doctest/doctest.h>

#include <algorithm>
#include <sstream>

#include "coordinator/cli/display.h"
#include "coordinator/cli/invitation_text.h"
#include "coordinator/cli/roster_text.h"

using namespace gradmint;

namespace {

const char* const kEvents[] = {
    R"({"event":"started","join":"tcp://h:1","work":"tcp://h:2","chain_id":"cc","height":0,"rounds":12})",
    R"({"event":"worker_registered","worker":"gm1a","name":"worker-1"})",
    R"({"event":"waiting","workers":1,"needed":2})",
    R"({"event":"round_opened","round":1,"attempt":0,"members":2,"rounds":12})",
    R"({"event":"progress","round":1,"worker":"gm1a","name":"worker-1","done_ppm":500000})",
    R"({"event":"committed","round":1,"worker":"gm1a","name":"worker-1","committed":1,"members":2})",
    R"({"event":"closed","round":1,"committed":2,"exponent":0,"shift":40})",
    R"({"event":"revealed","round":1,"worker":"gm1a","name":"worker-1","revealed":1,"committed":2})",
    R"({"event":"result","round":1,"model_root":"aa","accepted":[{"worker":"gm1c","name":"worker-3","weight":1,"score_ppm":0},{"worker":"gm1a","name":"worker-1","weight":1,"score_ppm":912345}],"rejected":[{"worker":"gm1b","name":"worker-2","reason":"non_finite"}]})",
    R"({"event":"settled","round":1,"attestations":1,"metrics":{"accuracy":{"measured":1,"median_micro":874200,"mean_micro":874200},"loss":{"measured":1,"median_micro":421337,"mean_micro":421337}},"training":{},"mints":[{"worker":"gm1a","name":"worker-1","amount":"100"}],"minted_total":"100"})",
    R"({"event":"abandoned","round":2,"attempt":0,"reason":"too_few_updates"})",
    R"({"event":"warning","text":"the disk is nearly full"})",
    R"({"event":"member_suspended","worker":"gm1b","name":"worker-2","reason":"absent","text":""})",
    R"({"event":"member_suspended","worker":"gm1c","name":"worker-3","reason":"operator","text":"left"})",
    R"({"event":"member_readmitted","worker":"gm1b","name":"worker-2"})",
    R"({"event":"key_change_asked","worker":"gm1b","name":"worker-2"})",
    R"({"event":"key_changed","worker":"gm1b","name":"worker-2"})",
    R"({"event":"finished","rounds":12,"height":40})",
};

std::string shown(const DisplayStyle& style) {
  Display display(style);
  RunOutcome run;
  run.workers = {{"worker-1", "gm1a", ""}, {"worker-2", "gm1b", "nan"}, {"worker-3", "gm1c", ""}};
  std::string text;
  for (const char* line : kEvents) {
    const auto event = parse_event(line);
    REQUIRE(event.ok());
    run.on(*event);
    text += display.on(*event, run);
  }
  return text + display.clear();
}

}  // namespace

TEST_CASE("away from a terminal there are plain lines for each round") {
  CHECK(shown({}) ==
        "worker-1 joined as gm1a\n"
        "round  1/12  accuracy 87.42 %  loss 0.4213  minted 100\n"
        "             accepted worker-1 0.912, worker-3 0.000\n"
        "             rejected worker-2: non_finite\n"
        "score 0: no agreement with the others in that round; normal where a model has converged\n"
        "round 2, attempt 1: abandoned: too_few_updates\n"
        "warning: the disk is nearly full\n"
        "worker-2 is suspended: absent\n"
        "worker-3 is suspended: left\n"
        "worker-2 is readmitted\n"
        "worker-2 is to have other keys\n"
        "worker-2 has other keys now\n");
}

TEST_CASE("metrics of a settled round: the first stands out, an error has its unit") {
  struct Case {
    std::string metrics, fields, shown;
  };
  const std::string r2 = R"("r2":{"measured":1,"median_micro":995200,"mean_micro":995200})";
  const std::string loss = R"("loss":{"measured":1,"median_micro":4129,"mean_micro":4129})";
  const Case cases[] = {
      {r2 + "," + loss, R"("target":"price","rmse":36184.25,)",
       "R2 0.9952  error 36184.2 in price"},
      {r2 + "," + loss, R"("target":"x\u001b[2J","rmse":1e-7,)", "R2 0.9952  error 1e-07 in x"},
      {r2 + "," + loss, "", "R2 0.9952  loss 0.0041"},  // without a contract
      {R"("auc":{"measured":3,"median_micro":900000,"mean_micro":800000},)"
       R"("dice":{"measured":0,"median_micro":null,"mean_micro":null})",
       "", "auc 0.9000 (mean 0.8000)  dice not measured"},
      {R"("loss":{"measured":1,"median_micro":1000000000000000,"mean_micro":null})", "",
       "loss above 1e9"},
  };
  for (const Case& each : cases) {
    const auto event =
        parse_event(R"({"event":"settled","round":1,"rounds":3,"attestations":1,)" + each.fields +
                    R"("training":{},"mints":[],"metrics":{)" + each.metrics + "}}");
    REQUIRE(event.ok());
    RunOutcome run;
    run.on(*event);
    Display display({});
    const std::string text = display.on(*event, run);
    CHECK_MESSAGE(text.find(each.shown) != std::string::npos, text);
    CHECK(text.find("accuracy") == std::string::npos);
    CHECK(text.find('\x1b') == std::string::npos);
  }
}

TEST_CASE("sixteen metrics with long names stay within the columns") {
  for (const std::size_t columns : {80U, 110U, 200U}) {
    RunOutcome run;
    RoundOutcome round;
    round.round = 1;
    round.settled = true;
    round.attestations = 2;
    for (int i = 0; i < 16; ++i)
      round.metrics.push_back({"metric-with-a-long-name/" + std::to_string(10 + i), 2, 1, 900'000});
    round.accepted = {{"gm1a", "worker-1", 1, 500'000}};
    run.rounds = {round};
    DisplayStyle style;
    style.columns = columns;
    Display display(style);
    FederationEvent event;
    event.kind = EventKind::settled;
    event.round = event.rounds = 1;
    const std::string text = display.on(event, run);
    std::istringstream lines(text);
    for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(line.size() <= columns, line);
    for (int i = 0; i < 16; ++i)
      CHECK(text.find("name/" + std::to_string(10 + i)) != std::string::npos);
  }
}

TEST_CASE("on a terminal the last line is live and is removed before others") {
  const std::string clear = "\r\x1b[2K";
  const std::string expected =
      "worker-1 joined as gm1a\n" + clear + "[############------------] waiting for workers 1/2" +
      clear + "round 1/12 [------------------------] training 0/2" + clear +
      "round 1/12 [###---------------------] training 0/2" + clear +
      "round 1/12 [#######-----------------] training 1/2" + clear +
      "round 1/12 [##############----------] revealing 0/2" + clear +
      "round 1/12 [#################-------] revealing 1/2" + clear +
      "round 1/12 [#####################---] evaluating" + clear +
      "round  1/12  accuracy 87.42 %  loss 0.4213  minted 100  accepted worker-1 0.912, worker-3 "
      "0.000  rejected worker-2: non_finite\n"
      "score 0: no agreement with the others in that round; normal where a model has converged\n"
      "round 2, attempt 1: abandoned: too_few_updates\n"
      "warning: the disk is nearly full\n"
      "worker-2 is suspended: absent\n"
      "worker-3 is suspended: left\n"
      "worker-2 is readmitted\n"
      "worker-2 is to have other keys\n"
      "worker-2 has other keys now\n";
  DisplayStyle style;
  style.live = true;
  style.columns = 126;  // just wide enough
  CHECK(shown(style) == expected);
}

TEST_CASE("colours are added only where they are wanted") {
  CHECK(shown({}).find('\x1b') == std::string::npos);
  DisplayStyle style;
  style.live = style.colour = true;
  const std::string text = shown(style);
  CHECK(text.find("\x1b[31mworker-2: non_finite\x1b[0m") != std::string::npos);
  CHECK(text.find(" worker-3 0.000") != std::string::npos);  // no colour: it may well be honest
}

TEST_CASE("what a score of 0 means is said once, and under the table") {
  Display display({});
  RunOutcome run;
  for (const std::uint64_t number : {1ULL, 2ULL}) {
    RoundOutcome round;
    round.round = number;
    round.accepted = {{"gm1a", "a", 1, 0}};
    run.rounds.push_back(round);
  }
  FederationEvent event;
  event.kind = EventKind::settled;
  event.round = 1;
  CHECK(display.on(event, run).find(kZeroScore) != std::string::npos);
  event.round = 2;
  CHECK(display.on(event, run).find(kZeroScore) == std::string::npos);
  run.workers = {{"a", "gm1a", "", 2, 0, 0}};
  CHECK(workers_table(run, {}).find(kZeroScore) != std::string::npos);
  run.workers = {{"a", "gm1a", "", 2, 1'000'000, 0}};
  CHECK(workers_table(run, {}).find(kZeroScore) == std::string::npos);
}

TEST_CASE("who leaves, hangs and comes back is named, and whom a round goes on without") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"event":"worker_left","worker":"gm1b","name":"b","round":2,"for_ms":5200})",
       "b left: no connection for 5 s\n"},
      {R"({"event":"worker_silent","worker":"gm1b","name":"b","round":2,"for_ms":300000})",
       "b is silent for 5 min\n"},
      {R"({"event":"worker_late","worker":"gm1b","name":"b","round":2,"for_ms":1})",
       "b holds round 2: half of the others were done long ago\n"},
      {R"({"event":"worker_back","worker":"gm1b","name":"","round":2})", "gm1b is back\n"},
      {R"({"event":"closed","round":2,"committed":2,"missing":[{"worker":"gm1b","name":"b"}]})",
       "round 2 goes on without b\n"},
      {R"({"event":"closed","round":3,"committed":2,"missing":[{"worker":"gm1b","name":"b"}]})",
       ""},
      {R"({"event":"closed","round":4,"committed":3,"missing":[]})", ""}};
  Display display({});
  for (const auto& [line, text] : cases) {
    const auto event = parse_event(line);
    REQUIRE(event.ok());
    CHECK(display.on(*event, {}) == text);
  }
}

TEST_CASE("what is told of a scaler that comes from the sites") {
  const std::pair<const char*, const char*> cases[] = {
      {R"({"event":"waiting_for_sums","missing":[{"worker":"gm1a","name":"a"},{"worker":"gm1b","name":""}]})",
       "waiting for the sums of a, gm1b\n"},
      {R"({"event":"sums_stated","worker":"gm1a","name":"a","rows":60,"stated":1,"members":2})",
       "a stated its sums over 60 rows (1 of 2)\n"},
      {R"({"event":"worker_late","worker":"gm1b","name":"b","round":0,"for_ms":1})",
       "b holds the scaler: half of the others were done long ago\n"},
      {R"({"event":"scaler_fixed","sites":2,"rows":140,"columns":3,"missing":[]})",
       "scaler fixed from 2 sites with 140 rows\n"},
      {R"({"event":"scaler_fixed","sites":1,"rows":60,"columns":3,"missing":[{"worker":"gm1b","name":"b\u001b[2J"}]})",
       "scaler fixed from 1 site with 60 rows, without b\\x1b[2J\n"}};
  Display display({});
  for (const auto& [line, text] : cases) {
    const auto event = parse_event(line);
    REQUIRE(event.ok());
    CHECK(display.on(*event, {}) == text);
  }
}

TEST_CASE("the list of workers") {
  const nlohmann::json workers = {{{"name", "St. Mary"},
                                   {"address", "gm1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqzz"},
                                   {"state", "training"},
                                   {"for_ms", nullptr},
                                   {"done_ppm", 400'000},
                                   {"last_round", 3},
                                   {"last_score_ppm", 0},
                                   {"bytes_received", 3 << 20}},
                                  {{"name", "b\x1b[2J"},
                                   {"address", "gm1b"},
                                   {"state", "silent"},
                                   {"for_ms", 45'000},
                                   {"done_ppm", nullptr},
                                   {"last_round", nullptr},
                                   {"last_score_ppm", nullptr},
                                   {"bytes_received", 0}}};
  CHECK(roster_table(workers) ==
        "name      address              state              last update  score  received\n"
        "St. Mary  gm1qqqqqqqqq…qqqqzz  training 40 %      round 3      0.000   3.0 MiB\n"
        "b\\x1b[2J  gm1b                 silent since 45 s  none             -   0.0 KiB\n" +
            std::string(kZeroScore) + "\n");
  CHECK(roster_table(nlohmann::json::array()) == "no worker has registered yet\n");
}

TEST_CASE("the list of invitations") {
  InvitationLine open{Hash{}, "St. Mary", "tcp://a:1", 1'700'000'000'000, false, "", ""};
  InvitationLine used = open, revoked = open;
  used.code_hash.bytes[0] = 1;
  used.used_by = "gm1b";
  used.used_by_name = "b";
  revoked.code_hash.bytes[0] = 2;
  revoked.revoked = true;
  revoked.made_unix_ms = 0;
  const std::vector<InvitationLine> all = {open, used, revoked};
  CHECK(invitation_table(all, "tcp://a:2") ==
        "id            note      made                     uses left  state\n"
        "000000000000  St. Mary  2023-11-14 22:13:20 UTC          1  unused, names tcp://a:1\n"
        "010000000000  St. Mary  2023-11-14 22:13:20 UTC          0  used by b gm1b\n"
        "020000000000  St. Mary  -                                0  revoked\n"
        "new invitations name tcp://a:2; who holds one with another address joins with "
        "--coordinator tcp://a:2\n");
  CHECK(invitation_table(all, "tcp://a:1").ends_with("new invitations name tcp://a:1\n"));
  CHECK(with_id(all, "01").size() == 1);
  CHECK(with_id(all, "0").size() == 3);
  CHECK(invitation_json(used)["uses_left"] == 0);
  CHECK(invitation_json(open)["used_by"].is_null());
}

TEST_CASE("many accepted workers are summed up") {
  Display display({});
  RunOutcome run;
  RoundOutcome round;
  FederationEvent event;
  event.kind = EventKind::settled;
  event.round = round.round = 3;
  round.attestations = 1;
  for (std::uint32_t i = 0; i < 20; ++i)
    round.accepted.push_back({"gm1" + std::to_string(i), "", 1, i * 10000});
  run.rounds = {round};
  CHECK(display.on(event, run).find("accepted 20, scores 0.000 to 0.190\n") != std::string::npos);
}

TEST_CASE("a settled round fits the screen, and loses nothing") {
  RunOutcome run;
  RoundOutcome round;
  round.round = 3;
  round.attestations = 1;
  for (int i = 1; i <= 8; ++i)
    round.accepted.push_back({"", "accepted-" + std::to_string(i), 1, 900'000});
  for (int i = 1; i <= 40; ++i)
    round.rejected.push_back({"", "rejected-" + std::to_string(i), "malformed_payload"});
  run.rounds = {round};
  FederationEvent event;
  event.kind = EventKind::settled;
  event.round = 3;
  for (const bool colour : {false, true}) {
    for (const std::size_t columns : {60u, 79u, 100u, 5000u}) {
      DisplayStyle style;
      style.columns = columns;
      style.colour = colour;
      const std::string text = Display(style).on(event, run);
      std::size_t width = 0, widest = 0, lines = 0;
      bool hidden = false;  // inside of a colour
      for (const char c : text) {
        if (c == '\x1b') hidden = true;
        if (c == '\n') {
          ++lines;
          width = 0;
        } else if (!hidden) {
          widest = std::max(widest, ++width);
        }
        if (hidden && c == 'm') hidden = false;
      }
      CAPTURE(text);
      CHECK(widest <= columns);
      CHECK((lines == 1) == (columns == 5000));
      for (const auto& each : round.accepted) CHECK(text.find(each.name + " 0.900") != text.npos);
      for (const auto& each : round.rejected)
        CHECK(text.find(each.name + ": malformed_payload") != text.npos);
    }
  }
}

TEST_CASE("progress_bar and scores") {
  CHECK(progress_bar(0, 6) == "[----]");
  CHECK(progress_bar(0.5, 6) == "[##--]");
  CHECK(progress_bar(1, 6) == "[####]");
  CHECK(progress_bar(7, 6) == "[####]");
  CHECK(progress_bar(-1, 6) == "[----]");
  CHECK(score_text(912345) == "0.912");
}

TEST_CASE("the table of workers") {
  RunOutcome run;
  run.workers = {
      {"worker-1", "gm1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq", "", 12, 10'800'000, 1'250'000'000},
      {"worker-12", "gm1z", "signflip@4", 3, 0, 0}};
  RoundOutcome last;
  last.round = 12;
  last.attestations = 1;
  last.metrics = {{"accuracy", 1, 941'234, 941'234}, {"loss", 1, 211'000, 211'000}};
  run.rounds = {last};
  CHECK(workers_table(run, {}) ==
        "worker     address                            adversary   accepted  mean score  tokens\n"
        "worker-1   gm1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqq  -                 12       0.900    1.25\n"
        "worker-12  gm1z                               signflip@4         3       0.000       0\n"
        "validation accuracy 94.12 %, loss 0.2110 after round 12\n");
  DisplayStyle narrow;
  narrow.live = true;
  narrow.columns = 79;
  CHECK(workers_table(run, narrow).find("gm1qqqqqqqqq…qqqqqq  -") != std::string::npos);
}
