#include "coordinator/server/work_desk.h"

#include <algorithm>

#include "coordinator/protocol/limits.h"
#include "kernels/base/text.h"
#include "ledger/receipt.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kProgressIntervalMs = 200;
constexpr std::size_t kMaxMappedFiles = 4;

DeskAnswer now(Message message, Payload payload = {}) {
  return {std::move(message), std::move(payload)};
}

Phase wire_phase(const RoundMachine& machine) {
  switch (machine.station()) {
    case Station::summing:
    case Station::waiting:
      return machine.paused() ? Phase::paused : Phase::waiting_for_workers;
    case Station::training:
      return Phase::training;
    case Station::revealing:
      return Phase::revealing;
    case Station::aggregating:
      return Phase::aggregating;
    case Station::evaluating:
      return Phase::evaluating;
    case Station::finished:
      return Phase::finished;
  }
  return Phase::waiting_for_workers;
}

bool contains(const std::vector<AccountId>& sorted, const AccountId& account) {
  return std::binary_search(sorted.begin(), sorted.end(), account);
}

RefusalCode refusal_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::unknown_worker:
    case Verdict::not_member:
      return RefusalCode::not_a_member;
    case Verdict::wrong_phase:
      return RefusalCode::not_now;
    default:
      return RefusalCode::not_as_agreed;
  }
}

DeskAnswer refusal(Verdict verdict) {
  return now(refuse(refusal_of(verdict), std::string(verdict_name(verdict))));
}

}  // namespace

std::optional<std::vector<DeskAnswer>> WorkDesk::answer(const Inbound& inbound,
                                                        std::uint64_t now_ms) {
  const AccountId& worker = inbound.account;
  driver_.step(now_ms, WorkerHeard{worker});
  const Message& m = inbound.message;
  if (std::holds_alternative<GetRound>(m)) {
    subscribers_[inbound.peer] = worker;
    Answers answers{now(round_state(worker, now_ms))};
    if (auto standing = standing_news(inbound.peer, worker))
      answers.push_back(now(*std::move(standing)));
    return answers;
  }
  if (const auto* blob = std::get_if<GetBlob>(&m)) return on(*blob);
  if (const auto* reveal = std::get_if<RevealUpdate>(&m)) return on(*reveal, inbound, now_ms);
  if (const auto* chunk = std::get_if<UpdateChunk>(&m)) return on(*chunk, inbound, now_ms);
  if (const auto* progress = std::get_if<Progress>(&m)) {
    on(*progress, worker, now_ms);
    return Answers{};
  }
  if (const auto* given_up = std::get_if<GiveUp>(&m)) {
    on(*given_up, worker, now_ms);
    return Answers{};
  }
  return std::nullopt;
}

RoundState WorkDesk::round_state(const AccountId& worker, std::uint64_t now_ms) const {
  const RoundMachine& machine = driver_.machine();
  const RoundView& view = machine.view();
  RoundState state;
  state.tip_height = orderer_.chain().height();
  state.tip_hash = orderer_.chain().tip_hash();
  state.phase = wire_phase(machine);
  state.workers_ready = machine.present_count(now_ms);
  state.workers_needed = machine.policy().min_workers;
  if (!view.round) return state;
  const RoundRecord& round = *view.round;
  state.round = round.round;
  state.attempt = round.attempt;
  state.open_block_hash = orderer_.chain().history().at(round.open_height);
  state.updates_committed = static_cast<std::uint32_t>(view.commits.size());
  state.updates_revealed = static_cast<std::uint32_t>(machine.stored_count());
  if (machine.deadline_ms() > now_ms) state.deadline_remaining_ms = machine.deadline_ms() - now_ms;
  const bool under_way = round.phase != RoundPhase::settled && round.phase != RoundPhase::abandoned;
  if (under_way) state.open_round = encode_record(round.open);
  const bool committed = std::any_of(view.commits.begin(), view.commits.end(),
                                     [&](const auto& c) { return c.first == worker; });
  switch (machine.station()) {
    case Station::training:
      state.commit_asked = contains(round.open.members, worker) && !committed;
      break;
    case Station::revealing:
      for (const CloseEntry& entry : round.close.entries) {
        if (entry.worker == worker && entry.verdict == Verdict::ok) {
          state.reveal_asked = !machine.has_stored(worker);
        }
      }
      break;
    case Station::evaluating: {
      const auto own = view.evaluations.find(worker);
      state.evaluate_model = round.result.model_root;
      state.evaluate_asked = contains(round.open.evaluators, worker) &&
                             (own == view.evaluations.end() || !own->second.revealed);
      break;
    }
    default:
      break;
  }
  return state;
}

// Why a worker takes no part in the round under way or in the next one, for its owner; empty where
// it does, or has registered no data yet.
std::string WorkDesk::standing_of(const AccountId& worker) const {
  const State& state = orderer_.chain().state();
  if (const auto suspension = get<SuspensionRecord>(state, state_key::suspension(worker))) {
    return "this worker is suspended since block " + std::to_string(suspension->height) + ", for " +
           (suspension->reason == SuspendReason::absent ? "rounds without an update"
                                                        : suspension->text) +
           "; it waits for the coordinator's operator: gradmint coordinator member readmit " +
           address_of(worker);
  }
  const RoundView& view = driver_.machine().view();
  if (!contains(view.members, worker)) {
    return view.members.size() < kMaxMembers
               ? ""
               : "all " + std::to_string(kMaxMembers) +
                     " places are taken; this worker waits for one to become free";
  }
  const bool under_way = view.round && view.round->phase != RoundPhase::settled &&
                         view.round->phase != RoundPhase::abandoned;
  if (under_way && !contains(view.round->open.members, worker)) {
    return "round " + std::to_string(view.round->round) +
           " began without this worker; it takes part in the next one";
  }
  return "";
}

std::optional<Notice> WorkDesk::standing_news(const Peer& peer, const AccountId& worker) {
  std::string text = standing_of(worker);
  std::string& told = standing_told_[peer];
  if (text == told) return std::nullopt;
  told = text;
  if (text.empty()) return std::nullopt;
  const auto& round = driver_.machine().view().round;
  return Notice{NoticeKind::standing, round ? round->round : 0, clean_text(text, kMaxTextBytes)};
}

// Models and the layout; never another worker's update.
bool WorkDesk::may_fetch(const Hash& root) const {
  const Chain& chain = orderer_.chain();
  const JobRecord job = job_of(chain.state());
  const auto& round = driver_.machine().view().round;
  return root == chain.genesis().task.layout_root || root == chain.genesis().task.model_root ||
         root == job.model_root || (round && root == round->open.model_root);
}

WorkDesk::Answers WorkDesk::on(const GetBlob& request) {
  if (!may_fetch(request.root)) {
    return {now(refuse(RefusalCode::not_found, "no model or layout of this round has that root"))};
  }
  auto& file = mapped_[request.root];
  if (!file) {
    auto opened = blobs_.get(request.root);
    if (!opened) {
      mapped_.erase(request.root);
      return {now(refuse(RefusalCode::failed, opened.error().message))};
    }
    file = std::make_shared<MappedFile>(*std::move(opened));
  }
  const std::shared_ptr<MappedFile> held = file;
  if (mapped_.size() > kMaxMappedFiles) {
    std::erase_if(mapped_, [&](const auto& entry) { return entry.first != request.root; });
  }
  const ByteView bytes = held->bytes();
  if (request.offset_bytes > bytes.size()) {
    return {now(refuse(RefusalCode::malformed, "the offset lies beyond the blob's end"))};
  }
  const ByteView rest = bytes.subspan(static_cast<std::size_t>(request.offset_bytes));
  const ByteView slice = rest.first(std::min<std::size_t>(rest.size(), request.length_bytes));
  BlobChunk chunk;
  chunk.root = request.root;
  chunk.offset_bytes = request.offset_bytes;
  chunk.total_bytes = bytes.size();
  return {now(chunk, Payload::share(held, slice))};
}

WorkDesk::Answers WorkDesk::storage_failed(const Error& error) {
  storage_failure_ = error.message;
  return {now(refuse(RefusalCode::failed, error.message))};
}

// Refuses a reveal or a chunk of it. Whoever is refused for good gives up, so the round must know:
// it would wait for the rest until the stall limit.
WorkDesk::Answers WorkDesk::refused(Verdict verdict, const Reveal& reveal, std::uint64_t now_ms) {
  if (is_final_refusal(verdict)) {
    if (Status s = driver_.take(reveal, false); !s) return storage_failed(s.error());
  } else if (opens_nothing(verdict)) {
    driver_.step(now_ms, RevealGivenUp{reveal.worker});
  }
  return {refusal(verdict)};
}

WorkDesk::Answers WorkDesk::receipt(const Acknowledgement& acknowledgement) {
  auto signed_bytes = orderer_.signer().receipt(acknowledgement);
  if (!signed_bytes) return storage_failed(signed_bytes.error());
  Receipt receipt;
  receipt.root = acknowledgement.opening.root;
  receipt.receipt = *std::move(signed_bytes);
  return {now(receipt)};
}

void WorkDesk::await_receipt(const Inbound& inbound) {
  Inbound& kept = awaits_receipt_[inbound.account];
  kept = inbound;
  kept.payload = {};
}

// Its receipt comes once it is acknowledged.
WorkDesk::Answers WorkDesk::take(const Reveal& reveal, const Inbound& inbound, Answers answers) {
  if (Status s = driver_.take(reveal, true); !s) return storage_failed(s.error());
  await_receipt(inbound);
  return answers;
}

std::optional<WorkDesk::LateAnswer> WorkDesk::acknowledged(const Acknowledgement& acknowledgement,
                                                           std::uint64_t now_ms) {
  const AccountId& worker = acknowledgement.worker;
  const Verdict verdict = driver_.acknowledged(now_ms, acknowledgement);
  if (verdict == Verdict::wrong_round || !acknowledgement.is_stored) return std::nullopt;
  if (verdict == Verdict::ok) {
    const RoundRecord& round = *driver_.machine().view().round;
    nlohmann::json event = {{"event", "revealed"},
                            {"round", round.round},
                            {"revealed", driver_.machine().stored_count()},
                            {"committed", round.close.entries.size()}};
    event.update(describe_worker(orderer_.chain().state(), worker));
    reporter_.emit(std::move(event));
  }
  const auto asked = awaits_receipt_.find(worker);
  if (asked == awaits_receipt_.end()) return std::nullopt;
  LateAnswer late{std::move(asked->second), {}};
  awaits_receipt_.erase(asked);
  const bool counts = verdict == Verdict::ok || driver_.machine().has_stored(worker);
  late.answer = counts ? receipt(acknowledgement).front() : refusal(verdict);
  return late;
}

WorkDesk::Answers WorkDesk::on(const RevealUpdate& request, const Inbound& inbound,
                               std::uint64_t now_ms) {
  const AccountId& worker = inbound.account;
  Reveal reveal;
  reveal.worker = worker;
  reveal.round = request.round;
  reveal.attempt = request.attempt;
  reveal.encoding = request.encoding;
  reveal.opening = {request.root, request.size_bytes, static_cast<Encoding>(request.encoding),
                    request.salt};
  if (const Verdict v = driver_.check(reveal); v != Verdict::ok) return refused(v, reveal, now_ms);
  auto held_bytes = uploads_.begin(worker, reveal.opening);
  if (!held_bytes) return storage_failed(held_bytes.error());
  RevealAccepted accepted;
  accepted.root = request.root;
  accepted.resume_offset_bytes = *held_bytes;
  accepted.credit = kMaxCredit;
  Answers answers{now(accepted)};
  revealing_[worker] = reveal;
  if (*held_bytes < reveal.opening.size_bytes) return answers;
  // Everything is here already: this is a repeated reveal after a lost receipt or a restart.
  if (!driver_.machine().has_stored(worker)) return take(reveal, inbound, std::move(answers));
  Answers receipts = receipt({{reveal.round, reveal.attempt}, worker, reveal.opening, true});
  answers.insert(answers.end(), receipts.begin(), receipts.end());
  return answers;
}

WorkDesk::Answers WorkDesk::on(const UpdateChunk& request, const Inbound& inbound,
                               std::uint64_t now_ms) {
  const AccountId& worker = inbound.account;
  const auto it = revealing_.find(worker);
  const bool is_revealed = it != revealing_.end() && it->second.opening.root == request.root;
  if (!is_revealed || !uploads_.is_open(worker, request.root)) {
    if (is_revealed && driver_.machine().has_stored(worker)) {
      return receipt({{it->second.round, it->second.attempt}, worker, it->second.opening, true});
    }
    if (is_revealed && driver_.has_taken(worker, request.root)) {
      await_receipt(inbound);
      return {};
    }
    return {now(refuse(RefusalCode::not_now, "reveal this update before sending it"))};
  }
  const Reveal reveal = it->second;
  // The round may have moved on while chunks were under way.
  if (const Verdict v = driver_.check(reveal); v != Verdict::ok) return refused(v, reveal, now_ms);
  auto step = uploads_.add(worker, request.offset_bytes, inbound.payload.view());
  if (!step) return storage_failed(step.error());
  if (step->verdict != Verdict::ok) {
    // Bytes that are not what the opening names: to the ledger nothing was revealed.
    driver_.step(now_ms, RevealGivenUp{worker});
    return {refusal(step->verdict)};
  }
  ChunkAck ack;
  ack.root = request.root;
  ack.next_offset_bytes = step->next_offset_bytes;
  ack.credit = kMaxCredit;
  Answers answers{now(ack)};
  return step->finished ? take(reveal, inbound, std::move(answers)) : answers;
}

void WorkDesk::on(const GiveUp& given_up, const AccountId& worker, std::uint64_t now_ms) {
  const auto& round = driver_.machine().view().round;
  if (!round || round->attempt != given_up.attempt) return;
  const bool no_update = given_up.duty == Duty::training;
  const std::string text =
      std::string(no_update ? "training failed: " : "evaluation failed: ") + given_up.why;
  const Verdict v = no_update ? driver_.step(now_ms, TrainingGivenUp{worker, given_up.round, text})
                              : driver_.step(now_ms, EvaluationGivenUp{worker, given_up.round});
  if (v != Verdict::ok) return;
  nlohmann::json event = describe_worker(orderer_.chain().state(), worker);
  const std::string who = event["name"].get<std::string>();
  event["event"] = "warning";
  event["round"] = given_up.round;
  event["text"] = (who.empty() ? event["worker"].get<std::string>() : who) + ": round " +
                  std::to_string(given_up.round) + ": " + text;
  reporter_.emit(std::move(event));
}

void WorkDesk::on(const Progress& progress, const AccountId& worker, std::uint64_t now_ms) {
  const auto shown = progress_ms_.find(worker);
  if (shown != progress_ms_.end() && now_ms - shown->second < kProgressIntervalMs) return;
  progress_ms_[worker] = now_ms;
  nlohmann::json event = {{"event", "progress"},
                          {"round", progress.round},
                          {"done_ppm", progress.done_ppm},
                          {"text", progress.text}};
  event.update(describe_worker(orderer_.chain().state(), worker));
  reporter_.emit(std::move(event));
}

void WorkDesk::round_moved_on() {
  if (driver_.machine().station() == Station::revealing) return;
  if (revealing_.empty()) return;
  revealing_.clear();
  uploads_.clear();
}

}  // namespace gradmint
