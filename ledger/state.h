// The state: what is true after a block. Key-value entries under a sparse Merkle root; typed
// records over them. Pure: persistence is the store's affair.
#pragma once

#include <functional>
#include <limits>
#include <map>

#include "kernels/base/check.h"
#include "ledger/records.h"
#include "ledger/sparse_merkle.h"

namespace gradmint {

class StateReader {
 public:
  virtual ~StateReader() = default;
  virtual std::optional<Bytes> find(const std::string& key) const = 0;
  using Visit = std::function<void(const std::string&, const Bytes&)>;
  // Visits the first `limit` entries whose key begins with `prefix`, ascending by key.
  virtual void scan_first(const std::string& prefix, std::size_t limit,
                          const Visit& visit) const = 0;
  void scan(const std::string& prefix, const Visit& visit) const {
    scan_first(prefix, std::numeric_limits<std::size_t>::max(), visit);
  }
};

using StateChanges = std::map<std::string, std::optional<Bytes>>;  // nothing = removed

// The committed state.
class State : public StateReader {
 public:
  std::optional<Bytes> find(const std::string& key) const override;
  void scan_first(const std::string& prefix, std::size_t limit, const Visit& visit) const override;

  // The tree as it would be after `changes`, without making them.
  SparseMerkleTree tree_after(const StateChanges& changes) const;
  void apply(const StateChanges& changes, SparseMerkleTree tree);
  void insert(const std::string& key, Bytes value);  // when restoring from disk
  Hash root() const { return tree_.root(); }
  const SparseMerkleTree& tree() const { return tree_; }

 private:
  std::map<std::string, Bytes> entries_;
  SparseMerkleTree tree_;
};

// Changes over a committed state, not yet made. The base must outlive it and stay as it is.
class StateDelta : public StateReader {
 public:
  explicit StateDelta(const State& base) : base_(base) {}
  std::optional<Bytes> find(const std::string& key) const override;
  void scan_first(const std::string& prefix, std::size_t limit, const Visit& visit) const override;
  void put(const std::string& key, Bytes value) { changes_[key] = std::move(value); }
  void remove(const std::string& key) { changes_[key] = std::nullopt; }
  const StateChanges& changes() const { return changes_; }
  const State& base() const { return base_; }

 private:
  const State& base_;
  StateChanges changes_;
};

struct AccountRecord {
  Hash public_key;  // zero until the account registers
  Hash curve_key;
  std::string name;
  bool is_worker = false, is_validator = false;
  std::uint64_t nonce = 0, balance = 0;
  std::uint64_t registered_height = 0;
  std::uint64_t datasets = 0;         // registered by it
  std::uint64_t rounds_accepted = 0;  // settled rounds in which its update was accepted
  std::uint64_t score_sum_ppm = 0, minted = 0;
  std::uint64_t rounds_missed = 0;  // settled rounds in a row, a member of which it gave no update
  // Statements counted against the chain's limit, and the newest round when they were made.
  std::uint64_t counted_round = 0, counted_statements = 0;
  void write(Writer& w) const;
  void read(Reader& r);
};

struct DatasetRecord {
  AccountId owner;
  std::uint64_t height = 0;
  RegisterDataset manifest;
  void write(Writer& w) const;
  void read(Reader& r);
};

// Each phase says what is legal in it.
enum class RoundPhase : std::uint8_t {
  training = 1,    // commit_update, close_commits, abandon_round
  revealing = 2,   // payloads stream (off the ledger); round_result, abandon_round
  evaluating = 3,  // commit_evaluation, reveal_evaluation, settle_round
  settled = 4,     // open_round of the next round
  abandoned = 5,   // open_round of the next attempt
};
std::string_view round_phase_name(RoundPhase phase);

struct RoundRecord {
  std::uint64_t round = 0;
  std::uint32_t attempt = 0;
  RoundPhase phase = RoundPhase::training;
  std::uint64_t open_height = 0, result_height = 0;
  OpenRound open;      // emptied of members once settled: the blocks keep it whole
  CloseCommits close;  // likewise
  RoundResult result;  // likewise
  std::uint32_t attestations = 0;
  MetricSummaries metrics, training;  // of the settlement
  void write(Writer& w) const;
  void read(Reader& r);
};

struct CommitRecord {
  CommitUpdate body;
  std::uint64_t height = 0;  // of its block
  std::uint64_t order = 0;   // how many of this attempt stood before it
  void write(Writer& w) const;
  void read(Reader& r);
};

struct RootRecord {
  std::uint64_t round = 0;
  AccountId worker;
  void write(Writer& w) const;
  void read(Reader& r);
};

struct EvaluationRecord {
  Hash commitment;
  bool revealed = false;
  RevealEvaluation body;
  void write(Writer& w) const;
  void read(Reader& r);
};

struct SuspensionRecord {
  SuspendReason reason = SuspendReason::absent;
  std::string text;
  std::uint64_t height = 0;  // since this block
  void write(Writer& w) const;
  void read(Reader& r);
};

// Keys that a validator has asked for.
struct RotationRecord {
  Hash public_key, curve_key;
  std::uint64_t due_height = 0;  // from this block on the same statement makes them hold
  void write(Writer& w) const;
  void read(Reader& r);
};

// The job so far: where the next round starts.
struct JobRecord {
  std::uint64_t round = 0;  // the newest opened
  Hash model_root, optimizer_root;
  std::uint32_t registrations = 0;  // of strangers since it was opened
  void write(Writer& w) const;
  void read(Reader& r);
};

// allocated + minted = Σ balances; issued = minted + carry.
struct TotalsRecord {
  std::uint64_t allocated = 0, issued = 0, minted = 0, carry = 0;
  void write(Writer& w) const;
  void read(Reader& r);
};

namespace state_key {
std::string account(const AccountId& id);
std::string dataset(const Hash& id);
std::string round(std::uint64_t round);
std::string commit_prefix(std::uint64_t round, std::uint32_t attempt);
std::string commit(std::uint64_t round, std::uint32_t attempt, const AccountId& worker);
std::string root(const Hash& root);
std::string evaluation_prefix(std::uint64_t round);
std::string evaluation(std::uint64_t round, const AccountId& evaluator);
std::string invitation(const Hash& code_hash);
std::string curve_key(const Hash& key);
std::string seed_head(const AccountId& validator);
std::string suspension(const AccountId& worker);
std::string rotation(const AccountId& worker);
std::string member(std::uint64_t registered_height, const AccountId& worker);
inline const std::string kAccountPrefix = "a/";
inline const std::string kMemberPrefix = "m/";
inline const std::string kSuspensionPrefix = "s/";
inline const std::string kRotationPrefix = "o/";
inline const std::string kDatasetPrefix = "d/";
inline const std::string kRoundPrefix = "r/";
inline const std::string kJob = "j";
inline const std::string kTotals = "t";
}  // namespace state_key

// Reads one typed record. State bytes are our own, checked against the state root when loaded.
template <class T>
std::optional<T> get(const StateReader& state, const std::string& key) {
  const auto bytes = state.find(key);
  if (!bytes) return std::nullopt;
  auto record = decode_record<T>(*bytes);
  GRADMINT_CHECK(record.has_value());
  return record;
}
template <class T>
void put(StateDelta& state, const std::string& key, const T& record) {
  state.put(key, encode_record(record));
}
// The last 32 bytes of a key: the account or dataset it is about.
Hash id_of_key(const std::string& key);

TotalsRecord totals_of(const StateReader& state);
JobRecord job_of(const StateReader& state);
std::optional<RoundRecord> current_round(const StateReader& state);  // nothing before the first
// The optimizer whose state the next round starts from; empty where it starts from none.
std::string optimizer_of_job(const StateReader& state);
// Workers that may take part: registered, with at least one dataset, not suspended. At most
// kMaxMembers: those who registered first, so that nobody who comes later can push them out or keep
// a round from opening. Ascending. Reads the index below and nothing else.
std::vector<AccountId> members_of(const StateReader& state);
// Keeps the index of members as the account says: call it after whatever may change that.
void index_member(StateDelta& state, const AccountId& worker, const AccountRecord& account);
// The commitments of an attempt, in the order in which they came to stand.
std::vector<std::pair<AccountId, CommitRecord>> commits_of(const StateReader& state,
                                                           std::uint64_t round,
                                                           std::uint32_t attempt);

}  // namespace gradmint
