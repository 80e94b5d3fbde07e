#include "ledger/transaction.h"

#include "ledger/hash.h"
#include "ledger/tags.h"

namespace gradmint {
namespace {

constexpr std::size_t kSignatureBytes = 64;

ByteView signed_part(ByteView bytes) { return bytes.first(bytes.size() - kSignatureBytes); }

std::string transaction_tag(TxType type) {
  constexpr std::string_view kType = "<type>";
  std::string text(tag::kTransactions);
  return text.replace(text.find(kType), kType.size(), tx_type_name(type));
}

void finish(SignedTransaction& out) {
  out.id = tagged_hash(tag::kTransactionId, signed_part(out.bytes));
}

}  // namespace

SignedTransaction sign_transaction(const Transaction& transaction, const SecretKey& key) {
  Writer w;
  w.u16(kTransactionVersion);
  w.u16(static_cast<std::uint16_t>(transaction.type));
  w.u8(kSigAlgBip340);
  w.hash(transaction.chain_id);
  w.hash(transaction.sender);
  w.u64(transaction.nonce);
  w.u64(transaction.valid_until);
  w.u64(transaction.seen_height);
  w.hash(transaction.seen_hash);
  w.bytes(transaction.body);
  w.raw(Signature{}.bytes);

  SignedTransaction out;
  out.transaction = transaction;
  out.bytes = w.take();
  out.signature = key.sign(signing_digest(out));
  std::copy(out.signature.bytes.begin(), out.signature.bytes.end(),
            out.bytes.end() - kSignatureBytes);
  finish(out);
  return out;
}

Verdict decode_transaction(ByteView bytes, SignedTransaction& out) {
  if (bytes.size() > kMaxSignedTransactionBytes) return Verdict::oversized;
  Reader r(bytes);
  const std::uint16_t version = r.u16();
  const std::uint16_t type = r.u16();
  const std::uint8_t algorithm = r.u8();
  if (!r.ok()) return Verdict::malformed;
  if (version != kTransactionVersion) return Verdict::unknown_version;
  if (tx_type_name(static_cast<TxType>(type)).empty()) return Verdict::unknown_type;
  if (algorithm != kSigAlgBip340) return Verdict::unknown_algorithm;

  Transaction& t = out.transaction;
  t.type = static_cast<TxType>(type);
  t.chain_id = r.hash();
  t.sender = r.hash();
  t.nonce = r.u64();
  t.valid_until = r.u64();
  t.seen_height = r.u64();
  t.seen_hash = r.hash();
  t.body = r.bytes(kMaxSignedTransactionBytes);
  const ByteView signature = r.raw(kSignatureBytes);
  if (!r.finished()) return Verdict::malformed;

  std::copy(signature.begin(), signature.end(), out.signature.bytes.begin());
  out.bytes.assign(bytes.begin(), bytes.end());
  finish(out);
  return Verdict::ok;
}

Hash signing_digest(const SignedTransaction& transaction) {
  return tagged_hash(transaction_tag(transaction.transaction.type), signed_part(transaction.bytes));
}

}  // namespace gradmint
