// What a round's payloads come to: the one function by which the coordinator makes a RoundResult,
// other validators check it and an auditor recomputes it. Integers and exact operations only; the
// same inputs give the same bytes on every machine and backend. Pure but for what the backend
// argument uses.
#pragma once

#include "kernels/aggregate.h"
#include "kernels/base/result.h"
#include "ledger/entry_verdict.h"
#include "ledger/kernel_spec.h"

namespace gradmint {

// One commitment of a closed round, in the round's order (that of CloseCommits).
struct RoundPayload {
  std::optional<Opening> opening;  // nothing was revealed
  std::int16_t exponent = 0;       // as committed
  // What is due by the ledger alone (entry_verdict.h).
  Verdict verdict = Verdict::ok;
  // The encoded payload, already verified against opening->root; empty unless verdict is ok. Must
  // stay valid for the call.
  ByteView bytes;
};

struct RoundInputs {
  const OpenRound* open = nullptr;
  const CloseCommits* close = nullptr;
  std::vector<RoundPayload> payloads;      // one for each close entry
  std::span<const float> model;            // the round's starting model, buffers and all
  std::uint64_t buffer_count = 0;          // of its values, the last ones; fewer than all
  std::span<const float> optimizer_state;  // empty: the optimizer's initial state
};

// Why a payload is refused for what it holds, for people: "int8: value_out_of_range at 17". The
// ledger has its verdict alone.
struct PayloadRefusal {
  AccountId worker;
  std::string text;
};

struct RoundExecution {
  RoundResult result;
  std::vector<PayloadRefusal> refusals;
  kernels::Floats model, optimizer_state;
  // Not ok: the round fails by this name (is_aggregation_failure), there is no model, and entries
  // say no more than who was accepted. `failure_text` is one line for people.
  Verdict failure = Verdict::ok;
  std::string failure_text;
};

// What the updates themselves rule out (too few of them for f, a result that is not finite) is a
// failure of the round, the same for everyone who executes it. Errors are the machine's: a device
// that fails.
Result<RoundExecution> execute_round(const RoundInputs& inputs, kernels::Backend& backend);

// blob_root of a flat fp32 vector; the zero hash for an empty one (the optimizer's initial state).
Hash vector_root(std::span<const float> values);

// fp32 vectors on the ledger are little-endian, as this machine is. Empty when the size is not a
// multiple of four or the bytes are not aligned.
std::optional<std::span<const float>> as_floats(ByteView bytes);

}  // namespace gradmint
