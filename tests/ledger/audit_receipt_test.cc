// Receipts of workers against the ledger: which are honoured, and what is found where one is not.
#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "ledger/audit/check_receipt.h"
#include "tests/ledger/program_run.h"
#include "tests/ledger/stored_world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

LedgerHistory history_of(const World& w,
                         std::size_t blocks = std::numeric_limits<std::size_t>::max()) {
  HistoryBuilder builder(w.genesis);
  for (std::size_t i = 0; i < std::min(blocks, w.played.size()); ++i) {
    const BlockDraft& draft = w.played[i].draft;
    builder.add({draft.block, draft.receipts});
  }
  return builder.take();
}

// As the worker keeps it once the coordinator has its update.
KeptUpdate receipted(const World& w, int worker, const SecretKey& validator) {
  const RoundRecord round = w.round();
  KeptUpdate kept;
  kept.key = {round.round, round.attempt};
  kept.open_block = w.chain.history()[round.open_height];
  kept.model_root = round.open.model_root;
  kept.body = w.commit_body(worker);
  kept.opening = w.opening_of(worker);
  kept.receipt =
      make_receipt(validator, w.chain.chain_id(), kept.key,
                   w.workers[static_cast<std::size_t>(worker)].account(), kept.opening.root);
  return kept;
}
KeptUpdate receipted(const World& w, int worker) { return receipted(w, worker, w.validator()); }

World closed(World w = World()) {
  w.enrol();
  w.open();
  w.commit();
  w.close();
  return w;
}

ReceiptCheck checked(const World& w, const KeptUpdate& kept) {
  return check_receipt(history_of(w), w.chain.chain_id(), kept);
}
std::string rule_of(const ReceiptCheck& check) { return check.fault ? check.fault->rule : ""; }

}  // namespace

TEST_CASE("a receipt is honoured by the entry of its update, whatever the verdict") {
  World w;
  w.own_payloads[1] = std::vector<float>(8, std::numeric_limits<float>::infinity());
  w.own_exponents[1] = 0;
  w.own_payloads[2] = w.own_payloads[3] = std::vector<float>(8, 0.5F);
  w = closed(w);
  std::vector<KeptUpdate> kept;
  for (int i = 0; i < 4; ++i) kept.push_back(receipted(w, i));
  for (int i = 0; i < 4; ++i)
    CHECK(checked(w, kept[static_cast<std::size_t>(i)]).standing == ReceiptStanding::pending);
  w.result();
  const Verdict verdicts[] = {Verdict::ok, Verdict::non_finite, Verdict::ok,
                              Verdict::root_seen_before};
  for (std::size_t i = 0; i < 4; ++i) {
    CAPTURE(i);
    const ReceiptCheck check = checked(w, kept[i]);
    CHECK(check.standing ==
          (verdicts[i] == Verdict::ok ? ReceiptStanding::accepted : ReceiptStanding::refused));
    CHECK(check.verdict == verdicts[i]);
    CHECK(check.worker == w.workers[i].account());
    CHECK(check.signer == w.validator().account());
    CHECK(check.height == w.chain.height());
    CHECK(check.transaction == w.played.back().draft.block.transactions.front().id);
    CHECK_FALSE(check.fault);
  }
  w.attest();
  w.settle();
  CHECK(checked(w, kept[0]).standing == ReceiptStanding::accepted);
}

TEST_CASE("an acknowledged update that the result does not have is evidence") {
  World w = closed();
  const KeptUpdate kept = receipted(w, 0);
  w.silent = {0};
  w.result();
  const ReceiptCheck check = checked(w, kept);
  CHECK(check.standing == ReceiptStanding::not_honoured);
  CHECK(rule_of(check) == "receipted_update_missing");
  CHECK(check.fault->found == "not_revealed");
  CHECK(check.fault->height == w.chain.height());
  CHECK(check.verdict == Verdict::not_revealed);
  // Who signed both can be shown to anybody.
  Signature signature;
  std::copy(kept.receipt.begin() + 32, kept.receipt.end(), signature.bytes.begin());
  CHECK(verify_signature(w.validator().public_key(), check.digest, signature));
}

TEST_CASE("a receipt for another update than the one that stands is not honoured") {
  World w = closed();
  KeptUpdate kept = receipted(w, 0);
  kept.opening.root = hash_of("what was never committed to");
  kept.receipt = make_receipt(w.validator(), w.chain.chain_id(), kept.key, w.workers[0].account(),
                              kept.opening.root);
  World given_up = w;
  given_up.must(given_up.validator(), given_up.abandon_body());
  w.result();
  for (const World* each : {&w, &given_up}) {
    const ReceiptCheck check = checked(*each, kept);
    CHECK(rule_of(check) == "receipted_update_missing");
    CHECK(check.fault->found == "the update " + to_hex(w.opening_of(0).root));
  }
}

TEST_CASE("a receipt for a worker whose commitment the ledger lacks is not honoured") {
  World w;
  w.enrol();
  w.open();
  const KeptUpdate kept = receipted(w, 3);
  w.commit({0, 1, 2});
  w.close();
  w.result();
  const ReceiptCheck check = checked(w, kept);
  CHECK(rule_of(check) == "receipted_update_missing");
  CHECK(check.fault->found == "none of the 3 entries of the result is this worker's");
  CHECK(check.worker == w.workers[3].account());
}

TEST_CASE("an attempt that was given up honours the receipts that it names") {
  World w = closed();
  const KeptUpdate kept = receipted(w, 0);
  World silent = w;
  w.must(w.validator(), w.abandon_body());
  CHECK(checked(w, kept).standing == ReceiptStanding::given_up);
  silent.silent = {0};
  silent.must(silent.validator(), silent.abandon_body());
  CHECK(rule_of(checked(silent, kept)) == "receipted_update_missing");
  // The next attempt is another one.
  w.open();
  w.commit();
  w.close();
  w.result();
  CHECK(checked(w, kept).standing == ReceiptStanding::given_up);
  const KeptUpdate second = receipted(w, 0);
  CHECK(checked(w, second).standing == ReceiptStanding::accepted);
}

TEST_CASE("a ledger that ends before the receipt's attempt does not honour it") {
  World w = closed();
  const KeptUpdate kept = receipted(w, 0);
  w.result();
  const ReceiptCheck check = check_receipt(history_of(w, 2), w.chain.chain_id(), kept);
  CHECK(rule_of(check) == "attempt_missing");
  CHECK(check.fault->found == "a ledger without any round");
  KeptUpdate later = kept;
  later.key.attempt = 7;
  later.receipt = make_receipt(w.validator(), w.chain.chain_id(), later.key, w.workers[0].account(),
                               later.opening.root);
  CHECK(rule_of(checked(w, later)) == "attempt_missing");
}

TEST_CASE("what no validator of the chain signed is no receipt of it") {
  WorldOptions two;
  two.validators = 2;
  World w = closed(World(two));
  const KeptUpdate kept = receipted(w, 0);
  const KeptUpdate by_the_other = receipted(w, 0, w.validators[1]);
  w.result();
  CHECK(checked(w, kept).standing == ReceiptStanding::accepted);
  CHECK(checked(w, by_the_other).signer == w.validators[1].account());

  std::vector<std::pair<std::string, KeptUpdate>> forged;
  forged.emplace_back("by a stranger", kept);
  forged.back().second.receipt = make_receipt(key_of("stranger"), w.chain.chain_id(), kept.key,
                                              w.workers[0].account(), kept.opening.root);
  forged.emplace_back("by the worker itself", kept);
  forged.back().second.receipt = make_receipt(w.workers[0], w.chain.chain_id(), kept.key,
                                              w.workers[0].account(), kept.opening.root);
  forged.emplace_back("of another chain", kept);
  forged.back().second.receipt = make_receipt(w.validator(), hash_of("another chain"), kept.key,
                                              w.workers[0].account(), kept.opening.root);
  forged.emplace_back("of another round", kept);
  forged.back().second.key.round += 1;
  forged.emplace_back("for who is no worker", kept);
  forged.back().second.receipt = make_receipt(w.validator(), w.chain.chain_id(), kept.key,
                                              hash_of("nobody"), kept.opening.root);
  for (std::size_t at = 0; at < kReceiptBytes; at += 5) {
    forged.emplace_back("byte " + std::to_string(at), kept);
    forged.back().second.receipt[at] ^= 1;
  }
  for (const auto& each : forged) {
    const std::string what = each.first;
    CAPTURE(what);
    const ReceiptCheck check = checked(w, each.second);
    CHECK(check.standing == ReceiptStanding::not_honoured);
    CHECK(rule_of(check) == "bad_signature");
    CHECK_FALSE(check.worker);
    CHECK(check.digest.is_zero());
  }
  // All else in the file is a hint: whose receipt it is follows from the signature.
  KeptUpdate altered = kept;
  altered.body.commitment = hash_of("altered");
  altered.opening.root = hash_of("altered too");
  CHECK(checked(w, altered).worker == w.workers[0].account());
  CHECK(checked(w, altered).standing == ReceiptStanding::accepted);
}

TEST_CASE("gradmint audit receipt: what is printed, and the exit status") {
  World w = closed();
  const KeptUpdate honest = receipted(w, 0), dropped = receipted(w, 1);
  KeptUpdate without = honest;
  without.receipt.clear();
  w.silent = {1};
  w.result();
  w.attest();
  w.settle();
  w.open();
  const KeptUpdate early = receipted(w, 0);
  const TemporaryDirectory folder;
  store_world(w, folder.path() / "ledger");
  const auto write = [&](const std::string& name, const Bytes& bytes) {
    write_text(folder.path() / name, std::string(bytes.begin(), bytes.end()));
  };
  write("honest", encode_record(honest));
  write("dropped", encode_record(dropped));
  write("without", encode_record(without));
  write("early", encode_record(early));
  Bytes damaged = encode_record(honest);
  damaged.pop_back();
  write("short", damaged);
  damaged = encode_record(honest);
  damaged.push_back(0);
  write("long", damaged);
  write("empty", {});
  write("huge", Bytes(70'000, 0));
  struct Row {
    std::string file;
    int status;
    std::string says;
  };
  const Row rows[] = {
      {"honest", 0, "honoured      the update was accepted in attempt 0 of round 1"},
      {"dropped", 1, "NOT HONOURED  receipted_update_missing"},
      {"early", 2, "not yet       attempt 0 of round 2 has not ended"},
      {"without", 2, "has no receipt"},
      {"short", 2, "no update as a worker keeps it, or is damaged"},
      {"long", 2, "no update as a worker keeps it, or is damaged"},
      {"empty", 2, "no update as a worker keeps it, or is damaged"},
      {"huge", 2, "huge"},
      {"ledger", 2, "not a regular file"},
      {"nowhere", 2, "nowhere"},
  };
  const std::string ledger = (folder.path() / "ledger").string();
  for (const Row& row : rows) {
    CAPTURE(row.file);
    const std::string file = (folder.path() / row.file).string();
    const ProgramRun text = run_program("gradmint", {"audit", "receipt", file, "--ledger", ledger});
    CAPTURE(text.output);
    CAPTURE(text.errors);
    CHECK(text.status == row.status);
    CHECK((text.output + text.errors).find(row.says) != std::string::npos);
    const ProgramRun json =
        run_program("gradmint", {"audit", "receipt", file, "--format", "json", "--ledger", ledger});
    CHECK(json.status == row.status);
    if (json.output.empty()) continue;
    const auto said = nlohmann::json::parse(json.output);
    CHECK(said["honoured"] ==
          (row.status == 2 ? nlohmann::json() : nlohmann::json(row.status == 0)));
  }
}

TEST_CASE("gradmint audit receipt: nothing is told from a ledger that does not replay") {
  World w = closed();
  const Bytes kept = encode_record(receipted(w, 0));
  w.result();
  const TemporaryDirectory folder;
  const std::string ledger = (folder.path() / "ledger").string();
  store_world(w, ledger);
  write_text(folder.path() / "kept", std::string(kept.begin(), kept.end()));
  const auto entries = database_entries(ledger);
  const std::string header_key = std::string("h/") + std::string(7, '\0') + '\3';
  std::string header = entries.at(header_key);
  header[60] = static_cast<char>(header[60] ^ 1);
  set_entry(ledger, header_key, header);
  const ProgramRun refused = run_program(
      "gradmint", {"audit", "receipt", (folder.path() / "kept").string(), "--ledger", ledger});
  CHECK(refused.status == 1);
  CHECK(refused.output.empty());
  CHECK(refused.errors.find("run gradmint audit verify") != std::string::npos);
}
