// Runs one job at a time, training or evaluation, beside the session's loop. start and cancel from
// one thread; the results are taken there too.
#pragma once

#include <atomic>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "worker/session/events.h"
#include "worker/session/home.h"
#include "worker/session/submission.h"
#include "worker/trainer.h"

namespace gradmint::session {

struct WorkerTrainers {
  std::unique_ptr<Trainer> trainer;
  std::unique_ptr<Trainer> flipped;      // on flipped labels, for that adversary; may be empty
  std::unique_ptr<Evaluator> evaluator;  // on held-out samples; may be empty
  bool evaluator_is_untried = false;     // a user's program: it is tried before the first training
  RegisterDataset dataset;               // the manifest of what they train on
};
// Called once, when task and layout are known, and the scaler where the sites give it (else it is
// empty). The error says why this worker cannot take part.
using TrainerFactory =
    std::function<Result<WorkerTrainers>(const GenesisRecord& genesis, const ModelLayout& layout,
                                         const std::vector<ScalerBits>& scaler)>;

class TrainingThread {
 public:
  // `encoder` is used by the job that runs, and must outlive this.
  TrainingThread(const BlobStore& blobs, kernels::Backend& encoder, AdversarySpec adversary,
                 std::uint64_t adversary_seed)
      : blobs_(blobs), encoder_(encoder), adversary_(adversary), adversary_seed_(adversary_seed) {}
  ~TrainingThread() { cancel(); }
  TrainingThread(const TrainingThread&) = delete;
  TrainingThread& operator=(const TrainingThread&) = delete;

  void equip(WorkerTrainers trainers) { trainers_ = std::move(trainers); }
  // `residual_file` holds what this worker's update before lost by its encoding; empty: nothing.
  void start(const StartTraining& order, const std::filesystem::path& residual_file);
  void start(const StartEvaluation& order);
  // Waits until the job has given up. Its result is not reported.
  void cancel();
  bool busy() const { return busy_; }

  struct Report {
    Event event;
    kernels::EncodedBytes payload;  // of an update
    kernels::Floats residual;       // and what its encoding lost
  };
  std::vector<Report> take_reports();

 private:
  template <class Job>
  void run(Job job);
  void report(Event event, kernels::EncodedBytes payload = {}, kernels::Floats residual = {});
  void train(const StartTraining& order, const std::filesystem::path& residual_file);
  Result<Submission> submit(const StartTraining& order, const std::filesystem::path& residual_file,
                            std::span<const float> global, const TrainOutcome& outcome) const;
  std::string remark_on(std::span<const float> global, std::span<const float> local) const;
  Status try_evaluator(const StartTraining& order, std::span<const float> model);
  void evaluate(const StartEvaluation& order);
  Result<std::vector<float>> load_model(const Hash& root) const;

  const BlobStore& blobs_;
  kernels::Backend& encoder_;
  AdversarySpec adversary_;
  std::uint64_t adversary_seed_;
  WorkerTrainers trainers_;
  std::thread thread_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> busy_{false};
  std::mutex mutex_;
  std::vector<Report> reports_;
};

}  // namespace gradmint::session
