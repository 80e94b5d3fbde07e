// A small real ledger on disk, with real payloads: it holds; and then everything that can be
// changed, cut or removed is, and the audit names it.
#include <doctest/doctest.h>

#include <limits>

#include "ledger/audit/verify.h"
#include "ledger/blobs.h"
#include "tests/ledger/store_fixture.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;
namespace fs = std::filesystem;

namespace {

const AuditOptions kRecompute{true, 0, {}};

// Two rounds, momentum on the server, one worker that reveals nothing in the second, one that sends
// NaN: every kind of blob and record is there.
World two_rounds() {
  WorldOptions options;
  options.workers = 3;
  options.optimizer = "nesterov";
  World w(options);
  w.enrol();
  w.run_round();
  w.must(w.workers[0], Transfer{w.workers[1].account(), 5, "lunch"});
  w.open();
  w.own_payloads[1] = std::vector<float>(8, std::numeric_limits<float>::quiet_NaN());
  w.own_exponents[1] = 0;
  w.commit();
  w.close();
  w.silent = {2};
  w.result();
  w.attest();
  w.settle();
  return w;
}

struct StoredLedger {
  TemporaryDirectory folder;
  World world = two_rounds();
  StoredLedger() { store_world(world, path()); }
  fs::path path() const { return folder.path() / "ledger"; }
  fs::path blob(const Hash& root) const { return BlobStore(path() / "blobs").path_of(root); }
};

AuditReport audit(const fs::path& ledger, const AuditOptions& options = kRecompute) {
  auto report = verify_ledger(source_at(ledger), options);
  if (!report.ok()) FAIL(report.error().message);
  return *report;
}

std::string rule_of(const fs::path& ledger, const AuditOptions& options = kRecompute) {
  const auto report = verify_ledger(source_at(ledger), options);
  if (!report.ok()) return "could not run: " + report.error().message;
  return report->fault ? report->fault->rule : "ok";
}

std::string flipped(std::string text, std::size_t bit) {
  text[bit / 8] = static_cast<char>(text[bit / 8] ^ (1 << (bit % 8)));
  return text;
}

// What a hostile coordinator's ledger is found out by.
std::string lie_found(
    const std::function<void(World&, RoundResult&)>& change,
    const std::function<void(World&)>& prepare = [](World&) {}, WorldOptions options = {}) {
  World w(options);
  w.enrol();
  w.open();
  prepare(w);
  w.commit();
  w.close();
  w.lie([&](RoundResult& body) { change(w, body); });
  TemporaryDirectory folder;
  store_world(w, folder.path() / "ledger");
  // Everything but the arithmetic holds.
  CHECK(rule_of(folder.path() / "ledger", {}) == "ok");
  return rule_of(folder.path() / "ledger");
}

void refuse(ResultEntry& entry, Verdict verdict) {
  entry = ResultEntry{entry.worker, verdict, entry.opening, 0, false, 0, 0, 0, 0};
}
ResultEntry& entry_of(World& w, RoundResult& body, int worker) {
  for (ResultEntry& entry : body.entries) {
    if (w.worker_of(entry.worker) == worker) return entry;
  }
  GRADMINT_CHECK(false);
  return body.entries.front();
}

}  // namespace

TEST_CASE("audit: a ledger that holds, with and without recomputation") {
  const StoredLedger ledger;
  for (const bool recompute : {false, true}) {
    const AuditReport report = audit(ledger.path(), {recompute, 0, {}});
    if (report.fault) FAIL(report.fault->rule << " " << report.fault->found);
    CHECK(report.ok());
    CHECK(report.height == ledger.world.chain.height());
    CHECK(report.state_root == ledger.world.chain.state().root());
    REQUIRE(report.rounds.size() == 2);
    CHECK(report.rounds[1].round == 2);
    CHECK(report.rounds[1].model_root == vector_root(ledger.world.model));
    CHECK(report.rounds[1].recomputed == recompute);
    CHECK(report.blobs == (recompute ? ledger.world.blobs.size() : 0));
    CHECK(report.signatures == report.transactions + report.height + 1);
  }
}

TEST_CASE("audit: --from-height replays all and verifies what is above") {
  const StoredLedger ledger;
  std::uint64_t calls = 0, seen = 0;
  const std::uint64_t half = ledger.world.chain.height() / 2;
  const AuditReport all = audit(ledger.path());
  const AuditReport report = audit(ledger.path(), {true, half, [&](const AuditProgress& p) {
                                                     ++calls;
                                                     seen = p.height;
                                                   }});
  CHECK(report.ok());
  CHECK(report.height == all.height);
  CHECK(report.signatures < all.signatures);
  CHECK_FALSE(report.rounds[0].recomputed);
  CHECK(report.rounds[1].recomputed);
  CHECK(calls == report.height + 1);
  CHECK(seen == report.height);
}

TEST_CASE("audit: it changes no byte, and works beside the process that writes") {
  const StoredLedger ledger;
  const auto writer = open_writer(ledger.path());
  const auto before = photograph(ledger.path());
  CHECK(rule_of(ledger.path()) == "ok");
  CHECK(open_history(*source_at(ledger.path())).ok());
  CHECK(photograph(ledger.path()) == before);
}

TEST_CASE("audit: every bit of every blob is missed") {
  const StoredLedger ledger;
  std::size_t flips = 0;
  for (const auto& [root, bytes] : ledger.world.blobs) {
    const fs::path file = ledger.blob(root);
    const std::string whole = read_text(file);
    fs::permissions(file, fs::perms::owner_write, fs::perm_options::add);
    for (std::size_t bit = 0; bit < whole.size() * 8; bit += 37) {
      write_text(file, flipped(whole, bit));
      const AuditReport report = audit(ledger.path());
      REQUIRE(report.fault.has_value());
      CHECK(report.fault->rule == "blob_corrupt");
      CHECK(report.fault->expected == to_hex(root));
      CHECK(report.fault->found != to_hex(root));
      ++flips;
    }
    write_text(file, whole.substr(0, whole.size() - 1));
    const std::string cut = rule_of(ledger.path());  // a layout's size is not on the ledger
    CHECK((cut == "wrong_blob_size" || cut == "blob_corrupt"));
    write_text(file, whole);
    CHECK(rule_of(ledger.path(), {}) == "ok");
  }
  CHECK(rule_of(ledger.path()) == "ok");
  MESSAGE(flips << " flipped bits in " << ledger.world.blobs.size() << " blobs");
}

TEST_CASE("audit: every blob is missed when it is gone") {
  const StoredLedger ledger;
  for (const auto& [root, bytes] : ledger.world.blobs) {
    const fs::path file = ledger.blob(root);
    const std::string whole = read_text(file);
    fs::remove(file);
    const AuditReport report = audit(ledger.path());
    REQUIRE(report.fault.has_value());
    CHECK(report.fault->rule == "blob_missing");
    CHECK(report.fault->expected == to_hex(root));
    write_text(file, whole);
  }
  CHECK(rule_of(ledger.path()) == "ok");
}

TEST_CASE("audit: every entry of the database is missed when it is changed or gone") {
  const StoredLedger ledger;
  const std::map<std::string, std::set<std::string>> rules = {
      {"b/", {"wrong_transactions_root", "malformed_transactions", "wrong_genesis_block"}},
      {"q/", {"bad_certificate", "malformed_certificate", "no_quorum"}},
      {"r/", {"wrong_receipts"}},
      {"s/", {"wrong_state_entry"}},
      {"t/", {"wrong_transaction_index"}},
      {"g/", {"wrong_genesis"}},
      {"h/",
       {"malformed_header", "wrong_chain", "wrong_height", "wrong_parent", "wrong_time",
        "wrong_epoch", "wrong_proposer", "wrong_transactions_root", "wrong_receipts_root",
        "wrong_state_root", "wrong_history_root", "wrong_validators", "wrong_params",
        "bad_certificate", "wrong_genesis", "wrong_genesis_block"}},
  };
  std::size_t changed = 0, removed = 0;
  std::size_t number = 0;
  for (const auto& entry : database_entries(ledger.path())) {
    const std::string& key = entry.first;
    const std::string& value = entry.second;
    const std::string prefix = key.substr(0, 2);
    CAPTURE(to_hex(as_bytes(key)));
    if (prefix != "m/" && prefix != "p/") {
      set_entry(ledger.path(), key, std::nullopt);
      CHECK(rule_of(ledger.path(), {}) != "ok");
      ++removed;
    }
    if (const auto expected = rules.find(prefix); expected != rules.end() && !value.empty()) {
      set_entry(ledger.path(), key, flipped(value, (number++ * 1009) % (value.size() * 8)));
      const std::string rule = rule_of(ledger.path(), {});
      CAPTURE(rule);
      CHECK(expected->second.contains(rule));
      ++changed;
    }
    set_entry(ledger.path(), key, value);
  }
  set_entry(ledger.path(), "s/a/nobody", "x");
  CHECK(rule_of(ledger.path(), {}) == "state_entry_unknown");
  set_entry(ledger.path(), "s/a/nobody", std::nullopt);
  CHECK(rule_of(ledger.path(), {}) == "ok");
  MESSAGE(changed << " entries changed, " << removed << " removed");
}

TEST_CASE("audit: no flipped bit in a database file goes unnoticed") {
  const StoredLedger ledger;
  const AuditReport whole = audit(ledger.path(), {});
  std::size_t noticed = 0, harmless = 0;
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(ledger.path() / "db")) {
    if (entry.is_regular_file()) files.push_back(entry.path());
  }
  for (const fs::path& file : files) {
    const std::string bytes = read_text(file);
    const std::string name = file.filename().string();
    if (name == "LOG" || name == "LOG.old") continue;  // LevelDB's own diary
    for (std::size_t i = 0; i < 24 && !bytes.empty(); ++i) {
      write_text(file, flipped(bytes, bytes.size() * 8 * i / 24 + i % 8));
      const auto report = verify_ledger(source_at(ledger.path()), {});
      if (report.ok() && report->ok()) {
        // A byte that LevelDB does not use (padding); then nothing may be missing.
        CHECK(report->state_root == whole.state_root);
        CHECK(report->height == whole.height);
        ++harmless;
      } else {
        ++noticed;
      }
    }
    write_text(file, bytes);
  }
  CHECK(rule_of(ledger.path(), {}) == "ok");
  MESSAGE(noticed << " noticed, " << harmless << " harmless");
  CHECK(noticed > 3 * harmless);
}

TEST_CASE("audit: a checkpoint that is gone, damaged or ahead is named") {
  const StoredLedger ledger;
  const fs::path file = ledger.path() / "checkpoint";
  const std::string whole = read_text(file);
  fs::remove(file);
  CHECK(rule_of(ledger.path(), {}) == "checkpoint_missing");
  for (std::size_t bit = 0; bit < whole.size() * 8; bit += 61) {
    write_text(file, flipped(whole, bit));
    CHECK(rule_of(ledger.path(), {}) == "checkpoint_damaged");
  }
  write_text(file, whole);

  // The newest blocks are cut off, as by a log truncated at its end.
  World shorter = ledger.world;
  const TemporaryDirectory other;
  shorter.played.pop_back();
  store_world(shorter, other.path() / "ledger");
  write_text(other.path() / "ledger" / "checkpoint", whole);
  const AuditReport report = audit(other.path() / "ledger", {});
  REQUIRE(report.fault.has_value());
  CHECK(report.fault->rule == "missing_block");
  CHECK(report.fault->height == ledger.world.chain.height());
  // Nor is anything told from it: balances and payments would be those of another day.
  const auto history = open_history(*source_at(other.path() / "ledger"));
  REQUIRE_FALSE(history.ok());
  CHECK(history.error().code == ErrorCode::corrupt);
}

TEST_CASE("audit: what a coordinator states and the payloads do not bear out") {
  WorldOptions nesterov, clipped;
  nesterov.optimizer = "nesterov";
  clipped.clip = 0.25F;
  const auto nothing = [](World&) {};
  const auto nan = [](World& w) {
    w.own_payloads[0] = std::vector<float>(8, std::numeric_limits<float>::infinity());
    w.own_exponents[0] = 0;
  };
  const auto wrong_exponent = [](World& w) { w.own_exponents[0] = -4; };
  const auto accept = [](World& w, RoundResult& b) {
    ResultEntry& entry = entry_of(w, b, 0);
    entry.verdict = Verdict::ok;
    entry.clip_factor_bits = 0x3FF0000000000000;
    entry.selected = true;
    entry.coefficient = 1;
  };
  CHECK(lie_found([](World&, RoundResult&) {}) == "ok");
  CHECK(lie_found([](World&, RoundResult& b) { b.entries[1].score_ppm -= 1; }) == "wrong_scores");
  CHECK(lie_found([](World&, RoundResult& b) { b.model_root = hash_of("x"); }) ==
        "wrong_model_root");
  CHECK(lie_found([](World&, RoundResult& b) { b.optimizer_root = hash_of("x"); }, nothing,
                  nesterov) == "wrong_optimizer_root");
  CHECK(lie_found([](World&, RoundResult& b) {
          b.entries[1].selected = false;
          b.entries[1].coefficient = 0;
        }) == "wrong_selection");
  CHECK(lie_found([](World&, RoundResult& b) { b.entries[1].coefficient += 1; }) ==
        "wrong_coefficients");
  CHECK(lie_found([](World&, RoundResult& b) { b.entries[1].selection_score_bits = 1; }) ==
        "wrong_selection_scores");
  CHECK(lie_found([](World&, RoundResult& b) { b.entries[1].outside_count = 1; }) ==
        "wrong_outside_counts");
  CHECK(lie_found([](World&, RoundResult& b) { b.entries[1].clip_factor_bits -= 1; }, nothing,
                  clipped) == "wrong_clip_factors");
  CHECK(lie_found([](World&, RoundResult& b) { refuse(b.entries[2], Verdict::non_finite); }) ==
        "wrong_rejection");
  CHECK(lie_found([](World&, RoundResult& b) {
          refuse(b.entries[2], Verdict::exponent_mismatch);
        }) == "wrong_rejection");
  CHECK(lie_found(accept, nan) == "wrong_rejection");
  CHECK(lie_found(accept, wrong_exponent) == "wrong_rejection");
  CHECK(lie_found([](World&, RoundResult&) {}, nothing, clipped) == "ok");
  CHECK(lie_found([](World&, RoundResult&) {}, nan) == "ok");
}

TEST_CASE("audit: what cannot be audited at all is an error, not a fault") {
  const TemporaryDirectory folder;
  const auto nowhere = verify_ledger(source_at(folder.path() / "nowhere"), {});
  REQUIRE_FALSE(nowhere.ok());
  CHECK(nowhere.error().code == ErrorCode::not_found);
  CHECK_FALSE(source_at(folder.path() / "nowhere").ok());

  const StoredLedger ledger;
  set_entry(ledger.path(), "m/schema", std::string("\0\0\0\x63", 4));
  const auto newer = verify_ledger(source_at(ledger.path()), {});
  REQUIRE_FALSE(newer.ok());
  CHECK(newer.error().code == ErrorCode::unsupported);
}
