#include "coordinator/server/admissions.h"

namespace gradmint {
namespace {

// Whose connection key a statement may have changed.
std::optional<AccountId> whose(const Transaction& t) {
  switch (t.type) {
    case TxType::register_worker:
      return t.sender;
    case TxType::suspend_member:
      if (const auto body = decode_record<SuspendMember>(t.body)) return body->account;
      return std::nullopt;
    case TxType::readmit_member:
      if (const auto body = decode_record<ReadmitMember>(t.body)) return body->account;
      return std::nullopt;
    case TxType::rotate_key:
      if (const auto body = decode_record<RotateKey>(t.body)) return body->account;
      return std::nullopt;
    default:
      return std::nullopt;
  }
}

}  // namespace

bool may_connect(const StateReader& state, const AccountId& worker) {
  const auto suspension = get<SuspensionRecord>(state, state_key::suspension(worker));
  return !suspension || suspension->reason == SuspendReason::absent;
}

void Admissions::start(const State& state) {
  state.scan(state_key::kAccountPrefix, [&](const std::string& key, const Bytes& value) {
    const auto account = decode_record<AccountRecord>(value);
    if (account && account->is_worker) bring_up_to_date(state, id_of_key(key));
  });
}

void Admissions::follow(const OrderedBlock& block, const State& state) {
  for (const Ordered& ordered : block.outcomes) {
    if (ordered.verdict != Verdict::ok) continue;
    if (const auto account = whose(ordered.transaction.transaction))
      bring_up_to_date(state, *account);
  }
}

void Admissions::bring_up_to_date(const State& state, const AccountId& account) {
  const auto record = get<AccountRecord>(state, state_key::account(account));
  std::optional<Hash> wanted;
  if (record && record->is_worker && may_connect(state, account)) wanted = record->curve_key;
  const auto held = keys_.find(account);
  if (held != keys_.end() && held->second != wanted) {
    transport_.revoke(held->second);
    keys_.erase(held);
  }
  if (wanted && keys_.emplace(account, *wanted).second) transport_.admit(*wanted, account);
}

}  // namespace gradmint
