// Runs execute_round beside the loop: payloads are read back from their blobs and verified, the new
// model and optimizer state are stored and synced before the result is told.
#pragma once

#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>

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

class Aggregator {
 public:
  // `done` is called on the aggregator's own thread; the new model is empty where there is none.
  using Done = std::function<void(ExecutionDone, std::span<const float> model)>;
  static Result<std::unique_ptr<Aggregator>> start(const std::string& device, int threads,
                                                   BlobStore blobs, Done done);
  ~Aggregator();  // waits for the job under way
  void run(AggregationJob job);
  const std::string& backend_name() const { return backend_name_; }

 private:
  Aggregator(std::unique_ptr<kernels::Backend> backend, BlobStore blobs, Done done);
  void work();
  ExecutionDone execute(AggregationJob& job, kernels::Floats& model);

  std::unique_ptr<kernels::Backend> backend_;
  std::string backend_name_;
  BlobStore blobs_;
  Done done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<AggregationJob> job_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace gradmint
