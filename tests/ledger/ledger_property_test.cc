// Random scripts on small worlds: whatever stands keeps the totals, whatever is prepared is
// processed, and a block with one field changed is refused. A failure prints its seed.
#include <doctest/doctest.h>

#include <random>

#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// What anyone might say at any time, sensible or not.
SignedTransaction random_statement(World& w, std::mt19937_64& random) {
  const auto pick = [&](std::uint64_t n) { return random() % n; };
  const auto worker = static_cast<int>(pick(w.workers.size()));
  const SecretKey& key = w.workers[static_cast<std::size_t>(worker)];
  const SecretKey& any = pick(2) == 0 ? w.validator() : key;
  const bool opened = current_round(w.chain.state()).has_value();
  switch (pick(opened ? 10 : 4)) {
    case 9: {
      const AccountId& about = w.workers[pick(w.workers.size())].account();
      const Hash other = hash_of("key " + std::to_string(pick(3)));
      switch (pick(8)) {
        case 0:
          return w.say(any, SuspendMember{about, SuspendReason::absent, ""});
        case 1:
          return w.say(any, SuspendMember{about, SuspendReason::operator_decision, "why"});
        case 2:
          return w.say(w.validator(), RotateKey{about, other, other});
        default:
          return w.say(w.validator(), ReadmitMember{about});
      }
    }
    case 0:
      return w.say(any, Transfer{w.workers[pick(w.workers.size())].account(), pick(600), ""});
    case 1:
      return w.say(key, w.registration(worker));
    case 2:
      return w.say(key, w.dataset(worker));
    case 3:
      return w.say(w.validator(), w.open_body());
    case 4:
      return w.say(key, w.commit_body(worker));
    case 5: {
      const RoundRecord round = w.round();
      if (commits_of(w.chain.state(), round.round, round.attempt).empty()) break;
      return w.say(w.validator(), w.close_body());
    }
    case 6:
      if (w.round().phase != RoundPhase::revealing) break;
      return w.say(w.validator(), w.result_body());
    case 7:
      if (pick(4) != 0) break;
      return w.say(w.validator(), w.abandon_body());
    case 8: {
      if (w.round().phase != RoundPhase::evaluating) break;
      switch (pick(3)) {
        case 0:
          return w.say(w.validator(), w.evaluation_commitment_body(w.validator()));
        case 1:
          return w.say(w.validator(), w.evaluation_body(w.validator()));
        default:
          return w.say(w.validator(), w.settle_body());
      }
    }
    default:
      break;
  }
  return w.say(any, Transfer{key.account(), pick(3), "x"});
}

Block with_one_change(const Block& block, std::mt19937_64& random) {
  Block changed = block;
  Header& h = changed.header;
  Hash* hashes[] = {&h.chain_id,   &h.parent_hash,         &h.transactions_root, &h.receipts_root,
                    &h.state_root, &h.history_root,        &h.validators_hash,   &h.params_hash,
                    &h.proposer,   &h.next_validators_hash};
  const std::uint64_t which = random() % (std::size(hashes) + 3);
  if (which < std::size(hashes)) {
    hashes[which]->bytes[random() % 32] ^= static_cast<std::uint8_t>(1U << (random() % 8));
  } else if (which == std::size(hashes)) {
    h.height += 1;
  } else if (which == std::size(hashes) + 1) {
    h.epoch += 1;
  } else {
    h.time_ms = 0;
  }
  return changed;
}

}  // namespace

TEST_CASE("ledger property: random scripts keep every balance, and every block is reproducible") {
  std::size_t stood = 0, said = 0, settled = 0;
  for (std::uint64_t seed = 1; seed <= 12; ++seed) {
    CAPTURE(seed);
    std::mt19937_64 random(seed);
    WorldOptions options;
    options.workers = 3;
    options.optimizer = seed % 2 == 0 ? "nesterov" : "plain";
    World w(options);
    for (int step = 0; step < 120; ++step) {
      CAPTURE(step);
      const SignedTransaction tx = random_statement(w, random);
      const bool result = tx.transaction.type == TxType::round_result;
      if (result && w.chain.check(tx) == Verdict::ok) {
        w.result();  // also moves the world's own model on
        ++stood, ++said;
        continue;
      }
      const BlockDraft draft = w.chain.prepare({tx}, 0, w.validator().account());
      BlockDraft out;
      REQUIRE(w.chain.process(draft.block, {}, out) == Verdict::ok);
      REQUIRE(w.chain.process(with_one_change(draft.block, random), {}, out) != Verdict::ok);
      const auto verdicts = w.play({tx});  // checks conservation by full sum
      ++said;
      stood += verdicts.front() == Verdict::ok;
      REQUIRE(members_of(w.chain.state()) == members_by_scan(w.chain.state()));
      settled += verdicts.front() == Verdict::ok && tx.transaction.type == TxType::settle_round;
    }
  }
  MESSAGE(said << " statements, " << stood << " stood, " << settled << " rounds settled");
  CHECK(stood > said / 5);
  CHECK(settled > 3);
}
