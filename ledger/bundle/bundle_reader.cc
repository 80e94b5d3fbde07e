#include "ledger/bundle/bundle_reader.h"

#include <algorithm>

#include "ledger/block.h"
#include "ledger/codec.h"
#include "ledger/hash.h"

namespace gradmint {
namespace {

// One part of a block or the genesis: its length, then its bytes.
ByteView read_part(Reader& in, std::size_t cap_bytes) {
  const std::uint32_t size = in.u32();
  if (size > cap_bytes) in.fail();
  return in.raw(in.ok() ? size : 0);
}

struct BlockParts {
  ByteView header, transactions, certificate, receipts;
};

BlockParts read_block(Reader& in) {
  BlockParts parts;
  parts.header = read_part(in, kBundleHeaderBytesMax);
  if (parts.header.size() < kBundleHeaderBytesMin) in.fail();
  parts.transactions = read_part(in, kBundleTransactionsBytesMax);
  parts.certificate = read_part(in, kBundleCertificateBytesMax);
  parts.receipts = read_part(in, kBundleReceiptsBytesMax);
  return parts;
}

Bytes copied(ByteView bytes) { return {bytes.begin(), bytes.end()}; }

}  // namespace

Result<std::unique_ptr<BundleReader>> BundleReader::open(const std::filesystem::path& file) {
  auto mapped = MappedFile::open(file);
  if (!mapped.ok()) return mapped.error();
  std::unique_ptr<BundleReader> reader(new BundleReader(file, *std::move(mapped)));
  // Form first: lengths that lead nowhere are refused before anything is hashed.
  if (const Status form = reader->read_form(); !form.ok()) return form.error();
  if (const Status whole = reader->check_digest(); !whole.ok()) return whole.error();
  if (const Status head = reader->check_head(); !head.ok()) return head.error();
  return reader;
}

Error BundleReader::damaged(const std::string& what) const {
  return {ErrorCode::corrupt, "the bundle '" + file_.string() + "' is damaged: " + what +
                                  "; fetch it again, or export it anew (gradmint audit export)"};
}

Status BundleReader::read_form() {
  const ByteView all = mapped_.bytes();
  const ByteView magic = as_bytes(kBundleMagic);
  if (all.size() < magic.size() || !std::ranges::equal(all.first(magic.size()), magic)) {
    return Error{ErrorCode::bad_input,
                 "'" + file_.string() +
                     "' is neither a ledger's directory nor a bundle (gradmint audit export)"};
  }
  if (all.size() < kBundleHeadBytes + kBundleDigestBytes) return damaged("it is cut short");
  Reader in(all.first(all.size() - kBundleDigestBytes));
  in.raw(magic.size());
  if (const std::uint32_t schema = in.u32(); schema != kBundleSchema) {
    return Error{ErrorCode::unsupported, "the bundle '" + file_.string() + "' has schema " +
                                             std::to_string(schema) + ", this gradmint reads " +
                                             std::to_string(kBundleSchema) +
                                             "; use the gradmint that wrote it"};
  }
  head_.chain_id = in.hash();
  head_.height = in.u64();
  head_.tip_hash = in.hash();
  genesis_ = read_part(in, kBundleGenesisBytesMax);
  // Asked before the list of blocks is made: so many cannot be there.
  if (head_.height >= all.size() / kBundleHeaderBytesMin) {
    return damaged("it cannot hold block " + std::to_string(head_.height));
  }
  for (std::uint64_t height = 0; height <= head_.height; ++height) {
    blocks_.push_back(in.position());
    read_block(in);
    if (!in.ok()) return damaged("block " + std::to_string(height) + " is malformed");
  }
  return read_blobs(in);
}

Status BundleReader::read_blobs(Reader& in) {
  const std::uint64_t count = in.u64();
  for (std::uint64_t i = 0; i < count; ++i) {
    Blob blob;
    blob.root = in.hash();
    blob.size = in.u64();
    const std::size_t beyond = in.position() % kBundleAlignmentBytes;
    const ByteView padding = in.raw(beyond == 0 ? 0 : kBundleAlignmentBytes - beyond);
    blob.offset = in.position();
    in.raw(blob.size);
    const bool blank = std::ranges::all_of(padding, [](std::uint8_t b) { return b == 0; });
    const bool ordered = blobs_.empty() || blobs_.back().root < blob.root;
    if (!in.ok() || !blank || !ordered) {
      return damaged("blob " + std::to_string(i) + " of " + std::to_string(count) +
                     " is malformed");
    }
    blobs_.push_back(blob);
  }
  return in.finished() ? Status() : Status(damaged("bytes follow its end"));
}

Status BundleReader::check_digest() const {
  const ByteView all = mapped_.bytes();
  const std::size_t digest_at = all.size() - kBundleDigestBytes;
  Sha256 sum;
  std::size_t from = 0;
  for (const Blob& blob : blobs_) {
    sum.update(all.subspan(from, blob.offset - from));
    from = blob.offset + blob.size;
  }
  sum.update(all.subspan(from, digest_at - from));
  const Hash digest = sum.finish();
  if (std::ranges::equal(digest.view(), all.subspan(digest_at))) return {};
  return damaged("its bytes come to the digest " + to_hex(digest) + ", it says " +
                 to_hex(all.subspan(digest_at)));
}

// What it says first must be what follows.
Status BundleReader::check_head() const {
  const Hash chain_id = chain_id_of(genesis_);
  if (chain_id != head_.chain_id) {
    return damaged("its genesis is of the chain " + to_hex(chain_id) + ", its head names " +
                   to_hex(head_.chain_id));
  }
  const auto newest = block(head_.height);
  if (!newest.ok()) return newest.error();
  const auto header = decode_record<Header>(newest->header);
  if (!header || header->height != head_.height || header->hash() != head_.tip_hash) {
    return damaged("its newest block is not " + to_hex(head_.tip_hash) + " of height " +
                   std::to_string(head_.height));
  }
  return {};
}

Result<Bytes> BundleReader::genesis() const { return copied(genesis_); }

Result<StoredBlock> BundleReader::block(std::uint64_t height) const {
  if (height > head_.height) {
    return Error{ErrorCode::not_found, "there is no block " + std::to_string(height) +
                                           "; the newest is " + std::to_string(head_.height)};
  }
  Reader in(mapped_.bytes().subspan(blocks_[height]));
  const BlockParts parts = read_block(in);
  if (!in.ok()) return damaged("block " + std::to_string(height) + " changed meanwhile");
  return StoredBlock{copied(parts.header), copied(parts.transactions), copied(parts.certificate),
                     copied(parts.receipts)};
}

// There is no index: block by block.
Result<std::optional<TransactionPlace>> BundleReader::find_transaction(const Hash& id) const {
  for (std::uint64_t height = 0; height <= head_.height; ++height) {
    Reader in(mapped_.bytes().subspan(blocks_[height]));
    std::vector<SignedTransaction> transactions;
    if (decode_transactions(read_block(in).transactions, transactions) != Verdict::ok) {
      return damaged("the transactions of block " + std::to_string(height) + " are malformed");
    }
    for (std::size_t i = 0; i < transactions.size(); ++i) {
      if (transactions[i].id == id) {
        return std::optional(TransactionPlace{height, static_cast<std::uint32_t>(i)});
      }
    }
  }
  return std::optional<TransactionPlace>();
}

const BundleReader::Blob* BundleReader::find(const Hash& root) const {
  const auto found = std::ranges::lower_bound(blobs_, root, {}, &Blob::root);
  return found == blobs_.end() || found->root != root ? nullptr : &*found;
}

Result<MappedFile> BundleReader::get(const Hash& root, std::uint64_t cap_bytes) const {
  const Blob* const blob = find(root);
  if (blob == nullptr) {
    return Error{ErrorCode::not_found, "blob " + to_hex(root) + " is not in the bundle '" +
                                           file_.string() + "'; export it with --blobs"};
  }
  if (blob->size > cap_bytes) {
    return damaged("blob " + to_hex(root) + " is longer than " + std::to_string(cap_bytes) +
                   " bytes");
  }
  return mapped_.part(blob->offset, blob->size);
}

}  // namespace gradmint
