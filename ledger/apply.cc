#include "ledger/apply.h"

namespace gradmint {
namespace {

// The key a sender signs with: from the state, or for a first registration from the body itself.
Verdict signing_key(const SignedTransaction& tx, const std::optional<AccountRecord>& account,
                    Hash& key) {
  const bool known = account.has_value() && !account->public_key.is_zero();
  if (tx.transaction.type == TxType::register_worker) {
    RegisterWorker body;
    if (const Verdict v = decode_body(tx.transaction.body, body); v != Verdict::ok) return v;
    if (known) return Verdict::already_registered;
    if (account_of(body.public_key) != tx.transaction.sender) return Verdict::wrong_key;
    key = body.public_key;
    return Verdict::ok;
  }
  if (!known) return Verdict::unknown_sender;
  key = account->public_key;
  return Verdict::ok;
}

Verdict check_envelope(const SignedTransaction& tx, const ApplyContext& context,
                       const std::optional<AccountRecord>& account) {
  const Transaction& t = tx.transaction;
  if (t.chain_id != context.chain_id) return Verdict::wrong_chain;
  if (t.valid_until < context.height) return Verdict::expired;
  Hash key;
  if (const Verdict v = signing_key(tx, account, key); v != Verdict::ok) return v;
  if (context.verify_signatures && !verify_signature(key, signing_digest(tx), tx.signature)) {
    return Verdict::bad_signature;
  }
  if (t.nonce != (account ? account->nonce : 0)) return Verdict::wrong_nonce;
  if (t.seen_height >= context.history.size() || context.history[t.seen_height] != t.seen_hash) {
    return Verdict::unknown_anchor;
  }
  return Verdict::ok;
}

template <class Body, class Rule>
Verdict with_body(const Transaction& t, Rule rule) {
  Body body;
  if (const Verdict v = decode_body(t.body, body); v != Verdict::ok) return v;
  return rule(body);
}

Verdict apply_body(const Transaction& t, const ApplyContext& c, StateDelta& s,
                   TransactionReceipt& receipt) {
  const AccountId& from = t.sender;
  switch (t.type) {
    case TxType::register_worker:
      return with_body<RegisterWorker>(
          t, [&](auto& b) { return apply::register_worker(b, from, c, s); });
    case TxType::register_dataset:
      return with_body<RegisterDataset>(
          t, [&](auto& b) { return apply::register_dataset(b, from, c, s); });
    case TxType::open_round:
      return with_body<OpenRound>(t, [&](auto& b) { return apply::open_round(b, from, c, s); });
    case TxType::commit_update:
      return with_body<CommitUpdate>(t,
                                     [&](auto& b) { return apply::commit_update(b, from, c, s); });
    case TxType::close_commits:
      return with_body<CloseCommits>(t, [&](auto& b) { return apply::close_commits(b, from, s); });
    case TxType::round_result:
      return with_body<RoundResult>(t, [&](auto& b) { return apply::round_result(b, from, c, s); });
    case TxType::abandon_round:
      return with_body<AbandonRound>(t,
                                     [&](auto& b) { return apply::abandon_round(b, from, c, s); });
    case TxType::commit_evaluation:
      return with_body<CommitEvaluation>(
          t, [&](auto& b) { return apply::commit_evaluation(b, from, c, s); });
    case TxType::reveal_evaluation:
      return with_body<RevealEvaluation>(
          t, [&](auto& b) { return apply::reveal_evaluation(b, from, c, s); });
    case TxType::settle_round:
      return with_body<SettleRound>(
          t, [&](auto& b) { return apply::settle_round(b, from, c, s, receipt); });
    case TxType::transfer:
      return with_body<Transfer>(t, [&](auto& b) { return apply::transfer(b, from, c, s); });
    case TxType::suspend_member:
      return with_body<SuspendMember>(
          t, [&](auto& b) { return apply::suspend_member(b, from, c, s); });
    case TxType::readmit_member:
      return with_body<ReadmitMember>(t,
                                      [&](auto& b) { return apply::readmit_member(b, from, s); });
    case TxType::rotate_key:
      return with_body<RotateKey>(t, [&](auto& b) { return apply::rotate_key(b, from, c, s); });
    case TxType::state_sums:
      return with_body<StateSums>(t, [&](auto& b) { return apply::state_sums(b, from, c, s); });
    case TxType::fix_scaler:
      return with_body<FixScaler>(t, [&](auto& b) { return apply::fix_scaler(b, from, c, s); });
  }
  return Verdict::unknown_type;
}

}  // namespace

Verdict apply_transaction(const SignedTransaction& tx, const ApplyContext& context,
                          StateDelta& state, TransactionReceipt& receipt) {
  const std::string key = state_key::account(tx.transaction.sender);
  if (const Verdict v = check_envelope(tx, context, get<AccountRecord>(state, key));
      v != Verdict::ok) {
    return v;
  }
  receipt = TransactionReceipt{};
  receipt.transaction_id = tx.id;
  if (const Verdict v = apply_body(tx.transaction, context, state, receipt); v != Verdict::ok) {
    return v;
  }
  auto sender = get<AccountRecord>(state, key);
  GRADMINT_CHECK(sender.has_value());
  sender->nonce += 1;
  put(state, key, *sender);
  return Verdict::ok;
}

}  // namespace gradmint
