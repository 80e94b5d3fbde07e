// Blocks, receipts and quorum certificates, written for n validators; a solo coordinator is a set
// of one.
#pragma once

#include "ledger/genesis.h"
#include "ledger/transaction.h"

namespace gradmint {

inline constexpr std::uint16_t kBlockVersion = 1;
inline constexpr std::uint32_t kMaxBlockTransactions = 8192;
inline constexpr std::size_t kMaxBlockBytes = 8 * 1024 * 1024;

struct Header {
  Hash chain_id;
  std::uint64_t epoch = 0;
  std::uint64_t height = 0;
  std::uint64_t time_ms = 0;  // strictly increasing; never compared with a clock
  Hash parent_hash;
  Hash transactions_root;  // RFC 6962 over whole transactions, signatures included
  Hash receipts_root;      // RFC 6962 over this block's receipts
  Hash state_root;         // after this block
  Hash history_root;       // RFC 6962 over the hashes of all earlier headers
  Hash validators_hash, next_validators_hash, params_hash;
  AccountId proposer;
  void write(Writer& w) const;
  void read(Reader& r);
  Hash hash() const;  // tag::kHeader over its bytes
};

// Signatures over tag::kVote.
struct Certificate {
  std::uint64_t epoch = 0, height = 0;
  Hash block_hash;
  struct Vote {
    std::uint16_t validator = 0;  // index into the validator set; strictly ascending
    Signature signature;
    void write(Writer& w) const;
    void read(Reader& r);
  };
  std::vector<Vote> votes;
  void write(Writer& w) const;
  void read(Reader& r);
};
Hash vote_digest(const Hash& chain_id, std::uint64_t epoch, std::uint64_t height,
                 const Hash& block_hash);
// The certificate that these validators (index and key, ascending) give the block of `header`.
Certificate certify(const Header& header,
                    const std::vector<std::pair<std::uint16_t, SecretKey>>& voters);
// bad_certificate: not about this block, an unknown or repeated validator, a wrong signature;
// no_quorum.
Verdict verify_certificate(const Certificate& certificate, const Header& header,
                           const std::vector<Validator>& validators);

// What a transaction did beyond its own text.
struct TransactionReceipt {
  Hash transaction_id;
  std::uint16_t rule_code = 0;  // contracts::RuleCode of a settlement; 0 elsewhere
  std::uint64_t gas_used = 0;
  std::vector<contracts::Mint> mints;
  void write(Writer& w) const;
  void read(Reader& r);
};

struct Block {
  Header header;
  std::vector<SignedTransaction> transactions;
};

Hash transactions_root(const std::vector<SignedTransaction>& transactions);
Hash receipts_root(const std::vector<TransactionReceipt>& receipts);

// The stored and transmitted form of a block's lists.
Bytes encode_transactions(const std::vector<SignedTransaction>& transactions);
Verdict decode_transactions(ByteView bytes, std::vector<SignedTransaction>& out);
Bytes encode_receipts(const std::vector<TransactionReceipt>& receipts);
std::optional<std::vector<TransactionReceipt>> decode_receipts(ByteView bytes);

}  // namespace gradmint
