// A federation that is left running while it is attacked or killed: the real programs, their output
// in files. Counts what the soak program reports. Single-threaded.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "tests/hostile/attacks.h"
#include "tests/process/federation.h"

namespace gradmint::hostile {

// Attackers have machines of their own. Here the last core that this process may use becomes its
// own, threads that it starts later included, and the others those of the programs that a Crew
// starts: attackers take nothing from a federation but what answering them takes. With one core
// nothing changes. True: divided.
bool divide_cores();

class Crew {
 public:
  // Three honest workers, and one member that trains nothing any more, whose key the attackers
  // have. Returns once a round has been settled without that one.
  explicit Crew(const std::string& data);
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  const Target& target() const { return target_; }

  // Looks after everything once: starts a program again that ended, keeps the largest resident size
  // and the receipts that workers hold. Call it some ten times a second.
  void look_after();
  // SIGKILL; the coordinator is running again when this returns.
  void kill_coordinator();
  // Ends everything and audits the ledger, to its last block.
  void finish();

  std::uint64_t settled() const;  // rounds, as the coordinator told
  std::uint64_t said() const;     // events, since it was started last
  std::uint64_t aborts() const { return aborts_; }
  std::uint64_t worker_ends() const { return worker_ends_; }
  std::uint64_t peak_resident_bytes() const { return peak_resident_bytes_; }
  std::size_t open_descriptors() const;  // the coordinator's, now
  std::uint64_t log_bytes() const;
  std::size_t receipts() const { return receipts_.size(); }
  // After finish(): those whose attempt has a result, and those of them that it does not accept.
  std::size_t receipts_due() const { return receipts_due_; }
  std::size_t receipts_lost() const { return receipts_lost_; }
  const std::string& audit_fault() const { return audit_fault_; }
  const std::string& last_words() const { return last_words_; }  // of a coordinator that aborted

 private:
  struct Program {
    std::vector<std::string> words;
    std::string name;
    pid_t pid = -1;
    std::string output, errors;  // files
  };
  void start(Program& program);
  int stop(Program& program, int signal);
  bool has_ended(Program& program, int& status);
  void start_coordinator();
  void await_settled(std::uint64_t rounds);
  void collect_receipts();

  std::unique_ptr<test::Federation> federation_;
  Target target_;
  Program coordinator_;
  std::vector<Program> workers_;
  using Receipt = std::tuple<std::uint64_t, std::uint32_t, std::string>;  // round, attempt, worker
  std::set<Receipt> receipts_;
  std::set<std::string> receipts_read_;  // directories
  std::uint64_t aborts_ = 0;
  std::uint64_t worker_ends_ = 0;
  std::uint64_t peak_resident_bytes_ = 0;
  std::uint64_t turns_ = 0;
  std::uint64_t started_at_ = 0;  // size of the coordinator's output when it was
  std::size_t receipts_due_ = 0, receipts_lost_ = 0;
  std::string audit_fault_, last_words_;
};

}  // namespace gradmint::hostile
