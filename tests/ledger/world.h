// A small ledger that tests play like a script: keys made from names, statements signed with the
// right nonce and anchor, blocks certified by every validator, payloads of a few fp32 values and
// results that come from execute_round. Nothing here is random and nothing reads a clock.
#pragma once

#include <functional>
#include <map>
#include <set>

#include "kernels/backend.h"
#include "ledger/chain.h"
#include "ledger/close_plan.h"
#include "ledger/execute_round.h"
#include "ledger/settle_plan.h"

namespace gradmint::test {

SecretKey key_of(std::string_view name);
Hash hash_of(std::string_view name);
// H^count of a secret: the seed chain that a validator reveals backwards.
Hash seed_chain(const Hash& secret, int count);

template <class Body>
constexpr TxType type_of();
template <>
constexpr TxType type_of<RegisterWorker>() {
  return TxType::register_worker;
}
template <>
constexpr TxType type_of<RegisterDataset>() {
  return TxType::register_dataset;
}
template <>
constexpr TxType type_of<OpenRound>() {
  return TxType::open_round;
}
template <>
constexpr TxType type_of<CommitUpdate>() {
  return TxType::commit_update;
}
template <>
constexpr TxType type_of<CloseCommits>() {
  return TxType::close_commits;
}
template <>
constexpr TxType type_of<RoundResult>() {
  return TxType::round_result;
}
template <>
constexpr TxType type_of<AbandonRound>() {
  return TxType::abandon_round;
}
template <>
constexpr TxType type_of<CommitEvaluation>() {
  return TxType::commit_evaluation;
}
template <>
constexpr TxType type_of<RevealEvaluation>() {
  return TxType::reveal_evaluation;
}
template <>
constexpr TxType type_of<SettleRound>() {
  return TxType::settle_round;
}
template <>
constexpr TxType type_of<Transfer>() {
  return TxType::transfer;
}

template <>
constexpr TxType type_of<SuspendMember>() {
  return TxType::suspend_member;
}
template <>
constexpr TxType type_of<ReadmitMember>() {
  return TxType::readmit_member;
}
template <>
constexpr TxType type_of<RotateKey>() {
  return TxType::rotate_key;
}

struct WorldOptions {
  int validators = 1;
  int workers = 4;
  std::uint64_t parameters = 8;
  std::uint64_t buffers = 0;
  Enrolment enrolment = Enrolment::open;
  std::uint32_t min_updates = 1;
  std::uint32_t evaluation_blocks = 2;
  std::string optimizer = "plain";
  std::optional<float> clip;                          // the norm to which updates are clipped
  std::optional<kernels::AggregateSpec> aggregation;  // instead of these two
  EncodingSpec encoding;
  std::uint32_t suspend_after_rounds = 3, rotation_delay_blocks = 4;
  std::optional<ChainLimits> limits;
  std::string contract;  // of the data; the task is then its own
  std::uint64_t rule_gas = contracts::RuleLimits{}.gas;
};

struct PlayedBlock {
  BlockDraft draft;
  Certificate certificate;
};

class World {
 public:
  static constexpr int kSeedChainLength = 64;
  static constexpr std::uint64_t kSamples = 100;  // in each worker's dataset

  explicit World(const WorldOptions& options = {});

  GenesisRecord genesis;
  std::vector<SecretKey> validators, workers;
  Chain chain;
  std::vector<PlayedBlock> played;                 // blocks 1 … height
  std::map<Hash, Bytes> blobs;                     // everything the ledger names
  std::map<int, std::vector<float>> own_payloads;  // instead of payload_of's
  std::map<int, Bytes> own_bytes;                  // instead of the encoded payload
  std::map<int, EncodingSpec> own_encodings;       // instead of the round's
  std::map<int, std::int16_t> own_exponents;       // declared, instead of the true one
  std::map<int, std::uint64_t> own_examples;
  std::set<int> silent;        // do not reveal
  Metrics evaluation_metrics;  // of every evaluator, where not empty
  std::vector<float> model, optimizer_state;

  const SecretKey& validator() const { return validators.front(); }

  // A statement as its sender should make it now; tests change it before signing.
  template <class Body>
  Transaction draft(const SecretKey& who, const Body& body) const {
    return draft(who, type_of<Body>(), encode_record(body));
  }
  Transaction draft(const SecretKey& who, TxType type, Bytes body) const;
  template <class Body>
  SignedTransaction say(const SecretKey& who, const Body& body) const {
    return sign_transaction(draft(who, body), who);
  }
  // What the chain would answer.
  template <class Body>
  Verdict ask(const SecretKey& who, const Body& body) const {
    return chain.check(say(who, body));
  }

  // Makes a block of those that stand, processes it as another validator would, certifies and
  // commits it.
  std::vector<Verdict> play(const std::vector<SignedTransaction>& transactions);
  void empty_blocks(int count);
  // Plays one statement and requires that it stands.
  template <class Body>
  void must(const SecretKey& who, const Body& body) {
    GRADMINT_CHECK(play({say(who, body)}).front() == Verdict::ok);
  }

  // The bodies of an honest script, from what the chain now says.
  RegisterWorker registration(int worker) const;
  RegisterDataset dataset(int worker) const;
  OpenRound open_body() const;
  CommitUpdate commit_body(int worker) const;
  CloseCommits close_body() const;
  RoundResult result_body() const;
  AbandonRound abandon_body() const;
  CommitEvaluation evaluation_commitment_body(const SecretKey& evaluator) const;
  RevealEvaluation evaluation_body(const SecretKey& evaluator) const;
  SettleRound settle_body() const;
  Hash seed_preimage() const;

  RoundExecution execute() const;  // of the round as it was closed
  std::vector<float> payload_of(int worker) const;
  Bytes encoded_of(int worker) const;
  Opening opening_of(int worker) const;
  int worker_of(const AccountId& account) const;  // its index
  RoundRecord round() const;                      // the current one

  // The script.
  void enrol();
  void open();
  void commit(const std::vector<int>& order = {});  // every worker, unless told otherwise
  void close();
  void result();
  // A result that its coordinator changed before signing it; the ledger must let it stand.
  void lie(const std::function<void(RoundResult&)>& change);
  void attest();  // both steps
  void settle();
  void run_round();
  void run_round_of(const std::vector<int>& present);  // the other members give nothing

  Certificate certify(const Header& header, const std::vector<int>& signers) const;

 private:
  EncodingSpec encoding_of(int worker) const;
  int exponent_of(int worker) const;
  WorldOptions options_;
  void keep_blobs(const RoundResult& result, const RoundExecution& execution);
};

// What members_of must give, from all accounts.
std::vector<AccountId> members_by_scan(const StateReader& state);

}  // namespace gradmint::test
