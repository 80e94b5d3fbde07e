#include "tests/simulation/oracle.h"

#include "ledger/audit/verify.h"

namespace gradmint::simulation {
namespace {

std::string describe(const AuditFault& fault) {
  return "the audit finds at block " + std::to_string(fault.height) + ": " + fault.rule +
         ", expected " + fault.expected + ", found " + fault.found;
}

class Judgement {
 public:
  Judgement(const LedgerSource& source, const LedgerStore& store)
      : source_(source), store_(store) {}

  std::string audit() {
    AuditOptions options;
    options.recompute = true;
    const auto report = verify_ledger(source_, options);
    if (!report.ok()) return "the audit cannot run: " + report.error().message;
    if (!report->ok()) return describe(*report->fault);
    auto history = open_history(source_);
    if (!history.ok()) return "the history cannot be read: " + history.error().message;
    history_.emplace(*std::move(history));
    if (!conservation_holds(history_->chain.state(), history_->chain.genesis()))
      return "tokens were made or lost";
    return "";
  }

  std::string what_was_told(const std::map<Hash, std::uint64_t>& told) const {
    for (const auto& [id, height] : told) {
      const auto place = source_.ledger->find_transaction(id);
      if (!place.ok()) return place.error().message;
      if (!*place || (*place)->first != height)
        return "a worker was told that its transaction stands in block " + std::to_string(height) +
               ", and it does not";
    }
    return "";
  }

  // Entries go with the block after the one that makes them needless; after the last one there is
  // none.
  std::string pending() const {
    const auto entries = store_.pending();
    if (!entries.ok()) return entries.error().message;
    const std::string last = "evaluation/" + std::to_string(job_of(history_->chain.state()).round);
    for (const auto& [key, value] : *entries) {
      if (key != last) return "the pending entry " + key + " is left";
    }
    return "";
  }

  std::string everybody() const {
    for (const Attempt& attempt : history_->history.attempts) {
      const std::string round = "round " + std::to_string(attempt.round());
      if (!attempt.result) return round + " was given up in calm weather";
      for (const ResultEntry& entry : attempt.result->body.entries) {
        if (entry.verdict != Verdict::ok)
          return round +
                 " left out a worker in calm weather: " + std::string(verdict_name(entry.verdict));
      }
      if (attempt.result->body.entries.size() != attempt.open.body.members.size())
        return round + " has less updates than members in calm weather";
    }
    return "";
  }

  std::string worker(WorkerHost& host) const {
    const auto memory = host.memory();
    if (!memory.ok()) return "a worker's home: " + memory.error().message;
    const std::vector<Hash>& blocks = history_->chain.history();
    for (std::size_t i = 0; i < memory->headers.size(); ++i) {
      const auto header = decode_record<Header>(memory->headers[i].header);
      if (!header || i + 1 >= blocks.size() || header->hash() != blocks[i + 1])
        return "a worker holds a block " + std::to_string(i + 1) + " that is not of this ledger";
    }
    for (const session::UpdateMemory& update : memory->updates) {
      if (const std::string fault = receipt(host, update); !fault.empty()) return fault;
    }
    return "";
  }

 private:
  std::string receipt(const WorkerHost& host, const session::UpdateMemory& update) const {
    if (update.receipt.empty()) return "";
    for (const Attempt& attempt : history_->history.attempts) {
      if (attempt.round() != update.key.round || attempt.open.body.attempt != update.key.attempt)
        continue;
      if (!attempt.result) return "";
      for (const ResultEntry& entry : attempt.result->body.entries) {
        if (entry.worker == host.key().account() && entry.verdict == Verdict::ok) return "";
      }
      return "the update of round " + std::to_string(update.key.round) +
             " was receipted and is not in the result";
    }
    return "a worker has a receipt for an attempt that the ledger does not know";
  }

  const LedgerSource& source_;
  const LedgerStore& store_;
  std::optional<OpenedHistory> history_;
};

}  // namespace

std::string judge(CoordinatorHost& coordinator,
                  const std::vector<std::unique_ptr<WorkerHost>>& workers,
                  const std::map<Hash, std::uint64_t>& told, bool calm) {
  auto opened = LedgerStore::open(coordinator.home().ledger(), LedgerStore::Mode::read_write,
                                  coordinator.disk());
  if (!opened.ok()) return "the ledger cannot be opened again: " + opened.error().message;
  std::string fault;
  {
    const std::shared_ptr<const LedgerStore> store(*std::move(opened));
    const LedgerSource source{store, std::make_shared<BlobStore>(coordinator.home().blob_store())};
    Judgement judgement(source, *store);
    fault = judgement.audit();
    if (fault.empty()) fault = judgement.what_was_told(told);
    if (fault.empty()) fault = judgement.pending();
    if (fault.empty() && calm) fault = judgement.everybody();
    for (const auto& worker : workers) {
      if (fault.empty() && worker->is_honest()) fault = judgement.worker(*worker);
    }
    coordinator.disk().run_background();
  }
  return fault;
}

}  // namespace gradmint::simulation
