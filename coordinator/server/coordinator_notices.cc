// What the coordinator tells its workers and whoever watches it, unasked.
#include <cstdio>

#include "contracts/amount.h"
#include "coordinator/server/coordinator.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kLookMs = 250;

constexpr const char* kZeroScoreRemark =
    " (no agreement with the others this round: normal where a model has converged)";

// 912345 -> "0.912".
std::string score_text(std::uint32_t ppm) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3f", static_cast<double>(ppm) / 1e6);
  return text;
}

}  // namespace

// After a settlement each worker hears what became of its update.
void Coordinator::tell_outcomes(const OrderedBlock& block) {
  std::size_t next = 0;
  for (const Ordered& ordered : block.outcomes) {
    if (ordered.verdict != Verdict::ok) continue;
    const TransactionReceipt& receipt = block.receipts[next++];
    const Transaction& tx = ordered.transaction.transaction;
    if (tx.type == TxType::round_result) {
      const auto body = decode_record<RoundResult>(tx.body);
      for (const auto& [peer, worker] : work_.subscribers()) {
        for (const ResultEntry& entry : body->entries) {
          if (entry.worker != worker) continue;
          Notice notice{NoticeKind::outcome, body->round, {}};
          notice.text = entry.verdict == Verdict::ok
                            ? "accepted, score " + score_text(entry.score_ppm) +
                                  (entry.score_ppm == 0 ? kZeroScoreRemark : "")
                            : "rejected: " + std::string(verdict_name(entry.verdict));
          transport_->send(peer, notice, 0);
        }
      }
    } else if (tx.type == TxType::settle_round) {
      const auto body = decode_record<SettleRound>(tx.body);
      for (const auto& [peer, worker] : work_.subscribers()) {
        for (const contracts::Mint& mint : receipt.mints) {
          if (AccountId{mint.account} != worker) continue;
          transport_->send(peer,
                           Notice{NoticeKind::outcome, body->round,
                                  "paid " + contracts::format_amount(mint.amount) + " tokens"},
                           0);
        }
      }
    }
  }
}

// Once: that workers are missing (and again as they come), that the last round is settled.
void Coordinator::tell_standing() {
  if (driver_.finished() && !std::exchange(finish_told_, true)) {
    const RoundView& view = driver_.machine().view();
    const RoundPolicy& policy = driver_.machine().policy();
    nlohmann::json event = {{"event", "finished"},
                            {"rounds", view.job.round},
                            {"of", policy.rounds},
                            {"height", orderer_->chain().height()}};
    if (policy.stop_when && view.round && reached(*policy.stop_when, *view.round))
      event["reached"] = goal_text(*policy.stop_when);
    if (driver_.best() && driver_.best()->standing())
      event["best"] = describe_best(*driver_.best()->standing());
    reporter_.emit(std::move(event));
  }
  if (now_ms() >= looked_ms_ + kLookMs) {
    looked_ms_ = now_ms();
    roster_.look(transport_->connected(), now_ms());
  }
  const RoundMachine& machine = driver_.machine();
  const std::uint32_t present = machine.present_count(now_ms());
  if (machine.station() != Station::waiting || present >= machine.needed_count()) {
    waiting_for_others_.reset();
  } else if (std::exchange(waiting_for_others_, present) != present) {
    reporter_.emit(
        {{"event", "waiting"}, {"workers", present}, {"needed", machine.needed_count()}});
  }
  tell_missing_sums();
}

// By name, and again as they come.
void Coordinator::tell_missing_sums() {
  const RoundMachine& machine = driver_.machine();
  std::vector<AccountId> missing;
  if (machine.station() == Station::summing) {
    for (const AccountId& member : machine.view().members) {
      if (machine.part_of(member) == RoundMachine::Part::working) missing.push_back(member);
    }
  }
  if (missing == waiting_for_sums_) return;
  waiting_for_sums_ = missing;
  if (missing.empty()) return;
  nlohmann::json workers = nlohmann::json::array();
  for (const AccountId& worker : missing)
    workers.push_back(describe_worker(orderer_->chain().state(), worker));
  reporter_.emit({{"event", "waiting_for_sums"}, {"missing", std::move(workers)}});
}

void Coordinator::announce() {
  std::vector<Peer> gone;
  for (const auto& [peer, worker] : work_.subscribers()) {
    const SendOutcome outcome = transport_->send(peer, work_.round_state(worker, now_ms()), 0);
    if (outcome == SendOutcome::unreachable) gone.push_back(peer);
    if (const auto standing = work_.standing_news(peer, worker))
      transport_->send(peer, *standing, 0);
  }
  for (const Peer& peer : gone) work_.forget(peer);
}

void Coordinator::notify_all(const Notice& notice) {
  announce();
  for (const auto& [peer, worker] : work_.subscribers()) transport_->send(peer, notice, 0);
}

}  // namespace gradmint
