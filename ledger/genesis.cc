#include "ledger/genesis.h"

#include "ledger/hash.h"
#include "ledger/keys.h"
#include "ledger/model/data_contract.h"
#include "ledger/tags.h"

namespace gradmint {
void Validator::write(Writer& w) const {
  w.hash(public_key);
  w.hash(seed_chain_head);
}
void Validator::read(Reader& r) {
  public_key = r.hash();
  seed_chain_head = r.hash();
}

void Allocation::write(Writer& w) const {
  w.hash(account);
  w.u64(amount);
}
void Allocation::read(Reader& r) {
  account = r.hash();
  amount = r.u64();
}

void TaskSpec::write(Writer& w) const {
  w.text(model);
  w.text(objective);
  w.hash(program_hash);
  w.hash(layout_root);
  w.u64(size.parameters);
  w.u64(size.buffers);
  w.hash(model_root);
  w.text(contract);
}
void TaskSpec::read(Reader& r) {
  model = r.text(kMaxRecordTextBytes);
  objective = r.text(kMaxRecordTextBytes);
  program_hash = r.hash();
  layout_root = r.hash();
  size.parameters = r.u64();
  size.buffers = r.u64();
  model_root = r.hash();
  contract = r.text(kMaxContractBytes);
}

std::map<std::string, std::string> model_metadata(const TaskSpec& task) {
  std::map<std::string, std::string> metadata{{kModelMetadataKey, task.model}};
  if (!task.contract.empty()) metadata[kContractMetadataKey] = task.contract;
  if (task.program_hash != Hash{}) metadata[kProgramMetadataKey] = to_hex(task.program_hash);
  return metadata;
}

void GenesisRecord::write(Writer& w) const {
  w.u16(kLedgerSchema);
  w.text(name);
  w.u64(time_ms);
  write_list(w, validators);
  write_list(w, allocations);
  w.u64(emission.initial_per_round);
  w.u64(emission.halving_rounds);
  w.u64(emission.cap);
  w.text(rule_source);
  w.text(rule_manifest);
  w.text(rule_abi);
  w.u64(rule_limits.gas);
  w.u64(rule_limits.memory_bytes);
  w.u32(rule_limits.max_effects);
  task.write(w);
  w.u8(static_cast<std::uint8_t>(enrolment));
  write_accounts(w, allowed);
  limits.write(w);
  w.hash(nonce);
}
void GenesisRecord::read(Reader& r) {
  if (r.u16() != kLedgerSchema) r.fail();
  name = r.text(kMaxRecordTextBytes);
  time_ms = r.u64();
  validators = read_list<Validator>(r, kMaxValidators, 64);
  allocations = read_list<Allocation>(r, kMaxAllocations, 40);
  for (std::size_t i = 1; i < allocations.size(); ++i) {
    if (!(allocations[i - 1].account < allocations[i].account)) r.fail();
  }
  emission.initial_per_round = r.u64();
  emission.halving_rounds = r.u64();
  emission.cap = r.u64();
  rule_source = r.lines(contracts::kMaxRuleSourceBytes);
  rule_manifest = r.lines(contracts::kMaxRuleManifestBytes);
  rule_abi = r.text(kMaxRecordTextBytes);
  rule_limits.gas = r.u64();
  rule_limits.memory_bytes = r.u64();
  rule_limits.max_effects = r.u32();
  task.read(r);
  const std::uint8_t mode = r.u8();
  if (mode > static_cast<std::uint8_t>(Enrolment::allow_list)) r.fail();
  enrolment = static_cast<Enrolment>(mode);
  allowed = read_sorted_accounts(r, kMaxAllowed);
  limits.read(r);
  nonce = r.hash();
}

Hash chain_id_of(ByteView genesis) { return tagged_hash(tag::kGenesis, genesis); }

Hash GenesisRecord::chain_id() const { return chain_id_of(encode_record(*this)); }
Hash GenesisRecord::params_hash() const { return tagged_hash(tag::kParams, encode_record(*this)); }
Hash GenesisRecord::rule_id() const {
  return sha256(as_bytes(contracts::rule_id_preimage(rule_source, rule_manifest)));
}
Hash GenesisRecord::validators_hash() const {
  Writer w;
  write_list(w, validators);
  return tagged_hash(tag::kValidators, w.view());
}

std::uint32_t quorum_of(std::size_t validators) {
  return static_cast<std::uint32_t>(2 * validators / 3 + 1);
}

std::string genesis_schema_fault(ByteView genesis) {
  Reader r(genesis);
  const std::uint16_t schema = r.u16();
  return r.ok() ? schema_fault("the genesis", schema) : std::string();
}

}  // namespace gradmint
