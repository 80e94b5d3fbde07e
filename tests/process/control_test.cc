// The operator of a running federation: who is there, which invitations are out, and a coordinator
// that has moved.
#include <doctest/doctest.h>

#include <csignal>

#include "coordinator/protocol/invitation.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

// Worker 3 hangs in every round; the others send what differs from round to round.
constexpr const char* kTrainer = R"(cd "$GRADMINT_ROUND_DIR" || exit 1
case "$PWD" in
  */worker-1/*) n=1 ;;
  */worker-2/*) n=2 ;;
  *) exec tail -f /dev/null ;;
esac
size=$(wc -c < global.safetensors)
head -c $((size - 2)) global.safetensors > parameters.safetensors
printf "\\$(printf %o $((64 + GRADMINT_ROUND % 30 * 2 + n)))<" >> parameters.safetensors
echo '{"examples": 100, "steps": 1, "loss": 0.5}' > metrics.json
)";

Ran operate(const Federation& federation, Words words) {
  words.insert(words.begin(), program("gradmint-coordinator"));
  words.insert(words.end(), {"--home", federation.home().string()});
  return run(words);
}

json operate_json(const Federation& federation, Words words) {
  if (words != Words{"status"}) words.insert(words.end(), {"--format", "json"});
  const Ran ran = operate(federation, words);
  CAPTURE(ran.errors);
  REQUIRE(ran.status == 0);
  return json::parse(ran.output);
}

json line_of(const json& lines, const std::string& key, const std::string& value) {
  for (const json& line : lines)
    if (line.value(key, "") == value) return line;
  return {};
}

Ran preflight(const Federation& federation, const Words& more) {
  Words words{program("gradmint-worker"), "preflight", "--home",
              (federation.root() / "newcomer").string()};
  words.insert(words.end(), more.begin(), more.end());
  return run(words);
}

bool says(const Ran& ran, const std::string& text) {
  return (ran.output + ran.errors).find(text) != std::string::npos;
}

}  // namespace

TEST_CASE("who hangs, leaves and falls silent is named, in events, in status and in the list") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  write_text(here.path / "trainer.sh", kTrainer);
  FederationOptions options;
  options.rounds = 1000;
  options.min_updates = 1;
  options.stall_deadline_ms = 4'000;
  options.trainer = "sh '" + (here.path / "trainer.sh").string() + "'";
  options.extra = "\n[limits]\nstatements_per_round = 1024\n";
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  auto workers = federation.all_workers();
  const std::string &second = federation.addresses()[1], &third = federation.addresses()[2];

  const json closed = coordinator->await("closed", 1);
  REQUIRE(closed["missing"].size() == 1);
  CHECK(closed["missing"][0]["worker"] == third);
  coordinator->await("settled", 1);
  const json listed = operate_json(federation, {"workers"})["workers"];
  REQUIRE(listed.size() == 3);
  const json gave = line_of(listed, "address", second), hung = line_of(listed, "address", third);
  CHECK(gave["last_round"].get<std::uint64_t>() >= 1);
  CHECK(gave["last_score_ppm"].is_number());
  CHECK(gave["bytes_received"].get<std::uint64_t>() > 0);
  CHECK(hung["last_round"].is_null());
  CHECK(hung["bytes_received"] == 0);
  const Ran table = operate(federation, {"workers"});
  CHECK(says(table, "worker-3"));
  CHECK(says(table, third.substr(0, 12) + "…"));

  workers[1]->kill();
  CHECK(coordinator->await("worker_left")["worker"] == second);
  const json missing = operate_json(federation, {"status"})["missing"];
  CHECK(line_of(missing, "worker", second)["state"] == "left");
  CHECK(line_of(operate_json(federation, {"workers"})["workers"], "address", second)["state"] ==
        "left");
  workers[1] = federation.worker(1);
  CHECK(coordinator->await("worker_back")["worker"] == second);

  workers[1]->signal(SIGSTOP);
  CHECK(coordinator->await("worker_silent")["worker"] == second);
  workers[1]->signal(SIGCONT);
  CHECK(coordinator->await("worker_back")["worker"] == second);

  const Ran paused = operate(federation, {"pause"});
  CHECK(says(paused, "paused: "));
  CHECK(says(operate(federation, {"pause"}), "it was paused already"));
  CHECK(says(operate(federation, {"resume"}), "resumed: "));
  CHECK(says(operate(federation, {"resume"}), "it was not paused"));
  CHECK(says(operate(federation, {"stop"}), "stopping: "));
  CHECK(coordinator->wait() == 0);
  for (auto& worker : workers) worker->kill();
}

TEST_CASE("invitations are listed and revoked, and preflight knows what became of one") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.workers = 2;
  const Federation federation(*data, options);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  const Ran noted = operate(federation, {"invite", "--note", "St. Mary"});
  REQUIRE(noted.status == 0);
  const std::string revoked = noted.output.substr(0, noted.output.find('\n'));
  const json line =
      line_of(operate_json(federation, {"invitation", "list"})["invitations"], "note", "St. Mary");
  CHECK(line["state"] == "unused");
  CHECK(line["uses_left"] == 1);
  CHECK(line["made"].get<std::string>().find("UTC") != std::string::npos);
  CHECK(says(preflight(federation, {"--invite", revoked}), "ok      invite "));

  const std::string id = line["id"];
  CHECK(says(operate(federation, {"invitation", "revoke", id.substr(0, 8)}), "is revoked"));
  const Ran again = operate(federation, {"invitation", "revoke", revoked});
  CHECK(again.status == 1);
  CHECK(says(again, "is revoked already"));
  CHECK(operate(federation, {"invitation", "revoke", "xyz"}).status == 2);
  const Ran warned = preflight(federation, {"--invite", revoked});
  CHECK(warned.status == 1);
  CHECK(says(warned, "FAILED  invite    invitation revoked"));
  CHECK(says(warned, "ms from the coordinator's"));  // its clock
  Words join = join_command(federation.plan(), 1, revoked);
  const Ran refused = run(join);
  CHECK(refused.status == 2);
  CHECK(says(refused, "invitation revoked"));

  const std::string used = federation.invite();
  Process first(join_command(federation.plan(), 0, used), federation.log_of(0));
  CHECK(coordinator->await("worker_registered")["worker"] == federation.addresses()[0]);
  const Ran taken = preflight(federation, {"--invite", used});
  CHECK(says(taken, "used up by " + federation.addresses()[0]));
  const json after = operate_json(federation, {"invitation", "list"})["invitations"];
  CHECK(line_of(after, "state", "used")["used_by"] == federation.addresses()[0]);
  const Ran late = operate(federation, {"invitation", "revoke", used});
  CHECK(late.status == 1);
  CHECK(says(late, "member suspend"));
  first.kill();
  CHECK(operate(federation, {"stop"}).status == 0);
  CHECK(coordinator->wait() == 0);
}

TEST_CASE("a coordinator that has moved: new invitations name it, old ones need one option") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.workers = 2;
  const Federation federation(*data, options);
  const std::string old = federation.invite();
  Words words = coordinator_run_command(federation.plan());
  words.insert(words.end(), {"--join", "tcp://127.0.0.1:0"});
  Process coordinator(words, federation.root() / "log" / "moved.log");
  const std::string address = coordinator.await("started")["join"];
  CHECK(parse_invitation(federation.invite())->join_endpoint == address);
  CHECK(parse_invitation(old)->join_endpoint != address);
  const json listed = operate_json(federation, {"invitation", "list"});
  CHECK(listed["endpoint"] == address);
  CHECK(says(operate(federation, {"invitation", "list"}), "joins with --coordinator " + address));

  const Ran lost = preflight(federation, {"--invite", old});
  CHECK(lost.status == 1);
  CHECK(says(lost, "give its new address: --coordinator tcp://HOST:PORT"));
  const Ran found = preflight(federation, {"--invite", old, "--coordinator", address});
  CHECK(says(found, address + " answers in"));
  CHECK(says(preflight(federation, {"--invite", old, "--coordinator", "tcp://*:1"}),
             "not one a worker can connect to"));
  Words join = join_command(federation.plan(), 0, old);
  join.insert(join.end(), {"--coordinator", address});
  Process worker(join, federation.log_of(0));
  CHECK(coordinator.await("worker_registered")["worker"] == federation.addresses()[0]);
  worker.kill();
  // Its home knows from now on.
  auto back = federation.worker(0);
  CHECK(back->await_line("connected to") != "");
  back->kill();
  CHECK(operate(federation, {"stop"}).status == 0);
  CHECK(coordinator.wait() == 0);
}
