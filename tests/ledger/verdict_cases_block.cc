// Blocks and certificates.
#include "tests/ledger/verdict_cases.h"

namespace gradmint::test {
namespace {

using V = Verdict;

Block next_block(World& w) {
  return w.chain
      .prepare({w.say(w.validator(), Transfer{hash_of("x"), 1, ""})}, 0, w.validator().account())
      .block;
}

template <class Change>
Verdict changed_block(World& w, Change change) {
  Block block = next_block(w);
  change(block);
  BlockDraft out;
  return w.chain.process(block, {}, out);
}
template <class Change>
Verdict changed_header(World& w, Change change) {
  return changed_block(w, [&](Block& block) { change(block.header); });
}

template <class Change>
Verdict changed_certificate(World& w, Change change) {
  const Header header = next_block(w).header;
  Certificate certificate = w.certify(header, {0});
  change(certificate);
  return verify_certificate(certificate, header, w.genesis.validators);
}

std::vector<Case> header_cases() {
  return {
      {"a block", Stage::enrolled, [](World& w) { return changed_block(w, [](Block&) {}); }, V::ok},
      {"another chain", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.chain_id = Hash{}; }); },
       V::wrong_chain},
      {"a height left out", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.height += 1; }); },
       V::wrong_height},
      {"another parent", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.parent_hash = Hash{}; }); },
       V::wrong_parent},
      {"another epoch", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.epoch += 1; }); }, V::wrong_epoch},
      {"the parent's time", Stage::enrolled,
       [](World& w) {
         return changed_header(w, [&](Header& h) { h.time_ms = w.chain.tip().time_ms; });
       },
       V::wrong_time},
      {"another history", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.history_root = Hash{}; }); },
       V::wrong_history_root},
      {"other validators", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.validators_hash = Hash{}; }); },
       V::wrong_validators},
      {"other validators next", Stage::enrolled,
       [](World& w) {
         return changed_header(w, [](Header& h) { h.next_validators_hash = Hash{}; });
       },
       V::wrong_validators},
      {"other parameters", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.params_hash = Hash{}; }); },
       V::wrong_params},
      {"proposed by a worker", Stage::enrolled,
       [](World& w) {
         return changed_header(w, [&](Header& h) { h.proposer = w.workers[0].account(); });
       },
       V::wrong_proposer},
      {"proposed by a stranger", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.proposer = hash_of("x"); }); },
       V::wrong_proposer},
      {"other transactions", Stage::enrolled,
       [](World& w) { return changed_block(w, [](Block& b) { b.transactions.clear(); }); },
       V::wrong_transactions_root},
      {"another root over the transactions", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.transactions_root = Hash{}; }); },
       V::wrong_transactions_root},
      {"other receipts", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.receipts_root = Hash{}; }); },
       V::wrong_receipts_root},
      {"another state", Stage::enrolled,
       [](World& w) { return changed_header(w, [](Header& h) { h.state_root = Hash{}; }); },
       V::wrong_state_root},
      {"a transaction that does not stand", Stage::enrolled,
       [](World& w) {
         return changed_block(w, [&](Block& b) {
           b.transactions.push_back(w.say(w.workers[0], Transfer{hash_of("x"), 1, ""}));
           b.header.transactions_root = transactions_root(b.transactions);
         });
       },
       V::insufficient_balance},
      {"a transaction twice", Stage::enrolled,
       [](World& w) {
         return changed_block(w, [&](Block& b) {
           b.transactions.push_back(b.transactions[0]);
           b.header.transactions_root = transactions_root(b.transactions);
         });
       },
       V::wrong_nonce},
      {"more transactions than a block holds", Stage::enrolled,
       [](World& w) {
         return changed_block(w,
                              [&](Block& b) { b.transactions.resize(kMaxBlockTransactions + 1); });
       },
       V::too_many_transactions},
      {"more bytes than a block holds", Stage::enrolled,
       [](World& w) {
         return changed_block(w, [&](Block& b) {
           b.transactions.resize(9);
           for (auto& t : b.transactions) t.bytes.resize(kMaxSignedTransactionBytes);
         });
       },
       V::oversized},
  };
}

std::vector<Case> certificate_cases() {
  return {
      {"a certificate", Stage::enrolled,
       [](World& w) { return changed_certificate(w, [](Certificate&) {}); }, V::ok},
      {"a certificate of nobody", Stage::enrolled,
       [](World& w) { return changed_certificate(w, [](Certificate& c) { c.votes.clear(); }); },
       V::no_quorum},
      {"of another height", Stage::enrolled,
       [](World& w) { return changed_certificate(w, [](Certificate& c) { c.height += 1; }); },
       V::bad_certificate},
      {"of another epoch", Stage::enrolled,
       [](World& w) { return changed_certificate(w, [](Certificate& c) { c.epoch += 1; }); },
       V::bad_certificate},
      {"of another block", Stage::enrolled,
       [](World& w) {
         return changed_certificate(w, [](Certificate& c) { c.block_hash = Hash{}; });
       },
       V::bad_certificate},
      {"by an unknown validator", Stage::enrolled,
       [](World& w) {
         return changed_certificate(w, [](Certificate& c) { c.votes[0].validator = 1; });
       },
       V::bad_certificate},
      {"by one validator twice", Stage::enrolled,
       [](World& w) {
         return changed_certificate(w, [](Certificate& c) { c.votes.push_back(c.votes[0]); });
       },
       V::bad_certificate},
      {"with a forged signature", Stage::enrolled,
       [](World& w) {
         return changed_certificate(w, [](Certificate& c) { c.votes[0].signature.bytes[9] ^= 1; });
       },
       V::bad_certificate},
  };
}

}  // namespace

std::vector<Case> block_cases() {
  std::vector<Case> all = header_cases();
  const auto more = certificate_cases();
  all.insert(all.end(), more.begin(), more.end());
  return all;
}

}  // namespace gradmint::test
