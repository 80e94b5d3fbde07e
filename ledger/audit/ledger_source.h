// A ledger that somebody gave, to be read without trust: a directory, whose database is read by a
// child process (reader/child_reader.h), or a bundle (bundle/bundle_reader.h).
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "ledger/blobs.h"
#include "ledger/ledger_reader.h"

namespace gradmint {

struct LedgerSource {
  std::shared_ptr<const LedgerReader> ledger;
  std::shared_ptr<const BlobReader> blobs;
  // How many blobs a bundle holds; nothing for a directory, which may hold others' as well.
  std::optional<std::size_t> blob_count = {};
};

// `reader_command`: see read_in_child. Errors: not_found when nothing is there, bad_input when it
// is neither, corrupt, unsupported, io.
Result<LedgerSource> open_ledger_source(const std::filesystem::path& path,
                                        const std::vector<std::string>& reader_command);

}  // namespace gradmint
