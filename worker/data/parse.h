// File contents to samples. Every refusal is one line that names the file, and row (from 1) and
// column where there is one. `name` is the file as the user knows it. Pure; thread-safe.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "worker/data/dataset.h"

namespace gradmint {

inline constexpr std::uint64_t kMaxRows = 100'000'000;
inline constexpr std::uint64_t kMaxColumns = 1'000'000;

// The 8×8 digits: rows of 64 pixels 0..16 and a label 0..9. Features are pixel / 16, shape {1, 8,
// 8}.
Result<Dataset> parse_digits(std::string_view text, const std::string& name);

// MNIST's IDX: images u8 (magic 2051) and labels u8 (magic 2049). Features are pixel / 255.
Result<Dataset> parse_idx(ByteView images, ByteView labels, const std::string& images_name,
                          const std::string& labels_name);

// The contract of images: what everybody's must agree with.
DataContract image_contract(const Dataset& data);
// Where the contract wants something else, an error that names both.
Status check_images(const Dataset& data, const std::optional<DataContract>& contract);

enum class CsvScale { standard, none };
enum class CsvHeader { decide, yes, no };

struct CsvOptions {
  Task task = Task::classification;
  std::string label;                 // a column's name or index from 0; empty: the last
  std::vector<std::string> classes;  // label names in order; empty: those found, sorted
  CsvScale scale =
      CsvScale::standard;  // standard: each column to mean 0, deviation 1 over the file
  CsvHeader header = CsvHeader::decide;  // decide: csv_header.h
  bool suggest_regression = false;       // a remark where many numbers are taken for classes
  std::vector<std::string> drop = {};    // columns that are no features
  bool label_may_lack = false;           // for predictions, with a contract: rows without answers
  // A federation's: columns are found by its names, and task, classes and scale are its own.
  std::optional<DataContract> contract = {};
};

// Comma-separated (csv_reader.h). Every feature must be a finite number. UTF-16 is refused by name.
// What was decided is in the data's remarks.
Result<Dataset> parse_csv(std::string_view text, const std::string& name,
                          const CsvOptions& options);

}  // namespace gradmint
