#include "ledger/bundle/bundle_writer.h"

#include "ledger/codec.h"

namespace gradmint {

Result<BundleWriter> BundleWriter::begin(const std::filesystem::path& file, const BundleHead& head,
                                         ByteView genesis) {
  auto replacement = FileReplacement::begin(file);
  if (!replacement.ok()) return replacement.error();
  BundleWriter writer(*std::move(replacement));
  Writer out;
  out.raw(as_bytes(kBundleMagic));
  out.u32(kBundleSchema);
  out.hash(head.chain_id);
  out.u64(head.height);
  out.hash(head.tip_hash);
  out.bytes(genesis);
  if (const Status written = writer.write(out.view()); !written.ok()) return written.error();
  return writer;
}

Status BundleWriter::add_block(const StoredBlock& block) {
  Writer out;
  for (const Bytes* part :
       {&block.header, &block.transactions, &block.certificate, &block.receipts}) {
    out.bytes(*part);
  }
  return write(out.view());
}

Status BundleWriter::begin_blobs(std::uint64_t count) {
  Writer out;
  out.u64(count);
  return write(out.view());
}

Status BundleWriter::add_blob(const Hash& root, ByteView bytes) {
  Writer out;
  out.hash(root);
  out.u64(bytes.size());
  while ((bytes_ + out.view().size()) % kBundleAlignmentBytes != 0) out.u8(0);
  if (const Status written = write(out.view()); !written.ok()) return written;
  bytes_ += bytes.size();
  return file_.write(bytes);  // its root is in the digest
}

Result<WrittenBundle> BundleWriter::finish() {
  const Hash digest = digest_.finish();
  if (const Status written = file_.write(digest.view()); !written.ok()) return written.error();
  if (const Status there = file_.commit(); !there.ok()) return there.error();
  return WrittenBundle{bytes_ + kBundleDigestBytes, digest};
}

Status BundleWriter::write(ByteView piece) {
  digest_.update(piece);
  bytes_ += piece.size();
  return file_.write(piece);
}

}  // namespace gradmint
