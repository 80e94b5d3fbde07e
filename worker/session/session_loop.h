// Carries out what a session wants: one connection, one home, one job, one console. What it stands
// in is given: run.h with the machine's own, tests/simulation/ with simulated ones.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "coordinator/protocol/client_end.h"
#include "coordinator/protocol/client_transport.h"
#include "kernels/base/clock.h"
#include "worker/session/console.h"
#include "worker/session/home.h"
#include "worker/session/session.h"
#include "worker/session/training.h"

namespace gradmint::session {

// What the user of a worker gives its session.
struct SessionTask {
  // Before it registers: whether what the user gave fits the task, as far as the genesis tells.
  std::function<Status(const GenesisRecord& genesis)> fits_task;
  TrainerFactory trainers;
  // Where the scaler comes from the sites: the manifest of this one's rows, and their sums.
  std::function<Result<DataSummed>(const GenesisRecord& genesis)> sums;
};

struct SessionSurroundings {
  const Clock* clock = &machine_clock();
  std::function<Result<std::unique_ptr<ClientEnd>>(const ClientOptions&)> connect;
  std::unique_ptr<Training> training;
};

class SessionLoop {
 public:
  // `home`, `task` and `console` outlive it.
  SessionLoop(WorkerHome& home, const SessionTask& task, Console& console, Session session,
              SessionSurroundings surroundings);

  void start() { feed(Started{}); }
  // Waits for something to happen, for a moment at most (wait_ms), and acts.
  void turn(int wait_ms);
  void ask_to_stop() { feed(StopRequested{}); }
  // A turn should not wait for longer.
  int wait_ms() const;
  const std::optional<int>& exit_code() const { return exit_code_; }
  const Session& session() const { return session_; }

 private:
  void feed(Event event);
  void end(int exit_code, const std::string& text);
  void poll(int wait_ms);
  void tell_link();
  std::string check_model(const CheckModel& order, ModelChecked& checked);

  using Waiting = std::deque<Event>;
  Status perform(OpenLink& e, Waiting& waiting);
  Status perform(Send& e, Waiting& waiting);
  Status perform(SaveGenesis& e, Waiting& waiting);
  Status perform(SaveHeader& e, Waiting& waiting);
  Status perform(SaveForkEvidence& e, Waiting& waiting);
  Status perform(LookForBlob& e, Waiting& waiting);
  Status perform(WriteBlob& e, Waiting& waiting);
  Status perform(FinishBlob& e, Waiting& waiting);
  Status perform(KeepModels& e, Waiting& waiting);
  Status perform(CheckTask& e, Waiting& waiting);
  Status perform(CheckModel& e, Waiting& waiting);
  Status perform(SumData& e, Waiting& waiting);
  Status perform(SaveSums& e, Waiting& waiting);
  Status perform(StartTraining& e, Waiting& waiting);
  Status perform(CancelTraining& e, Waiting& waiting);
  Status perform(SaveUpdate& e, Waiting& waiting);
  Status perform(SaveReceipt& e, Waiting& waiting);
  Status perform(StartEvaluation& e, Waiting& waiting);
  Status perform(SaveEvaluation& e, Waiting& waiting);
  Status perform(Say& e, Waiting& waiting);
  Status perform(Show& e, Waiting& waiting);
  Status perform(Stop& e, Waiting& waiting);

  WorkerHome& home_;
  const SessionTask& task_;
  Console& console_;
  Session session_;
  SessionSurroundings surroundings_;
  Training& training_;
  std::unique_ptr<ClientEnd> transport_;
  std::uint64_t link_ = 0;
  std::uint64_t connections_ = 0;
  std::map<std::uint64_t, std::uint64_t> questions_;  // request id → the session's number
  std::string told_error_;
  kernels::EncodedBytes payload_;  // of the update whose report is being fed
  kernels::Floats residual_;       // and what its encoding lost
  std::optional<int> exit_code_;
};
}  // namespace gradmint::session
