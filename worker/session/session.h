// A worker's session as a pure state machine: what happened, and when, goes in; what to do comes
// out. It knocks at the join entrance, makes sure it talks to the right chain, follows its headers,
// registers, enters at work, and then serves round after round. Whatever is lost on the way is
// asked for again; whatever must not be said twice is remembered before it is said.
// Not thread safe. run.h is the loop around it.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "worker/session/round_work.h"
#include "worker/session/scaler_work.h"

namespace gradmint::session {

class Session {
 public:
  // `memory`: what an earlier session of the same home kept. bad_input or corrupt: it cannot be
  // followed.
  static Result<Session> resume(Config config, Memory memory);

  // `now_ms` never decreases. Returns ok, or what was wrong with what the coordinator sent; the
  // session goes on either way. After a Stop it ignores everything.
  Verdict step(const Event& event, std::uint64_t now_ms, Effects& effects);

  bool stopped() const { return stopped_; }
  const std::optional<HeaderChain>& chain() const { return chain_; }

  Session(Session&&) = default;
  Session& operator=(Session&&) = delete;

 private:
  Session(std::unique_ptr<const Config> config, const Memory& memory);

  struct Link {
    std::uint64_t number = 0;
    Gate gate = Gate::join;
    std::string endpoint;
    bool up = false;
    bool key_refused = false;
    std::uint64_t down_since_ms = 0;
    std::optional<Welcome> welcome;
    std::uint64_t welcomed_ms = 0;
    std::string why_down;
  };

  void open(Gate gate, std::string endpoint, Outgoing& out);
  void link_down(const LinkDown& down, Outgoing& out);
  void tell_unreachable(Outgoing& out);
  void stop(int exit_code, std::string text, Outgoing& out);

  Verdict arrived(const Arrived& arrived, Outgoing& out);
  Verdict take(const Welcome& welcome, Outgoing& out);
  Verdict take(const Payload& genesis, Outgoing& out);
  Verdict take(const Headers& headers, Outgoing& out);
  Verdict take(const TransactionResult& result, Outgoing& out);
  void take(const AccountState& account, Outgoing& out);
  void take(const Notice& notice, Outgoing& out);
  void take(const Refusal& refusal, Ask about, Outgoing& out);
  Verdict take_header(const CertifiedHeader& header, Outgoing& out);
  void settled(const Settled& settled, Outgoing& out);
  void forked(std::uint64_t height, const CertifiedHeader& second, Outgoing& out);
  void leave_fork(bool told, Outgoing& out);

  Hello hello() const;

  void advance(Outgoing& out);
  bool follow_headers(Outgoing& out);  // true when the tip heard of is reached
  void advance_join(Outgoing& out);
  void advance_work(Outgoing& out);
  bool scaler_is_known(Outgoing& out);
  void want_dataset(Outgoing& out);
  bool task_is_fit(Outgoing& out);
  bool model_is_fit(Outgoing& out);
  void finish(Outgoing& out);
  void heard_of_tip(std::uint64_t height, const Hash& hash);

  std::unique_ptr<const Config> config_;  // its address must stay: the stations refer to it
  Asks asks_;
  Link link_;
  std::optional<HeaderChain> chain_;
  TransactionDesk desk_;
  BlobFetch blobs_;
  UpdateUpload upload_;
  RoundWork work_;
  ScalerWork scaler_;

  std::uint64_t tip_height_ = 0;               // the newest heard of
  std::optional<std::uint64_t> check_height_;  // the coordinator's header there must be seen
  std::optional<AccountState> account_;
  bool account_looked_at_again_ = false;
  std::uint64_t registered_ms_ = 0;  // when it was learnt; 0: not yet
  unsigned damaged_geneses_ = 0;
  bool task_asked_ = false, task_fit_ = false;
  bool model_asked_ = false, model_fit_ = false;
  bool dataset_stands_ = false;
  std::uint64_t dataset_again_ms_ = 0;  // not asked for before
  std::uint64_t round_heard_ms_ = 0;
  std::optional<std::uint64_t> balance_told_;
  std::uint64_t finishing_since_ms_ = 0;  // 0: not finished
  std::uint64_t unreachable_told_ms_ = 0, unreachable_wait_ms_ = 0;
  std::uint64_t broken_headers_told_ms_ = 0;
  // Two histories: kept, told, and then the session stops.
  struct Fork {
    std::uint64_t height = 0;
    std::uint64_t since_ms = 0;
    ReportFork report;
    std::string file;  // empty: not yet kept
  };
  std::optional<Fork> fork_;
  bool stopped_ = false;
};

}  // namespace gradmint::session
