#include "ledger/audit/recompute.h"

#include <algorithm>
#include <utility>

#include "kernels/parallel.h"
#include "ledger/audit/compare_results.h"
#include "ledger/merkle.h"
#include "ledger/model/layout.h"

namespace gradmint {
namespace {

std::uint64_t model_bytes(const ModelSize& size) { return size.values() * sizeof(float); }

// Buffers have no moments.
std::uint64_t optimizer_bytes(const OpenRound& open, const ModelSize& size) {
  const std::string optimizer = kernel_spec(open.aggregation).optimizer.name;
  return size.parameters * sizeof(float) * kernels::optimizer_state_per_value(optimizer);
}

Finding check_layout(ByteView bytes, const TaskSpec& task) {
  const std::string text(bytes.begin(), bytes.end());
  const auto layout = ModelLayout::decode(text);
  const std::string expected = describe(task.size);
  if (!layout) return AuditFault{0, "wrong_layout", expected, layout.error().message};
  if (layout->size() == task.size) return std::nullopt;
  return AuditFault{0, "wrong_layout", expected, describe(layout->size())};
}

}  // namespace

std::map<Hash, std::uint64_t> needed_blobs(const LedgerHistory& history) {
  const TaskSpec& task = history.genesis.task;
  std::map<Hash, std::uint64_t> needed;
  const auto need = [&](const Hash& root, std::uint64_t bytes_max) {
    std::uint64_t& known = needed[root];
    known = std::max(known, bytes_max);
  };
  const std::uint64_t model = model_bytes(task.size);
  need(task.layout_root, kMaxLayoutBytes);
  need(task.model_root, model);
  for (const Attempt& attempt : history.attempts) {
    if (!attempt.result) continue;
    const OpenRound& open = attempt.open.body;
    const RoundResult& result = attempt.result->body;
    need(open.model_root, model);
    need(result.model_root, model);
    need(open.optimizer_root, optimizer_bytes(open, task.size));
    need(result.optimizer_root, optimizer_bytes(open, task.size));
    for (const ResultEntry& entry : result.entries) {
      if (entry.opening && judged_from_payload(entry.verdict))
        need(entry.opening->root, entry.opening->size_bytes);
    }
  }
  needed.erase(Hash{});
  return needed;
}

Result<Recomputation::Loaded> Recomputation::load(const Hash& root, std::uint64_t height,
                                                  BlobBytes size) {
  const auto fault = [&](const char* rule, std::string expected, std::string found) {
    return Loaded{std::nullopt, AuditFault{height, rule, std::move(expected), std::move(found)}};
  };
  auto file = blobs_.get(root);
  if (!file) {
    const Error& error = file.error();
    if (error.code == ErrorCode::not_found)
      return fault("blob_missing", to_hex(root), "no such file");
    if (error.code == ErrorCode::bad_input)
      return fault("blob_corrupt", to_hex(root), error.message);
    return error;
  }
  // Before a byte is read: a file with a hole in it can say that it is larger than any disk.
  const std::uint64_t found_bytes = file->bytes().size();
  if (size.exact ? found_bytes != size.bytes : found_bytes > size.bytes) {
    return fault("wrong_blob_size",
                 std::string(size.exact ? "" : "at most ") + std::to_string(size.bytes) +
                     " bytes in blob " + to_hex(root),
                 std::to_string(found_bytes) + " bytes");
  }
  if (!hashed_.contains(root)) {
    const Hash found = blob_root(file->bytes(), kernels::all_cores());
    if (found != root) return fault("blob_corrupt", to_hex(root), to_hex(found));
    hashed_.insert(root);
  }
  return Loaded{*std::move(file), std::nullopt};
}

Result<Finding> Recomputation::check_if_present(const Opening& opening, const Attempt& attempt,
                                                const ModelSize& size, std::uint64_t height) {
  // An opening that promises another size than the round's was refused before anything was sent.
  if (shape_verdict(attempt.open.body, opening, size) != Verdict::ok) return Finding();
  if (!blobs_.contains(opening.root)) return Finding();
  auto loaded = load(opening.root, height, {opening.size_bytes});
  if (!loaded) return loaded.error();
  return loaded->fault;
}

Result<Finding> Recomputation::genesis(const GenesisRecord& genesis) {
  const TaskSpec& task = genesis.task;
  if (!task.layout_root.is_zero()) {
    auto layout = load(task.layout_root, 0, {kMaxLayoutBytes, false});
    if (!layout) return layout.error();
    if (layout->fault) return layout->fault;
    if (auto fault = check_layout(layout->file->bytes(), task)) return fault;
  }
  auto model = load(task.model_root, 0, {model_bytes(task.size)});
  if (!model) return model.error();
  return model->fault;
}

Result<Finding> Recomputation::round(const Attempt& attempt, const ModelSize& size) {
  auto computed = execute(attempt, size);
  if (!computed || *computed) return computed;
  const std::uint64_t height = attempt.result->height;
  const RoundResult& stated = attempt.result->body;
  const std::pair<Hash, std::uint64_t> made[] = {
      {stated.model_root, model_bytes(size)},
      {stated.optimizer_root, optimizer_bytes(attempt.open.body, size)}};
  for (const auto& [root, size_bytes] : made) {
    if (root.is_zero()) continue;
    auto loaded = load(root, height, {size_bytes});
    if (!loaded) return loaded.error();
    if (loaded->fault) return loaded->fault;
  }
  for (const ResultEntry& entry : stated.entries) {
    if (!entry.opening || judged_from_payload(entry.verdict)) continue;
    auto checked = check_if_present(*entry.opening, attempt, size, height);
    if (!checked || *checked) return checked;
  }
  ++rounds_;
  return Finding();
}

Result<Finding> Recomputation::abandoned(const Attempt& attempt, const StateReader& state,
                                         const ModelSize& size) {
  const AbandonRound& body = attempt.abandoned->body;
  const std::uint64_t height = attempt.abandoned->height;
  bool kept = true;
  for (const RevealedRoot& revealed : body.revealed) {
    kept = kept && blobs_.contains(revealed.opening.root);
    auto checked = check_if_present(revealed.opening, attempt, size, height);
    if (!checked || *checked) return checked;
  }
  // Without the payloads nobody can tell; a round may always be given up.
  if (!kept || !is_aggregation_failure(body.reason)) return Finding();
  Loading loading{attempt, height, size};
  auto fault = load_start(loading);
  const CloseCommits& close = attempt.close->body;
  const auto due = abandoned_verdicts(state, attempt.open.body, close, body, size);
  const auto openings = openings_of(body);
  for (std::size_t i = 0; i < close.entries.size(); ++i) {
    if (!fault || *fault) return fault;
    const AccountId& worker = close.entries[i].worker;
    RoundPayload payload;
    payload.verdict = due[i];
    if (const auto own = openings.find(worker); own != openings.end()) {
      payload.opening = own->second;
    }
    fault = load_payload(loading, worker, std::move(payload));
  }
  if (!fault || *fault) return fault;
  const auto execution = execute_round(loading.inputs, backend_);
  if (!execution) return execution.error();
  if (execution->failure == body.reason) return Finding();
  const std::string expected = execution->failure == Verdict::ok
                                   ? "a result"
                                   : std::string(verdict_name(execution->failure));
  return Finding(
      AuditFault{height, "wrong_abandonment", expected, std::string(verdict_name(body.reason))});
}

Result<ByteView> Recomputation::map(Loading& loading, const Hash& root, std::uint64_t size_bytes,
                                    Finding& fault) {
  auto loaded = load(root, loading.height, {size_bytes});
  if (!loaded) return loaded.error();
  fault = loaded->fault;
  if (fault) return ByteView();
  loading.files.push_back(*std::move(loaded->file));
  return loading.files.back().bytes();
}

// The model and the optimizer's state that the round starts from.
Result<Finding> Recomputation::load_start(Loading& loading) {
  const Attempt& attempt = loading.attempt;
  loading.inputs.open = &attempt.open.body;
  loading.inputs.close = &attempt.close->body;
  Finding fault;
  const ModelSize& size = loading.size;
  loading.inputs.buffer_count = size.buffers;
  auto model = map(loading, attempt.open.body.model_root, model_bytes(size), fault);
  if (!model) return model.error();
  if (fault) return fault;
  loading.inputs.model = *as_floats(*model);
  if (attempt.open.body.optimizer_root.is_zero()) return Finding();
  auto state = map(loading, attempt.open.body.optimizer_root,
                   optimizer_bytes(attempt.open.body, size), fault);
  if (!state) return state.error();
  if (fault) return fault;
  loading.inputs.optimizer_state = *as_floats(*state);
  return Finding();
}

Result<Finding> Recomputation::load_payload(Loading& loading, const AccountId& worker,
                                            RoundPayload payload) {
  payload.exponent = loading.attempt.commits.at(worker).body.exponent;
  if (payload.verdict == Verdict::ok) {
    Finding fault;
    const std::uint64_t expected = payload_bytes(loading.attempt.open.body, loading.size);
    auto bytes = map(loading, payload.opening->root, expected, fault);
    if (!bytes) return bytes.error();
    if (fault) return fault;
    payload.bytes = *bytes;
  }
  loading.inputs.payloads.push_back(std::move(payload));
  return Finding();
}

Result<Finding> Recomputation::execute(const Attempt& attempt, const ModelSize& size) {
  const std::uint64_t height = attempt.result->height;
  Loading loading{attempt, height, size};
  auto fault = load_start(loading);
  for (const ResultEntry& entry : attempt.result->body.entries) {
    if (!fault || *fault) return fault;
    RoundPayload payload;
    payload.opening = entry.opening;
    payload.verdict = judged_from_payload(entry.verdict) ? Verdict::ok : entry.verdict;
    fault = load_payload(loading, entry.worker, std::move(payload));
  }
  if (!fault || *fault) return fault;
  const auto execution = execute_round(loading.inputs, backend_);
  if (!execution) return execution.error();
  if (execution->failure != Verdict::ok) {
    return Finding(AuditFault{height, "round_fails", "a result that can be computed",
                              execution->failure_text});
  }
  return compare_results(execution->result, attempt.result->body, height);
}

}  // namespace gradmint
