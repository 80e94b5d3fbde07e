// A federation of one worker, brought to a stage of its round, for tests that tell its session
// something and look at what it does.
#pragma once

#include <string>
#include <utility>

#include "tests/worker/session_federation.h"

namespace gradmint::test {

using namespace gradmint::session;

inline std::string name_of(const Effect& effect) {
  struct Names {
    std::string operator()(const OpenLink& e) const {
      return e.gate == Gate::join ? "OpenJoin" : "OpenWork";
    }
    std::string operator()(const Send& e) const { return std::string(kind_of(e.message).name); }
    std::string operator()(const SaveGenesis&) const { return "SaveGenesis"; }
    std::string operator()(const SaveHeader&) const { return "SaveHeader"; }
    std::string operator()(const SaveForkEvidence&) const { return "SaveForkEvidence"; }
    std::string operator()(const LookForBlob&) const { return "LookForBlob"; }
    std::string operator()(const WriteBlob&) const { return "WriteBlob"; }
    std::string operator()(const FinishBlob&) const { return "FinishBlob"; }
    std::string operator()(const KeepModels&) const { return "KeepModels"; }
    std::string operator()(const CheckTask&) const { return "CheckTask"; }
    std::string operator()(const CheckModel&) const { return "CheckModel"; }
    std::string operator()(const StartTraining&) const { return "StartTraining"; }
    std::string operator()(const CancelTraining&) const { return "CancelTraining"; }
    std::string operator()(const SaveUpdate&) const { return "SaveUpdate"; }
    std::string operator()(const SaveReceipt&) const { return "SaveReceipt"; }
    std::string operator()(const StartEvaluation&) const { return "StartEvaluation"; }
    std::string operator()(const SaveEvaluation&) const { return "SaveEvaluation"; }
    std::string operator()(const Say& e) const { return e.warning ? "Warn" : "Say"; }
    std::string operator()(const Show&) const { return "Show"; }
    std::string operator()(const SumData&) const { return "SumData"; }
    std::string operator()(const SaveSums&) const { return "SaveSums"; }
    std::string operator()(const Stop& e) const { return "Stop" + std::to_string(e.exit_code); }
  };
  return std::visit(Names{}, effect);
}

inline std::string names_of(const Effects& effects) {
  std::string names;
  for (const Effect& e : effects) names += (names.empty() ? "" : " ") + name_of(e);
  return names;
}

enum class Stage { knocking, training, revealing, evaluating };

inline bool reached(const Federation& f, Stage stage) {
  const Federation::Worker& w = f.workers[0];
  if (!w.session || !w.link_up) return false;
  const auto round = current_round(f.coordinator.world.chain.state());
  switch (stage) {
    case Stage::knocking:
      return true;
    case Stage::training:
      return f.trainings == 1;
    case Stage::revealing:
      return round && round->phase == RoundPhase::revealing &&
             w.session->chain()->height() + 1 == f.coordinator.world.chain.height();
    case Stage::evaluating:
      return round && round->phase == RoundPhase::evaluating &&
             w.session->chain()->height() + 1 == f.coordinator.world.chain.height();
  }
  return false;
}

inline Federation at(Stage stage) {
  Federation federation(5, {.workers = 1}, {});
  while (!reached(federation, stage)) federation.step();
  return federation;
}

inline Event arrives(const Federation& f, Message message) {
  return Arrived{f.workers[0].link, 0, std::move(message), {}};
}
inline RoundState state_of(Federation& f) {
  return f.coordinator.round_state(f.workers[0].key.account(), f.now_ms);
}

}  // namespace gradmint::test
