#include "worker/session/run.h"

#include <signal.h>
#include <spdlog/spdlog.h>

#include <atomic>
#include <chrono>
#include <deque>
#include <map>
#include <memory>
#include <thread>

#include "coordinator/protocol/client_transport.h"
#include "kernels/base/exit_status.h"
#include "ledger/model/layout.h"
#include "worker/session/session.h"

namespace gradmint::session {
namespace {

constexpr int kIdlePollMs = 100;
constexpr int kBusyPollMs = 10;  // while a job may end at any moment
constexpr std::size_t kMaxOpenQuestions = 256;

std::atomic<bool> end_asked{false};
void on_signal(int) { end_asked = true; }

class SignalGuard {
 public:
  SignalGuard() {
    end_asked = false;
    struct sigaction action {};
    action.sa_handler = on_signal;
    ::sigaction(SIGINT, &action, &old_int_);
    ::sigaction(SIGTERM, &action, &old_term_);
  }
  ~SignalGuard() {
    ::sigaction(SIGINT, &old_int_, nullptr);
    ::sigaction(SIGTERM, &old_term_, nullptr);
  }
  SignalGuard(const SignalGuard&) = delete;
  SignalGuard& operator=(const SignalGuard&) = delete;

 private:
  struct sigaction old_int_ {
  }, old_term_{};
};

std::uint64_t now_ms() {
  using namespace std::chrono;
  return static_cast<std::uint64_t>(
      duration_cast<milliseconds>(steady_clock::now().time_since_epoch()).count());
}

class Loop {
 public:
  Loop(WorkerHome& home, const RunOptions& options, Console& console, Session session)
      : home_(home),
        options_(options),
        console_(console),
        session_(std::move(session)),
        training_(home.blobs(), *options.encoder, options.adversary, options.adversary_seed) {}

  int run() {
    feed(Started{});
    while (!exit_code_) {
      if (end_asked) feed(StopRequested{});
      poll();
      for (TrainingThread::Report& report : training_.take_reports()) {
        payload_ = std::move(report.payload);
        residual_ = std::move(report.residual);
        feed(report.event);
      }
      feed(Tick{});
    }
    training_.cancel();
    console_.clear_bar();
    return *exit_code_;
  }

 private:
  // One event, its effects, and the events those give back.
  void feed(Event event) {
    std::deque<Event> waiting{std::move(event)};
    while (!waiting.empty() && !exit_code_) {
      Effects effects;
      const Verdict verdict = session_.step(waiting.front(), now_ms(), effects);
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

  void end(int exit_code, const std::string& text) {
    if (exit_code == kExitDone) {
      console_.say({false, text});
    } else {
      console_.fail(text);
    }
    exit_code_ = exit_code;
  }

  void poll() {
    const int wait_ms = training_.busy() ? kBusyPollMs : kIdlePollMs;
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

  void tell_link() {
    if (transport_->link() == LinkState::connected) {
      if (transport_->connections() == connections_) return;
      connections_ = transport_->connections();
      questions_.clear();
      feed(LinkUp{link_});
    } else {
      feed(LinkDown{link_, transport_->link() == LinkState::key_refused, transport_->diagnosis()});
    }
  }

  Status perform(OpenLink& e, std::deque<Event>&) {
    transport_.reset();
    questions_.clear();
    connections_ = 0;
    link_ = e.link;
    ClientOptions options;
    options.endpoint = e.endpoint;
    options.server_key = home_.connection().coordinator_key;
    options.key = home_.curve();
    auto transport = ClientTransport::connect(options);
    if (!transport) return transport.error();
    transport_ = *std::move(transport);
    return {};
  }

  Status perform(Send& e, std::deque<Event>&) {
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

  Status perform(SaveGenesis& e, std::deque<Event>&) { return home_.save_genesis(e.genesis); }
  Status perform(SaveHeader& e, std::deque<Event>&) { return home_.save_header(e.header); }
  Status perform(SaveForkEvidence& e, std::deque<Event>& waiting) {
    auto saved = home_.save_fork(e.height, e.other);
    if (!saved) return saved.error();
    console_.say({true, "evidence of a fork: " + saved->file.string()});
    waiting.push_back(ForkSaved{saved->file.string(), saved->first});
    return {};
  }
  Status perform(LookForBlob& e, std::deque<Event>& waiting) {
    const WorkerHome::Look look = home_.look_for_blob(e.root);
    waiting.push_back(BlobLooked{e.root, look.complete, look.held_bytes});
    return {};
  }
  Status perform(WriteBlob& e, std::deque<Event>&) {
    return home_.write_blob(e.root, e.offset_bytes, e.bytes.view());
  }
  Status perform(FinishBlob& e, std::deque<Event>& waiting) {
    auto intact = home_.finish_blob(e.root);
    if (!intact) return intact.error();
    waiting.push_back(BlobFinished{e.root, *intact});
    return {};
  }
  Status perform(KeepModels& e, std::deque<Event>&) {
    home_.keep_blobs(e.roots);
    return {};
  }
  Status perform(CheckTask& e, std::deque<Event>& waiting) {
    const Status fits = options_.fits_task(e.genesis);
    waiting.push_back(TaskChecked{fits.ok() ? "" : fits.error().message});
    return {};
  }
  Status perform(CheckModel& e, std::deque<Event>& waiting) {
    ModelChecked checked;
    checked.fault = check_model(e, checked);
    waiting.push_back(std::move(checked));
    return {};
  }
  Status perform(SumData& e, std::deque<Event>& waiting) {
    auto summed = options_.sums(e.genesis);
    waiting.push_back(summed ? *std::move(summed) : DataSummed{summed.error().message, {}, {}});
    return {};
  }
  Status perform(SaveSums& e, std::deque<Event>&) { return home_.save_sums(e.sums); }
  Status perform(StartTraining& e, std::deque<Event>&) {
    training_.start(e, home_.residual_before(e.key.round));
    return {};
  }
  Status perform(CancelTraining&, std::deque<Event>&) {
    training_.cancel();
    return {};
  }
  Status perform(SaveUpdate& e, std::deque<Event>&) {
    GRADMINT_CHECK(payload_.size() == e.update.opening.size_bytes);
    return home_.save_update(e.update, std::exchange(payload_, {}), std::exchange(residual_, {}));
  }
  Status perform(SaveReceipt& e, std::deque<Event>&) {
    return home_.save_receipt(e.key, e.receipt);
  }
  Status perform(StartEvaluation& e, std::deque<Event>&) {
    training_.start(e);
    return {};
  }
  Status perform(SaveEvaluation& e, std::deque<Event>&) {
    return home_.save_evaluation(e.evaluation);
  }
  Status perform(Say& e, std::deque<Event>&) {
    console_.say(e);
    return {};
  }
  Status perform(Show& e, std::deque<Event>&) {
    console_.show(e);
    return {};
  }
  Status perform(Stop& e, std::deque<Event>&) {
    end(e.exit_code, e.text);
    return {};
  }

  std::string check_model(const CheckModel& order, ModelChecked& checked) {
    const GenesisRecord& genesis = order.genesis;
    auto blob = home_.blobs().get(genesis.task.layout_root);
    if (!blob) return blob.error().message;
    const ByteView text = blob->bytes();
    auto layout = ModelLayout::decode({reinterpret_cast<const char*>(text.data()), text.size()});
    if (!layout) return "the layout on the ledger cannot be read: " + layout.error().message;
    auto trainers = options_.trainers(genesis, *layout, order.scaler);
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

  WorkerHome& home_;
  const RunOptions& options_;
  Console& console_;
  Session session_;
  TrainingThread training_;
  std::unique_ptr<ClientTransport> transport_;
  std::uint64_t link_ = 0;
  std::uint64_t connections_ = 0;
  std::map<std::uint64_t, std::uint64_t> questions_;  // request id → the session's number
  std::string told_error_;
  kernels::EncodedBytes payload_;  // of the update whose report is being fed
  kernels::Floats residual_;       // and what its encoding lost
  std::optional<int> exit_code_;
};

}  // namespace

int run_session(WorkerHome& home, const RunOptions& options, Console& console) {
  const auto fail = [&](const Error& error) {
    console.fail(error.message);
    return exit_status(error.code);
  };
  auto memory = home.load_memory();
  if (!memory) return fail(memory.error());
  const Connection& connection = home.connection();
  auto session =
      Session::resume({home.key(), home.curve().public_key, home.secret(), connection.chain_id,
                       connection.join_endpoint, connection.code, options.name, options.revision},
                      *std::move(memory));
  if (!session) {
    return fail(
        {session.error().code, "in " + home.directory().string() + ": " + session.error().message});
  }
  const SignalGuard signals;
  Loop loop(home, options, console, *std::move(session));
  return loop.run();
}

}  // namespace gradmint::session
