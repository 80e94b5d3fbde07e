#include "worker/session/session.h"

#include <algorithm>

#include "contracts/amount.h"
#include "worker/session/cases.h"

namespace gradmint::session {
namespace {

constexpr std::uint64_t kBackToJoinMs = 5000;     // without a work connection
constexpr std::uint64_t kRefusedToJoinMs = 1000;  // when the key is not admitted at work
constexpr std::uint64_t kFirstUnreachableMs = 2000;
constexpr std::uint64_t kLastUnreachableMs = 300'000;
constexpr std::uint64_t kTellForkMs = 3000;

}  // namespace

Session::Session(std::unique_ptr<const Config> config, const Memory& memory)
    : config_(std::move(config)),
      desk_(config_->key, config_->chain_id, config_->code),
      work_(*config_, memory),
      scaler_(*config_, memory) {}

Result<Session> Session::resume(Config config, Memory memory) {
  Session session(std::make_unique<const Config>(std::move(config)), memory);
  for (const UpdateMemory& update : memory.updates) {
    if (update_commitment(update.open_block, session.config_->key.account(), update.opening) ==
        update.body.commitment) {
      continue;
    }
    return Error{ErrorCode::corrupt,
                 "what rounds/ remembers of round " + std::to_string(update.key.round) +
                     " is damaged, or of another worker: restore it from a copy; without it this "
                     "worker could contradict what it has signed"};
  }
  if (memory.genesis.empty()) return session;
  const auto genesis = decode_record<GenesisRecord>(memory.genesis);
  if (!genesis || genesis->chain_id() != session.config_->chain_id) {
    return Error{ErrorCode::corrupt,
                 "genesis is damaged, or not of the chain that connection.json names: restore both "
                 "from a copy, or remove genesis and headers.log, which are fetched again"};
  }
  auto chain = HeaderChain::start(memory.genesis, session.config_->chain_id);
  if (!chain) return chain.error();
  session.chain_.emplace(std::move(chain).value());
  for (const CertifiedHeader& header : memory.headers) {
    if (session.chain_->offer(header).outcome != HeaderOutcome::appended) {
      return Error{ErrorCode::corrupt, "headers.log is damaged after block " +
                                           std::to_string(session.chain_->height()) +
                                           ": restore it from a copy, or remove it: headers are "
                                           "fetched again"};
    }
  }
  return session;
}

Verdict Session::step(const Event& event, std::uint64_t now_ms, Effects& effects) {
  if (stopped_) return Verdict::ok;
  Verdict verdict = Verdict::ok;
  Outgoing out(asks_, effects, now_ms, link_.up);
  std::visit(Cases{
                 [&](const Started&) { open(Gate::join, config_->join_endpoint, out); },
                 [&](const Tick&) {},
                 [&](const LinkUp& e) {
                   if (e.link != link_.number) return;
                   asks_.connection_lost();
                   blobs_.connection_lost();
                   upload_.connection_lost();
                   link_.up = true;
                   link_.welcome.reset();
                   round_heard_ms_ = 0;
                 },
                 [&](const LinkDown& e) { link_down(e, out); },
                 [&](const Arrived& e) { verdict = arrived(e, out); },
                 [&](const BlobLooked& e) { blobs_.take(e); },
                 [&](const BlobFinished& e) { blobs_.take(e, out); },
                 [&](const ModelChecked& e) {
                   model_fit_ = e.fault.empty();
                   work_.set_dataset(e.dataset, e.attests);
                   if (!model_fit_) stop(kExitBadInput, e.fault, out);
                 },
                 [&](const DataSummed& e) {
                   work_.set_dataset(e.dataset, false);
                   scaler_.take(e);
                   if (!e.fault.empty()) stop(kExitBadInput, e.fault, out);
                 },
                 [&](const TaskChecked& e) {
                   task_fit_ = e.fault.empty();
                   if (!task_fit_) stop(kExitBadInput, e.fault, out);
                 },
                 [&](const TrainingProgressed& e) { work_.take(e, out); },
                 [&](const TrainingEnded& e) {
                   work_.take(e, out);
                   if (e.ends_session) stop(kExitFault, e.fault, out);
                 },
                 [&](const EvaluationEnded& e) { work_.take(e, out); },
                 [&](const ForkSaved& e) {
                   if (!fork_) return;
                   fork_->file = e.file;
                   fork_->report.first = e.first;
                 },
                 [&](const StopRequested&) {
                   work_.cancel(out);
                   stop(kExitDone, "stopped as asked; run the same command again to go on", out);
                 },
             },
             event);
  if (!stopped_) {
    Outgoing rest(asks_, effects, now_ms, link_.up);
    advance(rest);
  }
  return verdict;
}

void Session::open(Gate gate, std::string endpoint, Outgoing& out) {
  asks_.connection_lost();
  blobs_.connection_lost();
  upload_.connection_lost();
  const std::uint64_t number = link_.number + 1;
  link_ = Link{};
  link_.number = number;
  link_.gate = gate;
  link_.endpoint = std::move(endpoint);
  link_.down_since_ms = out.now_ms();
  if (gate == Gate::join) {  // what it knew of the account may have changed
    account_.reset();
    account_looked_at_again_ = false;
    registered_ms_ = 0;
  }
  out.effect(OpenLink{number, gate, link_.endpoint});
}

void Session::link_down(const LinkDown& down, Outgoing& out) {
  if (down.link != link_.number) return;
  if (link_.up && finishing_since_ms_ == 0) {
    out.warn(down.why.empty() ? "the connection to " + link_.endpoint + " was lost; trying again"
                              : down.why);
    link_.down_since_ms = out.now_ms();
    unreachable_told_ms_ = out.now_ms();
    unreachable_wait_ms_ = kFirstUnreachableMs;
  }
  link_.up = false;
  link_.why_down = down.why;
  asks_.connection_lost();
  blobs_.connection_lost();
  upload_.connection_lost();
  // Whether the key is admitted is told at the join entrance.
  link_.key_refused = down.key_refused;
}

void Session::tell_unreachable(Outgoing& out) {
  if (unreachable_wait_ms_ == 0) {
    unreachable_wait_ms_ = kFirstUnreachableMs;
    unreachable_told_ms_ = out.now_ms();
  }
  if (out.now_ms() < unreachable_told_ms_ + unreachable_wait_ms_) return;
  const std::string why = link_.why_down.empty() ? "no answer yet" : link_.why_down;
  unreachable_told_ms_ = out.now_ms();
  unreachable_wait_ms_ = std::min(2 * unreachable_wait_ms_, kLastUnreachableMs);
  const char* moved =
      link_.gate == Gate::join
          ? "; if it has moved, end this and give the new address: join --coordinator "
            "tcp://HOST:PORT"
          : "";
  out.warn("no connection to " + link_.endpoint + ": " + why + moved +
           " (still trying; next word in " + std::to_string(unreachable_wait_ms_ / 1000) + " s)");
}

void Session::stop(int exit_code, std::string text, Outgoing& out) {
  if (stopped_) return;
  stopped_ = true;
  out.effect(Stop{exit_code, std::move(text)});
}

Hello Session::hello() const {
  return {config_->chain_id, config_->revision, chain_ ? chain_->newest() : CertifiedHeader{}};
}

void Session::forked(std::uint64_t height, const CertifiedHeader& second, Outgoing& out) {
  fork_ = Fork{height, out.now_ms(), {{}, second}, ""};
  out.effect(SaveForkEvidence{height, second});
  work_.cancel(out);
}

void Session::leave_fork(bool told, Outgoing& out) {
  stop(kExitFault,
       "FORK: the coordinator has certified two different blocks at height " +
           std::to_string(fork_->height) + "; both headers are kept in " + fork_->file +
           ", the coordinator " + (told ? "was told" : "could not be told") +
           ", and this worker does not go on: ask its operator which history holds",
       out);
}

void Session::advance(Outgoing& out) {
  if (fork_) {
    if (fork_->file.empty()) return;
    if (out.now_ms() >= fork_->since_ms + kTellForkMs) return leave_fork(false, out);
    out.ask(Ask::fork, fork_->report);
    return;
  }
  if (!link_.up) {
    if (finishing_since_ms_ != 0) return finish(out);
    tell_unreachable(out);
    const bool long_gone =
        out.now_ms() >=
        link_.down_since_ms + (link_.key_refused ? kRefusedToJoinMs : kBackToJoinMs);
    if (link_.gate == Gate::work && long_gone) {
      const std::string why = link_.why_down;
      open(Gate::join, config_->join_endpoint, out);
      link_.why_down = why;
    }
    if (chain_ && model_fit_) work_.advance({*chain_, desk_, blobs_, upload_, out});
    blobs_.advance(out);
    return;
  }
  if (!link_.welcome) {
    out.ask(Ask::hello, hello());
    return;
  }
  if (!chain_) {
    out.ask(Ask::genesis, GetGenesis{});
    return;
  }
  const bool at_tip = follow_headers(out);
  if (link_.gate == Gate::join) {
    if (at_tip) advance_join(out);
  } else {
    advance_work(out);
  }
  if (!stopped_) desk_.advance(out, {chain_->height(), chain_->tip_hash()});
}

void Session::finish(Outgoing& out) {
  constexpr std::uint64_t kWaitForBalanceMs = 2000;
  if (account_ || !link_.up || out.now_ms() >= finishing_since_ms_ + kWaitForBalanceMs) {
    const std::string balance = balance_told_
                                    ? ", balance " + contracts::format_amount(*balance_told_) +
                                          " tokens" + (account_ ? "" : " when last heard")
                                    : "";
    stop(kExitDone,
         "finished: " + std::to_string(work_.updates_receipted()) +
             " updates given in this session" + balance,
         out);
  } else {
    out.ask(Ask::account, GetAccount{config_->key.account()});
  }
}

}  // namespace gradmint::session
