#include "coordinator/server/roster.h"

#include <algorithm>

namespace gradmint {

using nlohmann::json;

namespace {

// Who starts a worker anew is back by then.
constexpr std::uint64_t kGoneMs = 5000;
// Who is connected has so long for its first word, even where the stall limit is shorter.
constexpr std::uint64_t kFirstWordMs = 15'000;
// What is read at start of what happened before.
constexpr std::uint64_t kMostBlocksBack = 1000;

json or_null(std::uint64_t number, bool known) { return known ? json(number) : json(); }

}  // namespace

std::string_view trouble_name(Trouble trouble) {
  switch (trouble) {
    case Trouble::none:
      return "none";
    case Trouble::away:
      return "away";
    case Trouble::left:
      return "left";
    case Trouble::silent:
      return "silent";
    case Trouble::late:
      return "late";
  }
  return "";
}

void Roster::note(const RoundResult& result, bool newest) {
  for (const ResultEntry& entry : result.entries) {
    if (entry.verdict != Verdict::ok) continue;
    const LastUpdate update{result.round, entry.score_ppm};
    if (newest) {
      last_updates_[entry.worker] = update;
    } else {
      last_updates_.emplace(entry.worker, update);
    }
  }
}

void Roster::start(std::uint64_t now_ms) {
  start_ms_ = now_ms;
  const std::uint64_t tip = orderer_.chain().height();
  const std::size_t members = driver_.machine().view().members.size();
  for (std::uint64_t back = 0;
       back < std::min(tip, kMostBlocksBack) && last_updates_.size() < members; ++back) {
    const auto block = orderer_.store().block(tip - back);
    if (!block) return reporter_.warn(block.error().message);
    std::vector<SignedTransaction> transactions;
    if (decode_transactions(block->transactions, transactions) != Verdict::ok) return;
    for (const SignedTransaction& each : transactions) {
      if (each.transaction.type != TxType::round_result) continue;
      if (const auto body = decode_record<RoundResult>(each.transaction.body)) note(*body, false);
    }
  }
}

void Roster::heard(const Inbound& inbound) {
  if (std::holds_alternative<UpdateChunk>(inbound.message)) {
    seen_[inbound.account].bytes += inbound.payload.size();
  } else if (const auto* progress = std::get_if<Progress>(&inbound.message)) {
    Seen& seen = seen_[inbound.account];
    seen.round = progress->round;
    seen.done_ppm = progress->done_ppm;
  }
}

void Roster::block(const OrderedBlock& block) {
  for (const Ordered& ordered : block.outcomes) {
    const Transaction& tx = ordered.transaction.transaction;
    if (ordered.verdict != Verdict::ok || tx.type != TxType::round_result) continue;
    if (const auto body = decode_record<RoundResult>(tx.body)) note(*body, true);
  }
}

Roster::Plight Roster::plight_of(const AccountId& worker, std::uint64_t now_ms) const {
  const RoundMachine& machine = driver_.machine();
  const auto found = seen_.find(worker);
  if (found == seen_.end() || !found->second.was_connected) return {Trouble::away, start_ms_};
  const Seen& seen = found->second;
  if (!seen.connected && now_ms >= seen.gone_ms + kGoneMs) return {Trouble::left, seen.gone_ms};
  if (!machine.present(worker, now_ms)) {
    const std::uint64_t heard_ms = std::max(machine.heard_ms(worker).value_or(0), seen.came_ms);
    const std::uint64_t limit_ms =
        std::max<std::uint64_t>(machine.policy().limits.stall_deadline_ms, kFirstWordMs);
    // What it says is not taken yet while this coordinator, just started, makes sure of its ledger.
    if (now_ms < heard_ms + limit_ms) return {};
    return {Trouble::silent, heard_ms};
  }
  if (const auto due_ms = machine.overdue_ms(worker, now_ms)) return {Trouble::late, *due_ms};
  return {};
}

void Roster::look(const std::vector<AccountId>& connected, std::uint64_t now_ms) {
  const std::set<AccountId> there(connected.begin(), connected.end());
  for (const AccountId& worker : there) seen_[worker].was_connected = true;
  for (auto& [worker, seen] : seen_) {
    const bool is_there = there.count(worker) != 0;
    if (seen.connected && !is_there) seen.gone_ms = now_ms;
    if (!seen.connected && is_there) seen.came_ms = now_ms;
    seen.connected = is_there;
  }
  if (driver_.finished()) return;  // they end, as they should
  for (const AccountId& worker : driver_.machine().view().members)
    tell(worker, seen_[worker], now_ms);
}

void Roster::tell(const AccountId& worker, Seen& seen, std::uint64_t now_ms) {
  const Plight plight = plight_of(worker, now_ms);
  // Who was not here in this run is missed in the list alone.
  if (plight.trouble == Trouble::away || plight.trouble == seen.told) return;
  const Trouble before = std::exchange(seen.told, plight.trouble);
  json event = describe_worker(orderer_.chain().state(), worker);
  const auto& round = driver_.machine().view().round;
  event["round"] = round ? round->round : 0;
  if (plight.trouble != Trouble::none) {
    event["event"] = "worker_" + std::string(trouble_name(plight.trouble));
    event["for_ms"] = now_ms - plight.since_ms;
  } else if (before == Trouble::late) {
    return;  // what it gave is told by itself
  } else {
    event["event"] = "worker_back";
  }
  reporter_.emit(std::move(event));
}

// Of a worker that is in no trouble.
std::string_view Roster::doing(const AccountId& worker) const {
  const RoundMachine& machine = driver_.machine();
  const RoundMachine::Part part = machine.part_of(worker);
  if (part == RoundMachine::Part::none) return "idle";
  if (part == RoundMachine::Part::given_up) return "gave_up";
  const bool done = part == RoundMachine::Part::done;
  switch (machine.station()) {
    case Station::summing:
      return done ? "summed" : "summing";
    case Station::training:
      return done ? "trained" : "training";
    case Station::revealing:
      return done ? "revealed" : "revealing";
    case Station::evaluating:
      return done ? "evaluated" : "evaluating";
    default:
      return "idle";
  }
}

json Roster::line(const AccountId& worker, const AccountRecord& account,
                  std::uint64_t now_ms) const {
  const Plight plight = plight_of(worker, now_ms);
  const bool suspended =
      get<SuspensionRecord>(orderer_.chain().state(), state_key::suspension(worker)).has_value();
  const bool well = plight.trouble == Trouble::none;
  const auto last = last_updates_.find(worker);
  const auto seen = seen_.find(worker);
  const std::string_view state = suspended ? "suspended"
                                 : well    ? doing(worker)
                                           : trouble_name(plight.trouble);
  const auto& round = driver_.machine().view().round;
  const bool trains =
      state == "training" && seen != seen_.end() && round && seen->second.round == round->round;
  return {{"address", address_of(worker)},
          {"account", to_hex(worker)},
          {"name", account.name},
          {"state", state},
          {"for_ms", or_null(now_ms - plight.since_ms, !well && !suspended)},
          {"done_ppm", or_null(trains ? seen->second.done_ppm : 0, trains)},
          {"last_round", or_null(last == last_updates_.end() ? 0 : last->second.round,
                                 last != last_updates_.end())},
          {"last_score_ppm", or_null(last == last_updates_.end() ? 0 : last->second.score_ppm,
                                     last != last_updates_.end())},
          {"rounds_accepted", account.rounds_accepted},
          {"bytes_received", seen == seen_.end() ? 0 : seen->second.bytes}};
}

json Roster::missing(std::uint64_t now_ms) const {
  json found = json::array();
  for (const AccountId& worker : driver_.machine().view().members) {
    const Plight plight = plight_of(worker, now_ms);
    if (plight.trouble == Trouble::none) continue;
    json one = describe_worker(orderer_.chain().state(), worker);
    one["state"] = trouble_name(plight.trouble);
    one["for_ms"] = now_ms - plight.since_ms;
    found.push_back(std::move(one));
  }
  return found;
}

}  // namespace gradmint
