// Runs one job at a time, training or evaluation, beside the session's loop. start and cancel from
// one thread; the results are taken there too.
#pragma once

#include <atomic>
#include <mutex>
#include <thread>

#include "worker/session/training_work.h"

namespace gradmint::session {

class TrainingThread final : public Training {
 public:
  // `encoder` is used by the job that runs, and must outlive this.
  TrainingThread(const BlobStore& blobs, kernels::Backend& encoder, AdversarySpec adversary,
                 std::uint64_t adversary_seed)
      : work_(blobs, encoder, adversary, adversary_seed) {}
  ~TrainingThread() override { end_job(); }
  TrainingThread(const TrainingThread&) = delete;
  TrainingThread& operator=(const TrainingThread&) = delete;

  void equip(WorkerTrainers trainers) override { work_.equip(std::move(trainers)); }
  void start(const StartTraining& order, const std::filesystem::path& residual_file) override;
  void start(const StartEvaluation& order) override;
  void cancel() override { end_job(); }
  bool busy() const override { return busy_; }
  std::vector<TrainingReport> take_reports() override;

 private:
  template <class Job>
  void run(Job job);
  void end_job();
  void report(TrainingReport report);

  TrainingWork work_;
  std::thread thread_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> busy_{false};
  std::mutex mutex_;
  std::vector<TrainingReport> reports_;
};

}  // namespace gradmint::session
