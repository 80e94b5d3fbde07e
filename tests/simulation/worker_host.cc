#include "tests/simulation/worker_host.h"

#include <cstdio>
#include <stdexcept>

#include "ledger/durable_file.h"
#include "tests/ledger/world.h"

namespace gradmint::simulation {

using test::hash_of;
using test::key_of;

namespace {

constexpr std::uint64_t kTickMs = 100, kStartAgainMs = 2000, kFullForMs = 20'000;
constexpr std::uint64_t kEvaluateMs = 500;

std::string name_of(std::size_t number) { return "simulated worker " + std::to_string(number); }

// Pure and small. No two trainings give the same: one that is not remembered would show.
class SmallTrainer final : public Trainer {
 public:
  SmallTrainer(ModelLayout layout, std::uint64_t seed) : layout_(std::move(layout)), seed_(seed) {}
  const ModelLayout& layout() const override { return layout_; }
  std::uint64_t example_count() const override { return 100; }
  Result<TrainOutcome> train(std::span<const float> global, const TrainTask&,
                             const ProgressFn& progress) override {
    progress({1, 1, 0.5, ""});
    Seeded dice(seed_, 51, ++trainings_);
    TrainOutcome outcome;
    outcome.parameters.assign(global.begin(), global.end());
    for (float& value : outcome.parameters)
      value += static_cast<float>(dice.unit() / 16 - 1.0 / 64);
    outcome.metrics = {{"loss", dice.unit()}};
    outcome.examples = 1 + dice.below(100);
    outcome.steps = 7;
    return outcome;
  }

 private:
  ModelLayout layout_;
  std::uint64_t seed_, trainings_ = 0;
};

class SmallEvaluator final : public Evaluator {
 public:
  SmallEvaluator(ModelLayout layout, std::uint64_t seed)
      : layout_(std::move(layout)), seed_(seed) {}
  const ModelLayout& layout() const override { return layout_; }
  Result<EvaluateOutcome> evaluate(std::span<const float>, const EvaluateTask&) override {
    Seeded dice(seed_, 52, ++evaluations_);
    return EvaluateOutcome{{{"loss", dice.unit()}}, 40};
  }

 private:
  ModelLayout layout_;
  std::uint64_t seed_, evaluations_ = 0;
};

class Notebook final : public session::Console {
 public:
  Notebook(std::string& last_words, const Agenda& agenda, std::size_t number, bool aloud)
      : last_words_(last_words), agenda_(agenda), number_(number), aloud_(aloud) {}
  void say(const session::Say& line) override { note(line.text); }
  void fail(const std::string& text) override { note(text); }
  void show(const session::Show&) override {}
  void clear_bar() override {}

 private:
  void note(const std::string& text) {
    last_words_ = text;
    if (!aloud_) return;
    std::printf("%10.3f worker %zu: %s\n", static_cast<double>(agenda_.now_ms()) / 1000, number_,
                text.c_str());
  }
  std::string& last_words_;
  const Agenda& agenda_;
  std::size_t number_;
  bool aloud_;
};

}  // namespace

// One job at a time; its work is done when its time has come.
class SimulatedTraining final : public session::Training {
 public:
  explicit SimulatedTraining(WorkerHost& host)
      : host_(host), work_(host.home_->blobs(), *host.encoder_, {}, 0) {}

  void equip(session::WorkerTrainers trainers) override { work_.equip(std::move(trainers)); }
  void start(const session::StartTraining& order,
             const std::filesystem::path& residual_file) override {
    const bool fails = host_.chance_.happens(Fault::train_fails);
    later(host_.plan_.train_ms, [this, order, residual_file, fails] {
      if (fails) {
        reports_.push_back(
            {session::TrainingEnded{order.key, std::nullopt, "the trainer failed"}, {}, {}});
        return;
      }
      work_.train(order, residual_file, cancelled_, keep());
    });
  }
  void start(const session::StartEvaluation& order) override {
    later(kEvaluateMs, [this, order] { work_.evaluate(order, cancelled_, keep()); });
  }
  void cancel() override {
    job_.reset();
    reports_.clear();
  }
  bool busy() const override { return job_ != nullptr; }
  std::vector<session::TrainingReport> take_reports() override {
    return std::exchange(reports_, {});
  }

 private:
  void later(std::uint64_t most_ms, std::function<void()> work) {
    cancel();
    job_ = std::make_shared<int>(0);
    Seeded dice(host_.plan_.seed, 43 + host_.number_, host_.agenda_.steps());
    host_.agenda_.after(1 + dice.below(most_ms), [this, job = std::weak_ptr(job_), work] {
      if (job.expired()) return;
      work();
      job_.reset();
      host_.wake();
    });
  }
  session::TrainingWork::ReportFn keep() {
    return [this](session::TrainingReport report) { reports_.push_back(std::move(report)); };
  }

  WorkerHost& host_;
  session::TrainingWork work_;
  std::atomic<bool> cancelled_ = false;
  std::shared_ptr<int> job_;
  std::vector<session::TrainingReport> reports_;
};

WorkerHost::WorkerHost(Agenda& agenda, Chance& chance, Network& network, const Plan& plan,
                       std::size_t number)
    : agenda_(agenda),
      chance_(chance),
      network_(network),
      plan_(plan),
      number_(number),
      key_(key_of(name_of(number))) {}

WorkerHost::~WorkerHost() { end(); }

session::WorkerHome::Identity WorkerHost::identity() const {
  session::Connection connection{"tcp://coordinator:7700", coordinator_key_, chain_id_, {}};
  if (plan_.invitations) connection.code.fill(static_cast<std::uint8_t>(number_ + 1));
  return {key_, *curve_key_pair_of(hash_of("curve of " + name_of(number_))),
          hash_of("secret of " + name_of(number_)), connection};
}

void WorkerHost::begin(const Hash& coordinator_key, const Hash& chain_id) {
  coordinator_key_ = coordinator_key;
  chain_id_ = chain_id;
  auto backend = kernels::open_backend("cpu", 1);
  if (!backend.ok()) throw std::runtime_error(backend.error().message);
  encoder_ = *std::move(backend);
  task_.fits_task = [](const GenesisRecord&) { return Status{}; };
  task_.trainers = [this](const GenesisRecord&, const ModelLayout& layout,
                          const std::vector<ScalerBits>&) -> Result<session::WorkerTrainers> {
    session::WorkerTrainers trainers;
    const std::uint64_t seed = Seeded(plan_.seed, 60 + number_, ++trainings_).next();
    trainers.trainer = std::make_unique<SmallTrainer>(layout, seed);
    trainers.evaluator = std::make_unique<SmallEvaluator>(layout, seed);
    trainers.dataset = {
        name_of(number_), hash_of("data of " + name_of(number_)), 100, "x", "made for a test",
        "CC0-1.0"};
    return trainers;
  };
  // No two readings give the same: one that is not remembered would show.
  task_.sums = [this](const GenesisRecord&) -> Result<session::DataSummed> {
    session::DataSummed data{"",
                             {name_of(number_), hash_of("data of " + name_of(number_)), 100, "x",
                              "made for a test", "CC0-1.0"},
                             {}};
    data.sums.rows = 50 + ++trainings_ % 50;
    data.sums.columns.assign(2, {});
    return data;
  };
  console_ = std::make_unique<Notebook>(last_words_, agenda_, number_, plan_.log);
  if (Status made = create_directory_synced(disk_, "/worker"); !made.ok())
    throw std::runtime_error(made.error().message);
  disk_.set_weather({[this] {
                       if (plan_.crash && !plan_.crash->at_coordinator && number_ == 0 &&
                           disk_.operations() == plan_.crash->operation)
                         return true;
                       return chance_.happens(Fault::power_cut);
                     },
                     [this] {
                       if (agenda_.now_ms() < full_until_ms_) return full_ = true;
                       if (!chance_.happens(Fault::disk_full)) return false;
                       full_until_ms_ = agenda_.now_ms() + kFullForMs;
                       return full_ = true;
                     }});
  agenda_.after(1 + number_ * 37, [this] { start(); });
}

Result<session::Memory> WorkerHost::memory() {
  auto home = session::WorkerHome::open(disk_, "/worker", identity());
  if (!home.ok()) return home.error();
  return home->load_memory();
}

Status WorkerHost::open() {
  auto home = session::WorkerHome::open(disk_, "/worker", identity());
  if (!home.ok()) return home.error();
  home_ = std::make_unique<session::WorkerHome>(*std::move(home));
  auto memory = home_->load_memory();
  if (!memory.ok()) return memory.error();
  const session::Connection& connection = home_->connection();
  auto session = session::Session::resume(
      {home_->key(), home_->curve().public_key, home_->secret(), connection.chain_id,
       connection.join_endpoint, connection.code, name_of(number_), "simulated"},
      *std::move(memory));
  if (!session.ok()) return session.error();
  session::SessionSurroundings surroundings;
  surroundings.clock = &agenda_;
  surroundings.connect =
      [this](const ClientOptions& options) -> Result<std::unique_ptr<ClientEnd>> {
    auto client = std::make_unique<SimulatedClient>(
        network_, options,
        [this, life = std::weak_ptr(life_)] {
          if (!life.expired()) wake();
        },
        tamper());
    client_ = client.get();
    return std::unique_ptr<ClientEnd>(std::move(client));
  };
  surroundings.training = std::make_unique<SimulatedTraining>(*this);
  loop_ = std::make_unique<session::SessionLoop>(*home_, task_, *console_, *std::move(session),
                                                 std::move(surroundings));
  return {};
}

void WorkerHost::start() {
  if (loop_ || finished_ || !failure_.empty()) return;
  life_ = std::make_shared<Life>();
  ++starts_;
  const Status opened = open();
  if (!disk_.has_power()) return process_gone(true);
  if (!opened.ok()) return failed(opened.error().message);
  look_after([this] { loop_->start(); });
  if (!loop_) return;
  wake();
  tick();
}

void WorkerHost::wake() {
  if (std::exchange(turn_due_, true)) return;
  agenda_.after(0, [this, life = std::weak_ptr(life_)] {
    if (life.expired()) return;
    turn_due_ = false;
    turn();
  });
}

void WorkerHost::tick() {
  agenda_.after(kTickMs, [this, life = std::weak_ptr(life_)] {
    if (life.expired()) return;
    turn();
    if (!life.expired()) tick();
  });
}

void WorkerHost::look_after(const std::function<void()>& action) {
  action();
  if (!disk_.has_power()) process_gone(true);
}

void WorkerHost::turn() {
  if (!loop_) return;
  if (chance_.happens(Fault::kill)) return process_gone(false);
  look_after([this] { loop_->turn(0); });
  if (!loop_ || !loop_->exit_code()) return;
  if (*loop_->exit_code() != session::kExitDone) return failed(last_words_);
  finished_ = true;
  end();
}

void WorkerHost::failed(const std::string& why) {
  // Its owner asks the coordinator's, and starts it again.
  const bool suspended = why.find("has suspended this worker") != std::string::npos;
  if (!std::exchange(full_, false) && !suspended && is_honest()) {
    failure_ = name_of(number_) + " ended: " + why;
    return;
  }
  full_until_ms_ = 0;
  process_gone(false);
}

void WorkerHost::process_gone(bool power_lost) {
  if (plan_.log) {
    std::printf("%10.3f worker %zu %s\n", static_cast<double>(agenda_.now_ms()) / 1000, number_,
                power_lost ? "loses its power" : "is killed");
  }
  disk_.cut_power();
  life_.reset();
  loop_.reset();
  home_.reset();
  client_ = nullptr;
  turn_due_ = false;
  if (power_lost && (!plan_.crash || plan_.crash->loses)) {
    disk_.restore_power(chance_.details(Fault::power_cut));
  } else {
    disk_.restart_process();
  }
  agenda_.after(kStartAgainMs, [this] { start(); });
}

void WorkerHost::end() {
  disk_.set_weather({});
  life_.reset();
  loop_.reset();
  home_.reset();
  client_ = nullptr;
  disk_.process_ended();
}

Tamper WorkerHost::tamper() {
  switch (plan_.workers[number_]) {
    case Lie::none:
      return nullptr;
    case Lie::never_reveals:
      return
          [](Message& message, Payload&) { return !std::holds_alternative<RevealUpdate>(message); };
    case Lie::other_bytes:
      return [](Message& message, Payload& payload) {
        if (!std::holds_alternative<UpdateChunk>(message) || payload.empty()) return true;
        Bytes bytes(payload.view().begin(), payload.view().end());
        bytes.back() ^= 1;
        payload = Payload::of(std::move(bytes));
        return true;
      };
    case Lie::replays:
      return [this](Message& message, Payload& payload) {
        if (said_.size() < 64) said_.emplace_back(message, payload);
        if (agenda_.steps() % 3 != 0) return true;
        const auto& old = said_[agenda_.steps() % said_.size()];
        message = old.first;
        payload = old.second;
        return true;
      };
    case Lie::floods:
      return [this, busy = std::make_shared<bool>(false)](Message&, Payload&) {
        if (std::exchange(*busy, true)) return true;
        for (int i = 0; i < 20 && client_ != nullptr; ++i)
          static_cast<void>(client_->send(GetHeaders{0, 100}, {}));
        *busy = false;
        return true;
      };
  }
  return nullptr;
}

}  // namespace gradmint::simulation
