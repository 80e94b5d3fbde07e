// What a person or a program watching the coordinator is told: events, one JSON object each
// (docs/coordinator.md lists them). As JSON lines, or as the display renders them. Log lines go to
// standard error. One thread.
#pragma once

#include <functional>
#include <nlohmann/json.hpp>

#include "coordinator/order/orderer.h"
#include "coordinator/server/best_model.h"

namespace gradmint {

class Reporter {
 public:
  using Sink = std::function<void(const nlohmann::json& event)>;
  explicit Reporter(Sink sink) : sink_(std::move(sink)) {}

  void emit(nlohmann::json event) const { sink_(event); }
  void warn(const std::string& text) const { emit({{"event", "warning"}, {"text", text}}); }

  // Everything a committed block says.
  void block(const OrderedBlock& block, const Chain& chain, std::uint64_t rounds) const;

  // rounds.best_by: this round's model is the best so far.
  void best(const BestModel::Standing& standing) const;

  // After a restart: what was told before of the round that goes on, marked "again".
  void round_under_way(const State& state, std::uint64_t rounds) const;

 private:
  void transaction(const Ordered& ordered, const TransactionReceipt& receipt, const Chain& chain,
                   std::uint64_t rounds) const;
  void settled(const SettleRound& body, const TransactionReceipt& receipt,
               const Chain& chain) const;
  Sink sink_;
};

// {"round", "metric", "median_micro", "file"}
nlohmann::json describe_best(const BestModel::Standing& standing);
// {"worker": address, "name": …} of an account.
nlohmann::json describe_worker(const StateReader& state, const AccountId& account);

}  // namespace gradmint
