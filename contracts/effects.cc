#include "contracts/effects.h"

#include <algorithm>

#include "contracts/amount.h"

namespace gradmint::contracts {

RuleCode check_event(const RoundCloseEvent& event) {
  if (event.round > kMaxAmount || event.pool > kMaxAmount) return RuleCode::bad_event;
  if (event.participants.size() > kMaxParticipants) return RuleCode::bad_event;
  const Participant* before = nullptr;
  for (const Participant& participant : event.participants) {
    if (before != nullptr && before->account >= participant.account) return RuleCode::bad_event;
    if (participant.weight > kMaxWeight || participant.score_ppm > kMaxScorePpm) {
      return RuleCode::bad_event;
    }
    before = &participant;
  }
  return RuleCode::ok;
}

RuleCode merge_mints(std::vector<Mint>& mints) {
  std::ranges::sort(mints, {}, &Mint::account);
  std::vector<Mint> merged;
  for (const Mint& mint : mints) {
    if (merged.empty() || merged.back().account != mint.account) {
      merged.push_back(mint);
      continue;
    }
    const auto sum = checked_add(merged.back().amount, mint.amount);
    if (!sum) return RuleCode::overflow;
    merged.back().amount = *sum;
  }
  mints = std::move(merged);
  return RuleCode::ok;
}

RuleCode check_mints(const RuleManifest& manifest, const RoundCloseEvent& event,
                     const std::vector<Mint>& mints) {
  if (mints.empty()) return RuleCode::ok;
  if (!manifest.may_mint) return RuleCode::missing_capability;
  if (mints.size() > manifest.max_effects) return RuleCode::too_many_effects;
  const std::uint64_t budget = muldiv(event.pool, manifest.mint_budget_ppm, 1'000'000).value_or(0);
  std::uint64_t left = budget;
  for (const Mint& mint : mints) {
    if (mint.amount == 0) return RuleCode::bad_argument;
    if (!std::ranges::binary_search(event.participants, mint.account, {}, &Participant::account)) {
      return RuleCode::unknown_account;
    }
    const auto rest = checked_sub(left, mint.amount);
    if (!rest) return RuleCode::over_budget;
    left = *rest;
  }
  return RuleCode::ok;
}

}  // namespace gradmint::contracts
