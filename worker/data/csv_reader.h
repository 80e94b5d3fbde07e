// Rows and fields of comma-separated text: double quotes as in RFC 4180 (a doubled one inside
// stands for itself), but no line break inside a field. Pure.
#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

struct CsvRow {
  std::uint64_t line = 0;                // from 1
  std::vector<std::string_view> fields;  // of the text, or of the reader
};

// The whole field as a number, blanks around it and a plus sign before it apart; also "nan", "inf".
std::optional<float> csv_number(std::string_view field);

// What the user wrote, short and printable, for a message.
std::string csv_quoted(std::string_view field);

// The text and the name must outlive the reader, and the reader its rows' fields.
class CsvReader {
 public:
  // `name` is the file as the user knows it. A UTF-8 byte order mark is passed over.
  CsvReader(std::string_view text, const std::string& name);

  // False at the end of the text or after a failure; blank lines are passed over.
  bool next(CsvRow& row);

  Error fail(std::uint64_t line, const std::string& what) const;
  const std::optional<Error>& failure() const { return failure_; }

 private:
  bool split(std::string_view line, CsvRow& row);
  // The field whose opening quote is at `at`; `at` is behind its closing quote then. Nothing: it
  // has none.
  std::optional<std::string_view> quoted_field(std::string_view line, std::size_t& at);

  std::string_view text_;
  const std::string& name_;
  std::uint64_t line_ = 0;
  std::deque<std::string> unescaped_;
  std::optional<Error> failure_;
};

}  // namespace gradmint
