#include "ledger/entry_verdict.h"

#include "ledger/kernel_spec.h"

namespace gradmint {

Verdict due_verdict(const EntryFacts& facts, const OpenRound& open, const ModelSize& size) {
  if (facts.closed != Verdict::ok) return facts.closed;
  if (facts.opening == nullptr) return Verdict::not_revealed;
  if (const Verdict v = shape_verdict(open, *facts.opening, size); v != Verdict::ok) return v;
  return facts.root_owner == facts.worker ? Verdict::ok : Verdict::root_seen_before;
}

std::optional<AccountId> recorded_owner(const StateReader& state, std::uint64_t round,
                                        const Hash& root) {
  const auto seen = get<RootRecord>(state, state_key::root(root));
  if (!seen) return std::nullopt;
  // In a retried round a worker may come back with its own update, but not with another's.
  return seen->round == round ? seen->worker : AccountId{};
}

RootClaims::RootClaims(const StateReader& state, const RoundRecord& round,
                       const std::map<AccountId, Opening>& openings)
    : round_(round.round) {
  std::map<AccountId, std::uint64_t> order;
  for (const auto& [worker, commit] : commits_of(state, round.round, round.attempt)) {
    order[worker] = commit.order;
  }
  std::map<Hash, std::uint64_t> earliest;
  for (const auto& [worker, opening] : openings) {
    const auto own = order.find(worker);
    GRADMINT_CHECK(own != order.end());
    const auto [it, first] = earliest.emplace(opening.root, own->second);
    if (first || own->second < it->second) {
      it->second = own->second;
      owners_[opening.root] = worker;
    }
  }
  for (auto& [root, owner] : owners_) {
    if (const auto recorded = recorded_owner(state, round.round, root)) owner = *recorded;
  }
}

AccountId RootClaims::owner(const Hash& root) const {
  const auto owner = owners_.find(root);
  GRADMINT_CHECK(owner != owners_.end());
  return owner->second;
}

void RootClaims::record(StateDelta& state) const {
  for (const auto& [root, owner] : owners_) {
    const std::string key = state_key::root(root);
    if (!state.find(key)) put(state, key, RootRecord{round_, owner});
  }
}

namespace {

// `owner_of` says who may use a revealed root.
template <class OwnerOf>
std::vector<Verdict> verdicts_of(const OpenRound& open, const CloseCommits& close,
                                 const ModelSize& size,
                                 const std::map<AccountId, Opening>& openings,
                                 const OwnerOf& owner_of) {
  std::vector<Verdict> verdicts;
  for (const CloseEntry& entry : close.entries) {
    EntryFacts facts{entry.worker, entry.verdict, nullptr, {}};
    if (const auto opening = openings.find(entry.worker); opening != openings.end()) {
      facts.opening = &opening->second;
      facts.root_owner = owner_of(opening->second.root);
    }
    verdicts.push_back(due_verdict(facts, open, size));
  }
  return verdicts;
}

}  // namespace

std::vector<Verdict> due_verdicts(const RoundRecord& round, const ModelSize& size,
                                  const std::map<AccountId, Opening>& openings,
                                  const RootClaims& claims) {
  return verdicts_of(round.open, round.close, size, openings,
                     [&](const Hash& root) { return claims.owner(root); });
}

std::vector<Verdict> ledger_verdicts(const StateReader& state, const RoundRecord& round,
                                     const ModelSize& size,
                                     const std::map<AccountId, Opening>& openings) {
  return due_verdicts(round, size, openings, RootClaims(state, round, openings));
}

std::vector<Verdict> abandoned_verdicts(const StateReader& state, const OpenRound& open,
                                        const CloseCommits& close, const AbandonRound& body,
                                        const ModelSize& size) {
  return verdicts_of(open, close, size, openings_of(body), [&](const Hash& root) {
    return recorded_owner(state, body.round, root).value_or(AccountId{});
  });
}

std::map<AccountId, Opening> openings_of(const AbandonRound& body) {
  std::map<AccountId, Opening> openings;
  for (const RevealedRoot& revealed : body.revealed) openings[revealed.worker] = revealed.opening;
  return openings;
}

}  // namespace gradmint
