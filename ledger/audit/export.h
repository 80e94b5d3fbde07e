// `gradmint audit export`: a ledger, or what it was at an earlier height, as one canonical file.
#pragma once

#include <filesystem>
#include <functional>
#include <optional>

#include "ledger/audit/ledger_source.h"
#include "ledger/audit/report.h"

namespace gradmint {

struct ExportOptions {
  std::filesystem::path output;
  std::optional<std::uint64_t> height;  // the newest block's, unless told otherwise
  bool blobs = false;                   // with all that recomputation needs
  std::function<void(std::uint64_t height, std::uint64_t tip)> progress;  // may be empty
};

// Replays what it copies, without signatures: corrupt where a block does not hold. bad_input: there
// is no such height; not_found: a blob is missing. Nothing is at `output` unless all went well.
Result<ExportReport> export_bundle(const LedgerSource& source, const ExportOptions& options);

}  // namespace gradmint
