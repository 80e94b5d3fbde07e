// Whom a round waits for, and for how long.
#include <algorithm>

#include "coordinator/round/round.h"

namespace gradmint {
namespace {

// When half have finished in time t, the others get three times t, but never less than the stall
// limit.
constexpr std::uint64_t kRateFactor = 3;
constexpr std::uint64_t kPresenceMs = 15'000;

}  // namespace

bool RoundMachine::heard_within(const AccountId& worker, std::uint64_t now_ms,
                                std::uint64_t window_ms) const {
  const auto heard = heard_ms_.find(worker);
  return heard != heard_ms_.end() &&
         (heard->second >= now_ms || now_ms - heard->second < window_ms);
}

// Between rounds a worker has little to say: it is there for longer than the stall limit, which
// may be short, would have it.
bool RoundMachine::present(const AccountId& worker, std::uint64_t now_ms) const {
  return heard_within(worker, now_ms,
                      std::max<std::uint64_t>(policy_.limits.stall_deadline_ms, kPresenceMs));
}

std::uint32_t RoundMachine::present_count(std::uint64_t now_ms) const {
  return static_cast<std::uint32_t>(
      std::count_if(view_.members.begin(), view_.members.end(),
                    [&](const AccountId& member) { return present(member, now_ms); }));
}

bool RoundMachine::too_slow(std::size_t expected, std::size_t finished, std::uint64_t now_ms) {
  const std::uint64_t elapsed_ms = now_ms - entered_ms_;
  if (half_finished_ms_ == 0 && 2 * finished >= expected) {
    half_finished_ms_ = std::max<std::uint64_t>(elapsed_ms, 1);
  }
  return half_finished_ms_ != 0 && elapsed_ms > policy_.limits.stall_deadline_ms &&
         elapsed_ms > kRateFactor * half_finished_ms_;
}

bool RoundMachine::gathered(const std::vector<AccountId>& expected,
                            const std::set<AccountId>& finished, std::uint64_t now_ms) {
  if (now_ms >= deadline_ms_) return true;
  // Without the slow ones there would be no round: they have the whole deadline. Given up, the next
  // attempt would fare no better.
  const bool enough = finished.size() >= policy_.limits.min_updates;
  if (too_slow(expected.size(), finished.size(), now_ms) && enough) return true;
  const std::uint64_t stall_ms = policy_.limits.stall_deadline_ms;
  return std::all_of(expected.begin(), expected.end(), [&](const AccountId& worker) {
    if (finished.count(worker) != 0) return true;
    // Someone not heard of since this coordinator started gets the stall limit from then on.
    const auto heard = heard_ms_.find(worker);
    std::uint64_t last_ms = heard == heard_ms_.end() ? start_ms_ : heard->second;
    // Whoever was there when this began has the whole stall limit from then on.
    if (present(worker, entered_ms_)) last_ms = std::max(last_ms, entered_ms_);
    return now_ms - last_ms >= stall_ms;
  });
}

RoundMachine::Part RoundMachine::part_of(const AccountId& worker) const {
  const auto part = [&](bool expected, bool done, bool given_up) {
    return !expected ? Part::none : done ? Part::done : given_up ? Part::given_up : Part::working;
  };
  const auto contains = [&](const std::vector<AccountId>& sorted) {
    return std::binary_search(sorted.begin(), sorted.end(), worker);
  };
  switch (station_) {
    case Station::training:
      return part(contains(view_.round->open.members),
                  std::any_of(view_.commits.begin(), view_.commits.end(),
                              [&](const auto& commit) { return commit.first == worker; }),
                  given_up_.count(worker) != 0);
    case Station::revealing: {
      const auto& entries = view_.round->close.entries;
      return part(std::any_of(entries.begin(), entries.end(),
                              [&](const CloseEntry& entry) {
                                return entry.worker == worker && entry.verdict == Verdict::ok;
                              }),
                  stored_.count(worker) != 0,
                  unusable_.count(worker) != 0 || reveal_given_up_.count(worker) != 0);
    }
    case Station::evaluating:
      return part(contains(view_.round->open.evaluators), view_.evaluations.count(worker) != 0,
                  evaluation_given_up_.count(worker) != 0);
    case Station::summing:
      return part(contains(view_.members), contains(*view_.stated),
                  sums_given_up_.count(worker) != 0);
    default:
      return Part::none;
  }
}

std::optional<std::uint64_t> RoundMachine::heard_ms(const AccountId& worker) const {
  const auto heard = heard_ms_.find(worker);
  if (heard == heard_ms_.end()) return std::nullopt;
  return heard->second;
}

std::optional<std::uint64_t> RoundMachine::overdue_ms(const AccountId& worker,
                                                      std::uint64_t now_ms) const {
  if (half_finished_ms_ == 0 || part_of(worker) != Part::working) return std::nullopt;
  const std::uint64_t due_ms = entered_ms_ + half_finished_ms_ + policy_.limits.stall_deadline_ms;
  if (now_ms < due_ms) return std::nullopt;
  return due_ms;
}

bool RoundMachine::more_evaluations_come(std::uint64_t now_ms) {
  if (now_ms >= deadline_ms_) return false;
  const auto& evaluators = view_.round->open.evaluators;
  if (too_slow(evaluators.size(), view_.evaluations.size(), now_ms)) return false;
  return std::any_of(evaluators.begin(), evaluators.end(), [&](const AccountId& evaluator) {
    if (view_.evaluations.count(evaluator) != 0) return false;
    if (evaluator == policy_.self) return !evaluation_failed_;
    return evaluation_given_up_.count(evaluator) == 0 && idle_evaluators_.count(evaluator) == 0 &&
           heard_within(evaluator, now_ms, policy_.limits.stall_deadline_ms);
  });
}

// Who costs every round the whole stall limit goes, and when all places are taken, whoever keeps
// one for nothing. A member that is away costs nothing: it may come back as it went. One at a time:
// the ledger's answer changes who is next.
bool RoundMachine::suspend_one(RoundEffects& effects) {
  const std::uint64_t limit = policy_.suspend_after_rounds;
  const bool full = view_.members.size() >= kMaxMembers;
  for (const auto& [member, missed] : view_.missed) {
    const auto idle = idle_rounds_.find(member);
    const bool in_vain = idle != idle_rounds_.end() && idle->second >= limit;
    if (missed < limit || !(in_vain || full)) continue;
    idle_rounds_.erase(member);
    const SuspendMember body{member, SuspendReason::absent, {}};
    effects.push_back(Propose{TxType::suspend_member, encode_record(body)});
    proposed_ = true;
    return true;
  }
  return false;
}

void RoundMachine::remember_attendance() {
  std::set<AccountId> gave;
  for (const ResultEntry& entry : view_.round->result.entries) {
    if (gave_update(entry.verdict)) gave.insert(entry.worker);
  }
  for (const AccountId& member : view_.round->open.members) {
    const auto heard = heard_ms_.find(member);
    const bool was_there =
        present(member, opened_ms_) || (heard != heard_ms_.end() && heard->second >= opened_ms_);
    if (gave.count(member) != 0) {
      idle_rounds_.erase(member);
    } else if (was_there && given_up_.count(member) == 0) {
      ++idle_rounds_[member];
    }
  }
  for (const AccountId& evaluator : view_.round->open.evaluators) {
    if (view_.evaluations.count(evaluator) != 0) {
      idle_evaluators_.erase(evaluator);
    } else {
      idle_evaluators_.insert(evaluator);
    }
  }
}

}  // namespace gradmint
