#include "worker/session/training_thread.h"

#include <utility>

namespace gradmint::session {

template <class Job>
void TrainingThread::run(Job job) {
  end_job();
  cancelled_ = false;
  busy_ = true;
  thread_ = std::thread([this, job] {
    job([this](TrainingReport made) { report(std::move(made)); });
    busy_ = false;
  });
}

void TrainingThread::start(const StartTraining& order, const std::filesystem::path& residual_file) {
  run([this, order, residual_file](const TrainingWork::ReportFn& report) {
    work_.train(order, residual_file, cancelled_, report);
  });
}

void TrainingThread::start(const StartEvaluation& order) {
  run([this, order](const TrainingWork::ReportFn& report) {
    work_.evaluate(order, cancelled_, report);
  });
}

void TrainingThread::end_job() {
  cancelled_ = true;
  if (thread_.joinable()) thread_.join();
  const std::lock_guard<std::mutex> hold(mutex_);
  reports_.clear();
}

std::vector<TrainingReport> TrainingThread::take_reports() {
  const std::lock_guard<std::mutex> hold(mutex_);
  return std::exchange(reports_, {});
}

void TrainingThread::report(TrainingReport report) {
  const std::lock_guard<std::mutex> hold(mutex_);
  // Progress that nobody has taken yet is superseded.
  if (std::holds_alternative<TrainingProgressed>(report.event) && !reports_.empty() &&
      std::holds_alternative<TrainingProgressed>(reports_.back().event)) {
    reports_.pop_back();
  }
  reports_.push_back(std::move(report));
}

}  // namespace gradmint::session
