// What is asked for next: headers, admission, then rounds.
#include <utility>

#include "coordinator/protocol/endpoint.h"
#include "ledger/hash.h"
#include "ledger/model/layout.h"
#include "worker/session/session.h"

namespace gradmint::session {
namespace {

constexpr std::uint64_t kHelloAgainMs = 300;
constexpr std::uint64_t kAdmissionMs = 15'000;   // from registered to admitted
constexpr std::uint64_t kDatasetAgainMs = 5000;  // while this worker is suspended

// What a person whose registration was refused can do about it.
std::string after_refusal(Verdict verdict) {
  switch (verdict) {
    case Verdict::invitation_used:
      return "an invitation admits one worker, and this one has: ask the coordinator's operator "
             "for another (gradmint coordinator invite)";
    case Verdict::not_invited:
      return "it admits only the addresses that its genesis names: join with the home of one of "
             "them";
    case Verdict::curve_key_taken:
      return "another worker has registered with keys/curve.json of this home: give each worker a "
             "home of its own";
    case Verdict::too_many_registrations:
      return "it admits only so many strangers while one round is the newest: start again when the "
             "next round has begun";
    default:
      return "show this line to the coordinator's operator";
  }
}

}  // namespace

bool Session::follow_headers(Outgoing& out) {
  if (check_height_) {
    out.ask(Ask::headers, GetHeaders{*check_height_, 1});
    return false;
  }
  if (chain_->height() >= tip_height_) return true;
  out.ask(Ask::headers, GetHeaders{chain_->height() + 1, kMaxHeadersPerReply});
  return false;
}

void Session::advance_join(Outgoing& out) {
  if (link_.welcome->admitted) {
    auto endpoint = resolve_work_endpoint(link_.welcome->work_endpoint, config_->join_endpoint);
    if (!endpoint) {
      return stop(kExitFault,
                  "the coordinator names no usable work address: " + endpoint.error().message, out);
    }
    return open(Gate::work, std::move(endpoint).value(), out);
  }
  if (!account_) {
    out.ask(Ask::account, GetAccount{config_->key.account()});
    return;
  }
  if (!account_->suspension.empty()) {
    return stop(kExitFault,
                "the coordinator's operator has suspended this worker: " + account_->suspension +
                    "; ask for gradmint coordinator member readmit " +
                    address_of(config_->key.account()),
                out);
  }
  if (registered_ms_ != 0) {
    // What counts is what it last said, not how long its answers take.
    if (link_.welcomed_ms >= registered_ms_ + kAdmissionMs) {
      if (!std::exchange(account_looked_at_again_, true)) {
        // It may have been suspended since, or readmitted just now.
        account_.reset();
        registered_ms_ = out.now_ms();
        return;
      }
      return stop(
          kExitFault,
          "this worker is registered, but the coordinator does not admit its connection "
          "key: restore the newest keys of this home, or ask the coordinator's operator to accept "
          "new ones (gradmint keys rotate --help)",
          out);
    }
    if (out.ask(Ask::hello, hello())) {
      out.hold_back(Ask::hello, kHelloAgainMs);
    }
    return;
  }
  if (!task_is_fit(out)) return;
  RegisterWorker body;
  body.public_key = config_->key.public_key();
  body.curve_key = config_->curve_key;
  body.name = config_->name;
  if (chain_->genesis().enrolment == Enrolment::invitation) {
    if (config_->code == decltype(config_->code){}) {
      return stop(kExitBadInput,
                  "this federation admits by invitation and this home was never admitted: give "
                  "the invitation on the command line",
                  out);
    }
    body.invitation_hash = sha256(config_->code);
  }
  desk_.want(TxType::register_worker, encode_record(body));
}

void Session::settled(const Settled& what, Outgoing& out) {
  const bool ok = what.verdict == Verdict::ok;
  std::string why(verdict_name(what.verdict));
  if (!what.detail.empty() && what.detail != why) why += " (" + what.detail + ")";
  switch (what.type) {
    case TxType::register_worker:
      if (ok || what.verdict == Verdict::already_registered) {
        registered_ms_ = out.now_ms();
        if (ok) out.say("registered as " + address_of(config_->key.account()));
        return;
      }
      return stop(
          kExitBadInput,
          "the coordinator does not admit this worker: " + why + "; " + after_refusal(what.verdict),
          out);
    case TxType::register_dataset:
      if (ok || what.verdict == Verdict::dataset_exists) {
        dataset_stands_ = true;
        if (ok) {
          out.say("data registered: " + work_.dataset().name + ", " +
                  std::to_string(work_.dataset().sample_count) + " samples");
        }
        return;
      }
      if (what.verdict == Verdict::suspended) {  // the coordinator says so, with the way back
        dataset_again_ms_ = out.now_ms() + kDatasetAgainMs;
        return;
      }
      if (what.verdict == Verdict::too_many_datasets) {
        why += "; this chain lets a worker register " +
               std::to_string(chain_->genesis().limits.datasets_per_worker) +
               " datasets, ever: join with data that it registered before, or with another home";
      }
      return stop(kExitBadInput, "the data's manifest was refused: " + why, out);
    case TxType::state_sums:
      if (auto refused = scaler_.take(what, out)) stop(kExitBadInput, *std::move(refused), out);
      return;
    default:
      if (what.verdict == Verdict::unknown_sender) {
        return stop(kExitFault, "this worker's key is not known on the ledger (revoked?): " + why,
                    out);
      }
      work_.take(what, out);
  }
}

// Before the registration, which uses the invitation up.
bool Session::task_is_fit(Outgoing& out) {
  if (!task_asked_) {
    task_asked_ = true;
    out.effect(CheckTask{chain_->genesis()});
  }
  return task_fit_;
}

bool Session::model_is_fit(Outgoing& out) {
  if (model_fit_) return true;
  const TaskSpec& task = chain_->genesis().task;
  if (model_asked_ || !blobs_.want(task.layout_root, 0, kMaxLayoutBytes)) return false;
  model_asked_ = true;
  out.effect(CheckModel{chain_->genesis(), scaler_.scaler()});
  return false;
}

void Session::want_dataset(Outgoing& out) {
  if (out.now_ms() < dataset_again_ms_) return;
  desk_.want(TxType::register_dataset, encode_record(work_.dataset()));
}

// Trainers are made when it is: before, the rows are there and nothing to scale them by.
bool Session::scaler_is_known(Outgoing& out) {
  if (scaler_.ready(*chain_)) return true;
  if (!work_.state()) return false;
  scaler_.advance(work_.state()->round, dataset_stands_, {*chain_, desk_, blobs_, upload_, out});
  if (work_.state()->round == 0 && scaler_.summed() && !dataset_stands_) want_dataset(out);
  return false;
}

void Session::advance_work(Outgoing& out) {
  if (finishing_since_ms_ != 0) return finish(out);
  if (round_heard_ms_ == 0 || out.now_ms() >= round_heard_ms_ + work_.poll_ms()) {
    if (out.ask(Ask::round, GetRound{})) round_heard_ms_ = out.now_ms();
  }
  if (work_.state() && work_.state()->phase == Phase::finished) {
    finishing_since_ms_ = out.now_ms();
    account_.reset();
    return finish(out);
  }
  if (!scaler_is_known(out)) return;
  if (!model_is_fit(out)) {
    blobs_.advance(out);
    return;
  }
  if (!dataset_stands_) return want_dataset(out);
  work_.advance({*chain_, desk_, blobs_, upload_, out});
  blobs_.advance(out);
}

}  // namespace gradmint::session
