#include "tests/worker/session_federation.h"

#include <algorithm>

#include "kernels/fixed_point.h"
#include "ledger/hash.h"

namespace gradmint::test {
namespace {

using namespace gradmint::session;

constexpr std::uint64_t kTickMs = 100;
constexpr std::uint64_t kCoordinatorTickMs = 50;

Bytes noise_update(std::uint64_t parameters, std::uint64_t training) {
  Bytes payload;
  Seeded values(training);
  for (std::uint64_t i = 0; i < parameters; ++i) {
    const float x = static_cast<float>(values.unit());
    const auto* bytes = reinterpret_cast<const std::uint8_t*>(&x);
    payload.insert(payload.end(), bytes, bytes + sizeof x);
  }
  return payload;
}

}  // namespace

Federation::Federation(std::uint64_t seed, const SessionCoordinator::Options& options,
                       const Faults& faults)
    : coordinator(options), random_(seed), faults_(faults) {
  for (std::size_t i = 0; i < options.workers; ++i) {
    Worker worker{
        key_of("session worker " + std::to_string(i)), {}, nullptr, 0, false, 0, {}, 0, 0, {}};
    workers.push_back(std::move(worker));
  }
  for (std::size_t i = 0; i < options.workers; ++i) {
    later(delay(), [this, i] { start(i); });
  }
  const auto tick = [this](auto&& self) -> void {
    coordinator.tick(now_ms);
    if (happens(faults_.coordinator_restart_permille)) {
      coordinator.restart();
      for (std::size_t i = 0; i < workers.size(); ++i) disconnect(i);
    }
    push_round_states();
    later(kCoordinatorTickMs, [self] { self(self); });
  };
  later(1, [tick] { tick(tick); });
}

Config Federation::config(std::size_t worker) const {
  const std::string name = "session worker " + std::to_string(worker);
  Config c{workers[worker].key,
           hash_of("curve " + name),
           hash_of("secret " + name),
           coordinator.world.chain.chain_id(),
           "tcp://coordinator:7700",
           {},
           name,
           "test"};
  c.code.fill(static_cast<std::uint8_t>(worker + 1));
  return c;
}

RegisterDataset Federation::dataset(std::size_t worker) const {
  const std::string name = config(worker).name;
  return {name, hash_of("data " + name), 100, "x", "made for a test", "CC0-1.0"};
}

// No two readings give the same: one that is not remembered would show.
DataSummed Federation::summed(std::size_t worker) {
  DataSummed data{"", dataset(worker), {}};
  data.sums.rows = 50 + ++summings % 50;
  data.sums.columns.assign(coordinator.world.chain.summed_columns(), {});
  return data;
}

void Federation::later(std::uint64_t delay_ms, Happening what) {
  agenda_[{now_ms + delay_ms, ++happenings_}] = std::move(what);
}

void Federation::step() {
  const auto first = agenda_.begin();
  now_ms = first->first.first;
  const Happening what = std::move(first->second);
  agenda_.erase(first);
  what();
}

bool Federation::run(std::uint64_t limit_ms) {
  const auto done = [](const Worker& w) { return w.stop.has_value(); };
  while (now_ms < limit_ms) {
    if (std::all_of(workers.begin(), workers.end(), done)) return true;
    step();
  }
  return false;
}

void Federation::start(std::size_t i) {
  Worker& w = workers[i];
  auto session = Session::resume(config(i), w.disk.memory);
  GRADMINT_CHECK(session.ok());
  w.session = std::make_unique<Session>(*std::move(session));
  const std::uint64_t life = ++w.restarts;
  const auto tick = [this, i, life](auto&& self) -> void {
    if (!workers[i].session || workers[i].restarts != life || workers[i].stop) return;
    feed(i, Tick{});
    later(kTickMs, [self] { self(self); });
  };
  feed(i, Started{});
  later(kTickMs, [tick] { tick(tick); });
}

Effects Federation::inject(std::size_t i, const Event& event) {
  Effects effects;
  workers[i].session->step(event, now_ms, effects);
  return effects;
}

void Federation::crash(std::size_t i, std::uint64_t down_ms) {
  Worker& w = workers[i];
  w.session.reset();
  w.link_up = false;
  ++w.connection;
  ++w.restarts;
  later(down_ms, [this, i] { start(i); });
}

void Federation::disconnect(std::size_t i) {
  Worker& w = workers[i];
  if (!w.session || !w.link_up) return;
  w.link_up = false;
  ++w.connection;
  feed(i, LinkDown{w.link, false, "cut"});
  connect(i);
}

void Federation::connect(std::size_t i) {
  const std::uint64_t link = workers[i].link;
  const std::uint64_t life = workers[i].restarts;
  later(delay() + 20, [this, i, link, life] {
    Worker& w = workers[i];
    if (!w.session || w.restarts != life || w.link != link || w.link_up) return;
    w.link_up = true;
    ++w.connection;
    feed(i, LinkUp{link});
  });
}

void Federation::feed(std::size_t i, const Event& event) {
  std::vector<Event> waiting{event};
  while (!waiting.empty()) {
    Worker& w = workers[i];
    if (!w.session || w.stop) return;
    Effects effects;
    w.session->step(waiting.front(), now_ms, effects);
    waiting.erase(waiting.begin());
    for (Effect& effect : effects) {
      if (const auto* look = std::get_if<LookForBlob>(&effect)) {
        const auto part = w.disk.parts.find(look->root);
        waiting.push_back(BlobLooked{look->root, w.disk.blobs.contains(look->root),
                                     part == w.disk.parts.end() ? 0 : part->second.size()});
      } else if (const auto* finish = std::get_if<FinishBlob>(&effect)) {
        const bool intact = blob_root(w.disk.parts[finish->root]) == finish->root;
        if (intact) w.disk.blobs[finish->root] = w.disk.parts[finish->root];
        w.disk.parts.erase(finish->root);
        waiting.push_back(BlobFinished{finish->root, intact});
      } else if (std::get_if<CheckTask>(&effect)) {
        waiting.push_back(TaskChecked{task_fault});
      } else if (std::get_if<SumData>(&effect)) {
        waiting.push_back(summed(i));
      } else if (const auto* model = std::get_if<CheckModel>(&effect)) {
        GRADMINT_CHECK(model->scaler.size() == coordinator.world.chain.summed_columns());
        waiting.push_back(ModelChecked{"", dataset(i)});
      } else if (!carry_out(i, effect)) {
        return;
      }
      ++w.effects;
      if (i == 0 && w.effects == crash_after_effect) return crash(0, 500);
      if (happens(faults_.crash_permille)) return crash(i, 100 + random_.below(5000));
    }
    if (i == 0 && disconnect_after_effect != 0 && w.effects >= disconnect_after_effect) {
      disconnect_after_effect = 0;
      disconnect(0);
    }
  }
}

bool Federation::carry_out(std::size_t i, Effect& effect) {
  Worker& w = workers[i];
  const std::uint64_t life = w.restarts;
  const auto report = [this, i, life](std::uint64_t after_ms, Event event, Bytes payload) {
    later(after_ms, [this, i, life, event, payload] {
      if (!workers[i].session || workers[i].restarts != life) return;
      workers[i].trained_payload = payload;
      feed(i, event);
    });
  };
  if (const auto* open = std::get_if<OpenLink>(&effect)) {
    w.link = open->link;
    w.link_up = false;
    ++w.connection;
    connect(i);
  } else if (const auto* message = std::get_if<Send>(&effect)) {
    send(i, *message);
  } else if (const auto* genesis = std::get_if<SaveGenesis>(&effect)) {
    w.disk.memory.genesis = genesis->genesis;
  } else if (const auto* header = std::get_if<SaveHeader>(&effect)) {
    GRADMINT_CHECK(header->height == w.disk.memory.headers.size() + 1);
    w.disk.memory.headers.push_back(header->header);
  } else if (auto* blob = std::get_if<WriteBlob>(&effect)) {
    Bytes& part = w.disk.parts[blob->root];
    GRADMINT_CHECK(blob->offset_bytes <= part.size());
    part.resize(blob->offset_bytes);
    part.insert(part.end(), blob->bytes.view().begin(), blob->bytes.view().end());
  } else if (const auto* order = std::get_if<StartTraining>(&effect)) {
    // No two trainings give the same update: one that is not remembered would show.
    GRADMINT_CHECK(w.disk.blobs.contains(order->model_root));
    TrainingEnded ended{order->key, TrainedUpdate{}, ""};
    Bytes payload = noise_update(coordinator.world.genesis.task.size.values(), ++trainings);
    ended.update->root = blob_root(payload);
    ended.update->size_bytes = payload.size();
    ended.update->examples = 150;  // more than the manifest: the session must not claim them
    ended.update->steps = 7;
    ended.update->metrics = {{"loss", trainings}};
    report(50 + random_.below(500), ended, std::move(payload));
  } else if (const auto* update = std::get_if<SaveUpdate>(&effect)) {
    w.disk.memory.updates.push_back(update->update);
    GRADMINT_CHECK(blob_root(w.trained_payload) == update->update.opening.root);
    w.disk.payloads[update->update.key] = w.trained_payload;
  } else if (const auto* receipt = std::get_if<SaveReceipt>(&effect)) {
    for (UpdateMemory& m : w.disk.memory.updates) {
      if (m.key == receipt->key) m.receipt = receipt->receipt;
    }
  } else if (const auto* evaluate = std::get_if<StartEvaluation>(&effect)) {
    GRADMINT_CHECK(evaluate->deadline_ms > 0);  // the coordinator names one
    EvaluationEnded ended{evaluate->model_root,
                          true,
                          {{"loss", static_cast<std::int64_t>(random_.below(1000))}},
                          50,
                          ""};
    report(20, ended, {});
  } else if (const auto* kept = std::get_if<SaveEvaluation>(&effect)) {
    w.disk.memory.evaluations.push_back(kept->evaluation);
  } else if (const auto* sums = std::get_if<SaveSums>(&effect)) {
    w.disk.memory.sums = sums->sums;
  } else if (const auto* stop = std::get_if<Stop>(&effect)) {
    w.stop = *stop;
  }
  return true;
}

void Federation::send(std::size_t i, const Send& send) {
  Worker& w = workers[i];
  if (!w.link_up) return;
  Payload payload;
  if (send.slice) {
    const Bytes& all = w.disk.payloads.at(send.slice->key);
    const auto first = all.begin() + static_cast<std::ptrdiff_t>(send.slice->offset_bytes);
    payload = Payload::of(Bytes(first, first + send.slice->length_bytes));
  }
  const std::uint64_t connection = w.connection;
  const auto deliver = [this, i, connection, payload, message = send.message, ask = send.ask] {
    if (workers[i].connection != connection) return;
    if (happens(faults_.disconnect_permille)) return disconnect(i);
    const Worker& sender = workers[i];
    for (const SessionReply& reply :
         coordinator.answer(sender.key.account(), config(i).curve_key, message, payload, now_ms)) {
      answer(i, ask, reply);
    }
  };
  if (!happens(faults_.drop_permille)) later(delay(), deliver);
  if (happens(faults_.double_permille)) later(delay(), deliver);
}

void Federation::answer(std::size_t i, std::uint64_t ask, const SessionReply& reply) {
  const std::uint64_t connection = workers[i].connection;
  const auto deliver = [this, i, connection, ask, reply] {
    if (workers[i].connection != connection || !workers[i].session) return;
    feed(i, Arrived{workers[i].link, ask, reply.message, reply.payload});
  };
  if (!happens(faults_.drop_permille)) later(delay(), deliver);
  if (happens(faults_.double_permille)) later(delay(), deliver);
}

void Federation::push_round_states() {
  if (pushed_version_ == coordinator.state_version()) return;
  pushed_version_ = coordinator.state_version();
  for (std::size_t i = 0; i < workers.size(); ++i) {
    if (!workers[i].link_up) continue;
    answer(i, 0, {coordinator.round_state(workers[i].key.account(), now_ms), {}});
  }
}

}  // namespace gradmint::test
