// What a worker's jobs do, on whatever thread they are done: from a model in the blobs to an update
// or a judgement. One job at a time.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <vector>

#include "worker/session/home.h"
#include "worker/session/submission.h"
#include "worker/session/training.h"

namespace gradmint::session {

class TrainingWork {
 public:
  // `encoder` must outlive this.
  TrainingWork(const BlobStore& blobs, kernels::Backend& encoder, AdversarySpec adversary,
               std::uint64_t adversary_seed)
      : blobs_(blobs), encoder_(encoder), adversary_(adversary), adversary_seed_(adversary_seed) {}

  using ReportFn = std::function<void(TrainingReport)>;
  void equip(WorkerTrainers trainers) { trainers_ = std::move(trainers); }
  // The last report is of the job's end. A job gives up where `cancelled` becomes true.
  void train(const StartTraining& order, const std::filesystem::path& residual_file,
             const std::atomic<bool>& cancelled, const ReportFn& report);
  void evaluate(const StartEvaluation& order, const std::atomic<bool>& cancelled,
                const ReportFn& report);

 private:
  Result<Submission> submit(const StartTraining& order, const std::filesystem::path& residual_file,
                            std::span<const float> global, const TrainOutcome& outcome) const;
  std::string remark_on(std::span<const float> global, std::span<const float> local) const;
  Status try_evaluator(const StartTraining& order, std::span<const float> model,
                       const std::atomic<bool>& cancelled, const ReportFn& report);
  Result<std::vector<float>> load_model(const Hash& root) const;

  const BlobStore& blobs_;
  kernels::Backend& encoder_;
  AdversarySpec adversary_;
  std::uint64_t adversary_seed_;
  WorkerTrainers trainers_;
};

}  // namespace gradmint::session
