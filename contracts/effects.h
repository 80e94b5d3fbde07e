// What the host allows of what a rule asked for. Pure; internal to contracts/.
#pragma once

#include <vector>

#include "contracts/rule.h"

namespace gradmint::contracts {

// Ok when the event keeps its contract (order, uniqueness, ranges), else bad_event.
RuleCode check_event(const RoundCloseEvent& event);

// Sorts by account and adds up the mints of one account. Amounts must not sum past 2^64 - 1;
// overflow is returned when they do.
RuleCode merge_mints(std::vector<Mint>& mints);

// Holds merged mints to the manifest: the capability, the number, participants only, amounts >= 1,
// and the sum within mint_budget_ppm of the pool.
RuleCode check_mints(const RuleManifest& manifest, const RoundCloseEvent& event,
                     const std::vector<Mint>& mints);

}  // namespace gradmint::contracts
