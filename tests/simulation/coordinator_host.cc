#include "tests/simulation/coordinator_host.h"

#include <cstdio>
#include <stdexcept>

#include "coordinator/order/restore_chain.h"
#include "coordinator/order/solo_ordering.h"
#include "coordinator/server/init.h"
#include "coordinator/server/seed_chain.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "ledger/json_text.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/safetensors.h"
#include "tests/ledger/world.h"
#include "tests/simulation/unreliable_ordering.h"

namespace gradmint::simulation {

using test::hash_of;
using test::key_of;

namespace {

constexpr std::uint64_t kTickMs = 50, kStartAgainMs = 1500;
constexpr std::uint64_t kFullForMs = 20'000, kOwnerMs = 5'000;
constexpr std::uint64_t kJudgeMs = 1000;
constexpr std::size_t kSeeds = 256;  // rounds and attempts that a run can have

void must(const Status& status) {
  if (!status.ok()) throw std::runtime_error(status.error().message);
}

}  // namespace

// Works on the job when its time has come, at once, as the real one's thread would.
class SimulatedAggregator final : public Aggregator {
 public:
  SimulatedAggregator(CoordinatorHost& host, std::unique_ptr<kernels::Backend> backend,
                      BlobStore blobs, Done done)
      : host_(host),
        backend_(std::move(backend)),
        blobs_(std::move(blobs)),
        done_(std::move(done)) {}

  void run(AggregationJob job) override {
    Seeded dice(host_.plan_.seed, 41, ++jobs_);
    host_.agenda_.after(1 + dice.below(host_.plan_.aggregate_ms),
                        [this, life = std::weak_ptr(host_.life_), job = std::move(job)] {
                          if (life.expired()) return;
                          host_.look_after([&] {
                            kernels::Floats model;
                            ExecutionDone done = aggregate(job, blobs_, *backend_, model);
                            done_(std::move(done), model);
                          });
                        });
  }
  const std::string& backend_name() const override { return name_; }

 private:
  CoordinatorHost& host_;
  std::unique_ptr<kernels::Backend> backend_;
  std::string name_ = "simulated";
  BlobStore blobs_;
  Done done_;
  std::uint64_t jobs_ = 0;
};

// No two answers are the same: one that is not remembered would show.
class SimulatedJudge final : public ModelJudge {
 public:
  SimulatedJudge(CoordinatorHost& host, int timeout_ms, Done done)
      : host_(host), timeout_ms_(timeout_ms), done_(std::move(done)) {}

  void ask(EvaluationJob job) override {
    Seeded dice(host_.plan_.seed, 42, host_.agenda_.steps());
    const bool fails = host_.chance_.happens(Fault::judge_fails);
    const bool hangs = fails && dice.below(2) == 0;
    const std::uint64_t wait_ms =
        hangs ? static_cast<std::uint64_t>(timeout_ms_) : 1 + dice.below(kJudgeMs);
    const auto loss = static_cast<std::int64_t>(dice.below(1'000'000));
    host_.agenda_.after(
        wait_ms, [this, life = std::weak_ptr(host_.life_), round = job.round, fails, loss] {
          if (life.expired()) return;
          host_.look_after([&] {
            if (fails) return done_(round, Error{ErrorCode::refused, "the evaluator failed"});
            done_(round, Figures{{{"loss", loss}}, 50});
          });
        });
  }

 private:
  CoordinatorHost& host_;
  int timeout_ms_;
  Done done_;
};

CoordinatorHost::CoordinatorHost(Agenda& agenda, Chance& chance, Network& network, const Plan& plan)
    : agenda_(agenda),
      chance_(chance),
      network_(network),
      plan_(plan),
      validator_(key_of("simulated validator")),
      curve_(*curve_key_pair_of(hash_of("simulated curve"))) {}

CoordinatorHost::~CoordinatorHost() { end(); }

void CoordinatorHost::begin() {
  must(create_directory_synced(disk_, home_.keys()));
  must(write_curve_key(home_.curve_key(), curve_, disk_));
  const Hash secret = hash_of("simulated seeds");
  must(write_secret(home_.seed_chain(), secret, disk_));

  std::vector<TensorSpec> tensors{{"weight", {plan_.parameters}, false}};
  if (plan_.buffers != 0) tensors.push_back({"running_mean", {plan_.buffers}, true});
  const auto layout = ModelLayout::create(tensors);
  TaskSpec task;
  task.model = plan_.settings.model;
  task.objective = "classification";
  if (plan_.sites_scale) {
    DataContract contract;
    contract.task = task.objective;
    contract.classes = {"ill", "well"};
    contract.columns = {{"age", ColumnType::integer, {}}, {"pressure", ColumnType::number, {}}};
    contract.label = "state";
    task.contract = without_scaler(contract).encode();
  }
  task.size = layout->size();
  task.layout_root = *home_.blob_store().put(as_bytes(layout->encode()));
  std::vector<float> model(task.size.values());
  for (std::size_t i = 0; i < model.size(); ++i) model[i] = static_cast<float>(i % 7) / 8 - 0.25f;
  task.model_root = *home_.blob_store().put(encode_flat_fp32(model));

  genesis_ = make_genesis(plan_.settings, task,
                          {validator_.public_key(), SeedChain(secret, kSeeds).head()},
                          agenda_.unix_ms(), hash_of("simulated nonce"));
  must(create_ledger(home_.ledger(), home_.signer_files(), validator_, genesis_, disk_));
  if (plan_.invitations) {
    must(create_directory_synced(disk_, home_.invitations()));
    for (std::size_t i = 0; i < plan_.workers.size(); ++i) {
      InvitationCode code{};
      code.fill(static_cast<std::uint8_t>(i + 1));
      must(create_file(disk_, home_.invitations() / (to_hex(invitation_hash(code)) + ".json"),
                       as_bytes("{\"note\":\"simulated\"}"), 0600));
    }
  }
  disk_.run_background();
  disk_.process_ended();
  // A new home is not what is tried here.
  disk_.set_weather({[this] {
                       if (plan_.crash && plan_.crash->at_coordinator &&
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
  start();
}

Surroundings CoordinatorHost::surroundings() {
  Surroundings s;
  s.clock = &agenda_;
  s.seed_chain_length = kSeeds;
  s.ordering = [this](Signer& signer,
                      const GenesisRecord& genesis) -> Result<std::unique_ptr<Ordering>> {
    auto solo = SoloOrdering::open(signer, genesis);
    if (!solo) return solo.error();
    return std::unique_ptr<Ordering>(
        std::make_unique<UnreliableOrdering>(agenda_, chance_, *std::move(solo)));
  };
  s.admin = [](const std::filesystem::path&) -> Result<std::shared_ptr<const AdminSocket>> {
    return std::shared_ptr<const AdminSocket>();
  };
  s.bind = [this](const ServerOptions&) -> Result<std::unique_ptr<ServerEnd>> {
    auto server = std::make_unique<SimulatedServer>(network_, [this, life = std::weak_ptr(life_)] {
      if (!life.expired()) wake();
    });
    server_ = server.get();
    return std::unique_ptr<ServerEnd>(std::move(server));
  };
  s.aggregator = [this](const std::string& device, int threads, BlobStore blobs,
                        Aggregator::Done done) -> Result<std::unique_ptr<Aggregator>> {
    auto backend = kernels::open_backend(device, threads);
    if (!backend) return backend.error();
    return std::unique_ptr<Aggregator>(std::make_unique<SimulatedAggregator>(
        *this, *std::move(backend), std::move(blobs), std::move(done)));
  };
  s.judge = [this](const std::string&, const EvaluatorClient::Environment&, int timeout_ms,
                   ModelJudge::Done done) -> std::unique_ptr<ModelJudge> {
    return std::make_unique<SimulatedJudge>(*this, timeout_ms, std::move(done));
  };
  return s;
}

Reporter CoordinatorHost::reporter() const {
  if (!plan_.log) return Reporter([](const nlohmann::json&) {});
  return Reporter([this](const nlohmann::json& event) {
    std::printf("%10.3f coordinator %s\n", static_cast<double>(agenda_.now_ms()) / 1000,
                json_text(event).c_str());
  });
}

void CoordinatorHost::start() {
  if (coordinator_ || !failure_.empty()) return;
  life_ = std::make_shared<Life>();
  ++starts_;
  auto opened = Coordinator::open(home_, plan_.settings, validator_, reporter(), surroundings());
  disk_.run_background();
  if (!disk_.has_power()) {
    if (opened.ok()) coordinator_ = *std::move(opened);
    return process_gone(true);
  }
  if (!opened.ok()) return failed(opened.error());
  coordinator_ = *std::move(opened);
  wake();
  tick();
}

void CoordinatorHost::wake() {
  if (std::exchange(turn_due_, true)) return;
  agenda_.after(0, [this, life = std::weak_ptr(life_)] {
    if (life.expired()) return;
    turn_due_ = false;
    turn();
  });
}

void CoordinatorHost::tick() {
  agenda_.after(kTickMs, [this, life = std::weak_ptr(life_)] {
    if (life.expired()) return;
    turn();
    if (!life.expired()) tick();
  });
}

// Whatever a part of the process does: power may go while it does it.
void CoordinatorHost::look_after(const std::function<void()>& action) {
  action();
  disk_.run_background();
  if (!disk_.has_power()) process_gone(true);
}

void CoordinatorHost::turn() {
  if (!coordinator_) return;
  if (chance_.happens(Fault::clock_jumps)) {
    const auto by_ms =
        static_cast<std::int64_t>(chance_.details(Fault::clock_jumps).below(7'200'000));
    agenda_.jump(by_ms - 3'600'000);
  }
  if (chance_.happens(Fault::kill)) return process_gone(false);
  std::optional<Error> error;
  look_after([&] {
    const Result<bool> turned = coordinator_->advance(0);
    if (!turned.ok()) error = turned.error();
  });
  if (!coordinator_) return;
  if (error) return failed(*error);
  // The coordinator numbers the owner's statements itself: their order is nobody else's fault.
  if (server_->told_owner().find("wrong_nonce") != std::string::npos)
    failure_ = "the owner was told: " + server_->told_owner();
  most_waiting_ = std::max(most_waiting_, coordinator_->waiting_count());
  owner_looks();
}

void CoordinatorHost::ask_later(std::uint64_t wait_ms, const nlohmann::json& request) {
  agenda_.after(wait_ms, [this, text = json_text(request)] {
    if (server_ != nullptr) return server_->ask_as_owner(text);
    ask_later(kOwnerMs, nlohmann::json::parse(text));  // once it runs again
  });
}

// The operator looks after a job that is paused, and does something unasked now and then.
void CoordinatorHost::owner_looks() {
  if (!coordinator_->driver().halted().empty() && agenda_.now_ms() >= owner_called_ms_ + kOwnerMs) {
    owner_called_ms_ = agenda_.now_ms();
    ask_later(kOwnerMs, {{"op", "resume"}});
  }
  if (chance_.happens(Fault::owner_pauses)) {
    ask_later(0, {{"op", "pause"}});
    ask_later(kOwnerMs, {{"op", "resume"}});
  }
  if (chance_.happens(Fault::owner_suspends)) {
    const std::uint64_t whom = chance_.details(Fault::owner_suspends).below(plan_.workers.size());
    const std::string account =
        to_hex(key_of("simulated worker " + std::to_string(whom)).account());
    ask_later(0, {{"op", "suspend"}, {"account", account}, {"text", "for a test"}});
  }
  if (agenda_.now_ms() < owner_readmits_ms_) return;
  owner_readmits_ms_ = agenda_.now_ms() + 3 * kOwnerMs;
  const State& state = coordinator_->orderer().chain().state();
  for (std::size_t i = 0; i < plan_.workers.size(); ++i) {
    const AccountId account = key_of("simulated worker " + std::to_string(i)).account();
    if (get<SuspensionRecord>(state, state_key::suspension(account)))
      ask_later(0, {{"op", "readmit"}, {"account", to_hex(account)}});
  }
}

// The process has ended by itself. A full disk is a reason; its owner frees some space.
void CoordinatorHost::failed(const Error& error) {
  if (!std::exchange(full_, false)) {
    failure_ = "the coordinator ended: " + error.message;
    return;
  }
  full_until_ms_ = 0;
  process_gone(false);
}

void CoordinatorHost::process_gone(bool power_lost) {
  if (plan_.log) {
    std::printf("%10.3f coordinator %s\n", static_cast<double>(agenda_.now_ms()) / 1000,
                power_lost ? "loses its power" : "is killed");
  }
  disk_.cut_power();  // nothing that it does while it is taken down is seen
  server_ = nullptr;
  life_.reset();
  coordinator_.reset();
  turn_due_ = false;
  if (power_lost && (!plan_.crash || plan_.crash->loses)) {
    disk_.restore_power(chance_.details(Fault::power_cut));
  } else {
    disk_.restart_process();
  }
  agenda_.after(kStartAgainMs, [this] { start(); });
}

void CoordinatorHost::end() {
  disk_.set_weather({});
  if (!coordinator_) return;
  disk_.run_background();
  life_.reset();
  server_ = nullptr;
  coordinator_.reset();
  disk_.run_background();
  disk_.process_ended();
}

}  // namespace gradmint::simulation
