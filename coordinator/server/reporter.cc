#include "coordinator/server/reporter.h"

#include <algorithm>

#include "contracts/amount.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/metrics_json.h"
#include "ledger/scaler.h"

namespace gradmint {

using nlohmann::json;

json describe_worker(const StateReader& state, const AccountId& account) {
  const auto record = get<AccountRecord>(state, state_key::account(account));
  return {{"worker", address_of(account)}, {"name", record ? record->name : std::string()}};
}

namespace {

json opened_event(const OpenRound& body, std::uint64_t rounds) {
  return {{"event", "round_opened"},
          {"round", body.round},
          {"attempt", body.attempt},
          {"members", body.members.size()},
          {"rounds", rounds}};
}

// Names the members that the round goes on without.
json closed_event(const CloseCommits& body, const StateReader& state) {
  json missing = json::array();
  const auto round = current_round(state);
  for (const AccountId& member : round ? round->open.members : std::vector<AccountId>{}) {
    const auto is_member = [&](const CloseEntry& entry) { return entry.worker == member; };
    if (std::none_of(body.entries.begin(), body.entries.end(), is_member))
      missing.push_back(describe_worker(state, member));
  }
  return {{"event", "closed"},  {"round", body.round},       {"committed", body.entries.size()},
          {"missing", missing}, {"exponent", body.exponent}, {"shift", body.shift}};
}

json result_event(const RoundResult& body, const StateReader& state) {
  const auto round = current_round(state);
  json accepted = json::array(), rejected = json::array();
  for (std::size_t i = 0; i < body.entries.size(); ++i) {
    const ResultEntry& entry = body.entries[i];
    json worker = describe_worker(state, entry.worker);
    if (entry.verdict == Verdict::ok) {
      const bool known = round && i < round->close.entries.size();
      worker["weight"] = known ? round->close.entries[i].weight : 0;
      worker["score_ppm"] = entry.score_ppm;
      accepted.push_back(std::move(worker));
    } else {
      worker["reason"] = verdict_name(entry.verdict);
      rejected.push_back(std::move(worker));
    }
  }
  return {{"event", "result"},
          {"round", body.round},
          {"model_root", to_hex(body.model_root)},
          {"accepted", accepted},
          {"rejected", rejected}};
}

// Told of the state after the block: of one that fixed the scaler as well, the statements are gone.
json stated_event(const StateSums& body, const StateReader& state) {
  return {{"event", "sums_stated"},
          {"rows", body.rows},
          {"stated", stated_members(state).size()},
          {"members", members_of(state).size()}};
}

// Names the members that it was fixed without.
json scaler_event(const FixScaler& body, const StateReader& state) {
  json missing = json::array();
  for (const AccountId& member : members_of(state)) {
    if (!std::binary_search(body.sites.begin(), body.sites.end(), member))
      missing.push_back(describe_worker(state, member));
  }
  return {{"event", "scaler_fixed"},
          {"sites", body.sites.size()},
          {"rows", body.rows},
          {"columns", body.columns.size()},
          {"missing", missing}};
}

// What became of a member, by a statement that stands.
json member_event(const Transaction& t, const StateReader& state) {
  json event;
  if (const auto left = decode_record<SuspendMember>(t.body);
      left && t.type == TxType::suspend_member) {
    event = describe_worker(state, left->account);
    event["event"] = "member_suspended";
    event["reason"] = suspend_reason_name(left->reason);
    event["text"] = left->text;
  } else if (const auto back = decode_record<ReadmitMember>(t.body);
             back && t.type == TxType::readmit_member) {
    event = describe_worker(state, back->account);
    event["event"] = "member_readmitted";
  } else if (const auto keys = decode_record<RotateKey>(t.body)) {
    const bool waits = state.find(state_key::rotation(keys->account)).has_value();
    event = describe_worker(state, keys->account);
    event["event"] = waits ? "key_change_asked" : "key_changed";
  }
  return event;
}

// How far predicted numbers are off, in their own unit, by the built-in evaluators' loss.
void add_own_unit(const TaskSpec& task, const SettleRound& body, json& event) {
  const auto contract = DataContract::decode(task.contract);
  const json loss = median_json(body.metrics, "loss");
  if (!contract || loss.is_null()) return;  // without a contract the trainers know what theirs mean
  const auto error = own_unit_error(*contract, loss.get<double>());
  if (!error) return;
  event["target"] = contract->label;
  event["rmse"] = *error;
}

}  // namespace

void Reporter::settled(const SettleRound& body, const TransactionReceipt& receipt,
                       const Chain& chain) const {
  json mints = json::array();
  for (const contracts::Mint& mint : receipt.mints) {
    json line = describe_worker(chain.state(), AccountId{mint.account});
    line["amount"] = contracts::format_amount(mint.amount);
    mints.push_back(std::move(line));
  }
  json event = {{"event", "settled"},
                {"round", body.round},
                {"attestations", body.attestations},
                {"metrics", micro_json(body.metrics)},
                {"training", micro_json(body.training)},
                {"mints", mints},
                {"minted_total", contracts::format_amount(totals_of(chain.state()).minted)}};
  add_own_unit(task_of(chain.genesis(), chain.state()), body, event);
  emit(std::move(event));
  if (receipt.rule_code != 0) {
    warn("the reward rule failed in round " + std::to_string(body.round) + " (" +
         contracts::rule_code_name(static_cast<contracts::RuleCode>(receipt.rule_code)) +
         "): nothing was minted, the pool is carried over");
  }
}

void Reporter::transaction(const Ordered& ordered, const TransactionReceipt& receipt,
                           const Chain& chain, std::uint64_t rounds) const {
  const Transaction& t = ordered.transaction.transaction;
  const State& state = chain.state();
  const auto with_worker = [&](json event) {
    event.update(describe_worker(state, t.sender));
    return event;
  };
  switch (t.type) {
    case TxType::register_worker:
      return emit(with_worker({{"event", "worker_registered"}}));
    case TxType::open_round:
      if (const auto body = decode_record<OpenRound>(t.body)) emit(opened_event(*body, rounds));
      return;
    case TxType::commit_update:
      if (const auto body = decode_record<CommitUpdate>(t.body)) {
        const auto round = current_round(state);
        emit(with_worker({{"event", "committed"},
                          {"round", body->round},
                          {"metrics", micro_json(body->metrics)},
                          {"committed", commits_of(state, body->round, body->attempt).size()},
                          {"members", round ? round->open.members.size() : 0}}));
      }
      return;
    case TxType::close_commits:
      if (const auto body = decode_record<CloseCommits>(t.body)) emit(closed_event(*body, state));
      return;
    case TxType::round_result:
      if (const auto body = decode_record<RoundResult>(t.body)) emit(result_event(*body, state));
      return;
    case TxType::abandon_round:
      if (const auto body = decode_record<AbandonRound>(t.body)) {
        emit({{"event", "abandoned"},
              {"round", body->round},
              {"attempt", body->attempt},
              {"reason", verdict_name(body->reason)}});
      }
      return;
    case TxType::suspend_member:
    case TxType::readmit_member:
    case TxType::rotate_key:
      return emit(member_event(t, state));
    case TxType::state_sums:
      if (const auto body = decode_record<StateSums>(t.body))
        emit(with_worker(stated_event(*body, state)));
      return;
    case TxType::fix_scaler:
      if (const auto body = decode_record<FixScaler>(t.body)) emit(scaler_event(*body, state));
      return;
    case TxType::settle_round:
      if (const auto body = decode_record<SettleRound>(t.body)) settled(*body, receipt, chain);
      return;
    default:
      return;
  }
}

json describe_best(const BestModel::Standing& standing) {
  return {{"round", standing.round},
          {"metric", standing.ranking.metric},
          {"median_micro", standing.micro},
          {"file", "checkpoints/best.safetensors"}};
}

void Reporter::best(const BestModel::Standing& standing) const {
  json event = describe_best(standing);
  event["event"] = "best_model";
  emit(std::move(event));
}

void Reporter::round_under_way(const State& state, std::uint64_t rounds) const {
  const auto round = current_round(state);
  if (!round || round->phase == RoundPhase::settled || round->phase == RoundPhase::abandoned)
    return;
  const auto again = [&](json event) {
    event["again"] = true;
    emit(std::move(event));
  };
  again(opened_event(round->open, rounds));
  if (round->phase == RoundPhase::training) return;
  again(closed_event(round->close, state));
  if (round->phase == RoundPhase::evaluating) again(result_event(round->result, state));
}

void Reporter::block(const OrderedBlock& block, const Chain& chain, std::uint64_t rounds) const {
  std::size_t next = 0;
  for (const Ordered& ordered : block.outcomes) {
    if (ordered.verdict != Verdict::ok) continue;
    transaction(ordered, block.receipts[next++], chain, rounds);
  }
}

}  // namespace gradmint
