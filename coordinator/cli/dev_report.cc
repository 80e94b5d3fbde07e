#include "coordinator/cli/dev_report.h"

#include <algorithm>

#include "contracts/amount.h"
#include "coordinator/cli/rules_json.h"
#include "ledger/model/metrics_json.h"

namespace gradmint {
namespace {

using nlohmann::json;

json round_json(const RunOutcome& run, const RoundOutcome& round) {
  json accepted = json::array(), rejected = json::array(), scores = json::object();
  for (const AcceptedUpdate& update : round.accepted) {
    accepted.push_back(update.worker);
    scores[update.worker] = update.score_ppm;
  }
  for (const RejectedUpdate& update : round.rejected)
    rejected.push_back({{"worker", update.worker}, {"reason", update.reason}});
  json object = {{"round", round.round},
                 {"model_root", round.model_root},
                 {"attestations", round.attestations},
                 {"metrics", number_json(round.metrics)},
                 {"training", number_json(round.training)},
                 {"accepted", accepted},
                 {"rejected", rejected},
                 {"scores", scores},
                 {"minted", run.minted(round)}};
  if (round.own_unit) {
    object["rmse"] = round.own_unit->rmse;
    object["rmse_of"] = round.own_unit->target;
  }
  return object;
}

json worker_json(const WorkerOutcome& worker) {
  return {{"name", worker.name},
          {"address", worker.address},
          {"adversary", worker.adversary.empty() ? json() : json(worker.adversary)},
          {"rounds_accepted", worker.rounds_accepted},
          {"score_ppm", worker.score_ppm()},
          {"minted", worker.minted},
          {"minted_tokens", contracts::format_amount(worker.minted)}};
}

}  // namespace

std::uint32_t WorkerOutcome::score_ppm() const {
  return rounds_accepted == 0 ? 0 : static_cast<std::uint32_t>(score_sum_ppm / rounds_accepted);
}

RoundOutcome& RunOutcome::round(std::uint64_t number) {
  for (RoundOutcome& known : rounds)
    if (known.round == number) return known;
  rounds.push_back({});
  rounds.back().round = number;
  return rounds.back();
}

WorkerOutcome* RunOutcome::worker(const std::string& address) {
  for (WorkerOutcome& known : workers)
    if (known.address == address) return &known;
  return nullptr;
}

void RunOutcome::on(const FederationEvent& event) {
  if (event.kind == EventKind::finished) finished = true;
  if (event.kind == EventKind::result) {
    RoundOutcome& now = round(event.round);
    now.model_root = event.model_root;
    now.accepted = event.accepted;
    now.rejected = event.rejected;
  }
  if (event.kind != EventKind::settled) return;
  RoundOutcome& now = round(event.round);
  if (now.settled) return;  // told again after a restart
  now.settled = true;
  now.metrics = event.metrics;
  now.training = event.training;
  now.own_unit = event.own_unit;
  now.attestations = event.attestations;
  now.mints = event.mints;
  for (const AcceptedUpdate& update : now.accepted) {
    if (WorkerOutcome* who = worker(update.worker)) {
      ++who->rounds_accepted;
      who->score_sum_ppm += update.score_ppm;
    }
  }
  for (const MintedAmount& mint : now.mints)
    if (WorkerOutcome* who = worker(mint.worker)) who->minted += mint.amount;
}

std::uint64_t RunOutcome::minted(const RoundOutcome& round) const {
  std::uint64_t sum = 0;
  for (const MintedAmount& mint : round.mints) sum += mint.amount;
  return sum;
}

std::string RunOutcome::fault(std::uint64_t rounds_wanted) const {
  const auto settled =
      std::count_if(rounds.begin(), rounds.end(), [](const RoundOutcome& r) { return r.settled; });
  if (static_cast<std::uint64_t>(settled) < rounds_wanted)
    return "only " + std::to_string(settled) + " of " + std::to_string(rounds_wanted) +
           " rounds were settled";
  for (const RoundOutcome& r : rounds)
    if (r.attestations == 0)
      return "round " + std::to_string(r.round) + " was settled without an attestation";
  return "";
}

json report_json(const RunOutcome& run, const ReportFrame& frame) {
  json rounds = json::array(), workers = json::array();
  for (const RoundOutcome& round : run.rounds) rounds.push_back(round_json(run, round));
  for (const WorkerOutcome& worker : run.workers) workers.push_back(worker_json(worker));
  return {{"schema", "gradmint.dev-report.v2"},
          {"ok", frame.failure.empty()},
          {"failure", frame.failure.empty() ? json() : json(frame.failure)},
          {"seed", frame.seed},
          {"data", frame.data},
          {"model", frame.model},
          {"aggregator", frame.aggregation.aggregator.name},
          {"optimizer", frame.aggregation.optimizer.name},
          {"aggregation", rules_json(frame.aggregation)},
          {"encoding", frame.encoding},
          {"home", frame.home},
          {"ledger", frame.ledger},
          {"rounds", rounds},
          {"workers", workers},
          {"audit", frame.audit}};
}

}  // namespace gradmint
