// File contents to samples. Every refusal is one line that names the file, and row (from 1) and
// column where there is one. `name` is the file as the user knows it. Pure; thread-safe.
#pragma once

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

enum class CsvScale { standard, none };

struct CsvOptions {
  Task task = Task::classification;
  std::string label;                 // a column's name or index from 0; empty: the last
  std::vector<std::string> classes;  // label names in order; empty: those found, sorted
  CsvScale scale =
      CsvScale::standard;  // standard: each column to mean 0, deviation 1 over the file
};

// Comma-separated, double quotes as in RFC 4180 but no line break inside a field. The first row is
// a header exactly when none of its fields is a number. Every feature must be a finite number.
Result<Dataset> parse_csv(std::string_view text, const std::string& name,
                          const CsvOptions& options);

}  // namespace gradmint
