#include "ledger/audit/export.h"

#include "ledger/audit/recompute.h"
#include "ledger/audit/walk.h"
#include "ledger/bundle/bundle_writer.h"

namespace gradmint {
namespace {

// The head comes first in the file, so the newest block is read before the others.
Result<BundleHead> head_of(const LedgerReader& ledger, const std::optional<std::uint64_t>& wanted) {
  const auto tip = ledger.tip();
  if (!tip) return Error{ErrorCode::not_found, "the ledger holds no block yet"};
  BundleHead head;
  head.height = wanted.value_or(tip->height);
  if (head.height > tip->height) {
    return Error{ErrorCode::bad_input, "there is no block " + std::to_string(head.height) +
                                           "; the newest is " + std::to_string(tip->height)};
  }
  const auto newest = ledger.block(head.height);
  if (!newest) return newest.error();
  const auto header = decode_record<Header>(newest->header);
  if (!header) {
    return Error{ErrorCode::corrupt, "block " + std::to_string(head.height) +
                                         " is malformed: run gradmint audit verify"};
  }
  head.chain_id = header->chain_id;
  head.tip_hash = header->hash();
  return head;
}

Status write_blobs(const LedgerSource& source, const std::map<Hash, std::uint64_t>& needed,
                   BundleWriter& writer) {
  if (const Status begun = writer.begin_blobs(needed.size()); !begun.ok()) return begun;
  for (const auto& [root, bytes_max] : needed) {
    const auto blob = source.blobs->get_verified(root, bytes_max);
    if (!blob && blob.error().code == ErrorCode::not_found) {
      return Error{ErrorCode::not_found,
                   blob.error().message + "; or export without --blobs, the blocks alone"};
    }
    if (!blob) return blob.error();
    if (const Status written = writer.add_blob(root, blob->bytes()); !written.ok()) return written;
  }
  return {};
}

}  // namespace

Result<ExportReport> export_bundle(const LedgerSource& source, const ExportOptions& options) {
  const LedgerReader& ledger = *source.ledger;
  const auto head = head_of(ledger, options.height);
  if (!head) return head.error();
  LedgerWalk walk;
  std::optional<BundleWriter> writer;
  for (std::uint64_t height = 0; height <= head->height; ++height) {
    if (const Status next = walk.next(ledger); !next.ok()) return next.error();
    if (!writer) {
      auto begun = BundleWriter::begin(options.output, *head, walk.genesis());
      if (!begun) return begun.error();
      writer.emplace(*std::move(begun));
    }
    if (const Status written = writer->add_block(walk.block()); !written.ok()) {
      return written.error();
    }
    if (options.progress) options.progress(height, head->height);
  }
  std::map<Hash, std::uint64_t> needed;
  if (options.blobs) needed = needed_blobs(walk.history());
  if (const Status written = write_blobs(source, needed, *writer); !written.ok()) {
    return written.error();
  }
  const auto done = writer->finish();
  if (!done) return done.error();
  return ExportReport{*head, needed.size(), done->bytes, done->digest};
}

}  // namespace gradmint
