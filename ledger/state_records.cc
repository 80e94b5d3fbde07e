// The bytes of the records that stand in the state.
#include "ledger/state.h"

namespace gradmint {
namespace {
constexpr std::size_t kMaxNameBytes = 64;
}

std::string_view round_phase_name(RoundPhase phase) {
  switch (phase) {
    case RoundPhase::training:
      return "training";
    case RoundPhase::revealing:
      return "revealing";
    case RoundPhase::evaluating:
      return "evaluating";
    case RoundPhase::settled:
      return "settled";
    case RoundPhase::abandoned:
      return "abandoned";
  }
  return "";
}

void AccountRecord::write(Writer& w) const {
  w.hash(public_key);
  w.hash(curve_key);
  w.text(name);
  w.boolean(is_worker);
  w.boolean(is_validator);
  for (const std::uint64_t v :
       {nonce, balance, registered_height, datasets, rounds_accepted, score_sum_ppm, minted,
        rounds_missed, counted_round, counted_statements}) {
    w.u64(v);
  }
}
void AccountRecord::read(Reader& r) {
  public_key = r.hash();
  curve_key = r.hash();
  name = r.text(kMaxNameBytes);
  is_worker = r.boolean();
  is_validator = r.boolean();
  for (std::uint64_t* v :
       {&nonce, &balance, &registered_height, &datasets, &rounds_accepted, &score_sum_ppm, &minted,
        &rounds_missed, &counted_round, &counted_statements}) {
    *v = r.u64();
  }
}

void DatasetRecord::write(Writer& w) const {
  w.hash(owner);
  w.u64(height);
  manifest.write(w);
}
void DatasetRecord::read(Reader& r) {
  owner = r.hash();
  height = r.u64();
  manifest.read(r);
}

void RoundRecord::write(Writer& w) const {
  w.u64(round);
  w.u32(attempt);
  w.u8(static_cast<std::uint8_t>(phase));
  w.u64(open_height);
  w.u64(result_height);
  open.write(w);
  close.write(w);
  result.write(w);
  w.u32(attestations);
  write_summaries(w, metrics);
  write_summaries(w, training);
}
void RoundRecord::read(Reader& r) {
  round = r.u64();
  attempt = r.u32();
  const std::uint8_t value = r.u8();
  phase = static_cast<RoundPhase>(value);
  if (round_phase_name(phase).empty()) r.fail();
  open_height = r.u64();
  result_height = r.u64();
  open.read(r);
  close.read(r);
  result.read(r);
  attestations = r.u32();
  metrics = read_summaries(r);
  training = read_summaries(r);
}

void CommitRecord::write(Writer& w) const {
  body.write(w);
  w.u64(height);
  w.u64(order);
}
void CommitRecord::read(Reader& r) {
  body.read(r);
  height = r.u64();
  order = r.u64();
}

void RootRecord::write(Writer& w) const {
  w.u64(round);
  w.hash(worker);
}
void RootRecord::read(Reader& r) {
  round = r.u64();
  worker = r.hash();
}

void EvaluationRecord::write(Writer& w) const {
  w.hash(commitment);
  w.boolean(revealed);
  body.write(w);
}
void EvaluationRecord::read(Reader& r) {
  commitment = r.hash();
  revealed = r.boolean();
  body.read(r);
}

void SuspensionRecord::write(Writer& w) const {
  w.u8(static_cast<std::uint8_t>(reason));
  w.text(text);
  w.u64(height);
}
void SuspensionRecord::read(Reader& r) {
  reason = static_cast<SuspendReason>(r.u8());
  text = r.text(kMaxMemoBytes);
  height = r.u64();
  if (suspend_reason_name(reason).empty()) r.fail();
}

void RotationRecord::write(Writer& w) const {
  w.hash(public_key);
  w.hash(curve_key);
  w.u64(due_height);
}
void RotationRecord::read(Reader& r) {
  public_key = r.hash();
  curve_key = r.hash();
  due_height = r.u64();
}

void JobRecord::write(Writer& w) const {
  w.u64(round);
  w.hash(model_root);
  w.hash(optimizer_root);
  w.u32(registrations);
}
void JobRecord::read(Reader& r) {
  round = r.u64();
  model_root = r.hash();
  optimizer_root = r.hash();
  registrations = r.u32();
}

void TotalsRecord::write(Writer& w) const {
  for (const std::uint64_t v : {allocated, issued, minted, carry}) w.u64(v);
}
void TotalsRecord::read(Reader& r) {
  for (std::uint64_t* v : {&allocated, &issued, &minted, &carry}) *v = r.u64();
}

}  // namespace gradmint
