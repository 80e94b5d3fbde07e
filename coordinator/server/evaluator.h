// The coordinator's evaluator: a child process that knows the model and the held-out data (by
// default `gradmint-worker evaluate --serve`), asked over its standard input, one JSON line a
// question. libtorch lives there, so nothing it does can take the coordinator down. A child that
// dies is started again once for each question; one that takes too long is ended.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "kernels/base/result.h"
#include "ledger/metrics.h"

namespace gradmint {

struct Figures {
  Metrics metrics;  // one of them measured, at least
  std::uint64_t examples = 0;
};

struct EvaluationJob {
  std::uint64_t round = 0;
  std::string parameters_file;  // flat fp32, as its blob lies on disk
};

// Who is asked. One real implementation, below, and one simulated (tests/simulation/).
class ModelJudge {
 public:
  // May be called on another thread, with the round asked about.
  using Done = std::function<void(std::uint64_t round, Result<Figures> figures)>;
  virtual ~ModelJudge() = default;
  virtual void ask(EvaluationJob job) = 0;
};

class EvaluatorClient final : public ModelJudge {
 public:
  using Environment = std::map<std::string, std::string>;  // on top of this process's own
  // `done` is called on the client's own thread.
  EvaluatorClient(std::string command, Environment environment, int timeout_ms, Done done);
  ~EvaluatorClient() override;  // ends the child: SIGTERM, and SIGKILL four seconds later
  void ask(EvaluationJob job) override;

 private:
  class Child;
  void work();
  void end_child();
  Result<Figures> answer(const EvaluationJob& job);

  std::string command_;
  Environment environment_;
  int timeout_ms_;
  Done done_;
  std::unique_ptr<Child> child_;   // of the client's thread
  std::atomic<int> child_pid_{0};  // so that the destructor can cut a question short
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<EvaluationJob> job_;
  bool stopping_ = false, ended_ = false;
  std::thread thread_;
};

}  // namespace gradmint
