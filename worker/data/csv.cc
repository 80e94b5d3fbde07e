#include <algorithm>
#include <cmath>
#include <map>
#include <optional>

#include "kernels/base/number_text.h"
#include "worker/data/csv_header.h"
#include "worker/data/csv_reader.h"
#include "worker/data/csv_table.h"
#include "worker/data/csv_text.h"
#include "worker/data/parse.h"
#include "worker/data/scaling.h"

namespace gradmint {
namespace {

constexpr std::size_t kManyNumericClasses = 20;
constexpr std::size_t kLabelsShown = 5;  // of those that are no class

bool is_number(const std::string& text) { return csv_number(text).has_value(); }

std::vector<std::string> found_classes(const CsvTable& table) {
  std::vector<std::string> classes(table.labels.begin(), table.labels.end());
  std::sort(classes.begin(), classes.end());
  classes.erase(std::unique(classes.begin(), classes.end()), classes.end());
  if (std::all_of(classes.begin(), classes.end(), is_number))
    std::stable_sort(classes.begin(), classes.end(),
                     [](const auto& a, const auto& b) { return *csv_number(a) < *csv_number(b); });
  return classes;
}

// Whoever makes the contract: an empty cell would become a class.
Status refuse_empty_labels(const CsvTable& table, const CsvReader& reader) {
  for (std::size_t row = 0; row < table.labels.size(); ++row)
    if (table.labels[row].empty())
      return reader.fail(table.lines[row], "column '" + table.label +
                                               "' is empty: name the class, or leave the row out");
  return {};
}

using ClassIndex = std::map<std::string_view, std::int32_t>;

// The row's label is no class. All that are none are told at once: whoever mends one mends them
// all.
Error unknown_label(const CsvTable& table, std::size_t row, const CsvReader& reader,
                    const CsvOptions& options, const ClassIndex& index) {
  std::vector<std::string> others;
  for (std::size_t i = row + 1; i < table.labels.size(); ++i) {
    const bool is_new = !index.contains(table.labels[i]) && table.labels[i] != table.labels[row];
    if (is_new && std::find(others.begin(), others.end(), table.labels[i]) == others.end())
      others.emplace_back(table.labels[i]);
    if (others.size() > kLabelsShown) break;
  }
  std::string text = "label " + csv_quoted(table.labels[row]);
  text += options.contract ? " is no class of the federation's data contract (" +
                                 name_list(options.contract->classes) + ")"
                           : " is not among the classes given";
  if (!others.empty()) text += ", nor " + std::string(others.size() == 1 ? "is " : "are ");
  for (std::size_t i = 0; i < others.size() && i < kLabelsShown; ++i)
    text += (i == 0 ? "" : ", ") + csv_quoted(others[i]);
  if (others.size() > kLabelsShown) text += ", …";
  if (options.contract) text += ": use its names, or ask the operator for one that has it";
  return reader.fail(table.lines[row], text);
}

Status add_labels(const CsvTable& table, const CsvReader& reader, const CsvOptions& options,
                  Dataset& data) {
  ClassIndex index;
  for (std::size_t i = 0; i < data.classes.size(); ++i)
    index[data.classes[i]] = static_cast<std::int32_t>(i);
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const auto found = index.find(table.labels[row]);
    if (found == index.end()) return unknown_label(table, row, reader, options, index);
    data.labels.push_back(found->second);
  }
  return {};
}

// In their own unit.
Status add_targets(const CsvTable& table, const CsvReader& reader, Dataset& data) {
  for (std::size_t row = 0; row < table.labels.size(); ++row) {
    const std::optional<float> value = csv_number(table.labels[row]);
    if (!value || !std::isfinite(*value))
      return reader.fail(table.lines[row], "column " + std::to_string(table.label_index) + " (" +
                                               table.label + "): target " +
                                               csv_quoted(table.labels[row]) +
                                               " is not a finite number");
    data.targets.push_back(*value);
  }
  return {};
}

// What this file's columns mean, for whoever has no contract yet.
DataContract contract_of(const CsvTable& table, const CsvOptions& options, const Dataset& data) {
  DataContract contract;
  contract.task = options.task == Task::classification ? "classification" : "regression";
  contract.classes = data.classes;
  contract.label = table.label;
  const bool scaled = options.scale == CsvScale::standard;
  for (std::size_t c = 0; c < table.columns.size(); ++c) {
    bool whole = true;
    for (std::size_t i = c; i < table.features.size() && whole; i += table.columns.size())
      whole = table.features[i] == std::trunc(table.features[i]);
    contract.columns.push_back(
        {table.columns[c], whole ? ColumnType::integer : ColumnType::number,
         scaled ? scaler_of(table.features, c, table.columns.size()) : Scaler{}});
  }
  if (options.task == Task::regression && scaled) contract.target = scaler_of(data.targets, 0, 1);
  return contract;
}

// Columns of which a model will learn nothing: their sample has one value, as far as fp32 can tell.
void remark_constants(const std::string& name, Dataset& data) {
  constexpr std::size_t kShown = 5;
  std::size_t told = 0;
  const std::size_t columns = data.contract.columns.size();
  for (std::size_t c = 0; c < columns && told < kShown; ++c) {
    bool constant = true;
    for (std::size_t i = c; i < data.features.size() && constant; i += columns)
      constant = data.features[i] == data.features[c];
    if (!constant || data.rows() < 2) continue;
    data.remarks.push_back(name + ": column '" + data.contract.columns[c].name +
                           "' has one value in all rows, as far as fp32 can tell: nothing is "
                           "learnt of it");
    ++told;
  }
}

// Columns that the contract has as whole numbers, and the first row here that has another.
void remark_fractions(const CsvTable& table, const std::string& name, Dataset& data) {
  constexpr std::size_t kShown = 5;
  std::size_t told = 0;
  const std::size_t columns = data.contract.columns.size();
  for (std::size_t c = 0; c < columns && told < kShown; ++c) {
    if (data.contract.columns[c].type != ColumnType::integer) continue;
    for (std::size_t row = 0; row < data.rows(); ++row) {
      const float value = data.features[row * columns + c];
      if (value == std::trunc(value)) continue;
      data.remarks.push_back(name + ": row " + std::to_string(table.lines[row]) + " has " +
                             shortest_text(value) + " in column '" + data.contract.columns[c].name +
                             "', which has whole numbers in the data contract: is it in the same "
                             "unit?");
      ++told;
      break;
    }
  }
}

// Features and targets.
Status scale(const CsvTable& table, const CsvReader& reader, Dataset& data) {
  const std::size_t columns = table.columns.size();
  const std::size_t end = scale_rows(data.contract, data.features);
  if (end < data.features.size())
    return reader.fail(table.lines[end / columns],
                       "column '" + table.columns[end % columns] +
                           "': scaled by the data contract this number leaves fp32's range");
  for (std::size_t row = 0; row < data.targets.size(); ++row) {
    data.targets[row] = data.contract.target.apply(data.targets[row]);
    if (!std::isfinite(data.targets[row]))
      return reader.fail(table.lines[row],
                         "target: scaled by the data contract it leaves fp32's range");
  }
  return {};
}

std::optional<std::pair<std::string, std::string>> same_number(
    const std::vector<std::string>& classes) {
  std::map<float, std::string> seen;
  for (const std::string& name : classes) {
    const auto value = csv_number(name);
    if (!value || std::isnan(*value)) continue;
    if (const auto [at, is_new] = seen.emplace(*value, name); !is_new)
      return std::pair{at->second, name};
  }
  return std::nullopt;
}

void remark_classes(const CsvTable& table, const CsvOptions& options, const std::string& name,
                    Dataset& data) {
  if (options.contract) {
    std::vector<bool> seen(data.classes.size(), false);
    for (const std::int32_t label : data.labels) seen[static_cast<std::size_t>(label)] = true;
    std::vector<std::string> missing;
    for (std::size_t i = 0; i < seen.size(); ++i)
      if (!seen[i]) missing.push_back(data.classes[i]);
    if (!missing.empty() && !options.label_may_lack)
      data.remarks.push_back(name + ": no row of class " + name_list(missing) +
                             ", which the federation's data contract has");
    return;
  }
  if (const auto same = same_number(data.classes))
    data.remarks.push_back(name + ": classes '" + same->first + "' and '" + same->second +
                           "' are the same number, and two classes");
  if (options.suggest_regression && data.classes.size() > kManyNumericClasses &&
      std::all_of(data.classes.begin(), data.classes.end(), is_number)) {
    data.remarks.push_back(name + ": the numbers in column '" + table.label + "' are taken for " +
                           std::to_string(data.classes.size()) +
                           " classes; --task regression predicts them as numbers");
  }
}

Status add_classes(const CsvTable& table, const CsvReader& reader, const std::string& name,
                   const CsvOptions& options, Dataset& data) {
  if (!options.contract)
    if (Status named = refuse_empty_labels(table, reader); !named) return named;
  data.classes = options.contract          ? options.contract->classes
                 : options.classes.empty() ? found_classes(table)
                                           : options.classes;
  if (data.classes.size() > kMaxContractClasses || data.classes.size() < 2)
    return Error{ErrorCode::bad_input, name + ": " + std::to_string(data.classes.size()) +
                                           " classes in column '" + table.label + "'; 2 to " +
                                           std::to_string(kMaxContractClasses) +
                                           " can be learned (--task regression for numbers)"};
  if (Status status = add_labels(table, reader, options, data); !status) return status;
  remark_classes(table, options, name, data);
  return {};
}

std::string schema_of(const CsvTable& table, const std::string& task) {
  std::string schema = task + " of " + table.label + " by";
  for (std::size_t c = 0; c < table.columns.size() && schema.size() < 200; ++c)
    schema += " " + table.columns[c] + ",";
  schema.pop_back();
  if (table.columns.size() > 1) schema += " (" + std::to_string(table.columns.size()) + " columns)";
  return schema;
}

}  // namespace

Result<Dataset> parse_csv(std::string_view text, const std::string& name,
                          const CsvOptions& options) {
  if (const std::string fault = csv_text_fault(text); !fault.empty())
    return Error{ErrorCode::bad_input, name + ": " + fault};
  if (options.contract && options.contract->kind != DataKind::table)
    return Error{ErrorCode::bad_input, name + ": a table, but the federation's data contract is " +
                                           describe(*options.contract)};
  CsvReader reader(text, name);
  Result<CsvTable> table = read_csv_table(reader, name, options);
  if (!table) return table.error();
  Dataset data;
  data.name = "csv:" + name;
  const bool classify = options.contract ? options.contract->task == "classification"
                                         : options.task == Task::classification;
  data.task = classify ? Task::classification : Task::regression;
  data.sample_shape = {table->columns.size()};
  data.remarks.push_back(name + ": " + table->decision);
  if (options.label_may_lack &&
      std::any_of(table->labels.begin(), table->labels.end(), is_missing)) {
    table->is_labelled = false;
    data.remarks.push_back(name + ": rows without an answer in column '" + table->label +
                           "': nothing is compared");
  }
  data.is_labelled = table->is_labelled;
  if (!data.is_labelled && classify) data.classes = options.contract->classes;
  const Status labelled = !data.is_labelled ? Status{}
                          : classify        ? add_classes(*table, reader, name, options, data)
                                            : add_targets(*table, reader, data);
  if (!labelled) return labelled.error();
  data.contract = options.contract ? *options.contract : contract_of(*table, options, data);
  if (const std::string fault = data.contract.fault(); !fault.empty())
    return Error{ErrorCode::bad_input, name + ": " + fault};
  data.features = std::move(table->features);
  if (options.contract) remark_fractions(*table, name, data);
  if (Status scaled = scale(*table, reader, data); !scaled) return scaled.error();
  if (options.contract && options.contract->scaler_from == ScalerFrom::sites) {
    // Not scaled yet: nothing to compare with.
  } else if (options.contract) {
    for (const std::string& line : far_columns(data.contract, data.features))
      data.remarks.push_back(name + ": " + line);
  } else if (options.scale == CsvScale::standard) {
    remark_constants(name, data);
  }
  data.schema = schema_of(*table, data.contract.task);
  return data;
}

}  // namespace gradmint
