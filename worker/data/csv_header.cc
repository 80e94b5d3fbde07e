#include "worker/data/csv_header.h"

#include <algorithm>
#include <array>
#include <set>

namespace gradmint {
namespace {

bool is_index(std::string_view text) {
  return !text.empty() &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// A column of the contract that the row names. Names that are numbers count where all are there.
std::optional<std::string> contract_column_in(const CsvRow& row, const DataContract& contract) {
  const std::set<std::string_view> fields(row.fields.begin(), row.fields.end());
  std::size_t numbers = 0;
  for (const ContractColumn& column : contract.columns) {
    if (!fields.contains(column.name)) continue;
    if (!is_index(column.name)) return column.name;
    ++numbers;
  }
  if (fields.contains(contract.label) && numbers == contract.columns.size()) return contract.label;
  return std::nullopt;
}

}  // namespace

bool is_missing(std::string_view field) {
  constexpr std::array<std::string_view, 11> kWords = {"",     "na",   "n/a", "nan", "null", "none",
                                                       "#n/a", "<na>", "?",   "-",   "."};
  std::string lower;
  for (const char c : field.substr(0, 8))
    lower += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return std::find(kWords.begin(), kWords.end(), lower) != kWords.end();
}

HeaderDecision decide_header(const CsvRow& first, const std::optional<CsvRow>& second,
                             const CsvOptions& options) {
  const std::string row = "row " + std::to_string(first.line);
  if (options.header == CsvHeader::yes) return {true, row + " is a header, as asked for"};
  if (options.header == CsvHeader::no) return {false, row + " is data, as asked for"};
  // A number may be a column's index as well as its name.
  const bool names_label =
      !options.label.empty() && !is_index(options.label) &&
      std::find(first.fields.begin(), first.fields.end(), options.label) != first.fields.end();
  if (names_label)
    return {true, row + " is a header: the label's column " + csv_quoted(options.label) +
                      " is named in it"};
  if (options.contract) {
    if (const auto named = contract_column_in(first, *options.contract))
      return {true, row + " is a header: the contract's column " + csv_quoted(*named) +
                        " is named in it"};
  }
  if (!second) {
    const bool is_text =
        std::none_of(first.fields.begin(), first.fields.end(),
                     [](std::string_view field) { return csv_number(field).has_value(); });
    return {is_text, row + (is_text ? " is a header: it has no number" : " is data")};
  }
  const std::size_t columns = std::min(first.fields.size(), second->fields.size());
  for (std::size_t c = 0; c < columns; ++c) {
    const std::string_view above = first.fields[c];
    if (!csv_number(above) && !is_missing(above) && csv_number(second->fields[c]))
      return {true, row + " is a header: " + csv_quoted(above) +
                        " stands above a number (--header no if it is data)"};
  }
  return {false, row +
                     " is data: no text in it stands above a number (--header yes if it is a "
                     "header)"};
}

}  // namespace gradmint
