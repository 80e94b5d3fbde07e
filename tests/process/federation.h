// A coordinator and its workers in one folder, each started and killed as a test likes.
#pragma once

#include <memory>
#include <optional>

#include "coordinator/cli/dev_plan.h"
#include "tests/process/process.h"
#include "worker/session/memory.h"

namespace gradmint::test {

// What to train on: "digits" where scripts/fetch_digits put them, else MNIST, else nothing (the
// test is skipped, and says so).
std::optional<std::string> data_or_skip();

struct FederationOptions {
  std::int64_t workers = 3;
  std::int64_t rounds = 3;
  std::uint64_t min_updates = 2;
  std::uint64_t stall_deadline_ms = 30'000;
  bool exit_when_finished = true;
  bool evaluate_by_workers = false;
  std::string task;    // empty: classification
  std::string scaler;  // empty: from the sample
  std::string trainer;
  std::vector<std::string> adversaries;
  std::string extra;  // more settings, in TOML tables of their own
};

class Federation {
 public:
  explicit Federation(const std::string& data, const FederationOptions& options = {});

  std::unique_ptr<Process> coordinator(const Setting& setting = {}) const;
  // Worker i counts from 0; its first start needs an invitation, for which it asks.
  std::unique_ptr<Process> worker(std::size_t i, const Words& more = {},
                                  const Setting& setting = {}) const;
  std::vector<std::unique_ptr<Process>> all_workers() const;
  std::string invite() const;
  std::string worker_log(std::size_t i) const { return read_text(log_of(i)); }
  std::filesystem::path log_of(std::size_t i) const;

  // `gradmint audit …` in a process of its own.
  Ran audit(const Words& words, const Setting& setting = {}) const;
  nlohmann::json verified() const;  // audit verify --recompute, which must hold

  std::filesystem::path root() const { return folder_.path; }
  std::filesystem::path home() const { return plan_.coordinator_home; }
  std::filesystem::path ledger() const { return plan_.ledger; }
  const DevPlan& plan() const { return plan_; }
  const std::vector<std::string>& addresses() const { return addresses_; }

  // What worker i keeps on its disk of its own updates.
  std::vector<session::UpdateMemory> memory_of(std::size_t i) const;

 private:
  Directory folder_;
  DevPlan plan_;
  std::vector<std::string> addresses_;
};

// All end by themselves with exit status 0.
void wait_all(std::vector<std::unique_ptr<Process>>& processes);

}  // namespace gradmint::test
