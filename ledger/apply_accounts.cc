// Enrolment, datasets and money.
#include <algorithm>

#include "contracts/amount.h"
#include "ledger/apply.h"

namespace gradmint::apply {
namespace {

Verdict check_enrolment(const RegisterWorker& body, const Sender& sender,
                        const GenesisRecord& genesis, const StateReader& state) {
  switch (genesis.enrolment) {
    case Enrolment::open:
      return Verdict::ok;
    case Enrolment::allow_list:
      return std::binary_search(genesis.allowed.begin(), genesis.allowed.end(), sender)
                 ? Verdict::ok
                 : Verdict::not_invited;
    case Enrolment::invitation:
      // Which codes are valid is the coordinator's knowledge; that each admits one worker is law.
      if (body.invitation_hash.is_zero()) return Verdict::not_invited;
      return state.find(state_key::invitation(body.invitation_hash)) ? Verdict::invitation_used
                                                                     : Verdict::ok;
  }
  return Verdict::not_invited;
}

}  // namespace

Verdict register_worker(const RegisterWorker& body, const Sender& sender,
                        const ApplyContext& context, StateDelta& state) {
  if (body.curve_key.is_zero()) return Verdict::wrong_key;
  if (state.find(state_key::curve_key(body.curve_key))) return Verdict::curve_key_taken;
  if (const Verdict v = check_enrolment(body, sender, context.genesis, state); v != Verdict::ok) {
    return v;
  }
  auto account = get<AccountRecord>(state, state_key::account(sender)).value_or(AccountRecord{});
  account.public_key = body.public_key;
  account.curve_key = body.curve_key;
  account.name = body.name;
  account.is_worker = true;
  account.registered_height = context.height;
  put(state, state_key::account(sender), account);
  state.put(state_key::curve_key(body.curve_key), {sender.bytes.begin(), sender.bytes.end()});
  if (!body.invitation_hash.is_zero()) {
    state.put(state_key::invitation(body.invitation_hash),
              {sender.bytes.begin(), sender.bytes.end()});
  }
  return Verdict::ok;
}

Verdict register_dataset(const RegisterDataset& body, const Sender& sender,
                         const ApplyContext& context, StateDelta& state) {
  if (body.sample_count == 0) return Verdict::empty_dataset;
  auto account = get<AccountRecord>(state, state_key::account(sender));
  if (!account || !account->is_worker) return Verdict::unknown_worker;
  const std::string key = state_key::dataset(dataset_id(sender, body));
  if (state.find(key)) return Verdict::dataset_exists;
  DatasetRecord record;
  record.owner = sender;
  record.height = context.height;
  record.manifest = body;
  put(state, key, record);
  account->datasets += 1;
  put(state, state_key::account(sender), *account);
  return Verdict::ok;
}

Verdict transfer(const Transfer& body, const Sender& sender, StateDelta& state) {
  if (body.amount == 0) return Verdict::zero_amount;
  auto from = get<AccountRecord>(state, state_key::account(sender));
  if (!from || from->balance < body.amount) return Verdict::insufficient_balance;
  if (body.to == sender) return Verdict::ok;  // moves nothing, costs a nonce
  auto to = get<AccountRecord>(state, state_key::account(body.to)).value_or(AccountRecord{});
  const auto sum = contracts::checked_add(to.balance, body.amount);
  if (!sum) return Verdict::overflow;
  from->balance -= body.amount;
  to.balance = *sum;
  put(state, state_key::account(sender), *from);
  put(state, state_key::account(body.to), to);
  return Verdict::ok;
}

}  // namespace gradmint::apply
