#include "worker/data/csv_table.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>

#include "worker/data/csv_header.h"
#include "worker/data/csv_text.h"

namespace gradmint {
namespace {

constexpr std::size_t kNamesShown = 8;
constexpr std::size_t kNoFeature = static_cast<std::size_t>(-1);

// Where a file's columns go.
struct Places {
  std::vector<std::string> header;   // the file's names, or "column 0" …
  std::vector<std::size_t> feature;  // of each: which feature it is, or none
  std::size_t label = 0;             // header.size(): there is none
  bool is_named = false;
};

Error bad_table(const std::string& name, const std::string& what) {
  return {ErrorCode::bad_input, name + ": " + what};
}

std::optional<std::size_t> place_of(const std::vector<std::string>& names,
                                    const std::string& name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) return std::nullopt;
  return static_cast<std::size_t>(found - names.begin());
}

bool contains_name(const std::vector<std::string>& names, const std::string& name) {
  return place_of(names, name).has_value();
}

// Row 1 may have been taken for data.
std::string header_hint(const Places& places) {
  return places.is_named ? "" : " (row 1 is taken for data: --header yes if it names the columns)";
}

Result<std::size_t> find_label(const Places& places, const std::string& name,
                               const CsvOptions& options) {
  const std::vector<std::string>& header = places.header;
  if (options.label.empty() && !options.contract) return header.size() - 1;
  const std::string& label = options.label.empty() ? options.contract->label : options.label;
  if (std::count(header.begin(), header.end(), label) > 1)
    return bad_table(name, "two columns are called '" + label + "', the label's name");
  if (const auto named = place_of(header, label)) return *named;
  if (options.label.empty() && options.label_may_lack) return header.size();
  if (options.label.empty())
    return bad_table(name, "the label '" + label +
                               "' of the federation's data contract is no column of this file (" +
                               name_list(header) + "): name yours with --label" +
                               header_hint(places));
  std::size_t index = 0;
  const auto [end, ec] = std::from_chars(label.data(), label.data() + label.size(), index);
  if (ec == std::errc() && end == label.data() + label.size() && index < header.size())
    return index;
  return bad_table(name, "there is no column '" + label + "' among its " +
                             std::to_string(header.size()) +
                             "; give a name from the header or an index from 0");
}

// For a shell, and for --drop, which reads one row of a CSV file.
std::string as_typed(const std::vector<std::string>& names) {
  constexpr const char* kPlain =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-";
  bool plain = true;
  std::string bare, quoted;
  for (const std::string& name : names) {
    if (name.find_first_of("'\"") != name.npos) return "(the names, quoted as in the file)";
    plain = plain && !name.empty() && name.find_first_not_of(kPlain) == name.npos;
    bare += (bare.empty() ? "" : ",") + name;
    quoted += (quoted.empty() ? "\"" : ",\"") + name + "\"";
  }
  return plain ? bare : "'" + quoted + "'";
}

// "column 'a'", "columns 'a', 'b'".
std::string columns_called(const std::vector<std::string>& names) {
  std::string text = names.size() == 1 ? "column " : "columns ";
  for (std::size_t i = 0; i < names.size() && i < kNamesShown; ++i)
    text += (i == 0 ? "'" : ", '") + names[i] + "'";
  return text + (names.size() > kNamesShown
                     ? " and " + std::to_string(names.size() - kNamesShown) + " more"
                     : "");
}

Error lacking(const DataContract& contract, const std::string& name, const Places& places,
              const std::vector<std::string>& missing) {
  const bool has_label = places.label < places.header.size();
  if (has_label && contains_name(missing, places.header[places.label]))
    return bad_table(name, "column '" + places.header[places.label] +
                               "' is one of the data contract's, and taken for the label: give "
                               "another --label, or none");
  const bool one = missing.size() == 1;
  return bad_table(
      name, std::string(one ? "there is no " : "there are no ") + columns_called(missing) +
                ", which the federation's data contract has (" + name_list(column_names(contract)) +
                "): this file's are " + name_list(places.header) + "; rename or add " +
                (one ? "it" : "them") + header_hint(places) +
                (places.header.size() == 1 ? csv_separator_hint(places.header[0]) : ""));
}

Status place_by_contract(const DataContract& contract, const std::string& name,
                         const std::vector<bool>& dropped, Places& places) {
  std::vector<bool> found(contract.columns.size(), false);
  std::vector<std::pair<std::string_view, std::size_t>> sorted;
  for (std::size_t i = 0; i < contract.columns.size(); ++i)
    sorted.emplace_back(contract.columns[i].name, i);
  std::sort(sorted.begin(), sorted.end());
  std::vector<std::string> unknown, missing;
  for (std::size_t c = 0; c < places.header.size(); ++c) {
    if (c == places.label || dropped[c]) continue;
    const std::string& column = places.header[c];
    const auto at =
        std::lower_bound(sorted.begin(), sorted.end(), std::pair{std::string_view(column), 0UL});
    if (at == sorted.end() || at->first != column) {
      unknown.push_back(column);
      continue;
    }
    if (found[at->second]) return bad_table(name, "two columns are called '" + column + "'");
    found[at->second] = true;
    places.feature[c] = at->second;
  }
  for (std::size_t i = 0; i < found.size(); ++i)
    if (!found[i]) missing.push_back(contract.columns[i].name);
  if (!missing.empty()) return lacking(contract, name, places, missing);
  if (unknown.empty()) return {};
  const bool one = unknown.size() == 1;
  return bad_table(name, columns_called(unknown) + (one ? " is" : " are") +
                             " not in the federation's data contract (" +
                             name_list(column_names(contract)) + "): leave " +
                             (one ? "it" : "them") + " out with --drop " + as_typed(unknown));
}

Result<Places> place_columns(const CsvRow& first, bool is_header, const std::string& name,
                             const CsvOptions& options) {
  Places places;
  places.is_named = is_header;
  for (std::size_t c = 0; c < first.fields.size(); ++c)
    places.header.push_back(is_header ? std::string(first.fields[c])
                                      : "column " + std::to_string(c));
  if (places.header.size() < 2 && !options.label_may_lack)
    return bad_table(name, "one column only; features and a label are needed, separated by commas" +
                               csv_separator_hint(first.fields[0]));
  const auto label = find_label(places, name, options);
  if (!label) return label.error();
  places.label = *label;
  std::vector<bool> dropped(places.header.size(), false);
  for (const std::string& drop : options.drop) {
    const auto at = place_of(places.header, drop);
    if (!at) return bad_table(name, "there is no column '" + drop + "' to drop");
    if (*at == places.label && options.label_may_lack) places.label = places.header.size();
    if (*at == places.label) return bad_table(name, "the label '" + drop + "' cannot be dropped");
    dropped[*at] = true;
  }
  places.feature.assign(places.header.size(), kNoFeature);
  if (options.contract) {
    if (Status placed = place_by_contract(*options.contract, name, dropped, places); !placed)
      return placed.error();
    return places;
  }
  std::size_t next = 0;
  for (std::size_t c = 0; c < places.header.size(); ++c)
    if (c != places.label && !dropped[c]) places.feature[c] = next++;
  if (next == 0) return bad_table(name, "no column is left beside the label");
  return places;
}

Status add_row(const CsvReader& reader, const CsvRow& row, const Places& places, CsvTable& table) {
  if (row.fields.size() != places.header.size())
    return reader.fail(row.line, std::to_string(row.fields.size()) + " columns, expected " +
                                     std::to_string(places.header.size()));
  const std::size_t begin = table.features.size();
  table.features.resize(begin + table.columns.size());
  for (std::size_t c = 0; c < row.fields.size(); ++c) {
    if (places.feature[c] == kNoFeature) continue;
    const std::optional<float> value = csv_number(row.fields[c]);
    if (!value || !std::isfinite(*value))
      return reader.fail(row.line, "column " + std::to_string(c) + " (" + places.header[c] + "): " +
                                       csv_quoted(row.fields[c]) + " is not a finite number");
    table.features[begin + places.feature[c]] = *value;
  }
  if (table.is_labelled) table.labels.push_back(row.fields[places.label]);
  table.lines.push_back(row.line);
  return {};
}

}  // namespace

Result<CsvTable> read_csv_table(CsvReader& reader, const std::string& name,
                                const CsvOptions& options) {
  CsvRow row;
  if (!reader.next(row)) {
    if (reader.failure()) return *reader.failure();
    return bad_table(name, "the file is empty");
  }
  std::optional<CsvRow> second(std::in_place);
  if (!reader.next(*second)) {
    if (reader.failure()) return *reader.failure();
    second.reset();
  }
  const HeaderDecision decision = decide_header(row, second, options);
  const auto places = place_columns(row, decision.is_header, name, options);
  if (!places) return places.error();
  CsvTable table;
  table.decision = decision.reason;
  table.label_index = places->label;
  table.is_labelled = places->label < places->header.size();
  if (table.is_labelled) table.label = places->header[places->label];
  const auto features = std::count_if(places->feature.begin(), places->feature.end(),
                                      [](std::size_t place) { return place != kNoFeature; });
  table.columns.resize(static_cast<std::size_t>(features));
  for (std::size_t c = 0; c < places->header.size(); ++c)
    if (places->feature[c] != kNoFeature) table.columns[places->feature[c]] = places->header[c];
  if (!decision.is_header) {
    if (Status status = add_row(reader, row, *places, table); !status) return status.error();
  }
  for (bool more = second.has_value(); more; more = reader.next(*second)) {
    if (Status status = add_row(reader, *second, *places, table); !status) return status.error();
    if (table.lines.size() > kMaxRows) return bad_table(name, "more than 100000000 rows");
  }
  if (reader.failure()) return *reader.failure();
  if (table.lines.empty()) return bad_table(name, "a header, but no rows");
  return table;
}

}  // namespace gradmint
