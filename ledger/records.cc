#include "ledger/records.h"

#include "ledger/hash.h"
#include "ledger/kernel_spec.h"
#include "ledger/tags.h"

namespace gradmint {
namespace {

constexpr std::size_t kMaxNameBytes = 64;
static_assert(kMaxMetricVoices == kMaxMembers);
constexpr std::uint32_t kMaxParameters = 32;
constexpr std::uint32_t kMaxPreSteps = 8;

void write_verdict(Writer& w, Verdict v) { w.u16(static_cast<std::uint16_t>(v)); }
Verdict read_verdict(Reader& r) {
  const std::uint16_t value = r.u16();
  if (!is_verdict(value)) r.fail();
  return static_cast<Verdict>(value);
}

// An enumeration stored as one byte, refused above its last value.
template <class E>
E read_enum(Reader& r, E last) {
  const std::uint8_t value = r.u8();
  if (value > static_cast<std::uint8_t>(last)) r.fail();
  return static_cast<E>(value);
}

}  // namespace

std::string_view tx_type_name(TxType type) {
  switch (type) {
    case TxType::register_worker:
      return "register_worker";
    case TxType::register_dataset:
      return "register_dataset";
    case TxType::open_round:
      return "open_round";
    case TxType::commit_update:
      return "commit_update";
    case TxType::close_commits:
      return "close_commits";
    case TxType::round_result:
      return "round_result";
    case TxType::abandon_round:
      return "abandon_round";
    case TxType::commit_evaluation:
      return "commit_evaluation";
    case TxType::reveal_evaluation:
      return "reveal_evaluation";
    case TxType::settle_round:
      return "settle_round";
    case TxType::transfer:
      return "transfer";
    case TxType::suspend_member:
      return "suspend_member";
    case TxType::readmit_member:
      return "readmit_member";
    case TxType::rotate_key:
      return "rotate_key";
    case TxType::state_sums:
      return "state_sums";
    case TxType::fix_scaler:
      return "fix_scaler";
  }
  return "";
}

void RegisterWorker::write(Writer& w) const {
  w.hash(public_key);
  w.hash(curve_key);
  w.text(name);
  w.hash(invitation_hash);
}
void RegisterWorker::read(Reader& r) {
  public_key = r.hash();
  curve_key = r.hash();
  name = r.text(kMaxNameBytes);
  invitation_hash = r.hash();
}

void RegisterDataset::write(Writer& w) const {
  w.text(name);
  w.hash(samples_root);
  w.u64(sample_count);
  w.text(schema);
  w.text(origin);
  w.text(licence);
}
void RegisterDataset::read(Reader& r) {
  name = r.text(kMaxNameBytes);
  samples_root = r.hash();
  sample_count = r.u64();
  schema = r.text(kMaxSchemaBytes);
  origin = r.text(kMaxRecordTextBytes);
  licence = r.text(kMaxRecordTextBytes);
}
Hash dataset_id(const AccountId& owner, const RegisterDataset& body) {
  Writer w;
  w.hash(owner);
  body.write(w);
  return tagged_hash(tag::kDataset, w.view());
}

void Parameter::write(Writer& w) const {
  w.text(name);
  w.u32(bits);
}
void Parameter::read(Reader& r) {
  name = r.text(kMaxNameBytes);
  bits = r.u32();
}

void AggregationStep::write(Writer& w) const {
  w.text(name);
  write_list(w, parameters);
}
void AggregationStep::read(Reader& r) {
  name = r.text(kMaxNameBytes);
  parameters = read_list<Parameter>(r, kMaxParameters, 4 + 4);
}

void AggregationSpec::write(Writer& w) const {
  write_list(w, pre);
  aggregator.write(w);
  optimizer.write(w);
}
void AggregationSpec::read(Reader& r) {
  pre = read_list<AggregationStep>(r, kMaxPreSteps, 4 + 4);
  aggregator.read(r);
  optimizer.read(r);
}

void TrainingSpec::write(Writer& w) const {
  w.u32(local_epochs);
  w.u32(local_steps);
  w.u32(batch_size);
  w.text(optimizer);
  w.u32(learning_rate_bits);
  w.u32(momentum_bits);
  w.u64(seed);
}
void TrainingSpec::read(Reader& r) {
  local_epochs = r.u32();
  local_steps = r.u32();
  batch_size = r.u32();
  optimizer = r.text(kMaxNameBytes);
  learning_rate_bits = r.u32();
  momentum_bits = r.u32();
  seed = r.u64();
  if ((local_epochs == 0) == (local_steps == 0) || batch_size == 0) r.fail();
}

void RoundLimits::write(Writer& w) const {
  w.u32(min_updates);
  w.u64(max_examples);
  w.u32(train_deadline_ms);
  w.u32(reveal_deadline_ms);
  w.u32(stall_deadline_ms);
  w.u32(evaluation_blocks);
}
void RoundLimits::read(Reader& r) {
  min_updates = r.u32();
  max_examples = r.u64();
  train_deadline_ms = r.u32();
  reveal_deadline_ms = r.u32();
  stall_deadline_ms = r.u32();
  evaluation_blocks = r.u32();
  if (min_updates == 0 || max_examples == 0 || max_examples > kMaxExamples) r.fail();
}

void EncodingSpec::write(Writer& w) const {
  w.u8(static_cast<std::uint8_t>(kind));
  w.u16(keep);
}
void EncodingSpec::read(Reader& r) {
  kind = read_enum(r, Encoding::top_k);
  keep = r.u16();
  if (!kernels::is_encoding(kernel_encoding(*this))) r.fail();
}

void OpenRound::write(Writer& w) const {
  w.u64(round);
  w.u32(attempt);
  w.u8(static_cast<std::uint8_t>(privacy));
  w.hash(model_root);
  w.hash(optimizer_root);
  aggregation.write(w);
  training.write(w);
  encoding.write(w);
  limits.write(w);
  write_accounts(w, members);
  write_accounts(w, evaluators);
}
void OpenRound::read(Reader& r) {
  round = r.u64();
  attempt = r.u32();
  privacy = read_enum(r, PrivacyMode::plain);
  model_root = r.hash();
  optimizer_root = r.hash();
  aggregation.read(r);
  training.read(r);
  encoding.read(r);
  limits.read(r);
  members = read_sorted_accounts(r, kMaxMembers);
  evaluators = read_sorted_accounts(r, kMaxMembers);
}

void CommitUpdate::write(Writer& w) const {
  w.u64(round);
  w.u32(attempt);
  w.hash(commitment);
  w.i16(exponent);
  w.u64(examples);
  w.u64(steps);
  w.hash(dataset);
  write_metrics(w, metrics);
}
void CommitUpdate::read(Reader& r) {
  round = r.u64();
  attempt = r.u32();
  commitment = r.hash();
  exponent = r.i16();
  examples = r.u64();
  steps = r.u64();
  dataset = r.hash();
  metrics = read_metrics(r);
}

void Opening::write(Writer& w) const {
  w.hash(root);
  w.u64(size_bytes);
  w.u8(static_cast<std::uint8_t>(encoding));
  w.hash(salt);
}
void Opening::read(Reader& r) {
  root = r.hash();
  size_bytes = r.u64();
  encoding = read_enum(r, Encoding::top_k);
  salt = r.hash();
}
Hash update_commitment(const Hash& open_block, const AccountId& worker, const Opening& opening) {
  Writer w;
  w.hash(open_block);
  w.hash(worker);
  opening.write(w);
  return tagged_hash(tag::kUpdateCommitment, w.view());
}

void CloseEntry::write(Writer& w) const {
  w.hash(worker);
  w.u32(weight);
  write_verdict(w, verdict);
}
void CloseEntry::read(Reader& r) {
  worker = r.hash();
  weight = r.u32();
  verdict = read_verdict(r);
}
void CloseCommits::write(Writer& w) const {
  w.u64(round);
  w.u32(attempt);
  w.hash(seed_preimage);
  w.i16(exponent);
  w.i16(shift);
  write_list(w, entries);
}
void CloseCommits::read(Reader& r) {
  round = r.u64();
  attempt = r.u32();
  seed_preimage = r.hash();
  exponent = r.i16();
  shift = r.i16();
  entries = read_list<CloseEntry>(r, kMaxMembers, 32 + 4 + 2);
}

void ResultEntry::write(Writer& w) const {
  w.hash(worker);
  write_verdict(w, verdict);
  w.boolean(opening.has_value());
  if (opening) opening->write(w);
  w.u64(clip_factor_bits);
  w.boolean(selected);
  w.u64(outside_count);
  w.u32(score_ppm);
  w.u32(coefficient);
  w.u64(selection_score_bits);
}
void ResultEntry::read(Reader& r) {
  worker = r.hash();
  verdict = read_verdict(r);
  if (r.boolean()) opening.emplace().read(r);
  clip_factor_bits = r.u64();
  selected = r.boolean();
  outside_count = r.u64();
  score_ppm = r.u32();
  coefficient = r.u32();
  selection_score_bits = r.u64();
}
void RoundResult::write(Writer& w) const {
  w.u64(round);
  w.u32(attempt);
  write_list(w, entries);
  w.hash(model_root);
  w.hash(optimizer_root);
}
void RoundResult::read(Reader& r) {
  round = r.u64();
  attempt = r.u32();
  entries = read_list<ResultEntry>(r, kMaxMembers, 32 + 2 + 1 + 8 + 1 + 8 + 4 + 4 + 8);
  model_root = r.hash();
  optimizer_root = r.hash();
}

void RevealedRoot::write(Writer& w) const {
  w.hash(worker);
  opening.write(w);
}
void RevealedRoot::read(Reader& r) {
  worker = r.hash();
  opening.read(r);
}
void AbandonRound::write(Writer& w) const {
  w.u64(round);
  w.u32(attempt);
  write_verdict(w, reason);
  write_list(w, revealed);
}
void AbandonRound::read(Reader& r) {
  round = r.u64();
  attempt = r.u32();
  reason = read_verdict(r);
  revealed = read_list<RevealedRoot>(r, kMaxMembers, 32 + 32 + 8 + 1 + 32);
  for (std::size_t i = 1; i < revealed.size(); ++i) {
    if (!(revealed[i - 1].worker < revealed[i].worker)) r.fail();
  }
}

void CommitEvaluation::write(Writer& w) const {
  w.u64(round);
  w.hash(commitment);
}
void CommitEvaluation::read(Reader& r) {
  round = r.u64();
  commitment = r.hash();
}
void RevealEvaluation::write(Writer& w) const {
  w.u64(round);
  write_metrics(w, metrics);
  w.u64(examples);
  w.hash(salt);
}
void RevealEvaluation::read(Reader& r) {
  round = r.u64();
  metrics = read_metrics(r);
  examples = r.u64();
  salt = r.hash();
}
Hash evaluation_commitment(const AccountId& evaluator, const Hash& model_root,
                           const RevealEvaluation& evaluation) {
  Writer w;
  w.hash(evaluator);
  w.hash(model_root);
  evaluation.write(w);
  return tagged_hash(tag::kEvaluationCommitment, w.view());
}

void SettleRound::write(Writer& w) const {
  w.u64(round);
  w.u32(attestations);
  write_summaries(w, metrics);
  write_summaries(w, training);
}
void SettleRound::read(Reader& r) {
  round = r.u64();
  attestations = r.u32();
  metrics = read_summaries(r);
  training = read_summaries(r);
}

void Transfer::write(Writer& w) const {
  w.hash(to);
  w.u64(amount);
  w.text(memo);
}
void Transfer::read(Reader& r) {
  to = r.hash();
  amount = r.u64();
  memo = r.text(kMaxMemoBytes);
}

}  // namespace gradmint
