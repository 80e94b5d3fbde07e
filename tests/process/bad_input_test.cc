// Bad input of every kind: one clear line, and the right exit status.
#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <leveldb/db.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <functional>

#include "coordinator/protocol/invitation.h"
#include "ledger/schema.h"
#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

struct Case {
  std::string what;
  std::function<void()> spoil;
  Words words;
  int status;
  std::string says;  // in its one line
};

// One line of the program's own on standard error, that says so.
void check(const Case& expected, const Ran& ran) {
  CAPTURE(expected.what);
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  CHECK(ran.status == expected.status);
  CHECK(std::count(ran.errors.begin(), ran.errors.end(), '\n') == 1);
  CHECK(ran.errors.starts_with("gradmint"));
  CHECK(ran.errors.find(expected.says) != std::string::npos);
}

void cut_in_half(const fs::path& file) { fs::resize_file(file, fs::file_size(file) / 2); }

void set_schema(const fs::path& database, std::uint8_t schema) {
  leveldb::DB* opened = nullptr;
  REQUIRE(leveldb::DB::Open({}, database.string(), &opened).ok());
  const std::unique_ptr<leveldb::DB> db(opened);
  leveldb::WriteOptions synced;
  synced.sync = true;
  REQUIRE(db->Put(synced, "m/schema", std::string(3, '\0') + static_cast<char>(schema)).ok());
}

// Holds a port for as long as it lives.
class Listener {
 public:
  Listener() {
    socket_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof address;
    REQUIRE(::bind(socket_, reinterpret_cast<sockaddr*>(&address), size) == 0);
    REQUIRE(::listen(socket_, 1) == 0);
    REQUIRE(::getsockname(socket_, reinterpret_cast<sockaddr*>(&address), &size) == 0);
    port_ = ntohs(address.sin_port);
  }
  ~Listener() { ::close(socket_); }
  std::string port() const { return std::to_string(port_); }
  std::string endpoint() const { return "tcp://127.0.0.1:" + port(); }

 private:
  int socket_ = -1, port_ = 0;
};

fs::path first_file(const fs::path& directory, const std::string& ending) {
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file() && entry.path().string().ends_with(ending) &&
        fs::file_size(entry) > 0)
      return entry.path();
  FAIL("no file " << ending << " in " << directory.string());
  return {};
}

// Among the blobs of a ledger without rounds, the model.
fs::path largest_file(const fs::path& directory) {
  fs::path largest;
  for (const auto& entry : fs::recursive_directory_iterator(directory))
    if (entry.is_regular_file() && (largest.empty() || entry.file_size() > fs::file_size(largest)))
      largest = entry.path();
  REQUIRE(!largest.empty());
  return largest;
}

void write_secret(const fs::path& file, const std::string& text) {
  write_text(file, text);
  fs::permissions(file, fs::perms(0600));
}

bool is_on_ledger(const Federation& federation, const std::string& address) {
  const Ran balances = run({program("gradmint"), "wallet", "balance", "--ledger",
                            federation.ledger().string(), "--format", "json"});
  return balances.output.find(address) != std::string::npos;
}

// The command line with another value of an option.
Words with(Words words, const std::string& option, const std::string& value) {
  *(std::find(words.begin(), words.end(), option) + 1) = value;
  return words;
}

}  // namespace

TEST_CASE("a coordinator's home that cannot be used: one clear line") {
  const auto data = data_or_skip();
  if (!data) return;
  const Federation federation(*data);
  const Directory here;
  const Listener taken;
  const fs::path home = here.path / "home";
  const fs::path config = home / "config.toml", wrong = here.path / "wrong";
  write_secret(wrong, "not the passphrase\n");
  const Words start{
      program("gradmint-coordinator"),  "run", "--home", home.string(), "--passphrase-file",
      federation.plan().passphrase_file};
  const auto starting = [&](const Words& more) {
    Words words = start;
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  Words mistaken = start;
  mistaken.back() = wrong.string();
  Words nowhere = start;
  nowhere[3] = (here.path / "nothing").string();
  const auto cut = [&](const std::string& file) { return [=] { cut_in_half(home / file); }; };
  const std::vector<Case> cases = {
      {"no such home", [] {}, nowhere, 2, "nothing"},
      {"no configuration", [&] { fs::remove(config); }, start, 2, "config.toml"},
      {"an unknown key", [&] { write_text(config, read_text(config) + "[cahin]\nname = \"x\"\n"); },
       start, 2, "cahin"},
      {"half a configuration", [&] { write_text(config, "[chain\n"); }, start, 2, "config.toml"},
      {"a wrong passphrase", [] {}, mistaken, 1, "passphrase"},
      {"half a keystore", cut("keys/validator.json"), start, 2, "validator.json"},
      {"half a CURVE key", cut("keys/curve.json"), start, 2, "curve.json"},
      {"half a seed", cut("keys/seed_chain"), start, 2, "seed_chain"},
      {"another ledger's seed",
       [&] { write_text(home / "keys/seed_chain", std::string(64, '7') + "\n"); }, start, 2,
       "keys/seed_chain is not the seed chain of this ledger"},
      {"no seed", [&] { fs::remove(home / "keys/seed_chain"); }, start, 2, "seed_chain"},
      {"a port in use", [] {}, starting({"--join", taken.endpoint()}), 2, taken.port()},
      {"no address", [] {}, starting({"--work", "tcp://nowhere"}), 2, "nowhere"},
      {"a damaged database", [&] { flip_bit(first_file(home / "ledger/db", ".log"), 800); }, start,
       2, "ledger"},
      {"half a database", [&] { cut_in_half(first_file(home / "ledger/db", ".log")); }, start, 2,
       "ledger"},
      {"no database", [&] { fs::remove(home / "ledger/db/CURRENT"); }, start, 2, "ledger"},
      {"a newer ledger", [&] { set_schema(home / "ledger/db", kLedgerSchema + 1); }, start, 2,
       "schema " + std::to_string(kLedgerSchema + 1)},
      {"half a checkpoint", cut("ledger/checkpoint"), start, 2, "checkpoint"},
      {"no layout", [&] { fs::remove_all(home / "ledger/blobs"); }, start, 2, "blob"},
      {"a damaged model", [&] { flip_bit(largest_file(home / "ledger/blobs"), 99); }, start, 2,
       "blob"},
      {"half a model", [&] { cut_in_half(largest_file(home / "ledger/blobs")); }, start, 2, "blob"},
      {"made again",
       [] {},
       {program("gradmint-coordinator"), "init", "--home", home.string(), "--config",
        federation.plan().config_file, "--passphrase-file", federation.plan().passphrase_file},
       2,
       "ledger"},
  };
  for (const Case& one : cases) {
    fs::remove_all(home);
    fs::copy(federation.home(), home, fs::copy_options::recursive);
    one.spoil();
    check(one, run(one.words));
  }
}

TEST_CASE("a coordinator's home without its ledger, or with open secrets: one clear line") {
  const auto data = data_or_skip();
  if (!data) return;
  const Federation federation(*data);
  const Directory here;
  const fs::path home = here.path / "home";
  const Words start{
      program("gradmint-coordinator"),  "run", "--home", home.string(), "--passphrase-file",
      federation.plan().passphrase_file};
  const auto open_to_all = [&](const std::string& file) {
    return [=] { fs::permissions(home / file, fs::perms(0644)); };
  };
  const auto without_ledger = [&] { fs::remove_all(home / "ledger"); };
  const auto empty_ledger = [&] {
    without_ledger();
    fs::create_directory(home / "ledger");
  };
  const std::vector<Case> cases = {
      {"an open keystore", open_to_all("keys/validator.json"), start, 1, "chmod 600"},
      {"an open CURVE key", open_to_all("keys/curve.json"), start, 1, "chmod 600"},
      {"an open seed", open_to_all("keys/seed_chain"), start, 1, "chmod 600"},
      {"no ledger", without_ledger, start, 2, "restore it from a copy"},
      {"an empty ledger", empty_ledger, start, 2, "gradmint coordinator init"},
  };
  for (const Case& one : cases) {
    fs::remove_all(home);
    fs::copy(federation.home(), home, fs::copy_options::recursive);
    one.spoil();
    check(one, run(one.words));
  }
}

TEST_CASE("a command line that cannot be parsed: one line with the program's name") {
  const std::string worker = program("gradmint-worker");
  const std::string coordinator = program("gradmint-coordinator");
  const std::vector<Case> cases = {
      {"no value", [] {}, {worker, "join", "--trainer"}, 2, "see gradmint worker join --help"},
      {"no such option", [] {}, {worker, "preflight", "--xyz", "1"}, 2, "no option '--xyz'; see"},
      {"no such option", [] {}, {coordinator, "run", "--home", "h", "--x=1"}, 2, "option '--x';"},
      {"bad CPU", [] {}, {"/usr/bin/env", "GRADMINT_CPU=x", worker, "preflight"}, 2, "CPU=x is"},
      {"no command", [] {}, {worker}, 2, "see gradmint worker --help"},
      {"no such command", [] {}, {worker, "jion"}, 2, "there is no command 'jion'"},
      {"no such command", [] {}, {coordinator, "rnu"}, 2, "there is no command 'rnu'"},
      {"an empty home", [] {}, {coordinator, "member", "list", "--home", ""}, 2, "--home: "},
      {"an empty home", [] {}, {worker, "join", "gminv1x", "--home", ""}, 2, "--home: "},
  };
  for (const Case& one : cases) check(one, run(one.words));
}

TEST_CASE("a run of gradmint dev that cannot begin: one clear line") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  const std::string cli = program("gradmint");
  const fs::path alone = here.path / "gradmint";
  fs::copy_file(cli, alone);
  const fs::path full = here.path / "full";
  fs::create_directory(full);
  write_text(full / "file", "somebody's");
  write_text(here.path / "empty.csv", "");
  write_text(here.path / "header.csv", "a,b,label\n");
  write_text(here.path / "torn.csv", "a,b,label\n1,2,0\n1,2\n");
  write_text(here.path / "model.pt", "no archive");
  const auto dev = [&](const Words& more) {
    Words words{cli,        "dev", "--workers", "2",
                "--rounds", "1",   "--home",    (here.path / "home").string()};
    words.insert(words.end(), more.begin(), more.end());
    return words;
  };
  const auto csv = [&](const std::string& name) {
    return dev({"--data", "csv:" + (here.path / name).string()});
  };
  const std::vector<Case> cases = {
      {"zero workers", [] {}, {cli, "dev", "--workers", "0"}, 2, "--workers 0"},
      {"no such data", [] {}, csv("nothing.csv"), 2, "nothing.csv"},
      {"a directory in use", [] {}, {cli, "dev", "--home", full.string()}, 2, "not empty"},
      {"no sibling program", [] {}, {alone.string(), "dev"}, 2, "gradmint-coordinator"},
      {"no sibling program, to be started",
       [] {},
       {alone.string(), "worker", "--version"},
       2,
       "gradmint-worker"},
  };
  for (const Case& one : cases) {
    fs::remove_all(here.path / "home");
    check(one, run(one.words));
  }
  check({"an unknown instruction set", [] {}, {}, 2, "GRADMINT_CPU=sse9"},
        run(dev({"--data", *data}), {{{"GRADMINT_CPU", "sse9"}}, 0}));
  CHECK_FALSE(fs::exists(here.path / "home"));
  // Found by a program that dev starts: its words are passed on, after dev's own line.
  const std::vector<Case> passed_on = {
      {"no data", [] {}, csv("empty.csv"), 2, "empty.csv"},
      {"a header alone", [] {}, csv("header.csv"), 2, "header.csv"},
      {"a torn line", [] {}, csv("torn.csv"), 2, "torn.csv"},
      {"no program", [] {}, dev({"--data", *data, "--model", (here.path / "model.pt").string()}), 2,
       "model.pt"},
  };
  for (const Case& one : passed_on) {
    CAPTURE(one.what);
    fs::remove_all(here.path / "home");
    const Ran ran = run(one.words);
    CAPTURE(ran.errors);
    CHECK(ran.status == one.status);
    CHECK(ran.errors.starts_with("gradmint dev: "));
    CHECK(ran.errors.find(one.says) != std::string::npos);
  }
}

TEST_CASE("all updates rejected: the attempts are abandoned, and dev says so") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  const Ran ran =
      run({program("gradmint"), "dev", "--workers", "2", "--rounds", "1", "--data", *data,
           "--adversary", "1:nan", "--adversary", "2:nan", "--home", (here.path / "home").string(),
           "--report", (here.path / "report.json").string()});
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  CHECK(ran.status == 1);
  CHECK(ran.errors.find("round 1 was abandoned") != std::string::npos);
  CHECK(json::parse(read_text(here.path / "report.json"))["ok"] == false);
  CHECK(run({program("gradmint"), "audit", "verify", "--recompute", "--ledger",
             (here.path / "home/coordinator/ledger").string()})
            .status == 0);
}

TEST_CASE("all workers are killed: dev says so and ends") {
  const auto data = data_or_skip();
  if (!data) return;
  const Directory here;
  const Ran ran =
      run({program("gradmint"), "dev", "--workers", "2", "--rounds", "1", "--data", *data,
           "--trainer", "kill -KILL $PPID", "--home", (here.path / "home").string()});
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  CHECK(ran.status == 1);
  CHECK(ran.errors.starts_with("gradmint dev: worker-"));
}

TEST_CASE("a worker that cannot take part: one clear line; the coordinator goes on") {
  const auto data = data_or_skip();
  if (!data) return;
  FederationOptions options;
  options.workers = 2;
  options.rounds = 1;
  const Federation federation(*data, options), other(*data);
  auto coordinator = federation.coordinator();
  coordinator->await("started");
  const std::string used = federation.invite();
  auto first =
      std::make_unique<Process>(join_command(federation.plan(), 0, used), federation.log_of(0));
  coordinator->await("worker_registered");

  const auto good = parse_invitation(federation.invite());
  REQUIRE(good.ok());
  Invitation unknown = *good, strange = *good;
  unknown.code[0] ^= 1;
  strange.chain_id.bytes[0] ^= 1;
  const Directory here;
  write_secret(here.path / "wrong", "not the passphrase\n");
  write_text(here.path / "two.csv", "a,b,label\n1,2,0\n2,1,1\n");
  // Worker 2 of the other federation has keys and never joined this one.
  const fs::path home = here.path / "home";
  const auto join = [&](const std::string& invitation, const Words& more = {}) {
    Words words = with(join_command(other.plan(), 1, invitation), "--home", home.string());
    words.insert(words.end(), more.begin(), more.end());
    if (invitation.empty()) words.erase(std::find(words.begin(), words.end(), ""));
    return words;
  };
  const std::string fresh = *format_invitation(*good);
  const std::vector<Case> cases = {
      {"no invitation", [] {}, join(""), 2, "invitation"},
      {"a torn invitation", [] {}, join(fresh.substr(0, fresh.size() - 4)), 2, "invitation"},
      {"a code nobody issued", [] {}, join(*format_invitation(unknown)), 2, "did not issue"},
      {"a used code", [] {}, join(used), 2, "ask the coordinator's operator for another"},
      {"another chain", [] {}, join(*format_invitation(strange)), 2, "chain"},
      {"a wrong passphrase", [] {},
       with(join(fresh), "--passphrase-file", (here.path / "wrong").string()), 1, "passphrase"},
      {"half a keystore", [&] { cut_in_half(home / "keys/worker.json"); }, join(fresh), 2,
       "worker.json"},
      {"half a CURVE key", [&] { cut_in_half(home / "keys/curve.json"); }, join(fresh), 2,
       "curve.json"},
      {"an empty shard", [] {}, with(join(fresh), "--shard", "4095/4095"), 2, "shard"},
      {"other data", [] {}, with(join(fresh), "--data", "csv:" + (here.path / "two.csv").string()),
       2, "data contract"},
      {"another model", [] {}, with(join(fresh), "--model", "cnn"), 2, "--model mlp"},
      {"a model of another size", [] {}, join(fresh, {"--hidden", "8"}), 2, "--hidden"},
  };
  for (const Case& one : cases) {
    fs::remove_all(home);
    fs::copy(other.plan().workers[1].home, home, fs::copy_options::recursive);
    one.spoil();
    check(one, run(one.words));
  }

  // None of them was registered.
  CHECK(is_on_ledger(federation, federation.addresses()[0]));
  CHECK_FALSE(is_on_ledger(federation, other.addresses()[1]));

  // Nothing of all this troubled the coordinator, of which there is one at a time.
  const Ran second = run(coordinator_run_command(federation.plan()));
  check({"two coordinators", [] {}, {}, 2, "another coordinator"}, second);
  auto last = federation.worker(1);
  coordinator->await("settled", 1);
  CHECK(coordinator->wait() == 0);
  CHECK(first->wait() == 0);
  CHECK(last->wait() == 0);
}

TEST_CASE("asked to end, a coordinator ends politely") {
  const auto data = data_or_skip();
  if (!data) return;
  const Federation federation(*data);
  for (const int number : {SIGTERM, SIGINT}) {
    auto coordinator = federation.coordinator();
    coordinator->await("started");
    coordinator->signal(number);
    CHECK(coordinator->wait() == 0);
    CHECK_MESSAGE(coordinator->errors().empty(), coordinator->errors());
  }
}
