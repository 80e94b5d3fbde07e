#include "ledger/block.h"

#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "ledger/tags.h"

namespace gradmint {

void Header::write(Writer& w) const {
  w.u16(kBlockVersion);
  w.hash(chain_id);
  w.u64(epoch);
  w.u64(height);
  w.u64(time_ms);
  for (const Hash* h :
       {&parent_hash, &transactions_root, &receipts_root, &state_root, &history_root,
        &validators_hash, &next_validators_hash, &params_hash, &proposer}) {
    w.hash(*h);
  }
}
void Header::read(Reader& r) {
  if (r.u16() != kBlockVersion) r.fail();
  chain_id = r.hash();
  epoch = r.u64();
  height = r.u64();
  time_ms = r.u64();
  for (Hash* h : {&parent_hash, &transactions_root, &receipts_root, &state_root, &history_root,
                  &validators_hash, &next_validators_hash, &params_hash, &proposer}) {
    *h = r.hash();
  }
}
Hash Header::hash() const { return tagged_hash(tag::kHeader, encode_record(*this)); }

void Certificate::Vote::write(Writer& w) const {
  w.u16(validator);
  w.raw(signature.bytes);
}
void Certificate::Vote::read(Reader& r) {
  validator = r.u16();
  const ByteView bytes = r.raw(signature.bytes.size());
  if (r.ok()) std::copy(bytes.begin(), bytes.end(), signature.bytes.begin());
}
void Certificate::write(Writer& w) const {
  w.u64(epoch);
  w.u64(height);
  w.hash(block_hash);
  write_list(w, votes);
}
void Certificate::read(Reader& r) {
  epoch = r.u64();
  height = r.u64();
  block_hash = r.hash();
  votes = read_list<Vote>(r, 64, 2 + 64);
}

Hash vote_digest(const Hash& chain_id, std::uint64_t epoch, std::uint64_t height,
                 const Hash& block_hash) {
  Writer w;
  w.hash(chain_id);
  w.u64(epoch);
  w.u64(height);
  w.hash(block_hash);
  return tagged_hash(tag::kVote, w.view());
}

Certificate certify(const Header& header,
                    const std::vector<std::pair<std::uint16_t, SecretKey>>& voters) {
  Certificate certificate{header.epoch, header.height, header.hash(), {}};
  const Hash digest =
      vote_digest(header.chain_id, header.epoch, header.height, certificate.block_hash);
  for (const auto& [index, key] : voters) certificate.votes.push_back({index, key.sign(digest)});
  return certificate;
}

Verdict verify_certificate(const Certificate& certificate, const Header& header,
                           const std::vector<Validator>& validators) {
  const Hash block_hash = header.hash();
  if (certificate.epoch != header.epoch || certificate.height != header.height ||
      certificate.block_hash != block_hash) {
    return Verdict::bad_certificate;
  }
  const Hash digest = vote_digest(header.chain_id, header.epoch, header.height, block_hash);
  for (std::size_t i = 0; i < certificate.votes.size(); ++i) {
    const auto& vote = certificate.votes[i];
    if (vote.validator >= validators.size()) return Verdict::bad_certificate;
    if (i > 0 && certificate.votes[i - 1].validator >= vote.validator) {
      return Verdict::bad_certificate;
    }
    if (!verify_signature(validators[vote.validator].public_key, digest, vote.signature)) {
      return Verdict::bad_certificate;
    }
  }
  return certificate.votes.size() >= quorum_of(validators.size()) ? Verdict::ok
                                                                  : Verdict::no_quorum;
}

void TransactionReceipt::write(Writer& w) const {
  w.hash(transaction_id);
  w.u16(rule_code);
  w.u64(gas_used);
  w.u32(static_cast<std::uint32_t>(mints.size()));
  for (const contracts::Mint& mint : mints) {
    w.raw(mint.account);
    w.u64(mint.amount);
  }
}
void TransactionReceipt::read(Reader& r) {
  transaction_id = r.hash();
  rule_code = r.u16();
  gas_used = r.u64();
  mints.resize(r.count(kMaxMembers, 40));
  for (contracts::Mint& mint : mints) {
    mint.account = r.hash().bytes;
    mint.amount = r.u64();
  }
}

Hash transactions_root(const std::vector<SignedTransaction>& transactions) {
  std::vector<Hash> leaves;
  leaves.reserve(transactions.size());
  for (const auto& t : transactions) leaves.push_back(merkle_leaf_hash(t.bytes));
  return merkle_root(leaves);
}

Hash receipts_root(const std::vector<TransactionReceipt>& receipts) {
  std::vector<Hash> leaves;
  leaves.reserve(receipts.size());
  for (const auto& r : receipts) leaves.push_back(merkle_leaf_hash(encode_record(r)));
  return merkle_root(leaves);
}

Bytes encode_transactions(const std::vector<SignedTransaction>& transactions) {
  Writer w;
  w.u32(static_cast<std::uint32_t>(transactions.size()));
  for (const auto& t : transactions) w.bytes(t.bytes);
  return w.take();
}

Verdict decode_transactions(ByteView bytes, std::vector<SignedTransaction>& out) {
  if (bytes.size() > kMaxBlockBytes) return Verdict::oversized;
  Reader r(bytes);
  out.resize(r.count(kMaxBlockTransactions, 4));
  for (SignedTransaction& transaction : out) {
    const Bytes one = r.bytes(kMaxSignedTransactionBytes);
    if (!r.ok()) return Verdict::malformed;
    if (const Verdict v = decode_transaction(one, transaction); v != Verdict::ok) return v;
  }
  return r.finished() ? Verdict::ok : Verdict::malformed;
}

Bytes encode_receipts(const std::vector<TransactionReceipt>& receipts) {
  Writer w;
  write_list(w, receipts);
  return w.take();
}

std::optional<std::vector<TransactionReceipt>> decode_receipts(ByteView bytes) {
  Reader r(bytes);
  auto receipts = read_list<TransactionReceipt>(r, kMaxBlockTransactions, 32 + 2 + 8 + 4);
  if (!r.finished()) return std::nullopt;
  return receipts;
}

}  // namespace gradmint
