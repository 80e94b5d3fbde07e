// Reads a bundle where it lies: the file is mapped, so that memory holds no more of it than is
// being looked at. Its form and its digest are checked when it is opened; what its blocks say is
// not to be believed before it was replayed, nor a blob before its root was compared.
#pragma once

#include <filesystem>
#include <memory>
#include <vector>

#include "ledger/blobs.h"
#include "ledger/bundle/bundle_format.h"
#include "ledger/ledger_reader.h"

namespace gradmint {

class Reader;

class BundleReader : public LedgerReader, public BlobReader {
 public:
  // bad_input: it is no bundle; unsupported: a newer one's schema, which is named; corrupt: its
  // lengths, its digest, or what its head says of its blocks does not hold.
  static Result<std::unique_ptr<BundleReader>> open(const std::filesystem::path& file);

  Result<Bytes> genesis() const override;
  std::optional<Tip> tip() const override { return Tip{head_.height, head_.tip_hash}; }
  Result<StoredBlock> block(std::uint64_t height) const override;
  Result<std::optional<TransactionPlace>> find_transaction(const Hash& id) const override;

  std::size_t blob_count() const { return blobs_.size(); }
  bool contains(const Hash& root) const override { return find(root) != nullptr; }
  Result<MappedFile> get(const Hash& root, std::uint64_t cap_bytes) const override;

 private:
  struct Blob {
    Hash root;
    std::uint64_t offset = 0, size = 0;
  };
  BundleReader(std::filesystem::path file, MappedFile mapped)
      : file_(std::move(file)), mapped_(std::move(mapped)) {}
  Status read_form();
  Status read_blobs(Reader& in);
  Status check_digest() const;
  Status check_head() const;
  const Blob* find(const Hash& root) const;
  Error damaged(const std::string& what) const;

  std::filesystem::path file_;
  MappedFile mapped_;
  BundleHead head_;
  ByteView genesis_;
  std::vector<std::uint64_t> blocks_;  // where each begins
  std::vector<Blob> blobs_;            // ascending
};

}  // namespace gradmint
