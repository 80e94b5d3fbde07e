#include "worker/session/round_work.h"

#include <algorithm>

#include "coordinator/protocol/limits.h"
#include "kernels/base/text.h"
#include "ledger/metric_text.h"

namespace gradmint::session {
namespace {

constexpr std::size_t kAttemptsRemembered = 8;
constexpr std::uint64_t kProgressEveryMs = 500;
constexpr std::uint64_t kPollMs = 5000, kLeastPollMs = 200;

std::string title(std::uint64_t round) { return "round " + std::to_string(round) + ": "; }

// A program that counts no steps has none to show.
std::string describe(const TrainedUpdate& update) {
  const std::string metrics = metrics_line(update.metrics);
  std::string text = "trained, " + metrics + (metrics.empty() ? "" : ", ") +
                     std::to_string(update.examples) + " examples";
  if (update.steps > 0) text += ", " + std::to_string(update.steps) + " steps";
  return text;
}

}  // namespace

RoundWork::RoundWork(const Config& config, const Memory& memory)
    : config_(config), evaluation_(config, memory.evaluations) {
  for (const UpdateMemory& update : memory.updates) updates_[update.key] = update;
}

UpdateMemory* RoundWork::memory_of(const AttemptKey& key) {
  const auto found = updates_.find(key);
  return found == updates_.end() ? nullptr : &found->second;
}

Hash RoundWork::previous_model_root() const {
  Hash root;
  for (const auto& [key, update] : updates_) {
    if (key.round < state_->round) root = update.model_root;
  }
  return root;
}

Verdict RoundWork::take(const RoundState& state, Outgoing& out) {
  if (state_ &&
      (state.tip_height < state_->tip_height || (state.round != 0 && state.round < state_->round) ||
       (state.round == state_->round && state.attempt < state_->attempt))) {
    return Verdict::ok;
  }
  std::optional<OpenRound> open;
  if (!state.open_round.empty()) {
    open = decode_record<OpenRound>(state.open_round);
    if (!open || open->round != state.round || open->attempt != state.attempt) {
      return Verdict::malformed;
    }
  }
  state_ = state;
  open_ = std::move(open);
  deadline_at_ms_ =
      state.deadline_remaining_ms == 0 ? 0 : out.now_ms() + state.deadline_remaining_ms;
  return Verdict::ok;
}

std::uint64_t RoundWork::poll_ms() const {
  if (!open_) return kPollMs;
  return std::clamp<std::uint64_t>(open_->limits.stall_deadline_ms / 3, kLeastPollMs, kPollMs);
}

void RoundWork::tell_opened(const HeaderChain& chain, Outgoing& out) {
  if (told_ == key()) return;
  told_ = key();
  std::string text = title(state_->round) + std::to_string(open_->members.size()) +
                     (open_->members.size() == 1 ? " worker" : " workers");
  if (state_->attempt > 0) text += ", attempt " + std::to_string(state_->attempt + 1);
  out.say(std::move(text));
  std::vector<Hash> keep{open_->model_root, chain.genesis().task.layout_root};
  if (const Hash previous = previous_model_root(); !previous.is_zero()) keep.push_back(previous);
  out.effect(KeepModels{std::move(keep)});
}

void RoundWork::advance(const Stations& stations) {
  if (!state_) return;
  if (training_ && (*training_ != key() || !state_->commit_asked)) cancel(stations.out);
  if (open_) tell_opened(stations.chain, stations.out);
  if (state_->commit_asked && open_) train_and_commit(stations);
  if (state_->reveal_asked && given_up_ != key()) {
    if (const UpdateMemory* update = memory_of(key())) stations.upload.want(*update);
  } else {
    stations.upload.clear();
  }
  stations.upload.advance(stations.out);
  if (state_->evaluate_asked && !state_->evaluate_model.is_zero()) {
    evaluation_.advance(key(), state_->evaluate_model, deadline_at_ms_, stations);
  }
}

void RoundWork::train_and_commit(const Stations& stations) {
  if (given_up_ == key() || training_ == key()) return;
  if (const UpdateMemory* update = memory_of(key())) {
    if (update->open_block == state_->open_block_hash) {
      stations.desk.want(TxType::commit_update, encode_record(update->body));
      return;
    }
    give_up("this attempt was opened by another block before; nothing is committed twice",
            stations.out);
    return;
  }
  // Only what stands in a verified block is worked for.
  if (!stations.chain.contains(state_->open_block_hash)) return;
  const GenesisRecord& genesis = stations.chain.genesis();
  if (open_->round == 1 && open_->model_root != genesis.task.model_root) {
    give_up("it does not start from the genesis' model; this worker does not train", stations.out);
    return;
  }
  if (stations.blobs.want(open_->model_root, model_bytes(genesis), model_bytes(genesis))) {
    start_training(stations);
  }
}

void RoundWork::give_up(const std::string& why, Outgoing& out) {
  given_up_ = key();
  out.warn(title(state_->round) + why);
  tell_given_up(why, out);
}

// So that the round does not wait for it.
void RoundWork::tell_given_up(const std::string& why, Outgoing& out) {
  if (!out.link_up()) return;
  out.effect(
      Send{0,
           GiveUp{state_->round, state_->attempt, Duty::training, clean_text(why, kMaxTextBytes)},
           {}});
}

void RoundWork::start_training(const Stations& stations) {
  const std::uint64_t now = stations.out.now_ms();
  if (deadline_at_ms_ != 0 && deadline_at_ms_ <= now) return;  // another attempt will come
  training_ = key();
  StartTraining order;
  order.key = key();
  order.worker = config_.key.account();
  order.model_root = open_->model_root;
  order.previous_model_root = previous_model_root();
  order.training = open_->training;
  order.encoding = open_->encoding;
  order.deadline_ms = deadline_at_ms_ == 0 ? 0 : deadline_at_ms_ - now;
  stations.out.effect(order);
}

void RoundWork::cancel(Outgoing& out) {
  if (!training_) return;
  training_.reset();
  out.effect(CancelTraining{});
}

void RoundWork::take(const TrainingProgressed& progress, Outgoing& out) {
  if (training_ != progress.key) return;
  out.effect(Show{progress.key.round, progress.text, progress.done_ppm});
  if (!out.link_up() || out.now_ms() < progress_sent_ms_ + kProgressEveryMs) return;
  progress_sent_ms_ = out.now_ms();
  out.effect(Send{
      0,
      Progress{progress.key.round, progress.done_ppm, clean_text(progress.text, kMaxTextBytes)},
      {}});
}

void RoundWork::take(const TrainingEnded& ended, Outgoing& out) {
  if (training_ != ended.key) return;
  training_.reset();
  if (!state_ || key() != ended.key || !open_) return;
  if (!ended.update) {
    given_up_ = ended.key;
    out.warn(title(ended.key.round) + "no update, " + ended.fault);
    tell_given_up(ended.fault, out);
    return;
  }
  const TrainedUpdate& trained = *ended.update;
  out.say(title(ended.key.round) + describe(trained));
  if (!trained.remark.empty() && !std::exchange(remarked_, true)) out.warn(trained.remark);
  UpdateMemory update;
  update.key = ended.key;
  update.open_block = state_->open_block_hash;
  update.model_root = open_->model_root;
  update.opening = Opening{trained.root, trained.size_bytes, open_->encoding.kind,
                           update_salt(config_.secret, update.open_block, trained.root)};
  update.body.round = ended.key.round;
  update.body.attempt = ended.key.attempt;
  update.body.commitment =
      update_commitment(update.open_block, config_.key.account(), update.opening);
  update.body.exponent = trained.exponent;
  update.body.examples =
      std::min({trained.examples, dataset_.sample_count, open_->limits.max_examples});
  update.body.steps = trained.steps;
  update.body.metrics = trained.metrics;
  update.body.dataset = dataset_id(config_.key.account(), dataset_);
  updates_[update.key] = update;
  while (updates_.size() > kAttemptsRemembered) updates_.erase(updates_.begin());
  out.effect(SaveUpdate{update});
}

void RoundWork::take(const Settled& settled, Outgoing& out) {
  evaluation_.take(settled, out);
  if (settled.type != TxType::commit_update || !state_) return;
  const UpdateMemory* update = memory_of(key());
  if (update == nullptr || encode_record(update->body) != settled.body) return;
  state_->commit_asked = false;  // until the coordinator asks anew
  if (settled.verdict == Verdict::ok) {
    out.say(title(state_->round) + "committed");
  } else if (settled.verdict != Verdict::duplicate) {
    given_up_ = key();
    out.warn(title(state_->round) + "the commitment was refused, " +
             std::string(verdict_name(settled.verdict)) +
             (settled.detail.empty() || settled.detail == verdict_name(settled.verdict)
                  ? ""
                  : ": " + settled.detail));
  }
}

Verdict RoundWork::take(const Receipt& receipt, const HeaderChain& chain, UpdateUpload& upload,
                        Outgoing& out) {
  for (auto& [attempt, update] : updates_) {
    if (update.opening.root != receipt.root) continue;
    if (!verify_receipt(receipt.receipt, chain.chain_id(), attempt, config_.key.account(),
                        receipt.root, chain.genesis().validators)) {
      continue;  // the same bytes may have been sent in another attempt
    }
    if (update.receipt.empty()) {
      ++receipted_;
      update.receipt = receipt.receipt;
      out.effect(SaveReceipt{attempt, receipt.receipt});
      out.say(title(attempt.round) + "revealed, receipt kept");
    }
    if (state_ && attempt == key()) {
      state_->reveal_asked = false;  // until the coordinator asks anew
      upload.clear();
    }
    return Verdict::ok;
  }
  return Verdict::bad_signature;
}

void RoundWork::reveal_refused(RefusalCode code, const std::string& why, UpdateUpload& upload,
                               Outgoing& out) {
  upload.start_over();
  if (code != RefusalCode::not_as_agreed || !state_) return;
  given_up_ = key();
  upload.clear();
  out.warn(title(state_->round) + "the coordinator does not take the update: " + why);
}

}  // namespace gradmint::session
