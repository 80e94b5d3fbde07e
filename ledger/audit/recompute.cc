#include "ledger/audit/recompute.h"

#include "ledger/audit/compare_results.h"
#include "ledger/execute_round.h"
#include "ledger/merkle.h"
#include "ledger/model/layout.h"

namespace gradmint {
namespace {

// What the ledger itself decided needs no payload; the rest was read from it.
bool judged_from_payload(Verdict verdict) {
  return verdict == Verdict::ok || verdict == Verdict::non_finite ||
         verdict == Verdict::malformed_payload || verdict == Verdict::exponent_mismatch;
}

Finding check_size(const MappedFile& file, std::uint64_t expected_bytes, std::uint64_t height) {
  if (file.bytes().size() == expected_bytes) return std::nullopt;
  return AuditFault{height, "wrong_blob_size", std::to_string(expected_bytes) + " bytes",
                    std::to_string(file.bytes().size()) + " bytes"};
}

Finding check_layout(ByteView bytes, const TaskSpec& task) {
  const std::string text(bytes.begin(), bytes.end());
  const auto layout = ModelLayout::decode(text);
  const std::string expected = std::to_string(task.parameter_count) + " parameters";
  if (!layout) return AuditFault{0, "wrong_layout", expected, layout.error().message};
  if (layout->parameter_count() == task.parameter_count) return std::nullopt;
  return AuditFault{0, "wrong_layout", expected,
                    std::to_string(layout->parameter_count()) + " parameters"};
}

}  // namespace

Result<Recomputation::Loaded> Recomputation::load(const Hash& root, std::uint64_t height) {
  auto file = blobs_.get(root);
  if (!file) {
    if (file.error().code != ErrorCode::not_found) return file.error();
    return Loaded{std::nullopt, AuditFault{height, "blob_missing", to_hex(root), "no such file"}};
  }
  if (!hashed_.contains(root)) {
    const Hash found = blob_root(file->bytes());
    if (found != root) {
      return Loaded{std::nullopt, AuditFault{height, "blob_corrupt", to_hex(root), to_hex(found)}};
    }
    hashed_.insert(root);
  }
  return Loaded{*std::move(file), std::nullopt};
}

Result<Finding> Recomputation::check_if_present(const Hash& root, std::uint64_t height) {
  if (!blobs_.contains(root)) return Finding();
  auto loaded = load(root, height);
  if (!loaded) return loaded.error();
  return loaded->fault;
}

Result<Finding> Recomputation::genesis(const GenesisRecord& genesis) {
  const TaskSpec& task = genesis.task;
  if (!task.layout_root.is_zero()) {
    auto layout = load(task.layout_root, 0);
    if (!layout) return layout.error();
    if (layout->fault) return layout->fault;
    if (auto fault = check_layout(layout->file->bytes(), task)) return fault;
  }
  auto model = load(task.model_root, 0);
  if (!model) return model.error();
  if (model->fault) return model->fault;
  return check_size(*model->file, task.parameter_count * sizeof(float), 0);
}

Result<Finding> Recomputation::round(const Attempt& attempt, std::uint64_t parameter_count) {
  auto computed = execute(attempt, parameter_count);
  if (!computed || *computed) return computed;
  const std::uint64_t height = attempt.result->height;
  const RoundResult& stated = attempt.result->body;
  for (const Hash& root : {stated.model_root, stated.optimizer_root}) {
    if (root.is_zero()) continue;
    auto loaded = load(root, height);
    if (!loaded) return loaded.error();
    if (loaded->fault) return loaded->fault;
  }
  for (const ResultEntry& entry : stated.entries) {
    if (!entry.opening || judged_from_payload(entry.verdict)) continue;
    auto checked = check_if_present(entry.opening->root, height);
    if (!checked || *checked) return checked;
  }
  ++rounds_;
  return Finding();
}

Result<Finding> Recomputation::abandoned(const AbandonRound& body, std::uint64_t height) {
  for (const RevealedRoot& revealed : body.revealed) {
    auto checked = check_if_present(revealed.opening.root, height);
    if (!checked || *checked) return checked;
  }
  return Finding();
}

Result<Finding> Recomputation::execute(const Attempt& attempt, std::uint64_t parameter_count) {
  const std::uint64_t height = attempt.result->height;
  const std::uint64_t model_bytes = parameter_count * sizeof(float);
  std::vector<MappedFile> files;
  Finding fault;
  const auto map = [&](const Hash& root) -> Result<ByteView> {
    auto loaded = load(root, height);
    if (!loaded) return loaded.error();
    fault = loaded->fault;
    if (fault) return ByteView();
    files.push_back(*std::move(loaded->file));
    return files.back().bytes();
  };

  RoundInputs inputs;
  inputs.open = &attempt.open.body;
  inputs.close = &attempt.close->body;
  auto model = map(attempt.open.body.model_root);
  if (!model) return model.error();
  if (fault) return fault;
  if (auto wrong = check_size(files.back(), model_bytes, height)) return wrong;
  inputs.model = *as_floats(*model);
  if (!attempt.open.body.optimizer_root.is_zero()) {
    auto state = map(attempt.open.body.optimizer_root);
    if (!state) return state.error();
    if (fault) return fault;
    const auto floats = as_floats(*state);
    if (!floats) {
      return Finding(AuditFault{height, "wrong_blob_size", "a vector of fp32",
                                std::to_string(state->size()) + " bytes"});
    }
    inputs.optimizer_state = *floats;
  }
  for (const ResultEntry& entry : attempt.result->body.entries) {
    RoundPayload payload;
    payload.opening = entry.opening;
    payload.exponent = attempt.commits.at(entry.worker).body.exponent;
    payload.verdict = judged_from_payload(entry.verdict) ? Verdict::ok : entry.verdict;
    if (payload.verdict == Verdict::ok) {
      auto bytes = map(entry.opening->root);
      if (!bytes) return bytes.error();
      if (fault) return fault;
      const std::uint64_t expected = payload_bytes(attempt.open.body, parameter_count);
      if (auto wrong = check_size(files.back(), expected, height)) return wrong;
      payload.bytes = *bytes;
    }
    inputs.payloads.push_back(payload);
  }
  auto execution = execute_round(inputs, backend_);
  if (!execution) {
    return Finding(AuditFault{height, "round_fails", "a result that can be computed",
                              execution.error().message});
  }
  return compare_results(execution->result, attempt.result->body, height);
}

}  // namespace gradmint
