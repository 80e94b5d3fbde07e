#include "coordinator/server/join_desk.h"

#include <algorithm>

#include "coordinator/protocol/limits.h"
#include "coordinator/server/admissions.h"
#include "kernels/base/text.h"
#include "ledger/merkle.h"
#include "ledger/scaler.h"

namespace gradmint {
namespace {

DeskAnswer now(Message message, Payload payload = {}) {
  return {std::move(message), std::move(payload)};
}
DeskAnswer later() { return {}; }

}  // namespace

TransactionResult transaction_result(const Hash& id, Verdict verdict, std::uint64_t height) {
  TransactionResult result;
  result.txid = id;
  result.verdict = static_cast<std::uint16_t>(verdict);
  result.height = height;
  if (verdict != Verdict::ok) result.detail = verdict_name(verdict);
  return result;
}

std::optional<DeskAnswer> JoinDesk::answer(const Inbound& inbound, std::uint64_t ticket,
                                           bool admitted, const std::string& work_endpoint) {
  const Message& m = inbound.message;
  if (const auto* hello = std::get_if<Hello>(&m)) return on(*hello, admitted, work_endpoint);
  if (const auto* genesis = std::get_if<GetGenesis>(&m)) return on(*genesis);
  if (const auto* headers = std::get_if<GetHeaders>(&m)) return on(*headers);
  if (const auto* account = std::get_if<GetAccount>(&m)) return on(*account);
  if (const auto* invitation = std::get_if<GetInvitation>(&m)) return on(*invitation);
  if (std::holds_alternative<GetScaler>(m)) return scaler();
  if (const auto* enrol = std::get_if<Register>(&m)) return on(*enrol, inbound, ticket);
  if (const auto* submit_tx = std::get_if<SubmitTransaction>(&m))
    return on(*submit_tx, inbound, ticket);
  if (std::holds_alternative<Ping>(m)) return now(Pong{});
  return std::nullopt;
}

DeskAnswer JoinDesk::on(const Hello& hello, bool admitted, const std::string& work_endpoint) {
  const Chain& chain = orderer_.chain();
  if (!hello.chain_id.is_zero() && hello.chain_id != chain.chain_id()) {
    return now(
        refuse(RefusalCode::unknown_chain,
               "this coordinator runs chain " + to_hex(chain.chain_id()).substr(0, 16) +
                   "…, not the one you were invited to: ask its operator for a new invitation"));
  }
  Welcome welcome;
  welcome.chain_id = chain.chain_id();
  welcome.tip_height = chain.height();
  welcome.tip_hash = chain.tip_hash();
  welcome.work_endpoint = work_endpoint;
  welcome.revision = revision_;
  welcome.admitted = admitted;
  welcome.unix_ms = clock_.unix_ms();
  return now(welcome);
}

DeskAnswer JoinDesk::on(const GetGenesis&) {
  Genesis genesis;
  genesis.chain_id = orderer_.chain().chain_id();
  return now(genesis, Payload::of(encode_record(orderer_.chain().genesis())));
}

DeskAnswer JoinDesk::on(const GetHeaders& request) {
  Headers headers;
  headers.from_height = request.from_height;
  const std::uint64_t tip = orderer_.chain().height();
  const std::uint64_t count = std::min<std::uint64_t>(request.count, kMaxHeadersPerReply);
  for (std::uint64_t i = 0;
       i < count && request.from_height <= tip && i <= tip - request.from_height; ++i) {
    auto block = orderer_.store().block(request.from_height + i);
    if (!block) return now(refuse(RefusalCode::failed, block.error().message));
    headers.headers.push_back({std::move(block->header), std::move(block->certificate)});
  }
  return now(headers);
}

// The statement that fixed it, in a form that is checked against the block's header alone.
DeskAnswer JoinDesk::scaler() {
  if (scaler_) return now(*scaler_, scaler_transaction_);
  const auto fixed = fixed_scaler(orderer_.chain().state());
  if (!fixed) return now(refuse(RefusalCode::not_now, "no scaler is fixed on this chain"));
  auto block = orderer_.store().block(fixed->height);
  if (!block) return now(refuse(RefusalCode::failed, block.error().message));
  std::vector<SignedTransaction> transactions;
  GRADMINT_CHECK(decode_transactions(block->transactions, transactions) == Verdict::ok);
  std::vector<Hash> leaves;
  FixedScaler found;
  for (const SignedTransaction& each : transactions) {
    if (each.transaction.type == TxType::fix_scaler)
      found.index = static_cast<std::uint32_t>(leaves.size());
    leaves.push_back(merkle_leaf_hash(each.bytes));
  }
  found.block = {std::move(block->header), std::move(block->certificate)};
  found.transactions = static_cast<std::uint32_t>(leaves.size());
  found.path = merkle_inclusion_proof(leaves, found.index);
  scaler_transaction_ = Payload::of(Bytes(transactions[found.index].bytes));
  scaler_ = std::move(found);
  return now(*scaler_, scaler_transaction_);
}

DeskAnswer JoinDesk::on(const GetAccount& request) {
  const auto record =
      get<AccountRecord>(orderer_.chain().state(), state_key::account(request.account));
  AccountState state;
  state.account = request.account;
  state.height = orderer_.chain().height();
  state.exists = record.has_value();
  if (record) {
    state.nonce = record->nonce;
    state.balance = record->balance;
    state.registered = record->is_worker;
    if (!may_connect(orderer_.chain().state(), request.account)) {
      const auto why =
          get<SuspensionRecord>(orderer_.chain().state(), state_key::suspension(request.account));
      state.suspension = clean_text(why->text, kMaxTextBytes);
    }
  }
  return now(state);
}

// Whether a code was issued here and still stands is this coordinator's word; that it admits once
// is the ledger's rule.
std::optional<Refusal> JoinDesk::refused_code(const Hash& code_hash) const {
  const auto issued = invitations_.find(code_hash);
  if (!issued) return refuse(RefusalCode::failed, issued.error().message);
  if (!*issued) {
    return refuse(RefusalCode::bad_invitation,
                  "this coordinator did not issue that code: ask its operator for an invitation");
  }
  if ((*issued)->revoked_unix_ms) {
    return refuse(RefusalCode::bad_invitation,
                  "invitation revoked: ask the coordinator's operator for another");
  }
  return std::nullopt;
}

DeskAnswer JoinDesk::on(const GetInvitation& request) {
  const auto issued = invitations_.find(request.code_hash);
  if (!issued) return now(refuse(RefusalCode::failed, issued.error().message));
  InvitationState state;
  const auto by = orderer_.chain().state().find(state_key::invitation(request.code_hash));
  if (by && by->size() == state.used_by.bytes.size()) {
    state.use = InvitationUse::used;
    std::copy(by->begin(), by->end(), state.used_by.bytes.begin());
  } else if (*issued) {
    state.use = (*issued)->revoked_unix_ms ? InvitationUse::revoked : InvitationUse::unused;
  }
  return now(state);
}

DeskAnswer JoinDesk::on(const Register& request, const Inbound& inbound, std::uint64_t ticket) {
  SignedTransaction tx;
  if (const Verdict v = decode_transaction(request.transaction, tx); v != Verdict::ok) {
    return now(transaction_result({}, v, 0));
  }
  if (tx.transaction.type != TxType::register_worker) {
    return now(refuse(RefusalCode::malformed, "Register must carry a register_worker transaction"));
  }
  RegisterWorker body;
  if (const Verdict v = decode_body(tx.transaction.body, body); v != Verdict::ok) {
    return now(transaction_result(tx.id, v, 0));
  }
  if (body.curve_key != inbound.curve_key) {
    return now(refuse(RefusalCode::not_as_agreed,
                      "the registration names another CURVE key than this connection's"));
  }
  if (orderer_.chain().genesis().enrolment == Enrolment::invitation) {
    const Hash code_hash = invitation_hash(request.code);
    if (body.invitation_hash != code_hash) {
      return now(refuse(RefusalCode::bad_invitation,
                        "the registration names another invitation than the code's"));
    }
    if (const auto refused = refused_code(code_hash)) return now(*refused);
  }
  return submit(request.transaction, ticket, {inbound.curve_key, false}, std::nullopt);
}

DeskAnswer JoinDesk::on(const SubmitTransaction& request, const Inbound& inbound,
                        std::uint64_t ticket) {
  if (inbound.peer.entrance == kAtWork) {
    return submit(request.transaction, ticket, {inbound.curve_key, true}, inbound.account);
  }
  SignedTransaction tx;
  if (decode_transaction(request.transaction, tx) == Verdict::ok &&
      tx.transaction.type != TxType::transfer && tx.transaction.type != TxType::rotate_key) {
    return now(refuse(RefusalCode::not_accepted_here,
                      "at the join entrance only transfers and changes of keys are taken"));
  }
  return submit(request.transaction, ticket, {inbound.curve_key, false}, std::nullopt);
}

DeskAnswer JoinDesk::submit(ByteView bytes, std::uint64_t ticket, const Source& source,
                            const std::optional<AccountId>& as) {
  SignedTransaction tx;
  if (const Verdict v = decode_transaction(bytes, tx); v != Verdict::ok) {
    return now(transaction_result({}, v, 0));
  }
  if (as && tx.transaction.sender != *as) {
    return now(transaction_result(tx.id, Verdict::not_authorised, 0));
  }
  // A repeated submission (after a lost answer) is told what became of the first.
  auto found = orderer_.store().find_transaction(tx.id);
  if (found && found->has_value()) {
    return now(transaction_result(tx.id, Verdict::ok, (*found)->first));
  }
  if (!orderer_.submit(std::move(tx), ticket, source)) {
    return now(
        refuse(RefusalCode::overloaded, "too many transactions wait: try again in a moment"));
  }
  return later();
}

}  // namespace gradmint
