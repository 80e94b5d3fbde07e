#include "coordinator/order/sign_guard.h"

#include "ledger/sealed_file.h"
#include "ledger/store.h"

namespace gradmint {
namespace {

constexpr std::string_view kFirstLine = "gradmint signed 1\n";
constexpr std::size_t kHeaderBytesMax = 4096;
constexpr std::size_t kCertificateBytesMax = std::size_t{1} << 20;
constexpr std::size_t kContentBytesMax =
    kMaxBlockBytes + kCertificateBytesMax + 2 * kHeaderBytesMax;
constexpr unsigned kOwnerOnly = 0600;

std::string named(std::uint64_t height, const Hash& hash) {
  return "block " + std::to_string(height) + " (" + to_hex(hash).substr(0, 16) + "…)";
}

std::string vouch_command(const Chain& chain) {
  return "gradmint coordinator vouch --height " + std::to_string(chain.height());
}

Error missing(const SignGuard& guard, const Chain& chain, const std::filesystem::path& ledger) {
  return {ErrorCode::not_found,
          "'" + guard.file().string() +
              "', which says what this validator's key has signed last, is gone: nothing is signed "
              "without it, for the ledger could be an old copy. Restore it with the newest ledger; "
              "or, if you know that " +
              named(chain.height(), chain.tip_hash()) + " of '" + ledger.string() +
              "' is the newest this key has signed: " + vouch_command(chain)};
}

Error older(const SignGuard& guard, const SignedBlock& newest, const Chain& chain,
            const std::filesystem::path& ledger) {
  return {
      ErrorCode::corrupt,
      "the ledger in '" + ledger.string() + "' ends with block " + std::to_string(chain.height()) +
          ", but this key has signed " + named(newest.height, newest.block_hash) + " ('" +
          guard.file().string() +
          "'): to sign here again would be a second history. Restore the "
          "newest copy of the ledger; if its newest blocks are lost, this "
          "chain cannot go on (docs/operations.md, A backup older than what workers have seen)"};
}

Error other(const SignGuard& guard, const SignedBlock& newest, const Chain& chain,
            const std::filesystem::path& ledger) {
  std::string text =
      "the ledger in '" + ledger.string() +
      "' has another history than this key has signed: " + named(newest.height, newest.block_hash) +
      " ('" + guard.file().string() +
      "') is not on it. Restore the ledger that belongs to this key's home";
  if (newest.height <= chain.height()) {
    text += "; or, where two histories are signed already and this is the one that holds: " +
            vouch_command(chain);
  }
  return {ErrorCode::corrupt, std::move(text)};
}

Error of_another_chain(const SignGuard& guard, const std::filesystem::path& ledger) {
  return {ErrorCode::corrupt, "'" + guard.file().string() + "' is of another chain than '" +
                                  ledger.string() +
                                  "': restore keys/ and ledger/ of the same home together"};
}

// The guard's block as the next one of the chain.
std::optional<CertifiedBlock> next_block(const SignedBlock& newest, const Chain& chain) {
  Block block;
  const auto header = decode_record<Header>(newest.header);
  const auto certificate = decode_record<Certificate>(newest.certificate);
  if (!header || header->hash() != newest.block_hash || !certificate ||
      decode_transactions(newest.transactions, block.transactions) != Verdict::ok ||
      verify_certificate(*certificate, *header, chain.genesis().validators) != Verdict::ok) {
    return std::nullopt;
  }
  block.header = *header;
  BlockDraft draft;
  if (chain.process(block, {}, draft) != Verdict::ok) return std::nullopt;
  return CertifiedBlock{std::move(block), *certificate};
}

}  // namespace

Result<SignedBlock> SignGuard::read() const {
  const auto content = read_sealed_file(file_, kFirstLine, kContentBytesMax, Links::follow, *disk_);
  const Error damaged{ErrorCode::corrupt,
                      "'" + file_.string() +
                          "', which says what this validator's key has signed last, is damaged: "
                          "restore it with the newest ledger from a copy"};
  if (!content.ok()) return content.error().code == ErrorCode::corrupt ? damaged : content.error();

  Reader in(*content);
  SignedBlock block;
  block.chain_id = in.hash();
  block.height = in.u64();
  block.block_hash = in.hash();
  block.header = in.bytes(kHeaderBytesMax);
  block.transactions = in.bytes(kMaxBlockBytes);
  block.certificate = in.bytes(kCertificateBytesMax);
  block.vouched_height = in.u64();
  if (!in.finished()) return damaged;
  return block;
}

Status SignGuard::write(const SignedBlock& block) const {
  Writer out;
  out.hash(block.chain_id);
  out.u64(block.height);
  out.hash(block.block_hash);
  out.bytes(block.header);
  out.bytes(block.transactions);
  out.bytes(block.certificate);
  out.u64(block.vouched_height);
  return write_sealed_file(file_, kFirstLine, out.view(), kOwnerOnly, *disk_);
}

Result<std::optional<CertifiedBlock>> may_sign(const SignGuard& guard, const Chain& chain,
                                               const std::filesystem::path& ledger) {
  const auto newest = guard.read();
  if (!newest.ok()) {
    const bool gone = newest.error().code == ErrorCode::not_found;
    return gone ? missing(guard, chain, ledger) : newest.error();
  }
  if (newest->chain_id != chain.chain_id()) return of_another_chain(guard, ledger);
  if (newest->height <= chain.height()) {
    if (chain.history()[newest->height] != newest->block_hash)
      return other(guard, *newest, chain, ledger);
    return std::optional<CertifiedBlock>();
  }
  if (newest->height > chain.height() + 1 || newest->transactions.empty()) {
    return older(guard, *newest, chain, ledger);
  }
  auto next = next_block(*newest, chain);
  if (!next) return other(guard, *newest, chain, ledger);
  return next;
}

Status vouch_for(const std::filesystem::path& ledger, const SignGuard& guard,
                 std::uint64_t height) {
  auto store = LedgerStore::open(ledger, LedgerStore::Mode::read_write);
  if (!store) return store.error();
  const auto tip = (*store)->tip();
  if (!tip || tip->height != height) {
    return Error{ErrorCode::refused, "the newest block of '" + ledger.string() + "' is " +
                                         (tip ? std::to_string(tip->height) : "not there") +
                                         ", not " + std::to_string(height) +
                                         ": vouch only for the ledger that you know is the newest"};
  }
  const auto block = (*store)->block(height);
  if (!block) return block.error();
  const auto header = decode_record<Header>(block->header);
  if (!header) {
    return Error{ErrorCode::corrupt, "the header of block " + std::to_string(height) + " of '" +
                                         ledger.string() + "' is damaged: restore the ledger"};
  }
  const auto known = guard.read();
  if (known.ok() && known->height > height) {
    return Error{ErrorCode::refused,
                 "'" + guard.file().string() + "' knows better: this key has signed " +
                     named(known->height, known->block_hash) + ", and the ledger in '" +
                     ledger.string() + "' ends before it; restore the newest copy of the ledger"};
  }
  return guard.write({header->chain_id, height, header->hash(), block->header, block->transactions,
                      block->certificate, height});
}

}  // namespace gradmint
