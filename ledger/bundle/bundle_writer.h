// Writes a bundle piece by piece, in order: begin, every block from 0, the blobs in ascending order
// of their roots, finish. Nothing is found under the file's name before finish.
#pragma once

#include <filesystem>

#include "ledger/bundle/bundle_format.h"
#include "ledger/durable_file.h"
#include "ledger/hash.h"
#include "ledger/stored_block.h"

namespace gradmint {

struct WrittenBundle {
  std::uint64_t bytes = 0;
  Hash digest;  // the last 32 of them
};

class BundleWriter {
 public:
  static Result<BundleWriter> begin(const std::filesystem::path& file, const BundleHead& head,
                                    ByteView genesis);
  Status add_block(const StoredBlock& block);
  // Once, after the last block.
  Status begin_blobs(std::uint64_t count);
  Status add_blob(const Hash& root, ByteView bytes);
  Result<WrittenBundle> finish();

 private:
  explicit BundleWriter(FileReplacement file) : file_(std::move(file)) {}
  Status write(ByteView piece);

  FileReplacement file_;
  Sha256 digest_;
  std::uint64_t bytes_ = 0;
};

}  // namespace gradmint
