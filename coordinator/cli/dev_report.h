// What happened in a federation, gathered from its events, and the report file made of it. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "coordinator/cli/dev_events.h"
#include "ledger/records.h"

namespace gradmint {

struct RoundOutcome {
  std::uint64_t round = 0;
  std::string model_root;
  std::vector<AcceptedUpdate> accepted;
  std::vector<RejectedUpdate> rejected;
  std::vector<MintedAmount> mints;
  bool settled = false;
  std::uint32_t attestations = 0;
  MetricSummaries metrics, training;
  std::optional<OwnUnitError> own_unit;
};

struct WorkerOutcome {
  std::string name, address, adversary;  // adversary empty: honest
  std::uint64_t rounds_accepted = 0, score_sum_ppm = 0;
  std::uint64_t minted = 0;  // base units
  // Mean over the rounds in which it was accepted; 0 when there were none.
  std::uint32_t score_ppm() const;
};

struct RunOutcome {
  std::vector<WorkerOutcome> workers;
  std::vector<RoundOutcome> rounds;  // ascending
  bool finished = false;

  void on(const FederationEvent& event);
  std::uint64_t minted(const RoundOutcome& round) const;  // base units, all workers
  // The first thing that keeps the run from having succeeded, in one line, or "".
  std::string fault(std::uint64_t rounds_wanted) const;

 private:
  RoundOutcome& round(std::uint64_t number);
  WorkerOutcome* worker(const std::string& address);
};

struct ReportFrame {
  std::uint64_t seed = 0;
  std::string data, model;
  AggregationSpec aggregation;
  std::string home, ledger;
  std::string failure;   // one line, or empty
  nlohmann::json audit;  // what `audit verify --format json` printed, or null
  std::string encoding;  // of updates
};

// {schema, ok, seed, data, model, aggregator, optimizer (their names), aggregation (rules_json.h),
//  encoding, home, ledger, audit, failure,
//  rounds: [{round, model_root, attestations, metrics, training: {name: {measured, median, mean,
//            saturated}}, rmse, rmse_of, accepted: [address], rejected: [{worker, reason}],
//            scores: {address: ppm}, minted}],
//  workers: [{name, address, adversary, rounds_accepted, score_ppm, minted, minted_tokens}]}
// A metric that was not measured is null, as is one past its bound (saturated). rmse is a
// regression's, in the unit of rmse_of. minted is in base units (10^9 to a token).
nlohmann::json report_json(const RunOutcome& run, const ReportFrame& frame);

}  // namespace gradmint
