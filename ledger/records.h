// The bodies of all transactions: what workers and coordinators state, sign and keep. Limits are
// part of the format. See docs/ledger.md for the life of a round told with these records.
#pragma once

#include <string>
#include <vector>

#include "ledger/metrics.h"
#include "ledger/record.h"
#include "ledger/verdict.h"

namespace gradmint {

inline constexpr std::uint32_t kMaxMembers =
    4095;  // the weighted mean's bound (design: numeric law)
inline constexpr std::uint64_t kMaxExamples = 1u << 24;  // the largest integer weight
inline constexpr std::size_t kMaxRecordTextBytes = 1024;
inline constexpr std::size_t kMaxSchemaBytes = 4 * 1024;
inline constexpr std::size_t kMaxMemoBytes = 256;
inline constexpr std::int16_t kNoExponent = -150;   // of an update of zeros
inline constexpr std::int16_t kMinExponent = -149;  // of the least positive fp32
inline constexpr std::int16_t kMaxExponent = 128;   // every finite fp32 is below 2^128

enum class TxType : std::uint16_t {
  register_worker = 1,
  register_dataset = 2,
  open_round = 3,
  commit_update = 4,
  close_commits = 5,
  round_result = 6,
  abandon_round = 7,
  commit_evaluation = 8,
  reveal_evaluation = 9,
  settle_round = 10,
  transfer = 11,
  suspend_member = 12,
  readmit_member = 13,
  rotate_key = 14,
  state_sums = 15,  // ledger/scaler_records.h
  fix_scaler = 16,
};
std::string_view tx_type_name(TxType type);  // "register_worker", …; "" when unknown

// decode_record with a verdict: ok, malformed, or malformed_text where the first thing wrong is a
// text.
template <class Body>
Verdict decode_body(ByteView bytes, Body& body) {
  Reader reader(bytes);
  body.read(reader);
  if (reader.finished()) return Verdict::ok;
  return reader.met_unclean_text() ? Verdict::malformed_text : Verdict::malformed;
}

// Binds an account to its signing key and to the CURVE key it connects with.
struct RegisterWorker {
  Hash public_key;       // x-only, BIP-340; the sender's id is account_of(public_key)
  Hash curve_key;        // CURVE25519 public key
  std::string name;      // for people; not an identity
  Hash invitation_hash;  // SHA-256 of the one-time code, or zero where enrolment needs none
  void write(Writer& w) const;
  void read(Reader& r);
};

// What a worker says of its data, and nothing of the data itself: a salted Merkle root over
// samples.
struct RegisterDataset {
  std::string name;
  Hash samples_root;
  std::uint64_t sample_count = 0;
  std::string schema, origin, licence;
  void write(Writer& w) const;
  void read(Reader& r);
};
// The dataset's name on the ledger: tag::kDataset.
Hash dataset_id(const AccountId& owner, const RegisterDataset& body);

// One named hyperparameter, as the bits of an fp32.
struct Parameter {
  std::string name;
  std::uint32_t bits = 0;
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const Parameter&) const = default;
};

// A step of the aggregation, by the kernels' name for it. Parameters stand in the kernels' order,
// all of them (kernels::complete_spec), so that no default can change under a ledger.
struct AggregationStep {
  std::string name;
  std::vector<Parameter> parameters;
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const AggregationStep&) const = default;
};

// How updates are combined: replayed bit for bit by everyone.
struct AggregationSpec {
  std::vector<AggregationStep> pre;  // in this order, before the aggregator
  AggregationStep aggregator{"mean", {}};
  AggregationStep optimizer{"plain", {}};
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const AggregationSpec&) const = default;
};

// What each worker is asked to do. Exactly one of local_epochs and local_steps is non-zero.
struct TrainingSpec {
  std::uint32_t local_epochs = 1, local_steps = 0, batch_size = 32;
  std::string optimizer = "sgd";
  std::uint32_t learning_rate_bits = 0, momentum_bits = 0;  // fp32
  std::uint64_t seed = 0;
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const TrainingSpec&) const = default;
};

// Deadlines are advice from the ledger to the coordinator's clock; validity never looks at one.
struct RoundLimits {
  std::uint32_t min_updates = 1;
  std::uint64_t max_examples = kMaxExamples;
  std::uint32_t train_deadline_ms = 600'000, reveal_deadline_ms = 120'000,
                stall_deadline_ms = 30'000;
  std::uint32_t evaluation_blocks = 8;  // a missing attestation is waited for this many blocks
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const RoundLimits&) const = default;
};

enum class PrivacyMode : std::uint8_t { plain = 0 };

// How updates are written as bytes: kernels/encoding.h, by the same numbers.
enum class Encoding : std::uint8_t { fp32 = 0, bf16 = 1, fp16 = 2, int8 = 3, int4 = 4, top_k = 5 };

struct EncodingSpec {
  Encoding kind = Encoding::fp32;
  std::uint16_t keep = 0;  // top_k: values kept of each 4096, in [1, 4096]; 0 for all others
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const EncodingSpec&) const = default;
};

struct OpenRound {
  std::uint64_t round = 0;  // from 1
  std::uint32_t attempt = 0;
  PrivacyMode privacy = PrivacyMode::plain;
  Hash model_root, optimizer_root;  // the state the round starts from
  AggregationSpec aggregation;
  TrainingSpec training;
  EncodingSpec encoding;  // of every update of the round
  RoundLimits limits;
  std::vector<AccountId> members;     // ascending
  std::vector<AccountId> evaluators;  // ascending
  void write(Writer& w) const;
  void read(Reader& r);
};

// The hash a worker signs before anything is revealed.
struct CommitUpdate {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  Hash commitment;  // update_commitment(...)
  // Of the largest |x|: max |x| <= 2^exponent (kernels/fixed_point.h); kNoExponent for zeros.
  std::int16_t exponent = 0;
  std::uint64_t examples = 0, steps = 0;
  Hash dataset;
  Metrics metrics;  // of its own training: a claim, which nobody can check
  void write(Writer& w) const;
  void read(Reader& r);
};

// What opens a commitment.
struct Opening {
  Hash root;  // blob_root of the encoded payload
  std::uint64_t size_bytes = 0;
  Encoding encoding = Encoding::fp32;  // the round's
  Hash salt;
  void write(Writer& w) const;
  void read(Reader& r);
};
Hash update_commitment(const Hash& open_block, const AccountId& worker, const Opening& opening);

struct CloseEntry {
  AccountId worker;
  std::uint32_t weight = 0;
  Verdict verdict = Verdict::ok;  // ok or out_of_range
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const CloseEntry&) const = default;
};
struct CloseCommits {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  Hash seed_preimage;                    // the proposer's next hash-chain value
  std::int16_t exponent = 0, shift = 0;  // E and s
  std::vector<CloseEntry> entries;       // in the round's order
  void write(Writer& w) const;
  void read(Reader& r);
};

struct ResultEntry {
  AccountId worker;
  Verdict verdict = Verdict::ok;       // ok = accepted; otherwise why not
  std::optional<Opening> opening;      // absent only when nothing was revealed
  std::uint64_t clip_factor_bits = 0;  // fp64; zero when rejected
  bool selected = false;               // kept by the aggregator
  std::uint64_t outside_count = 0;     // coordinates strictly outside the kept range
  std::uint32_t score_ppm = 0;
  // The whole weight in the final mean; 1 where an order statistic saw it; 0 where it was left out.
  std::uint32_t coefficient = 0;
  std::uint64_t selection_score_bits = 0;  // fp64, by which Krum's kin choose; 0 with the others
  void write(Writer& w) const;
  void read(Reader& r);
};
// Integers only: everyone re-executes it from the blobs.
struct RoundResult {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  std::vector<ResultEntry> entries;  // as in CloseCommits, in its order
  Hash model_root, optimizer_root;   // the state the round ends with
  void write(Writer& w) const;
  void read(Reader& r);
};

struct RevealedRoot {
  AccountId worker;
  Opening opening;
  void write(Writer& w) const;
  void read(Reader& r);
};
// Ends an attempt that cannot succeed. Roots already revealed cannot be used by another in the next
// one.
struct AbandonRound {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  Verdict reason = Verdict::too_few_updates;
  std::vector<RevealedRoot> revealed;  // ascending by worker
  void write(Writer& w) const;
  void read(Reader& r);
};

struct CommitEvaluation {
  std::uint64_t round = 0;
  Hash commitment;  // evaluation_commitment(...)
  void write(Writer& w) const;
  void read(Reader& r);
};
struct RevealEvaluation {
  std::uint64_t round = 0;
  Metrics metrics;
  std::uint64_t examples = 0;
  Hash salt;
  void write(Writer& w) const;
  void read(Reader& r);
};
Hash evaluation_commitment(const AccountId& evaluator, const Hash& model_root,
                           const RevealEvaluation& evaluation);

// What the attestations come to, and the trainers' own metrics of the updates that were accepted
// (settle_plan.h). Mints happen here and only here.
struct SettleRound {
  std::uint64_t round = 0;
  std::uint32_t attestations = 0;
  MetricSummaries metrics;   // of the new model, by its evaluators
  MetricSummaries training;  // of the updates, by their trainers
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const SettleRound&) const = default;
};

enum class SuspendReason : std::uint8_t {
  absent = 1,            // the ledger shows it: rounds in a row without an update of its own
  operator_decision = 2  // the operator's word, with a text
};
std::string_view suspend_reason_name(SuspendReason reason);  // "absent", "operator"

// Ends a worker's membership until it is readmitted. Its account stays its own.
struct SuspendMember {
  AccountId account;
  SuspendReason reason = SuspendReason::absent;
  std::string text;  // for people; of operator_decision, and empty with absent
  void write(Writer& w) const;
  void read(Reader& r);
};
struct ReadmitMember {
  AccountId account;
  void write(Writer& w) const;
  void read(Reader& r);
};

// Other keys for a worker's account, whose id stays. Said by the account itself it holds at once,
// and ends what a validator has asked for unless the account is suspended by the operator's word;
// said by a validator it holds when the same is said again rotation_delay_blocks later.
struct RotateKey {
  AccountId account;
  Hash public_key;  // x-only, BIP-340
  Hash curve_key;
  void write(Writer& w) const;
  void read(Reader& r);
};

struct Transfer {
  AccountId to;
  std::uint64_t amount = 0;
  std::string memo;
  void write(Writer& w) const;
  void read(Reader& r);
};

}  // namespace gradmint
