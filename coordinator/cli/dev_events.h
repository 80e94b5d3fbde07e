// What `gradmint-coordinator run --events jsonl` prints, one JSON object a line, read back. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/metrics.h"

namespace gradmint {

enum class EventKind {
  started,
  worker_registered,
  waiting,
  round_opened,
  progress,
  committed,
  closed,
  revealed,
  result,
  settled,
  abandoned,
  warning,
  member,  // one was suspended, readmitted, changes its keys, left, hangs or is back
  paused,
  resumed,
  finished,
  dropped,  // lines that nobody took from the coordinator
  sums,     // for the scaler: some are waited for, one's came, the scaler is fixed
  other,    // of a newer coordinator: shown to nobody
};

struct AcceptedUpdate {
  std::string worker, name;
  std::uint64_t weight = 0;
  std::uint32_t score_ppm = 0;
};
struct RejectedUpdate {
  std::string worker, name, reason;
};
struct MintedAmount {
  std::string worker, name;
  std::uint64_t amount = 0;  // base units
};

// How far a model that predicts numbers is off, in their unit.
struct OwnUnitError {
  std::string target;  // what is predicted
  double rmse = 0;
};

// Of each kind only its own fields are set.
struct FederationEvent {
  EventKind kind = EventKind::other;
  std::uint64_t round = 0, rounds = 0, height = 0, attempt = 0;
  std::uint64_t count = 0, of = 0;  // registered of needed, committed of members, revealed of …
  std::uint32_t done_ppm = 0, attestations = 0;
  MetricSummaries metrics, training;  // of a settled round: by its evaluators, by its trainers
  std::optional<OwnUnitError> own_unit;
  std::string worker, name;
  std::string text;  // warning, sums, why a round was abandoned, or what became of a member
  std::string chain_id, model_root;
  std::vector<AcceptedUpdate> accepted;
  std::vector<RejectedUpdate> rejected;
  std::vector<MintedAmount> mints;
  std::vector<std::string> missing;  // members that a round goes on without: names, or addresses
};

// bad_input when the line is no JSON object, or a field it needs is missing or of another type.
Result<FederationEvent> parse_event(std::string_view line);

}  // namespace gradmint
