// Whether the first row of a table names its columns, and why. Pure.
#pragma once

#include <optional>
#include <string>

#include "worker/data/csv_reader.h"
#include "worker/data/parse.h"

namespace gradmint {

// Empty, or one of the usual words for a missing value.
bool is_missing(std::string_view field);

struct HeaderDecision {
  bool is_header = false;
  std::string reason;  // "row 1 is a header, …": one line for the user, with how to change it
};

// In this order: what was asked for; the label's name in the first row, or one of the contract's;
// text there above a number
// in the second (empty fields and the usual words for a missing value are no text). Without a
// second row: no number in the first one.
HeaderDecision decide_header(const CsvRow& first, const std::optional<CsvRow>& second,
                             const CsvOptions& options);

}  // namespace gradmint
