#include "worker/session/transaction_desk.h"

namespace gradmint::session {
namespace {
constexpr std::uint64_t kTryAgainMs = 200;
}  // namespace

void TransactionDesk::want(TxType type, Bytes body) {
  if (pending_ && pending_->type == type && pending_->body == body) return;
  clear();
  pending_ = Pending{type, std::move(body), std::nullopt};
}

void TransactionDesk::clear() {
  if (pending_ && pending_->signed_form) nonce_.reset();  // it may have used it up
  pending_.reset();
}

void TransactionDesk::advance(Outgoing& out, const Anchor& anchor) {
  if (!pending_) return;
  if (!nonce_) {
    out.ask(Ask::account, GetAccount{key_.account()});
    return;
  }
  if (!out.may_ask(Ask::transaction)) return;
  if (!pending_->signed_form) {
    Transaction t;
    t.type = pending_->type;
    t.chain_id = chain_id_;
    t.sender = key_.account();
    t.nonce = *nonce_;
    t.seen_height = anchor.height;
    t.seen_hash = anchor.hash;
    t.body = pending_->body;
    pending_->signed_form = sign_transaction(t, key_);
  }
  const Bytes& bytes = pending_->signed_form->bytes;
  if (pending_->type == TxType::register_worker) {
    out.ask(Ask::transaction, Register{bytes, code_});
  } else {
    out.ask(Ask::transaction, SubmitTransaction{bytes});
  }
}

void TransactionDesk::take(const AccountState& account) {
  if (account.account != key_.account()) return;
  // While a statement is under way the account may or may not count it already.
  if (!nonce_) nonce_ = account.nonce;
}

std::optional<Settled> TransactionDesk::take(const TransactionResult& result, Outgoing& out) {
  if (!pending_ || !pending_->signed_form || pending_->signed_form->id != result.txid) {
    return std::nullopt;
  }
  const Verdict verdict =
      is_verdict(result.verdict) ? static_cast<Verdict>(result.verdict) : Verdict::malformed;
  switch (verdict) {
    case Verdict::wrong_nonce:
      nonce_.reset();
      pending_->signed_form.reset();
      out.hold_back(Ask::account, kTryAgainMs);
      return std::nullopt;
    case Verdict::unknown_anchor:
    case Verdict::expired:
      pending_->signed_form.reset();
      out.hold_back(Ask::transaction, kTryAgainMs);
      return std::nullopt;
    default:
      break;
  }
  if (verdict == Verdict::ok && nonce_) ++*nonce_;
  Settled settled{pending_->type, std::move(pending_->body), verdict, result.detail};
  pending_.reset();
  return settled;
}

}  // namespace gradmint::session
