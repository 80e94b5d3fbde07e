// Enrolment, datasets and money.
#include <algorithm>

#include "contracts/amount.h"
#include "ledger/apply.h"

namespace gradmint::apply {
namespace {

Verdict check_enrolment(const RegisterWorker& body, const Sender& sender,
                        const GenesisRecord& genesis, const StateReader& state) {
  switch (genesis.enrolment) {
    case Enrolment::open:  // an invitation or a list bounds the workers by itself
      return job_of(state).registrations < genesis.limits.registrations_per_round
                 ? Verdict::ok
                 : Verdict::too_many_registrations;
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

Verdict count_statement(const ApplyContext& context, const StateReader& state,
                        AccountRecord& account) {
  if (account.is_validator) return Verdict::ok;
  const std::uint64_t round = job_of(state).round;
  if (account.counted_round != round) account.counted_statements = 0;
  if (account.counted_statements >= context.genesis.limits.statements_per_round) {
    return Verdict::too_many_statements;
  }
  account.counted_round = round;
  account.counted_statements += 1;
  return Verdict::ok;
}

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
  if (context.genesis.enrolment == Enrolment::open) {
    JobRecord job = job_of(state);
    job.registrations += 1;
    put(state, state_key::kJob, job);
  }
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
  if (state.find(state_key::suspension(sender))) return Verdict::suspended;
  const std::string key = state_key::dataset(dataset_id(sender, body));
  if (state.find(key)) return Verdict::dataset_exists;
  if (account->datasets >= context.genesis.limits.datasets_per_worker) {
    return Verdict::too_many_datasets;
  }
  if (const Verdict v = count_statement(context, state, *account); v != Verdict::ok) return v;
  DatasetRecord record;
  record.owner = sender;
  record.height = context.height;
  record.manifest = body;
  put(state, key, record);
  account->datasets += 1;
  put(state, state_key::account(sender), *account);
  index_member(state, sender, *account);
  return Verdict::ok;
}

Verdict transfer(const Transfer& body, const Sender& sender, const ApplyContext& context,
                 StateDelta& state) {
  if (body.amount == 0) return Verdict::zero_amount;
  auto from = get<AccountRecord>(state, state_key::account(sender));
  if (!from || from->balance < body.amount) return Verdict::insufficient_balance;
  const bool moves = body.to != sender;  // to oneself it moves nothing and costs a nonce
  const auto known = get<AccountRecord>(state, state_key::account(body.to));
  // An account stays for ever, so it is opened with something.
  if (!known && body.amount < context.genesis.limits.least_new_balance) {
    return Verdict::balance_too_small;
  }
  auto to = known.value_or(AccountRecord{});
  const auto sum = contracts::checked_add(to.balance, body.amount);
  if (moves && !sum) return Verdict::overflow;
  if (const Verdict v = count_statement(context, state, *from); v != Verdict::ok) return v;
  if (moves) {
    from->balance -= body.amount;
    to.balance = *sum;
    put(state, state_key::account(body.to), to);
  }
  put(state, state_key::account(sender), *from);
  return Verdict::ok;
}

}  // namespace gradmint::apply
