#include <algorithm>
#include <charconv>
#include <cmath>
#include <map>
#include <optional>

#include "worker/data/parse.h"

namespace gradmint {
namespace {

struct Row {
  std::uint64_t line = 0;  // from 1
  std::vector<std::string_view> fields;
};

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r'))
    text.remove_suffix(1);
  return text;
}

std::optional<float> number(std::string_view field) {
  field = trim(field);
  if (!field.empty() && field.front() == '+') field.remove_prefix(1);
  float value = 0;
  const auto [end, ec] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (ec != std::errc() || end != field.data() + field.size()) return std::nullopt;
  return value;
}

// What the user wrote, short and printable, for a message.
std::string quoted(std::string_view field) {
  std::string text;
  for (const char c : field.substr(0, 40)) text += c >= ' ' && c <= '~' ? c : '?';
  return "'" + text + (field.size() > 40 ? "…'" : "'");
}

class CsvReader {
 public:
  CsvReader(std::string_view text, const std::string& name) : text_(text), name_(name) {
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
  }

  // False at the end of the text or after a failure; blank lines are passed over.
  bool next(Row& row) {
    while (!text_.empty()) {
      const std::size_t end = text_.find('\n');
      const std::string_view line = trim(text_.substr(0, end));
      text_.remove_prefix(end == std::string_view::npos ? text_.size() : end + 1);
      row.line = ++line_;
      if (line.empty()) continue;
      return split(line, row);
    }
    return false;
  }

  Error fail(std::uint64_t line, const std::string& what) const {
    return {ErrorCode::bad_input, name_ + ": row " + std::to_string(line) + ": " + what};
  }
  const std::optional<Error>& failure() const { return failure_; }

 private:
  bool split(std::string_view line, Row& row) {
    row.fields.clear();
    std::size_t at = 0;
    for (;;) {
      const bool is_quoted = at < line.size() && line[at] == '"';
      const std::size_t close = is_quoted ? line.find('"', at + 1) : 0;
      if (is_quoted && close == std::string_view::npos) {
        failure_ = fail(row.line, "a quoted field has no closing quote on its line");
        return false;
      }
      const std::size_t comma = line.find(',', is_quoted ? close + 1 : at);
      const std::size_t end = comma == std::string_view::npos ? line.size() : comma;
      row.fields.push_back(is_quoted ? line.substr(at + 1, close - at - 1)
                                     : trim(line.substr(at, end - at)));
      if (row.fields.size() > kMaxColumns) {
        failure_ = fail(row.line, "more than 1000000 columns");
        return false;
      }
      if (comma == std::string_view::npos) return true;
      at = comma + 1;
    }
  }

  std::string_view text_;
  const std::string& name_;
  std::uint64_t line_ = 0;
  std::optional<Error> failure_;
};

struct Table {
  std::vector<std::string> header;  // column names, or "column 0" …
  std::vector<float> features;
  std::vector<std::string_view> labels;
  std::vector<std::uint64_t> lines;  // the label's line in the file
  std::size_t label_column = 0;
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

Status add_row(const CsvReader& reader, const Row& row, Table& table) {
  if (row.fields.size() != table.header.size())
    return reader.fail(row.line, std::to_string(row.fields.size()) + " columns, expected " +
                                     std::to_string(table.header.size()));
  for (std::size_t c = 0; c < row.fields.size(); ++c) {
    if (c == table.label_column) continue;
    const std::optional<float> value = number(row.fields[c]);
    if (!value || !std::isfinite(*value))
      return reader.fail(row.line, "column " + std::to_string(c) + " (" + table.header[c] +
                                       "): " + quoted(row.fields[c]) + " is not a finite number");
    table.features.push_back(*value);
  }
  table.labels.push_back(row.fields[table.label_column]);
  table.lines.push_back(row.line);
  return {};
}

Result<Table> read_table(CsvReader& reader, const std::string& name, const CsvOptions& options) {
  Table table;
  Row row;
  if (!reader.next(row)) {
    if (reader.failure()) return *reader.failure();
    return Error{ErrorCode::bad_input, name + ": the file is empty"};
  }
  const bool has_header = std::none_of(row.fields.begin(), row.fields.end(),
                                       [](std::string_view f) { return number(f).has_value(); });
  for (std::size_t c = 0; c < row.fields.size(); ++c)
    table.header.push_back(has_header ? std::string(row.fields[c]) : "column " + std::to_string(c));
  if (table.header.size() < 2)
    return Error{ErrorCode::bad_input, name +
                                           ": one column only; features and a label are needed, "
                                           "separated by commas"};
  Result<std::size_t> label = label_column(options.label, table.header, name);
  if (!label) return label.error();
  table.label_column = *label;
  bool more = has_header ? reader.next(row) : true;
  for (; more; more = reader.next(row)) {
    if (Status status = add_row(reader, row, table); !status) return status.error();
    if (table.labels.size() > kMaxRows)
      return Error{ErrorCode::bad_input, name + ": more than 100000000 rows"};
  }
  if (reader.failure()) return *reader.failure();
  if (table.labels.empty()) return Error{ErrorCode::bad_input, name + ": a header, but no rows"};
  return table;
}

std::vector<std::string> found_classes(const Table& table) {
  std::vector<std::string> classes(table.labels.begin(), table.labels.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  const auto is_number = [](const std::string& text) { return number(text).has_value(); };
  if (std::all_of(classes.begin(), classes.end(), is_number))
    std::stable_sort(classes.begin(), classes.end(),
                     [](const auto& a, const auto& b) { return *number(a) < *number(b); });
  return classes;
}

Status add_labels(const Table& table, const CsvReader& reader, Dataset& data) {
  std::map<std::string_view, std::int32_t> index;
  for (std::size_t i = 0; i < data.classes.size(); ++i)
    index[data.classes[i]] = static_cast<std::int32_t>(i);
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const auto found = index.find(table.labels[row]);
    if (found == index.end())
      return reader.fail(table.lines[row],
                         "label " + quoted(table.labels[row]) + " is not among the classes given");
    data.labels.push_back(found->second);
  }
  return {};
}

Status add_targets(const Table& table, const CsvReader& reader, Dataset& data) {
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const std::optional<float> value = number(table.labels[row]);
    if (!value || !std::isfinite(*value))
      return reader.fail(table.lines[row], "column " + std::to_string(table.label_column) + " (" +
                                               table.header[table.label_column] + "): target " +
                                               quoted(table.labels[row]) +
                                               " is not a finite number");
    data.targets.push_back(*value);
  }
  return {};
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
  CsvReader reader(text, name);
  Result<Table> table = read_table(reader, name, options);
  if (!table) return table.error();
  Dataset data;
  data.name = "csv:" + name;
  data.task = options.task;
  data.sample_shape = {table->header.size() - 1};
  data.features = std::move(table->features);
  if (options.task == Task::classification) {
    data.classes = options.classes.empty() ? found_classes(*table) : options.classes;
    if (data.classes.size() > 1000 || data.classes.size() < 2)
      return Error{ErrorCode::bad_input,
                   name + ": " + std::to_string(data.classes.size()) + " classes in column '" +
                       table->header[table->label_column] +
                       "'; 2 to 1000 can be learned (--task regression for numbers)"};
    if (Status status = add_labels(*table, reader, data); !status) return status.error();
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
