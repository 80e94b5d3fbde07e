#include "coordinator/order/signer.h"

#include "ledger/salts.h"

namespace gradmint {
namespace {

std::optional<std::uint16_t> index_of(const SecretKey& key, const GenesisRecord& genesis) {
  for (std::size_t i = 0; i < genesis.validators.size(); ++i) {
    if (genesis.validators[i].public_key == key.public_key()) return static_cast<std::uint16_t>(i);
  }
  return std::nullopt;
}

Error receipts_missing(const SignerFiles& files, const Chain& chain) {
  return {ErrorCode::not_found,
          "'" + files.receipts.string() +
              "', which says for which updates this validator's key has signed receipts, is gone: "
              "restore it with the newest ledger from a copy; or, if this ledger is the newest: "
              "gradmint coordinator vouch --height " +
              std::to_string(chain.height())};
}

}  // namespace

Signer::Signer(const SecretKey& key, SignGuard guard, ReceiptLog receipts)
    : key_(key),
      account_(key.account()),
      guard_(std::move(guard)),
      receipts_(std::move(receipts)) {}

Result<std::unique_ptr<Signer>> Signer::begin(const SecretKey& key, const SignerFiles& files,
                                              const std::filesystem::path& ledger, Disk& disk) {
  const SignGuard guard(files.block, disk);
  // What an interrupted init has signed is block 0 of a chain that never was.
  if (const auto newest = guard.read(); newest.ok() && newest->height > 0) {
    return Error{ErrorCode::bad_input,
                 "'" + files.block.string() + "' says that this validator's key has signed block " +
                     std::to_string(newest->height) + " of a ledger that is not in '" +
                     ledger.string() +
                     "': restore it, or begin a new federation in a home of its own"};
  }
  if (Status made = ReceiptLog::create(files.receipts, disk); !made) return made.error();
  auto receipts = ReceiptLog::open(files.receipts, disk);
  if (!receipts) return receipts.error();
  return std::unique_ptr<Signer>(new Signer(key, guard, *std::move(receipts)));
}

Result<std::unique_ptr<Signer>> Signer::open(const SecretKey& key, const SignerFiles& files,
                                             const Chain& chain,
                                             const std::filesystem::path& ledger, Disk& disk) {
  const auto index = index_of(key, chain.genesis());
  if (!index) {
    return Error{ErrorCode::refused,
                 "the validator key is not the one this ledger's genesis names"};
  }
  const SignGuard guard(files.block, disk);
  auto ahead = may_sign(guard, chain, ledger);
  if (!ahead) return ahead.error();
  auto newest = guard.read();
  if (!newest) return newest.error();
  auto receipts = ReceiptLog::open(files.receipts, disk);
  if (!receipts) {
    const bool gone = receipts.error().code == ErrorCode::not_found;
    return gone ? receipts_missing(files, chain) : receipts.error();
  }
  std::unique_ptr<Signer> signer(new Signer(key, guard, *std::move(receipts)));
  signer->chain_id_ = chain.chain_id();
  signer->index_ = *index;
  signer->newest_ = *std::move(newest);
  signer->has_signed_ = true;
  signer->ahead_ = *std::move(ahead);
  return signer;
}

Result<Certificate> Signer::vote(const Block& block) {
  const Header& header = block.header;
  const Hash hash = header.hash();
  if (has_signed_) {
    const bool is_same = header.height == newest_.height && hash == newest_.block_hash;
    const bool is_shown = newest_.transactions.empty();  // of another history
    if (is_shown || header.chain_id != chain_id_ || (header.height <= newest_.height && !is_same)) {
      return Error{ErrorCode::refused, "this validator's key has signed block " +
                                           std::to_string(newest_.height) + " (" +
                                           to_hex(newest_.block_hash).substr(0, 16) +
                                           "…) already: it signs no other there or below"};
    }
  }
  const Certificate certificate = certify(header, {{index_, key_}});
  // Remembered first: a write that fails may have been kept.
  newest_ = {header.chain_id,
             header.height,
             hash,
             encode_record(header),
             encode_transactions(block.transactions),
             encode_record(certificate),
             newest_.vouched_height};
  chain_id_ = header.chain_id;
  has_signed_ = true;
  if (Status kept = guard_.write(newest_); !kept) return kept.error();
  return certificate;
}

Result<Bytes> Signer::receipt(const Acknowledgement& acknowledged) {
  GRADMINT_CHECK(acknowledged.is_stored);
  const Hash& root = acknowledged.opening.root;
  if (Status s = receipts_.note(acknowledged.attempt, acknowledged.worker, root); !s)
    return s.error();
  return make_receipt(key_, chain_id_, acknowledged.attempt, acknowledged.worker, root);
}

SignedTransaction Signer::sign(const Transaction& transaction) const {
  return sign_transaction(transaction, key_);
}

Hash Signer::evaluation_salt(std::uint64_t round, const Hash& model_root) const {
  return gradmint::evaluation_salt(key_.secret(), round, model_root);
}

Status Signer::keep_other_history(std::uint64_t height, const Hash& block_hash, ByteView header,
                                  ByteView certificate) {
  newest_ = {chain_id_,
             height,
             block_hash,
             Bytes(header.begin(), header.end()),
             {},
             Bytes(certificate.begin(), certificate.end()),
             newest_.vouched_height};
  return guard_.write(newest_);
}

Status vouch_for(const std::filesystem::path& ledger, const SignerFiles& files,
                 std::uint64_t height) {
  if (Status vouched = vouch_for(ledger, SignGuard(files.block), height); !vouched) return vouched;
  if (ReceiptLog::open(files.receipts).ok()) return {};
  return ReceiptLog::create(files.receipts);
}

}  // namespace gradmint
