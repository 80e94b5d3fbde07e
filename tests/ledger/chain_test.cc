#include "ledger/chain.h"

#include <doctest/doctest.h>

#include "ledger/hash.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

State copy_of(const State& state) {
  State copy;
  state.scan("", [&](const std::string& key, const Bytes& value) { copy.insert(key, value); });
  return copy;
}

World after_one_round() {
  World w;
  w.enrol();
  w.run_round();
  return w;
}

AccountRecord account_in(const World& w, const AccountId& id) {
  return get<AccountRecord>(w.chain.state(), state_key::account(id)).value();
}

}  // namespace

TEST_CASE("chain: a round is played, paid by weight times score, and leaves no work behind") {
  const World w = after_one_round();
  const RoundRecord round = w.round();
  CHECK(round.phase == RoundPhase::settled);
  CHECK(round.attestations == 1);
  CHECK(job_of(w.chain.state()).model_root == vector_root(w.model));
  const TotalsRecord totals = totals_of(w.chain.state());
  CHECK(totals.issued == 1'000'000);
  CHECK(totals.minted == 1'000'000);
  std::uint64_t minted = 0;
  for (const SecretKey& worker : w.workers) {
    const AccountRecord account = account_in(w, worker.account());
    CHECK(account.rounds_accepted == 1);
    CHECK(account.minted == account.balance);
    CHECK(account.score_sum_ppm > 900'000);
    minted += account.minted;
  }
  CHECK(minted == totals.minted);
  // Worker 3 has four times the examples of worker 0.
  CHECK(account_in(w, w.workers[3].account()).minted >
        3 * account_in(w, w.workers[0].account()).minted);
  for (const char* prefix : {"c/", "e/"}) {
    w.chain.state().scan(prefix, [](const std::string&, const Bytes&) { FAIL("left behind"); });
  }
}

TEST_CASE("chain: emission halves and stops at the cap, what nobody earns is carried") {
  World w;
  w.enrol();
  w.run_round();
  w.open();
  w.commit();
  w.close();
  w.silent = {1, 2, 3};  // one update alone has no others to be compared with: score 0
  w.result();
  w.attest();
  w.settle();
  CHECK(totals_of(w.chain.state()).carry == 1'000'000);
  w.silent = {};
  w.run_round();
  const TotalsRecord totals = totals_of(w.chain.state());
  CHECK(totals.carry == 0);
  CHECK(totals.issued == 2'500'000);  // 1 + 1, then half
  CHECK(totals.minted == 2'500'000);
}

TEST_CASE("chain: a rule that fails pays nobody, says why, and the round goes on") {
  WorldOptions options;
  options.rule_gas = 10;
  World w(options);
  w.enrol();
  w.run_round();
  const TransactionReceipt& receipt = w.played.back().draft.receipts.back();
  CHECK(receipt.rule_code == static_cast<std::uint16_t>(contracts::RuleCode::out_of_gas));
  CHECK(receipt.mints.empty());
  CHECK(totals_of(w.chain.state()).carry == 1'000'000);
  w.run_round();
  CHECK(w.round().phase == RoundPhase::settled);
}

TEST_CASE("chain: medians of attestations, the lower of an even count") {
  for (int validators = 1; validators <= 5; ++validators) {
    WorldOptions options;
    options.validators = validators;
    World w(options);
    w.enrol();
    w.run_round();
    std::vector<std::int64_t> losses;
    for (const SecretKey& v : w.validators)
      losses.push_back(*value_of(w.evaluation_body(v).metrics, "loss"));
    std::sort(losses.begin(), losses.end());
    CHECK(w.round().attestations == static_cast<std::uint32_t>(validators));
    const RoundRecord settled = w.round();
    const MetricSummary* loss = find_summary(settled.metrics, "loss");
    REQUIRE(loss != nullptr);
    CHECK(loss->measured == static_cast<std::uint32_t>(validators));
    CHECK(loss->median == losses[static_cast<std::size_t>((validators - 1) / 2)]);
    // Of equal examples: between the least and the largest, and within half a millionth.
    std::int64_t sum = 0;
    for (const std::int64_t value : losses) sum += value;
    REQUIRE(loss->mean.has_value());
    CHECK(std::abs(2 * (*loss->mean * validators - sum)) <= validators);
    // By the trainers: worker i states the loss i + 1 on 10 * (i + 1) examples.
    const MetricSummary* trained = find_summary(settled.training, "loss");
    REQUIRE(trained != nullptr);
    CHECK(trained->measured == 4);
    CHECK(trained->median == 2'000'000);
    CHECK(trained->mean == 3'000'000);  // (10 + 2*20 + 3*30 + 4*40) / 100
  }
}

TEST_CASE("chain: the anchor that a worker names survives; a rewritten chain has none of it") {
  World ours = after_one_round();
  World theirs;
  theirs.empty_blocks(static_cast<int>(ours.chain.height()));
  CHECK(ours.chain.height() == theirs.chain.height());
  const auto tx = ours.say(ours.validator(), Transfer{hash_of("x"), 1, ""});
  Transaction rewritten = theirs.draft(theirs.validator(), Transfer{hash_of("x"), 1, ""});
  rewritten.seen_hash = ours.chain.tip_hash();
  CHECK(ours.chain.check(tx) == Verdict::ok);
  CHECK(theirs.chain.check(sign_transaction(rewritten, theirs.validator())) ==
        Verdict::unknown_anchor);
}

TEST_CASE("chain: restored from its parts it goes on as if it had never stopped") {
  World w = after_one_round();
  auto restored =
      Chain::restore(w.genesis, w.chain.history(), w.chain.tip(), copy_of(w.chain.state()));
  REQUIRE(restored.ok());
  const auto tx = w.say(w.validator(), Transfer{hash_of("x"), 1, ""});
  const BlockDraft ours = w.chain.prepare({tx}, 0, w.validator().account());
  const BlockDraft theirs = restored->prepare({tx}, 0, w.validator().account());
  CHECK(ours.block_hash == theirs.block_hash);
  w.chain = *std::move(restored);
  w.run_round();
  CHECK(w.round().round == 2);
}

TEST_CASE("chain: a restore refuses parts that do not belong together") {
  const World w = after_one_round();
  const auto history = w.chain.history();
  const Header tip = w.chain.tip();
  const auto refused = [&](std::vector<Hash> hashes, Header header, State state) {
    const auto restored = Chain::restore(w.genesis, std::move(hashes), header, std::move(state));
    return !restored.ok() && restored.error().code == ErrorCode::corrupt;
  };
  State state = copy_of(w.chain.state());
  CHECK_FALSE(refused(history, tip, state));
  State poorer = state;
  poorer.insert(state_key::kTotals, encode_record(TotalsRecord{}));
  CHECK(refused(history, tip, poorer));
  CHECK(refused({}, tip, state));
  auto shorter = history;
  shorter.erase(shorter.begin() + 1);
  CHECK(refused(shorter, tip, state));
  auto changed = history;
  changed[1] = hash_of("x");
  CHECK(refused(changed, tip, state));
  auto other_genesis = history;
  other_genesis[0] = hash_of("x");
  CHECK(refused(other_genesis, tip, state));
  Header later = tip;
  later.time_ms += 1;
  CHECK(refused(history, later, state));
  GenesisRecord genesis = w.genesis;
  genesis.nonce = hash_of("another chain");
  CHECK_FALSE(Chain::restore(genesis, history, tip, state).ok());
}

TEST_CASE("chain: a genesis that cannot start a chain says why") {
  const GenesisRecord good = World().genesis;
  struct Row {
    std::string_view word;  // in the message
    std::function<void(GenesisRecord&)> change;
  };
  const Row rows[] = {
      {"validator", [](GenesisRecord& g) { g.validators.clear(); }},
      {"twice", [](GenesisRecord& g) { g.validators.push_back(g.validators[0]); }},
      {"format", [](GenesisRecord& g) { g.allocations.push_back(g.allocations[0]); }},
      {"name is longer", [](GenesisRecord& g) { g.name = std::string(5000, 'x'); }},
      {"largest", [](GenesisRecord& g) { g.allocations[0].amount = ~std::uint64_t{0}; }},
      {"interpreter", [](GenesisRecord& g) { g.rule_abi = "another"; }},
      {"rule", [](GenesisRecord& g) { g.rule_source = "function ("; }},
      {"parameters", [](GenesisRecord& g) { g.task.size.parameters = 0; }},
      {"", [](GenesisRecord& g) { g.emission.halving_rounds = 0; }},
  };
  for (const Row& row : rows) {
    GenesisRecord genesis = good;
    row.change(genesis);
    const auto chain = Chain::start(genesis);
    REQUIRE_FALSE(chain.ok());
    CHECK(chain.error().code == ErrorCode::bad_input);
    CHECK(chain.error().message.find(row.word) != std::string::npos);
  }
  CHECK(Chain::start(good).ok());
}

TEST_CASE("chain: two chains with one parameter apart share nothing") {
  GenesisRecord genesis = World().genesis;
  const Hash id = genesis.chain_id();
  genesis.rule_limits.gas += 1;
  CHECK(genesis.chain_id() != id);
}

TEST_CASE("chain: prepare leaves out what does not stand, and keeps the block within its size") {
  World w;
  w.enrol();
  std::vector<SignedTransaction> candidates = {
      w.say(w.validator(), Transfer{hash_of("x"), 1, ""}),
      w.say(w.workers[0], Transfer{hash_of("x"), 1, ""}),   // has no money
      w.say(w.validator(), Transfer{hash_of("y"), 1, ""}),  // the nonce of the first
  };
  const auto verdicts = w.play(candidates);
  CHECK(verdicts[0] == Verdict::ok);
  CHECK(verdicts[1] == Verdict::insufficient_balance);
  CHECK(verdicts[2] == Verdict::wrong_nonce);
  CHECK(w.played.back().draft.block.transactions.size() == 1);
  CHECK(w.chain.tip().time_ms > w.played[w.played.size() - 2].draft.block.header.time_ms);

  SignedTransaction huge = candidates[0];
  huge.bytes.resize(kMaxBlockBytes);
  CHECK(w.chain.prepare({huge}, 0, w.validator().account()).verdicts[0] ==
        Verdict::too_many_transactions);
}

TEST_CASE("chain: a clock that is set back does not set the ledger back") {
  World w;
  w.enrol();
  const std::uint64_t before_ms = w.chain.tip().time_ms;
  for (const std::uint64_t clock_ms : {before_ms + 1000, std::uint64_t{0}, before_ms}) {
    CAPTURE(clock_ms);
    const std::uint64_t parent_ms = w.chain.tip().time_ms;
    BlockDraft draft = w.chain.prepare({}, clock_ms, w.validator().account());
    CHECK(draft.block.header.time_ms == std::max(clock_ms, parent_ms + 1));
    BlockDraft again;
    CHECK(w.chain.process(draft.block, {}, again) == Verdict::ok);
    w.chain.commit(std::move(draft));
  }
}

TEST_CASE("chain: who is touched by a block can find it") {
  const World w = after_one_round();
  const BlockDraft& settled = w.played.back().draft;
  const auto touched = touched_accounts(settled.block, settled.receipts);
  CHECK(touched.size() == w.workers.size() + 1);
  CHECK(std::is_sorted(touched.begin(), touched.end()));
}

TEST_CASE("chain: blocks and receipts survive their encoding, and nothing else decodes") {
  const World w = after_one_round();
  for (const PlayedBlock& played : w.played) {
    const Bytes bytes = encode_transactions(played.draft.block.transactions);
    std::vector<SignedTransaction> decoded;
    REQUIRE(decode_transactions(bytes, decoded) == Verdict::ok);
    CHECK(transactions_root(decoded) == played.draft.block.header.transactions_root);
    CHECK(encode_transactions(decoded) == bytes);
    CHECK(decode_transactions(ByteView(bytes).first(bytes.size() - 1), decoded) != Verdict::ok);

    const Bytes receipts = encode_receipts(played.draft.receipts);
    const auto again = decode_receipts(receipts);
    REQUIRE(again.has_value());
    CHECK(receipts_root(*again) == played.draft.block.header.receipts_root);
    Bytes longer = receipts;
    longer.push_back(0);
    CHECK_FALSE(decode_receipts(longer).has_value());
  }
}

TEST_CASE("chain: every bit of a signed transaction matters") {
  World w;
  w.enrol();
  w.open();
  const auto tx = w.say(w.workers[0], w.commit_body(0));
  REQUIRE(w.chain.check(tx) == Verdict::ok);
  for (std::size_t bit = 0; bit < tx.bytes.size() * 8; ++bit) {
    Bytes changed = tx.bytes;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
    SignedTransaction decoded;
    Verdict v = decode_transaction(changed, decoded);
    if (v == Verdict::ok) v = w.chain.check(decoded);
    if (v == Verdict::ok) FAIL_CHECK("bit " << bit);
  }
}
