// The envelope around every statement. Wire format (little-endian):
//   version u16 | type u16 | sig_alg u8 | chain_id 32 | sender 32 | nonce u64 | valid_until u64 |
//   seen_height u64 | seen_hash 32 | body (u32 length, bytes) | signature 64
// The signature is over tag::kTransactions, everything before it; the
// received bytes are kept and never re-encoded. seen_* names the newest block the sender has seen:
// a coordinator cannot rewrite history that its workers have built upon.
#pragma once

#include "ledger/keys.h"
#include "ledger/records.h"

namespace gradmint {

inline constexpr std::uint16_t kTransactionVersion = 1;
inline constexpr std::size_t kMaxSignedTransactionBytes = 1024 * 1024;
inline constexpr std::uint64_t kNeverExpires = ~std::uint64_t{0};

struct Transaction {
  TxType type = TxType::transfer;
  Hash chain_id;
  AccountId sender;
  std::uint64_t nonce = 0;                    // the sender's transactions so far
  std::uint64_t valid_until = kNeverExpires;  // the last height at which it may stand
  std::uint64_t seen_height = 0;
  Hash seen_hash;
  Bytes body;
};

struct SignedTransaction {
  Transaction transaction;
  Signature signature;
  Bytes bytes;  // exactly as signed and received
  Hash id;      // tag::kTransactionId over the bytes before the signature
};

SignedTransaction sign_transaction(const Transaction& transaction, const SecretKey& key);

// malformed, unknown_version, unknown_type or unknown_algorithm; ok fills `out`.
Verdict decode_transaction(ByteView bytes, SignedTransaction& out);

// The digest its sender signs; what verify_signature takes.
Hash signing_digest(const SignedTransaction& transaction);

}  // namespace gradmint
