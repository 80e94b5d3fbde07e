#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "worker/data/csv_header.h"
#include "worker/data/csv_reader.h"
#include "worker/data/parse.h"

namespace gradmint {
namespace {

constexpr std::size_t kManyNumericClasses = 20;

struct Table {
  std::vector<std::string> header;  // column names, or "column 0" …
  std::vector<float> features;
  std::vector<std::string_view> labels;
  std::vector<std::uint64_t> lines;  // the label's line in the file
  std::size_t label_column = 0;
  std::string decision;  // whether the first row is a header, and why
};

Result<std::size_t> label_column(const std::string& label, const std::vector<std::string>& header,
                                 const std::string& name) {
  if (label.empty()) return header.size() - 1;
  const auto named = std::find(header.begin(), header.end(), label);
  if (named != header.end()) return static_cast<std::size_t>(named - header.begin());
  std::size_t index = 0;
  const auto [end, ec] = std::from_chars(label.data(), label.data() + label.size(), index);
  if (ec == std::errc() && end == label.data() + label.size() && index < header.size())
    return index;
  return Error{ErrorCode::bad_input, name + ": there is no column '" + label + "' among its " +
                                         std::to_string(header.size()) +
                                         "; give a name from the header or an index from 0"};
}

Status add_row(const CsvReader& reader, const CsvRow& row, Table& table) {
  if (row.fields.size() != table.header.size())
    return reader.fail(row.line, std::to_string(row.fields.size()) + " columns, expected " +
                                     std::to_string(table.header.size()));
  for (std::size_t c = 0; c < row.fields.size(); ++c) {
    if (c == table.label_column) continue;
    const std::optional<float> value = csv_number(row.fields[c]);
    if (!value || !std::isfinite(*value))
      return reader.fail(row.line, "column " + std::to_string(c) + " (" + table.header[c] + "): " +
                                       csv_quoted(row.fields[c]) + " is not a finite number");
    table.features.push_back(*value);
  }
  table.labels.push_back(row.fields[table.label_column]);
  table.lines.push_back(row.line);
  return {};
}

Result<Table> read_table(CsvReader& reader, const std::string& name, const CsvOptions& options) {
  Table table;
  CsvRow row;
  if (!reader.next(row)) {
    if (reader.failure()) return *reader.failure();
    return Error{ErrorCode::bad_input, name + ": the file is empty"};
  }
  std::optional<CsvRow> second(std::in_place);
  if (!reader.next(*second)) {
    if (reader.failure()) return *reader.failure();
    second.reset();
  }
  const HeaderDecision decision = decide_header(row, second, options);
  table.decision = decision.reason;
  for (std::size_t c = 0; c < row.fields.size(); ++c)
    table.header.push_back(decision.is_header ? std::string(row.fields[c])
                                              : "column " + std::to_string(c));
  if (table.header.size() < 2)
    return Error{ErrorCode::bad_input, name +
                                           ": one column only; features and a label are needed, "
                                           "separated by commas"};
  Result<std::size_t> label = label_column(options.label, table.header, name);
  if (!label) return label.error();
  table.label_column = *label;
  if (!decision.is_header) {
    if (Status status = add_row(reader, row, table); !status) return status.error();
  }
  for (bool more = second.has_value(); more; more = reader.next(*second)) {
    if (Status status = add_row(reader, *second, table); !status) return status.error();
    if (table.labels.size() > kMaxRows)
      return Error{ErrorCode::bad_input, name + ": more than 100000000 rows"};
  }
  if (reader.failure()) return *reader.failure();
  if (table.labels.empty()) return Error{ErrorCode::bad_input, name + ": a header, but no rows"};
  return table;
}

bool is_number(const std::string& text) { return csv_number(text).has_value(); }

std::vector<std::string> found_classes(const Table& table) {
  std::vector<std::string> classes(table.labels.begin(), table.labels.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (std::all_of(classes.begin(), classes.end(), is_number))
    std::stable_sort(classes.begin(), classes.end(),
                     [](const auto& a, const auto& b) { return *csv_number(a) < *csv_number(b); });
  return classes;
}

Status add_labels(const Table& table, const CsvReader& reader, Dataset& data) {
  std::map<std::string_view, std::int32_t> index;
  for (std::size_t i = 0; i < data.classes.size(); ++i)
    index[data.classes[i]] = static_cast<std::int32_t>(i);
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const auto found = index.find(table.labels[row]);
    if (found == index.end())
      return reader.fail(table.lines[row], "label " + csv_quoted(table.labels[row]) +
                                               " is not among the classes given");
    data.labels.push_back(found->second);
  }
  return {};
}

Status add_targets(const Table& table, const CsvReader& reader, Dataset& data) {
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const std::optional<float> value = csv_number(table.labels[row]);
    if (!value || !std::isfinite(*value))
      return reader.fail(table.lines[row], "column " + std::to_string(table.label_column) + " (" +
                                               table.header[table.label_column] + "): target " +
                                               csv_quoted(table.labels[row]) +
                                               " is not a finite number");
    data.targets.push_back(*value);
  }
  return {};
}

// By its mark, or by a zero in every other of the first bytes.
bool is_utf16(std::string_view text) {
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) return true;
  const std::string_view first = text.substr(0, 256);
  const auto zeros = std::count(first.begin(), first.end(), '\0');
  return zeros > 0 && static_cast<std::size_t>(zeros) >= first.size() * 2 / 5;
}

void standardise(std::vector<float>& features, std::size_t columns) {
  const std::size_t rows = features.size() / columns;
  for (std::size_t c = 0; c < columns; ++c) {
    double sum = 0;
    for (std::size_t r = 0; r < rows; ++r) sum += double{features[r * columns + c]};
    const double mean = sum / static_cast<double>(rows);
    double squares = 0;
    for (std::size_t r = 0; r < rows; ++r) {
      const double off = double{features[r * columns + c]} - mean;
      squares += off * off;
    }
    const double deviation = std::sqrt(squares / static_cast<double>(rows));
    for (std::size_t r = 0; r < rows; ++r) {
      float& value = features[r * columns + c];
      value = deviation > 0 ? static_cast<float>((double{value} - mean) / deviation) : 0.0F;
    }
  }
}

}  // namespace

Result<Dataset> parse_csv(std::string_view text, const std::string& name,
                          const CsvOptions& options) {
  if (is_utf16(text))
    return Error{ErrorCode::bad_input, name +
                                           ": this is UTF-16 text; make UTF-8 of it first: iconv "
                                           "-f UTF-16 -t UTF-8 FILE > NEW"};
  CsvReader reader(text, name);
  Result<Table> table = read_table(reader, name, options);
  if (!table) return table.error();
  Dataset data;
  data.name = "csv:" + name;
  data.task = options.task;
  data.sample_shape = {table->header.size() - 1};
  data.features = std::move(table->features);
  data.remarks.push_back(name + ": " + table->decision);
  if (options.task == Task::classification) {
    data.classes = options.classes.empty() ? found_classes(*table) : options.classes;
    if (data.classes.size() > 1000 || data.classes.size() < 2)
      return Error{ErrorCode::bad_input,
                   name + ": " + std::to_string(data.classes.size()) + " classes in column '" +
                       table->header[table->label_column] +
                       "'; 2 to 1000 can be learned (--task regression for numbers)"};
    if (Status status = add_labels(*table, reader, data); !status) return status.error();
    if (options.suggest_regression && data.classes.size() > kManyNumericClasses &&
        std::all_of(data.classes.begin(), data.classes.end(), is_number))
      data.remarks.push_back(name + ": the numbers in column '" +
                             table->header[table->label_column] + "' are taken for " +
                             std::to_string(data.classes.size()) +
                             " classes; --task regression predicts them as numbers");
  } else if (Status status = add_targets(*table, reader, data); !status) {
    return status.error();
  }
  if (options.scale == CsvScale::standard) standardise(data.features, table->header.size() - 1);
  data.schema = options.task == Task::classification ? "classification" : "regression";
  data.schema += " of " + table->header[table->label_column] + " by";
  for (std::size_t c = 0; c < table->header.size() && data.schema.size() < 200; ++c)
    if (c != table->label_column) data.schema += " " + table->header[c] + ",";
  data.schema.pop_back();
  if (table->header.size() > 2)
    data.schema += " (" + std::to_string(table->header.size() - 1) + " columns)";
  return data;
}

}  // namespace gradmint
