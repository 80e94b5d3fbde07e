#include "coordinator/server/aggregator.h"

#include <condition_variable>
#include <cstring>
#include <mutex>
#include <new>
#include <thread>
#include <utility>

#include "kernels/parallel.h"

namespace gradmint {

Result<kernels::Floats> load_vector(const BlobStore& blobs, const Hash& root) {
  if (root.is_zero()) return kernels::Floats{};
  auto file = blobs.get_verified(root);
  if (!file) return file.error();
  const ByteView bytes = file->bytes();
  if (bytes.size() % sizeof(float) != 0) {
    return Error{ErrorCode::corrupt, "blob " + to_hex(root) + " is not a vector of fp32"};
  }
  kernels::Floats values(bytes.size() / sizeof(float));
  std::memcpy(values.data(), bytes.data(), bytes.size());
  return values;
}

ExecutionDone aggregate(AggregationJob job, const BlobStore& blobs, kernels::Backend& backend,
                        kernels::Floats& new_model) {
  ExecutionDone done;
  done.round = job.round.round;
  done.attempt = job.round.attempt;
  const auto fail = [&](const Error& error) {
    done.error = error.message;
    return done;
  };
  std::vector<MappedFile> files;
  for (RoundPayload& payload : job.payloads) {
    if (payload.verdict != Verdict::ok) continue;
    auto file = blobs.get_verified(payload.opening->root);
    if (!file) return fail(file.error());
    payload.bytes = file->bytes();
    if (payload.bytes.size() != payload.opening->size_bytes) {
      return fail({ErrorCode::corrupt, "blob " + to_hex(payload.opening->root) + " has " +
                                           std::to_string(payload.bytes.size()) +
                                           " bytes; its worker promised " +
                                           std::to_string(payload.opening->size_bytes)});
    }
    files.push_back(*std::move(file));  // the mapping keeps its address
  }
  auto model = load_vector(blobs, job.round.open.model_root);
  if (!model) return fail(model.error());
  auto optimizer = load_vector(blobs, job.round.open.optimizer_root);
  if (!optimizer) return fail(optimizer.error());

  RoundInputs inputs;
  inputs.open = &job.round.open;
  inputs.close = &job.round.close;
  inputs.payloads = job.payloads;
  inputs.model = *model;
  inputs.buffer_count = job.buffer_count;
  inputs.optimizer_state = *optimizer;
  auto execution = execute_round(inputs, backend);
  if (!execution) return fail(execution.error());
  done.refusals = std::move(execution->refusals);
  if (execution->failure != Verdict::ok) {
    done.failure = execution->failure;
    done.error = execution->failure_text;
    done.result = std::move(execution->result);  // who was refused
    return done;
  }
  for (const auto* vector : {&execution->model, &execution->optimizer_state}) {
    if (vector->empty()) continue;
    const ByteView bytes{reinterpret_cast<const std::uint8_t*>(vector->data()),
                         vector->size() * sizeof(float)};
    if (auto stored = blobs.put(bytes); !stored) return fail(stored.error());
  }
  done.result = std::move(execution->result);
  new_model = std::move(execution->model);
  return done;
}

namespace {

class AggregatorThread final : public Aggregator {
 public:
  AggregatorThread(std::unique_ptr<kernels::Backend> backend, BlobStore blobs, Done done)
      : backend_(std::move(backend)),
        backend_name_(backend_->name()),
        blobs_(std::move(blobs)),
        done_(std::move(done)),
        thread_([this] { work(); }) {}
  ~AggregatorThread() override {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }
  void run(AggregationJob job) override {
    {
      const std::lock_guard lock(mutex_);
      job_ = std::move(job);
    }
    wake_.notify_one();
  }
  const std::string& backend_name() const override { return backend_name_; }

 private:
  void work() {
    while (true) {
      std::optional<AggregationJob> job;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [&] { return stopping_ || job_.has_value(); });
        if (stopping_) return;
        job = std::exchange(job_, std::nullopt);
      }
      ExecutionDone done;
      done.round = job->round.round;
      done.attempt = job->round.attempt;
      kernels::Floats model;
      try {
        done = aggregate(*std::move(job), blobs_, *backend_, model);
      } catch (const std::bad_alloc&) {
        done.error = "out of memory while aggregating: free some, or use a larger machine";
        model.clear();
      }
      done_(std::move(done), model);
    }
  }

  std::unique_ptr<kernels::Backend> backend_;
  std::string backend_name_;
  BlobStore blobs_;
  Done done_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::optional<AggregationJob> job_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace

Result<std::unique_ptr<Aggregator>> Aggregator::start(const std::string& device, int threads,
                                                      BlobStore blobs, Done done) {
  auto backend = kernels::open_backend(device, threads > 0 ? threads : kernels::all_cores());
  if (!backend) return backend.error();
  return std::unique_ptr<Aggregator>(
      std::make_unique<AggregatorThread>(*std::move(backend), std::move(blobs), std::move(done)));
}

}  // namespace gradmint
