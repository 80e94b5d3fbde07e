#include "ledger/execute_round.h"

#include <algorithm>
#include <bit>

#include "kernels/buffers.h"
#include "kernels/check_encoded.h"
#include "kernels/dots.h"
#include "kernels/fixed_point.h"
#include "kernels/parallel.h"
#include "ledger/merkle.h"
#include "ledger/payload.h"

namespace gradmint {
namespace {

static_assert(std::endian::native == std::endian::little,
              "fp32 vectors on the ledger are little-endian");

// What the payload itself says, once it is known to be the one committed to.
Verdict payload_verdict(const RoundPayload& payload, const kernels::EncodedCheck& check,
                        int round_exponent) {
  if (check.fault == kernels::EncodedFault::not_finite) return Verdict::non_finite;
  if (!check.ok()) return Verdict::malformed_payload;
  if (check.exponent != payload.exponent) return Verdict::exponent_mismatch;
  GRADMINT_CHECK(payload.exponent <= round_exponent);  // the close excluded the others
  return Verdict::ok;
}

// The accepted updates of a round and where each stands in it.
struct Accepted {
  std::vector<std::size_t> entries;
  std::vector<std::uint32_t> weights;
  std::vector<kernels::Row> rows;     // parameters
  std::vector<kernels::Row> buffers;  // empty rows where the model has none
};

ModelSize size_of(const RoundInputs& inputs) {
  GRADMINT_CHECK(inputs.buffer_count < inputs.model.size());
  return {inputs.model.size() - inputs.buffer_count, inputs.buffer_count};
}

// Why an update is none, for people; empty where it is one.
struct PayloadCheck {
  Verdict verdict = Verdict::ok;
  std::string text;
};

PayloadCheck check_payload(const RoundPayload& payload, const PayloadParts& parts,
                           const kernels::Encoding& encoding, const ModelSize& size,
                           int round_exponent) {
  const auto check = kernels::check_encoded(parts.parameters, encoding, size.parameters);
  if (!check.ok()) {
    return {payload_verdict(payload, check, round_exponent), kernels::describe(check, encoding)};
  }
  if (std::any_of(parts.padding.begin(), parts.padding.end(), [](auto x) { return x != 0; })) {
    return {Verdict::malformed_payload, "the bytes before the buffers are not zero"};
  }
  const auto buffers = kernels::check_encoded(parts.buffers, {}, size.buffers);
  if (!buffers.ok()) {
    return {Verdict::non_finite, "buffers: " + kernels::describe(buffers, {})};
  }
  return {payload_verdict(payload, check, round_exponent), {}};
}

Accepted sift(const RoundInputs& inputs, std::vector<ResultEntry>& entries,
              std::vector<PayloadRefusal>& refusals) {
  Accepted accepted;
  const kernels::Encoding encoding = kernel_encoding(inputs.open->encoding);
  const ModelSize size = size_of(inputs);
  for (std::size_t i = 0; i < entries.size(); ++i) {
    const RoundPayload& payload = inputs.payloads[i];
    ResultEntry& entry = entries[i];
    entry.worker = inputs.close->entries[i].worker;
    entry.verdict = payload.verdict;
    entry.opening = payload.opening;
    if (entry.verdict != Verdict::ok) continue;
    const PayloadParts parts = payload_parts(payload.bytes, encoding, size);
    PayloadCheck check = check_payload(payload, parts, encoding, size, inputs.close->exponent);
    entry.verdict = check.verdict;
    if (!check.text.empty()) refusals.push_back({entry.worker, std::move(check.text)});
    if (entry.verdict != Verdict::ok) continue;
    accepted.rows.emplace_back(encoding, parts.parameters, size.parameters);
    accepted.buffers.push_back(size.buffers == 0 ? kernels::Row()
                                                 : kernels::Row({}, parts.buffers, size.buffers));
    accepted.entries.push_back(i);
    accepted.weights.push_back(inputs.close->entries[i].weight);
  }
  return accepted;
}

// What the aggregation says of each update.
void note_evidence(const Accepted& accepted, const kernels::AggregateOutput& output,
                   std::vector<ResultEntry>& entries) {
  for (std::size_t k = 0; k < accepted.entries.size(); ++k) {
    ResultEntry& entry = entries[accepted.entries[k]];
    entry.clip_factor_bits =
        std::bit_cast<std::uint64_t>(output.clip_factors.empty() ? 1.0 : output.clip_factors[k]);
    entry.coefficient = output.coefficients[k];
    entry.selected = entry.coefficient > 0;
    entry.outside_count = output.outside.empty() ? 0 : output.outside[k];
    // + 0.0: a score of -0 has the bits of 0.
    entry.selection_score_bits =
        output.scores.empty() ? 0 : std::bit_cast<std::uint64_t>(output.scores[k] + 0.0);
  }
}

// How far each update agrees with what the others put into the result: as much as their
// coefficients say. Where all others were left out or put in zeros, the one of several that was
// taken has nobody to agree with, and is the result.
Status score(const Accepted& accepted, std::optional<kernels::Gram> gram, kernels::Backend& backend,
             std::vector<ResultEntry>& entries) {
  if (!gram) {
    auto taken = kernels::gram_matrix(accepted.rows, backend);
    if (!taken) return taken.error();
    gram = *std::move(taken);
  }
  std::vector<double> coefficients;
  for (const std::size_t e : accepted.entries) {
    coefficients.push_back(static_cast<double>(entries[e].coefficient) *
                           std::bit_cast<double>(entries[e].clip_factor_bits));
  }
  const auto scores = kernels::cosine_scores_ppm(*gram, coefficients);
  const auto put_in_values = [&](std::size_t k) {
    return entries[accepted.entries[k]].selected && gram->at(k, k) > 0.0;
  };
  std::size_t taken = 0;
  for (std::size_t k = 0; k < accepted.entries.size(); ++k) taken += put_in_values(k) ? 1 : 0;
  const bool alone = taken == 1 && accepted.entries.size() > 1;
  for (std::size_t k = 0; k < accepted.entries.size(); ++k) {
    ResultEntry& entry = entries[accepted.entries[k]];
    entry.score_ppm = alone && put_in_values(k) ? 1'000'000 : scores[k];
  }
  return Status{};
}

// What every machine meets alike (kernels/aggregate.h); ok for what only this one met.
Verdict failure_of(const Error& error) {
  if (error.code == ErrorCode::not_finite) return Verdict::non_finite_result;
  return error.code == ErrorCode::bad_input ? Verdict::aggregation_refused : Verdict::ok;
}

}  // namespace

Result<RoundExecution> execute_round(const RoundInputs& inputs, kernels::Backend& backend) {
  GRADMINT_CHECK(inputs.payloads.size() == inputs.close->entries.size());
  RoundExecution execution;
  RoundResult& result = execution.result;
  result.round = inputs.close->round;
  result.attempt = inputs.close->attempt;
  result.entries.resize(inputs.payloads.size());
  const Accepted accepted = sift(inputs, result.entries, execution.refusals);
  if (accepted.rows.empty()) return execution;  // no model root: the round cannot stand

  const kernels::AggregateSpec spec = kernel_spec(inputs.open->aggregation);
  const ModelSize size = size_of(inputs);
  const std::vector<float> fresh_state(
      inputs.optimizer_state.empty()
          ? size.parameters * kernels::optimizer_state_per_value(spec.optimizer.name)
          : 0);
  kernels::AggregateInput input;
  input.updates = accepted.rows;
  input.weights = accepted.weights;
  input.round_exponent = inputs.close->exponent;
  input.shift = inputs.close->shift;
  input.model = inputs.model.first(size.parameters);
  input.optimizer_state = inputs.optimizer_state.empty() ? fresh_state : inputs.optimizer_state;
  input.want_outside = true;
  const auto failed = [&](const Error& error) -> Result<RoundExecution> {
    execution.failure = failure_of(error);
    execution.failure_text = error.message;
    if (execution.failure == Verdict::ok) return error;
    return execution;
  };
  auto output = kernels::aggregate(spec, input, backend);
  if (!output) return failed(output.error());
  const auto buffers = kernels::aggregate_buffers(spec, accepted.buffers, accepted.weights,
                                                  inputs.model.subspan(size.parameters), backend);
  if (!buffers) return failed(buffers.error());
  note_evidence(accepted, *output, result.entries);
  if (const Status s = score(accepted, std::move(output->gram), backend, result.entries); !s) {
    return s.error();
  }

  execution.model = std::move(output->model);
  execution.model.insert(execution.model.end(), buffers->begin(), buffers->end());
  execution.optimizer_state = std::move(output->optimizer_state);
  result.model_root = vector_root(execution.model);
  result.optimizer_root = vector_root(execution.optimizer_state);
  return execution;
}

Hash vector_root(std::span<const float> values) {
  if (values.empty()) return Hash{};
  return blob_root({reinterpret_cast<const std::uint8_t*>(values.data()), values.size_bytes()},
                   kernels::all_cores());
}

std::optional<std::span<const float>> as_floats(ByteView bytes) {
  if (bytes.size() % sizeof(float) != 0) return std::nullopt;
  if (reinterpret_cast<std::uintptr_t>(bytes.data()) % alignof(float) != 0) return std::nullopt;
  return std::span<const float>(reinterpret_cast<const float*>(bytes.data()),
                                bytes.size() / sizeof(float));
}

}  // namespace gradmint
