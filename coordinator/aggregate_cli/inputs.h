// The files to combine, opened, compared with each other, hashed and looked at, in the order of
// their contents.
#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "coordinator/aggregate_cli/integers.h"
#include "coordinator/aggregate_cli/streaming_backend.h"
#include "coordinator/aggregate_cli/tensor_file.h"
#include "kernels/base/result.h"
#include "ledger/bytes.h"

namespace gradmint {

struct InputFile {
  TensorFile file;
  std::uint32_t weight = 1;  // as given
  std::optional<std::uint64_t> staleness;
  std::size_t argument = 0;  // its place among the arguments
  Hash sha256;               // of the whole file
  FlatValues values;
};

struct InputSet {
  ModelLayout layout;
  std::vector<InputFile> files;  // by SHA-256, then weight, then staleness: the order of all ties
};

// What follows a file as an argument.
struct InputArgument {
  std::filesystem::path path;
  std::uint32_t weight = 1;
  std::optional<std::uint64_t> staleness;
};

// At least one argument (checked). `companions` (model, centre) share the layout and are compared
// with the files first. `buffers`: patterns of tensors that are some. `integers`: whether they
// count. Files are read on at most `threads` threads; converted copies lie in `scratch`. An Error
// is about the first file, as they were given, that has one.
Result<InputSet> load_inputs(const std::vector<InputArgument>& arguments,
                             const std::vector<const TensorFile*>& companions,
                             std::span<const std::string> buffers, IntegerRule integers,
                             int threads, const std::filesystem::path& scratch,
                             const ProgressListener& listener);

}  // namespace gradmint
