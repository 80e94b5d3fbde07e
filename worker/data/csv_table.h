// A comma-separated table read into numbers and labels: which column is which is settled here, by
// the data contract's names where there is one. Nothing is scaled yet. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "worker/data/csv_reader.h"
#include "worker/data/parse.h"

namespace gradmint {

struct CsvTable {
  std::vector<std::string> columns;      // of the features, in their order: the contract's, or the
                                         // file's without label and dropped columns
  std::string label;                     // the label's column in this file
  std::size_t label_index = 0;           // its place there
  bool is_labelled = true;               // else `labels` is empty
  std::vector<float> features;           // row after row
  std::vector<std::string_view> labels;  // of the reader
  std::vector<std::uint64_t> lines;      // a row's line in the file
  std::string decision;                  // whether the first row is a header, and why
};

// Refuses by name: a column of the contract that the file lacks, one that the contract lacks and
// that is not dropped, a dropped one that is not there, a field that is no finite number.
Result<CsvTable> read_csv_table(CsvReader& reader, const std::string& name,
                                const CsvOptions& options);

}  // namespace gradmint
