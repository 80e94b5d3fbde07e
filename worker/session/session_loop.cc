#include "worker/session/session_loop.h"

#include <spdlog/spdlog.h>

#include <chrono>
#include <thread>
#include <utility>

#include "kernels/base/exit_status.h"
#include "ledger/model/layout.h"

namespace gradmint::session {
namespace {

constexpr int kIdlePollMs = 100;
constexpr int kBusyPollMs = 10;  // while a job may end at any moment
constexpr std::size_t kMaxOpenQuestions = 256;

}  // namespace

SessionLoop::SessionLoop(WorkerHome& home, const SessionTask& task, Console& console,
                         Session session, SessionSurroundings surroundings)
    : home_(home),
      task_(task),
      console_(console),
      session_(std::move(session)),
      surroundings_(std::move(surroundings)),
      training_(*surroundings_.training) {}

int SessionLoop::wait_ms() const { return training_.busy() ? kBusyPollMs : kIdlePollMs; }

void SessionLoop::turn(int wait_ms) {
  poll(wait_ms);
  for (TrainingReport& report : training_.take_reports()) {
    payload_ = std::move(report.payload);
    residual_ = std::move(report.residual);
    feed(report.event);
  }
  feed(Tick{});
}

// One event, its effects, and the events those give back.
void SessionLoop::feed(Event event) {
  std::deque<Event> waiting{std::move(event)};
  while (!waiting.empty() && !exit_code_) {
    Effects effects;
    const Verdict verdict = session_.step(waiting.front(), surroundings_.clock->now_ms(), effects);
    waiting.pop_front();
    if (verdict != Verdict::ok) {
      spdlog::debug("the coordinator's message was not in order: {}", verdict_name(verdict));
    }
    for (Effect& effect : effects) {
      const Status done = std::visit([&](auto& e) { return perform(e, waiting); }, effect);
      if (done.ok()) continue;
      end(exit_status(done.error().code), done.error().message);
      return;
    }
  }
}

void SessionLoop::end(int exit_code, const std::string& text) {
  if (exit_code == kExitDone) {
    console_.say({false, text});
  } else {
    console_.fail(text);
  }
  exit_code_ = exit_code;
}

void SessionLoop::poll(int wait_ms) {
  if (!transport_) {
    std::this_thread::sleep_for(std::chrono::milliseconds(wait_ms));
    return;
  }
  ClientBatch batch = transport_->poll(wait_ms);
  if (batch.link_changed) tell_link();
  const std::uint64_t link = link_;
  for (ClientInbound& inbound : batch.inbound) {
    std::uint64_t ask = 0;
    if (const auto found = questions_.find(inbound.request_id); found != questions_.end()) {
      ask = found->second;
    }
    feed(Arrived{link, ask, std::move(inbound.message), std::move(inbound.payload)});
  }
  if (!transport_->protocol_error().empty() && transport_->protocol_error() != told_error_) {
    told_error_ = transport_->protocol_error();
    spdlog::warn("{}", told_error_);
  }
}

void SessionLoop::tell_link() {
  if (transport_->link() == LinkState::connected) {
    if (transport_->connections() == connections_) return;
    connections_ = transport_->connections();
    questions_.clear();
    feed(LinkUp{link_});
  } else {
    feed(LinkDown{link_, transport_->link() == LinkState::key_refused, transport_->diagnosis()});
  }
}

Status SessionLoop::perform(OpenLink& e, Waiting&) {
  transport_.reset();
  questions_.clear();
  connections_ = 0;
  link_ = e.link;
  ClientOptions options;
  options.endpoint = e.endpoint;
  options.server_key = home_.connection().coordinator_key;
  options.key = home_.curve();
  auto transport = surroundings_.connect(options);
  if (!transport) return transport.error();
  transport_ = *std::move(transport);
  return {};
}

Status SessionLoop::perform(Send& e, Waiting&) {
  Payload payload;
  if (e.slice) {
    auto slice = home_.update_slice(e.slice->key, e.slice->offset_bytes, e.slice->length_bytes);
    if (!slice) return slice.error();
    payload = *std::move(slice);
  }
  auto sent = transport_->send(e.message, std::move(payload));
  if (!sent) {  // the session asks again
    spdlog::debug("not sent: {}", sent.error().message);
    return {};
  }
  if (e.ask != 0) questions_[*sent] = e.ask;
  while (questions_.size() > kMaxOpenQuestions) questions_.erase(questions_.begin());
  return {};
}

Status SessionLoop::perform(SaveGenesis& e, Waiting&) { return home_.save_genesis(e.genesis); }

Status SessionLoop::perform(SaveHeader& e, Waiting&) { return home_.save_header(e.header); }

Status SessionLoop::perform(SaveForkEvidence& e, Waiting& waiting) {
  auto saved = home_.save_fork(e.height, e.other);
  if (!saved) return saved.error();
  console_.say({true, "evidence of a fork: " + saved->file.string()});
  waiting.push_back(ForkSaved{saved->file.string(), saved->first});
  return {};
}

Status SessionLoop::perform(LookForBlob& e, Waiting& waiting) {
  const WorkerHome::Look look = home_.look_for_blob(e.root);
  waiting.push_back(BlobLooked{e.root, look.complete, look.held_bytes});
  return {};
}

Status SessionLoop::perform(WriteBlob& e, Waiting&) {
  return home_.write_blob(e.root, e.offset_bytes, e.bytes.view());
}

Status SessionLoop::perform(FinishBlob& e, Waiting& waiting) {
  auto intact = home_.finish_blob(e.root);
  if (!intact) return intact.error();
  waiting.push_back(BlobFinished{e.root, *intact});
  return {};
}

Status SessionLoop::perform(KeepModels& e, Waiting&) {
  home_.keep_blobs(e.roots);
  return {};
}

Status SessionLoop::perform(CheckTask& e, Waiting& waiting) {
  const Status fits = task_.fits_task(e.genesis);
  waiting.push_back(TaskChecked{fits.ok() ? "" : fits.error().message});
  return {};
}

Status SessionLoop::perform(CheckModel& e, Waiting& waiting) {
  ModelChecked checked;
  checked.fault = check_model(e, checked);
  waiting.push_back(std::move(checked));
  return {};
}

Status SessionLoop::perform(SumData& e, Waiting& waiting) {
  auto summed = task_.sums(e.genesis);
  waiting.push_back(summed ? *std::move(summed) : DataSummed{summed.error().message, {}, {}});
  return {};
}

Status SessionLoop::perform(SaveSums& e, Waiting&) { return home_.save_sums(e.sums); }

Status SessionLoop::perform(StartTraining& e, Waiting&) {
  training_.start(e, home_.residual_before(e.key.round));
  return {};
}

Status SessionLoop::perform(CancelTraining&, Waiting&) {
  training_.cancel();
  return {};
}

Status SessionLoop::perform(SaveUpdate& e, Waiting&) {
  GRADMINT_CHECK(payload_.size() == e.update.opening.size_bytes);
  return home_.save_update(e.update, std::exchange(payload_, {}), std::exchange(residual_, {}));
}

Status SessionLoop::perform(SaveReceipt& e, Waiting&) {
  return home_.save_receipt(e.key, e.receipt);
}

Status SessionLoop::perform(StartEvaluation& e, Waiting&) {
  training_.start(e);
  return {};
}

Status SessionLoop::perform(SaveEvaluation& e, Waiting&) {
  return home_.save_evaluation(e.evaluation);
}

Status SessionLoop::perform(Say& e, Waiting&) {
  console_.say(e);
  return {};
}

Status SessionLoop::perform(Show& e, Waiting&) {
  console_.show(e);
  return {};
}

Status SessionLoop::perform(Stop& e, Waiting&) {
  end(e.exit_code, e.text);
  return {};
}

std::string SessionLoop::check_model(const CheckModel& order, ModelChecked& checked) {
  const GenesisRecord& genesis = order.genesis;
  auto blob = home_.blobs().get(genesis.task.layout_root);
  if (!blob) return blob.error().message;
  const ByteView text = blob->bytes();
  auto layout = ModelLayout::decode({reinterpret_cast<const char*>(text.data()), text.size()});
  if (!layout) return "the layout on the ledger cannot be read: " + layout.error().message;
  auto trainers = task_.trainers(genesis, *layout, order.scaler);
  if (!trainers) return trainers.error().message;
  if (!(trainers->trainer->layout() == *layout)) {
    return "the tensors of this worker's model differ from those of the federation's (" +
           genesis.task.model + ", " + describe(layout->size()) + "; here " +
           describe(trainers->trainer->layout().size()) +
           "): give the same --model, --hidden and data shape as the coordinator";
  }
  checked.dataset = trainers->dataset;
  checked.attests = trainers->evaluator != nullptr;
  training_.equip(*std::move(trainers));
  return "";
}

}  // namespace gradmint::session
