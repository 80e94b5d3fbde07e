// A federation's ledger, damaged in every kind of file: the audit names the fault, and an audit of
// its own changes nothing.
#include <doctest/doctest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <iostream>
#include <set>

#include "tests/process/federation.h"

using namespace gradmint;
using namespace gradmint::test;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

constexpr std::int64_t kRounds = 2;

// One federation for all cases here, run to its end.
struct Finished {
  Federation federation;
  json verdict;
  explicit Finished(const std::string& data) : federation(data, options()) {
    auto coordinator = federation.coordinator();
    coordinator->await("started");
    auto workers = federation.all_workers();
    REQUIRE(coordinator->wait() == 0);
    wait_all(workers);
    verdict = federation.verified();
  }
  static FederationOptions options() {
    FederationOptions o;
    o.workers = 2;
    o.rounds = kRounds;
    return o;
  }
};

const Finished* finished() {
  static const auto data = data_or_skip();
  if (!data) return nullptr;
  static const Finished once(*data);
  return &once;
}

Ran verify(const fs::path& ledger, const Setting& setting = {}) {
  return run({program("gradmint"), "audit", "verify", "--recompute", "--ledger", ledger.string(),
              "--format", "json"},
             setting);
}

fs::path blob(const fs::path& ledger, const std::string& root) {
  return ledger / "blobs" / root.substr(0, 2) / root;
}

// The roots of the blobs that the ledger names, by what they are.
std::map<std::string, std::string> named_blobs(const Federation& federation) {
  std::map<std::string, std::string> roots;
  const json round = json::parse(federation.audit({"show", "round", "1"}).output);
  roots["initial model"] = round["open"]["model_root"];
  roots["model"] = round["result"]["model_root"];
  for (const auto& update : federation.memory_of(0))
    if (update.key.round == 1) roots["update"] = to_hex(update.opening.root);
  std::set<std::string> known;
  for (const auto& [what, root] : roots) known.insert(root);
  for (std::size_t i = 0; i < federation.addresses().size(); ++i)
    for (const auto& update : federation.memory_of(i)) known.insert(to_hex(update.opening.root));
  for (const json& settled : json::parse(federation.audit({"verify"}).output)["rounds"])
    known.insert(settled["model_root"].get<std::string>());
  for (const auto& entry : fs::recursive_directory_iterator(federation.ledger() / "blobs")) {
    const std::string name = entry.path().filename().string();
    if (entry.is_regular_file() && name.size() == 64 && known.count(name) == 0)
      roots["layout"] = name;
  }
  return roots;
}

struct Damage {
  std::string what;
  fs::path file;                // in the ledger directory
  std::uint64_t bit;            // the one that is flipped
  bool gone;                    // or the whole file is deleted
  std::set<std::string> rules;  // one of these is named
};

void check_named(const Damage& damage, const fs::path& ledger) {
  CAPTURE(damage.what);
  CAPTURE(damage.file.string());
  CAPTURE(damage.bit);
  const Ran ran = verify(ledger);
  CAPTURE(ran.output);
  CAPTURE(ran.errors);
  CHECK(ran.status == 1);
  const json verdict = json::parse(ran.output, nullptr, false);
  REQUIRE(verdict.is_object());
  CHECK(verdict["ok"] == false);
  REQUIRE(verdict["fault"].is_object());
  const std::string rule = verdict["fault"]["rule"];
  CAPTURE(rule);
  CHECK((damage.rules.empty() ? !rule.empty() : damage.rules.count(rule) == 1));
}

// Bits at the beginning, inside and at the end, and the file gone.
void add_damages(std::vector<Damage>& damages, const std::string& what, const fs::path& ledger,
                 const fs::path& file, const std::set<std::string>& rules,
                 const std::set<std::string>& gone_rules) {
  const std::uint64_t bits = 8 * fs::file_size(ledger / file);
  for (const std::uint64_t bit : {std::uint64_t{3}, bits / 2 + 1, bits - 1})
    damages.push_back({what, file, bit, false, rules});
  damages.push_back({what + " gone", file, 0, true, gone_rules});
}

}  // namespace

TEST_CASE("a flipped bit or a lost file of a ledger makes the audit name the fault") {
  const Finished* done = finished();
  if (done == nullptr) return;
  const Directory here;
  const fs::path ledger = here.path / "ledger";
  fs::copy(done->federation.ledger(), ledger, fs::copy_options::recursive);
  const auto roots = named_blobs(done->federation);
  REQUIRE(roots.size() == 4);
  std::vector<Damage> damages;
  for (const auto& [what, root] : roots)
    add_damages(damages, what, ledger, fs::relative(blob(ledger, root), ledger), {"blob_corrupt"},
                {"blob_missing"});
  add_damages(damages, "checkpoint", ledger, "checkpoint",
              {"checkpoint_damaged", "checkpoint_mismatch", "missing_block"},
              {"checkpoint_missing"});
  for (const auto& entry : fs::directory_iterator(ledger / "db")) {
    const std::string name = entry.path().filename().string();
    if (name == "LOCK" || name.starts_with("LOG") || fs::file_size(entry) == 0) continue;
    add_damages(damages, "database", ledger, fs::path("db") / name, {}, {});
  }
  for (const Damage& damage : damages) {
    const fs::path file = ledger / damage.file;
    const std::string whole = read_text(file);
    if (damage.gone) {
      fs::remove(file);
    } else {
      flip_bit(file, damage.bit);
    }
    check_named(damage, ledger);
    write_text(file, whole);
  }
  CHECK(verify(ledger).status == 0);
  MESSAGE(damages.size() << " kinds of damage, each named");
}

TEST_CASE("an audit changes no byte, and needs no right to write") {
  const Finished* done = finished();
  if (done == nullptr) return;
  const auto before = contents_of(done->federation.ledger());
  for (const Words& words :
       {Words{"verify", "--recompute"}, Words{"verify"}, Words{"contributions"},
        Words{"show", "block", "3"}, Words{"explain", done->federation.addresses()[0]}}) {
    CAPTURE(words[0]);
    CHECK(done->federation.audit(words).status == 0);
    CHECK((contents_of(done->federation.ledger()) == before));
  }
  if (::geteuid() != 0) return;
  const std::string mounted = done->federation.ledger().string();
  const bool bound = ::mount(mounted.c_str(), mounted.c_str(), nullptr, MS_BIND, nullptr) == 0;
  const bool locked = bound && ::mount(nullptr, mounted.c_str(), nullptr,
                                       MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0;
  if (locked) {
    CHECK(verify(mounted).status == 0);
  } else {
    std::cout << "SKIPPED: a read-only mount (not permitted here)\n";
  }
  if (bound) CHECK(::umount(mounted.c_str()) == 0);
  CHECK((contents_of(done->federation.ledger()) == before));
}

TEST_CASE("every instruction set gives the same audit") {
  const Finished* done = finished();
  if (done == nullptr) return;
  int levels = 0;
  for (const char* level : {"scalar", "avx2", "avx512"}) {
    CAPTURE(level);
    const Ran ran = verify(done->federation.ledger(), {{{"GRADMINT_CPU", level}}, 0});
    if (ran.status == 2 && ran.errors.find("GRADMINT_CPU") != std::string::npos) {
      std::cout << "SKIPPED: " << ran.errors;
      continue;
    }
    CHECK(ran.status == 0);
    CHECK((json::parse(ran.output) == done->verdict));
    ++levels;
  }
  CHECK(levels > 0);
  MESSAGE(levels << " instruction sets gave the same bits");
}

TEST_CASE("with too few file descriptors an audit says so, and blames no ledger") {
  const Finished* run_before = finished();
  if (!run_before) return;
  for (int limit = 5; limit < 12; ++limit) {
    CAPTURE(limit);
    const Ran ran = run({"/bin/bash", "-c", "ulimit -n " + std::to_string(limit) + "; exec \"$@\"",
                         "audit", program("gradmint"), "audit", "verify", "--ledger",
                         run_before->federation.ledger().string()});
    CAPTURE(ran.errors);
    if (ran.status == 0) continue;
    CHECK(ran.status == 2);
    CHECK(ran.errors.find("Too many open files") != ran.errors.npos);
  }
}

TEST_CASE("an id may be given as the tables of an audit print it") {
  const Finished* run_before = finished();
  if (!run_before) return;
  const auto show = [&](const std::string& what, const std::string& which) {
    return run_before->federation.audit({"show", what, which});
  };
  const json rows = json::parse(run_before->federation.audit({"contributions"}).output);
  const std::string dataset = rows["contributions"][0]["dataset"];
  const json block = json::parse(show("block", "3").output);
  const std::string transaction = block["transactions"][0]["id"];
  for (const auto& [what, id] : {std::pair{"dataset", dataset}, std::pair{"tx", transaction}}) {
    CAPTURE(what);
    for (const std::string& given : {id, id.substr(0, 12) + "..", id.substr(0, 8)}) {
      const Ran ran = show(what, given);
      CAPTURE(ran.errors);
      REQUIRE(ran.status == 0);
      CHECK(json::parse(ran.output)["id"] == id);
    }
    CHECK(show(what, id.substr(0, 7)).errors.find("the first 8 or more") != std::string::npos);
    const Ran other = show(what, std::string(id[0] == '0' ? "1" : "0") + id.substr(1));
    CHECK(other.status == 2);
    CHECK(other.errors.find("the ledger has no ") != std::string::npos);
  }
}
