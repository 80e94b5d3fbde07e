// Reads the data a user named. Disk only; the parsing is in parse.h.
#pragma once

#include <filesystem>
#include <string>

#include "worker/data/dataset.h"
#include "worker/data/parse.h"

namespace gradmint {

inline constexpr std::uint64_t kMaxDataFileBytes = 64ULL << 30;  // after decompression

// A whole file; when its first bytes are gzip's it is decompressed. Errors: not_found, io, corrupt
// (a damaged or truncated gzip stream), bad_input (larger than the cap, a directory).
Result<Bytes> read_data_file(const std::filesystem::path& file,
                             std::uint64_t cap_bytes = kMaxDataFileBytes);
// "digits" (from $GRADMINT_DIGITS, else `digits_file`), "mnist:DIR" (train-* and t10k-* files,
// plain or .gz; with both, the latter are held out) or "csv:FILE".
Result<Dataset> load_dataset(const std::string& spec, const CsvOptions& csv,
                             const std::filesystem::path& digits_file);

// Whether such data are there at all; what is in them is not looked at.
Status find_data(const std::string& spec, const std::filesystem::path& digits_file);

// Where scripts/fetch_digits puts the digits: build/data, found from the program's own place in
// build/PRESET/bin, else from the working directory.
std::filesystem::path default_digits_file();

}  // namespace gradmint
