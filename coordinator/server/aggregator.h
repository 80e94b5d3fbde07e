// Runs execute_round beside the loop: payloads are read back from their blobs and verified, the new
// model and optimizer state are stored and synced before the result is told.
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>

#include "coordinator/round/round_events.h"
#include "ledger/blobs.h"
#include "ledger/execute_round.h"

namespace gradmint {

struct AggregationJob {
  RoundRecord round;
  std::uint64_t buffer_count = 0;      // of the model's values
  std::vector<RoundPayload> payloads;  // bytes empty: loaded here from the blobs
};

// The bytes of a stored fp32 vector; empty for the zero root.
Result<kernels::Floats> load_vector(const BlobStore& blobs, const Hash& root);

// What becomes of a job, on this thread: the new model and optimizer state are stored. `new_model`
// is left empty where there is none.
ExecutionDone aggregate(AggregationJob job, const BlobStore& blobs, kernels::Backend& backend,
                        kernels::Floats& new_model);

// One real implementation, on a thread of its own, and one simulated (tests/simulation/).
class Aggregator {
 public:
  // `done` may be called on another thread; the new model is empty where there is none.
  using Done = std::function<void(ExecutionDone, std::span<const float> model)>;
  // On a thread of its own. Destroying it waits for the job under way.
  static Result<std::unique_ptr<Aggregator>> start(const std::string& device, int threads,
                                                   BlobStore blobs, Done done);
  virtual ~Aggregator() = default;
  virtual void run(AggregationJob job) = 0;
  virtual const std::string& backend_name() const = 0;
};

}  // namespace gradmint
