// Membership after registration: suspended, readmitted, with other keys.
#include "ledger/apply.h"

namespace gradmint::apply {
namespace {

bool is_validator(const StateReader& state, const AccountId& sender) {
  const auto account = get<AccountRecord>(state, state_key::account(sender));
  return account && account->is_validator;
}

std::optional<AccountRecord> worker_of(const StateReader& state, const AccountId& id) {
  auto account = get<AccountRecord>(state, state_key::account(id));
  if (account && !account->is_worker) account.reset();
  return account;
}

bool suspended_by_word(const StateReader& state, const AccountId& worker) {
  const auto record = get<SuspensionRecord>(state, state_key::suspension(worker));
  return record && record->reason == SuspendReason::operator_decision;
}

void replace_keys(const RotateKey& body, AccountRecord account, StateDelta& state) {
  state.remove(state_key::curve_key(account.curve_key));
  account.public_key = body.public_key;
  account.curve_key = body.curve_key;
  state.put(state_key::curve_key(body.curve_key),
            {body.account.bytes.begin(), body.account.bytes.end()});
  put(state, state_key::account(body.account), account);
}

}  // namespace

Verdict suspend_member(const SuspendMember& body, const Sender& sender, const ApplyContext& context,
                       StateDelta& state) {
  if (!is_validator(state, sender)) return Verdict::not_authorised;
  const auto account = worker_of(state, body.account);
  if (!account) return Verdict::unknown_worker;
  const std::string key = state_key::suspension(body.account);
  // The operator's word may follow an absence: it cuts the connection as well.
  const auto before = get<SuspensionRecord>(state, key);
  if (before && (before->reason == SuspendReason::operator_decision ||
                 body.reason == SuspendReason::absent)) {
    return Verdict::already_suspended;
  }
  if (body.reason == SuspendReason::absent &&
      account->rounds_missed < context.genesis.limits.suspend_after_rounds) {
    return Verdict::not_absent;
  }
  put(state, key, SuspensionRecord{body.reason, body.text, context.height});
  index_member(state, body.account, *account);
  return Verdict::ok;
}

Verdict readmit_member(const ReadmitMember& body, const Sender& sender, StateDelta& state) {
  if (!is_validator(state, sender)) return Verdict::not_authorised;
  auto account = worker_of(state, body.account);
  if (!account) return Verdict::unknown_worker;
  const std::string key = state_key::suspension(body.account);
  if (!state.find(key)) return Verdict::not_suspended;
  state.remove(key);
  account->rounds_missed = 0;
  put(state, state_key::account(body.account), *account);
  index_member(state, body.account, *account);
  return Verdict::ok;
}

Verdict rotate_key(const RotateKey& body, const Sender& sender, const ApplyContext& context,
                   StateDelta& state) {
  const bool own = sender == body.account;
  if (!own && !is_validator(state, sender)) return Verdict::not_authorised;
  if (body.public_key.is_zero() || body.curve_key.is_zero()) return Verdict::wrong_key;
  auto account = worker_of(state, body.account);
  if (!account) return Verdict::unknown_worker;
  if (body.curve_key != account->curve_key && state.find(state_key::curve_key(body.curve_key))) {
    return Verdict::curve_key_taken;
  }
  const std::string key = state_key::rotation(body.account);
  if (own) {
    if (const Verdict v = count_statement(context, state, *account); v != Verdict::ok) return v;
    replace_keys(body, *account, state);
    // Of a suspended account the key may be stolen: its word ends nothing then.
    if (!suspended_by_word(state, body.account)) state.remove(key);
    return Verdict::ok;
  }
  // The account's own key has this long to say otherwise.
  const auto asked = get<RotationRecord>(state, key);
  if (!asked || asked->public_key != body.public_key || asked->curve_key != body.curve_key) {
    put(state, key,
        RotationRecord{body.public_key, body.curve_key,
                       context.height + context.genesis.limits.rotation_delay_blocks});
    return Verdict::ok;
  }
  if (context.height < asked->due_height) return Verdict::rotation_pending;
  replace_keys(body, *account, state);
  state.remove(key);
  return Verdict::ok;
}

}  // namespace gradmint::apply
