// What a chain is: its validators, first money, emission, reward rule, task and enrolment. The
// genesis record's bytes are its identity (chain_id), so two chains with one parameter apart cannot
// be confused.
#pragma once

#include <map>

#include "contracts/emission.h"
#include "contracts/rule.h"
#include "ledger/chain_limits.h"
#include "ledger/model/layout.h"
#include "ledger/records.h"
#include "ledger/schema.h"

namespace gradmint {

// What a genesis can make everybody who follows or audits the chain spend is bounded by the
// protocol, beside ChainLimits and the rule's limits in contracts/rule.h. docs/ledger.md says what
// the largest costs.
inline constexpr std::uint32_t kMaxValidators = 64;
inline constexpr std::uint32_t kMaxAllocations = 16'384;  // with the allow-list in one message
inline constexpr std::uint32_t kMaxAllowed = 16'384;
inline constexpr std::uint64_t kMaxTaskParameters = std::uint64_t{1} << 40;
inline constexpr std::uint64_t kMaxGenesisTimeMs = 253'402'300'799'999;  // the year 9999

struct Validator {
  Hash public_key;
  Hash seed_chain_head;  // H^n of a secret; each CloseCommits reveals the next preimage
  void write(Writer& w) const;
  void read(Reader& r);
};

struct Allocation {
  AccountId account;
  std::uint64_t amount = 0;
  void write(Writer& w) const;
  void read(Reader& r);
};

// What is trained. The layout blob names every tensor; TorchScript is named by the SHA-256 of its
// file.
struct TaskSpec {
  std::string model;  // "mlp", "cnn", "torchscript" or "external" (the trainers bring their own)
  std::string objective;  // "classification" or "regression"
  Hash program_hash;      // SHA-256 of the TorchScript file, or zero
  Hash layout_root;       // blob: tensor names, shapes and order (ledger/model/layout.h)
  ModelSize size;         // of every model
  Hash model_root;        // blob: the model the first round starts from
  // What the data mean (ledger/model/data_contract.h), whole: a site is compared with it before it
  // registers. Empty: the trainers know.
  std::string contract;
  void write(Writer& w) const;
  void read(Reader& r);
};

// What a safetensors file of the task's model says of itself in its metadata.
std::map<std::string, std::string> model_metadata(const TaskSpec& task);

enum class Enrolment : std::uint8_t { open = 0, invitation = 1, allow_list = 2 };

struct GenesisRecord {
  std::string name;
  std::uint64_t time_ms = 0;  // of block 0
  std::vector<Validator> validators;
  std::vector<Allocation> allocations;  // ascending by account
  contracts::Emission emission;
  std::string rule_source, rule_manifest, rule_abi;
  contracts::RuleLimits rule_limits;
  TaskSpec task;
  Enrolment enrolment = Enrolment::invitation;
  std::vector<AccountId> allowed;  // for allow_list; ascending
  ChainLimits limits;
  Hash nonce;  // makes chains of equal parameters distinct
  void write(Writer& w) const;
  void read(Reader& r);

  Hash chain_id() const;     // chain_id_of its bytes
  Hash params_hash() const;  // all that blocks are executed under; today the whole genesis
  Hash rule_id() const;      // SHA-256 of contracts::rule_id_preimage
  Hash validators_hash() const;
};

Hash chain_id_of(ByteView genesis);  // tag::kGenesis over the genesis record's bytes

// bft: floor(2n/3) + 1 of n validators must sign a block.
std::uint32_t quorum_of(std::size_t validators);

// Why these bytes are no genesis that this program reads: another schema. Empty where they are of
// this one, or too short to have any.
std::string genesis_schema_fault(ByteView genesis);

// One line that says why this genesis cannot start a chain here (the rule does not compile, the
// rule was made for another interpreter, emission parameters, no validators, …), or an empty
// string.
std::string genesis_fault(const GenesisRecord& genesis);

}  // namespace gradmint
