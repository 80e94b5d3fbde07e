#include "ledger/audit/replay.h"

#include <algorithm>

#include "ledger/hash.h"

namespace gradmint {
namespace {

bool same(ByteView a, ByteView b) { return std::equal(a.begin(), a.end(), b.begin(), b.end()); }

// What a header should have said, and what it says, for the refusals that are about one field.
void explain_header(Verdict verdict, const Header& header, const Chain& chain,
                    const std::vector<SignedTransaction>& transactions, const BlockDraft& draft,
                    AuditFault& fault) {
  const Header& tip = chain.tip();
  const auto hashes = [&](const Hash& expected, const Hash& found) {
    fault.expected = to_hex(expected);
    fault.found = to_hex(found);
  };
  switch (verdict) {
    case Verdict::wrong_chain:
      return hashes(chain.chain_id(), header.chain_id);
    case Verdict::wrong_parent:
      return hashes(chain.tip_hash(), header.parent_hash);
    case Verdict::wrong_transactions_root:
      return hashes(transactions_root(transactions), header.transactions_root);
    case Verdict::wrong_receipts_root:
      return hashes(receipts_root(draft.receipts), header.receipts_root);
    case Verdict::wrong_state_root:
      return hashes(draft.tree.root(), header.state_root);
    case Verdict::wrong_validators:
      return hashes(tip.validators_hash, header.validators_hash);
    case Verdict::wrong_params:
      return hashes(tip.params_hash, header.params_hash);
    case Verdict::wrong_proposer:
      fault.expected = "a validator";
      fault.found = address_of(header.proposer);
      return;
    case Verdict::wrong_height:
      fault.expected = std::to_string(tip.height + 1);
      fault.found = std::to_string(header.height);
      return;
    case Verdict::wrong_epoch:
      fault.expected = std::to_string(tip.epoch);
      fault.found = std::to_string(header.epoch);
      return;
    case Verdict::wrong_time:
      fault.expected = "later than " + std::to_string(tip.time_ms);
      fault.found = std::to_string(header.time_ms);
      return;
    default:
      break;
  }
  if (draft.verdicts.empty() || draft.verdicts.back() == Verdict::ok) {
    fault.found = "header " + to_hex(header.hash());
    return;
  }
  const std::size_t index = draft.verdicts.size() - 1;
  const SignedTransaction& tx = transactions[index];
  fault.found = "transaction " + std::to_string(index) + " (" +
                std::string(tx_type_name(tx.transaction.type)) + " " + to_hex(tx.id) + ")";
}

Finding check_certificate(ByteView bytes, const Header& header, const GenesisRecord& genesis) {
  const auto certificate = decode_record<Certificate>(bytes);
  const std::string expected = std::to_string(quorum_of(genesis.validators.size())) +
                               " signatures over " + to_hex(header.hash());
  if (!certificate) {
    return AuditFault{header.height, "malformed_certificate", expected,
                      std::to_string(bytes.size()) + " bytes that are no certificate"};
  }
  const Verdict v = verify_certificate(*certificate, header, genesis.validators);
  if (v == Verdict::ok) return std::nullopt;
  return AuditFault{header.height, std::string(verdict_name(v)), expected,
                    std::to_string(certificate->votes.size()) + " signatures over " +
                        to_hex(certificate->block_hash)};
}

Finding check_receipts(ByteView stored, const std::vector<TransactionReceipt>& receipts,
                       std::uint64_t height) {
  const Bytes expected = encode_receipts(receipts);
  if (same(expected, stored)) return std::nullopt;
  return AuditFault{height, "wrong_receipts", to_hex(sha256(expected)), to_hex(sha256(stored))};
}

AuditFault malformed(std::uint64_t height, const char* rule, ByteView bytes) {
  return {height, rule, "a canonical record",
          std::to_string(bytes.size()) + " bytes, sha256 " + to_hex(sha256(bytes))};
}

}  // namespace

Result<Finding> Replay::begin(ByteView genesis_bytes, const EncodedBlock& block) {
  const auto header = decode_record<Header>(block.header);
  if (!header) return Finding(malformed(0, "malformed_header", block.header));
  // The genesis' bytes are its identity: compared before anything in them is believed.
  const Hash chain_id = chain_id_of(genesis_bytes);
  if (header->chain_id != chain_id) {
    return Finding(AuditFault{0, "wrong_genesis", to_hex(header->chain_id), to_hex(chain_id)});
  }
  if (std::string fault = genesis_schema_fault(genesis_bytes); !fault.empty()) {
    return Error{ErrorCode::unsupported, std::move(fault)};
  }
  const auto genesis = decode_record<GenesisRecord>(genesis_bytes);
  if (!genesis) return Finding(malformed(0, "malformed_genesis", genesis_bytes));
  if (genesis->rule_abi != contracts::rule_abi()) {
    return Error{ErrorCode::unsupported, genesis_fault(*genesis)};
  }
  auto chain = Chain::start(*genesis);
  if (!chain) {
    return Finding(AuditFault{0, "unusable_genesis", "a genesis that can start a chain",
                              chain.error().message});
  }
  if (chain->tip_hash() != header->hash()) {
    return Finding(
        AuditFault{0, "wrong_genesis_block", to_hex(chain->tip_hash()), to_hex(header->hash())});
  }
  if (!same(block.transactions, encode_transactions({}))) {
    return Finding(malformed(0, "wrong_genesis_block", block.transactions));
  }
  if (auto fault = check_receipts(block.receipts, {}, 0)) return fault;
  if (auto fault = check_certificate(block.certificate, *header, *genesis)) return fault;
  signatures_ += decode_record<Certificate>(block.certificate)->votes.size();
  chain_ = *std::move(chain);
  last_ = ReplayedBlock{{*header, {}}, {}};
  return Finding();
}

Finding Replay::next(const EncodedBlock& encoded, bool verify_signatures) {
  const std::uint64_t height = chain_->height() + 1;
  const auto header = decode_record<Header>(encoded.header);
  if (!header) return malformed(height, "malformed_header", encoded.header);
  Block block{*header, {}};
  if (const Verdict v = decode_transactions(encoded.transactions, block.transactions);
      v != Verdict::ok) {
    return malformed(height, "malformed_transactions", encoded.transactions);
  }
  BlockDraft draft;
  if (const Verdict v = chain_->process(block, {verify_signatures}, draft); v != Verdict::ok) {
    AuditFault fault{height, std::string(verdict_name(v)), "a block that stands", ""};
    explain_header(v, *header, *chain_, block.transactions, draft, fault);
    return fault;
  }
  if (verify_signatures) {
    if (auto fault = check_certificate(encoded.certificate, *header, chain_->genesis()))
      return fault;
    signatures_ +=
        block.transactions.size() + decode_record<Certificate>(encoded.certificate)->votes.size();
  }
  if (auto fault = check_receipts(encoded.receipts, draft.receipts, height)) return fault;
  last_ = ReplayedBlock{std::move(block), draft.receipts};
  chain_->commit(std::move(draft));
  return std::nullopt;
}

}  // namespace gradmint
