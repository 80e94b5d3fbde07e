#include "coordinator/cli/audit_text.h"

#include <algorithm>
#include <vector>

#include "kernels/base/text.h"
#include "ledger/json_text.h"

namespace gradmint {
namespace {

constexpr std::size_t kMaxCellBytes = 200;

// Screen columns of clean UTF-8, near enough: one for each character.
std::size_t width_of(const std::string& text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}
std::string padded(const std::string& text, std::size_t width) {
  const std::size_t have = width_of(text);
  return have >= width ? text : text + std::string(width - have, ' ');
}

bool is_table(const Json& value) {
  return value.is_array() && !value.empty() &&
         std::all_of(value.begin(), value.end(), [](const Json& v) { return v.is_object(); });
}

// A scalar, or a list of scalars, on one line.
std::string cell(const Json& value) {
  if (value.is_null()) return "-";
  if (value.is_string()) {
    const auto text = clean_text(value.get_ref<const std::string&>(), kMaxCellBytes);
    return text.empty() ? "-" : text;
  }
  if (value.is_boolean()) return value.get<bool>() ? "yes" : "no";
  if (value.is_array()) {
    std::string line;
    for (const Json& each : value) line += (line.empty() ? "" : " ") + cell(each);
    return line.empty() ? "-" : line;
  }
  return clean_text(json_text(value), kMaxCellBytes);
}

constexpr std::size_t kManyColumns = 5;

// In a wide table a hash is cut to what tells it from others; lines and JSON have it whole.
std::string shortened(const std::string& text) {
  const bool hash = text.size() == 64 && text.find_first_not_of("0123456789abcdef") == text.npos;
  return hash ? text.substr(0, 12) + ".." : text;
}

// Nested objects become columns of their own: opening.root.
void flatten(const Json& object, const std::string& prefix,
             std::vector<std::pair<std::string, std::string>>& out) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object()) {
      flatten(value, prefix + key + ".", out);
    } else if (is_table(value)) {
      out.emplace_back(prefix + key, std::to_string(value.size()));
    } else {
      out.emplace_back(prefix + key, cell(value));
    }
  }
}

std::string table(const Json& rows) {
  std::vector<std::string> columns;
  std::vector<std::vector<std::pair<std::string, std::string>>> lines;
  for (const Json& row : rows) {
    flatten(row, "", lines.emplace_back());
    if (lines.back().size() >= kManyColumns) {
      for (auto& [column, text] : lines.back()) text = shortened(text);
    }
    for (const auto& [column, text] : lines.back()) {
      if (std::find(columns.begin(), columns.end(), column) == columns.end()) {
        columns.push_back(column);
      }
    }
  }
  std::vector<std::size_t> widths;
  std::vector<std::vector<std::string>> cells;
  for (const std::string& column : columns) widths.push_back(width_of(column));
  for (const auto& line : lines) {
    std::vector<std::string>& texts = cells.emplace_back(columns.size(), "-");
    for (const auto& [column, text] : line) {
      const auto at = static_cast<std::size_t>(std::find(columns.begin(), columns.end(), column) -
                                               columns.begin());
      texts[at] = text;
      widths[at] = std::max(widths[at], width_of(text));
    }
  }
  cells.insert(cells.begin(), columns);
  std::string out;
  for (const auto& texts : cells) {
    std::string line = " ";
    for (std::size_t i = 0; i < texts.size(); ++i) line += " " + padded(texts[i], widths[i]) + " ";
    out += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return out;
}

// Rows with many members are easier read one under the other.
bool is_wide(const Json& rows) {
  std::vector<std::pair<std::string, std::string>> line;
  flatten(rows.front(), "", line);
  return line.size() > 12;
}

// The tables inside of an object, however deep: open.aggregation.pre.
std::string tables_in(const Json& object, const std::string& path, const std::string& indent) {
  std::string out;
  for (const auto& [key, value] : object.items()) {
    if (is_table(value)) out += "\n" + indent + path + key + "\n" + table(value);
    if (value.is_object()) out += tables_in(value, path + key + ".", indent);
  }
  return out;
}

std::string lines(const Json& object, const std::string& indent) {
  std::vector<std::pair<std::string, std::string>> scalars;
  std::string tables;
  for (const auto& [key, value] : object.items()) {
    if (key == "schema") continue;
    if (is_table(value) && is_wide(value)) {
      for (const Json& row : value)
        tables += "\n" + indent + key + "\n" + lines(row, indent + "  ");
    } else if (is_table(value)) {
      tables += "\n" + indent + key + "\n" + table(value);
    } else if (value.is_object()) {
      std::vector<std::pair<std::string, std::string>> nested;
      flatten(value, key + ".", nested);
      scalars.insert(scalars.end(), nested.begin(), nested.end());
      tables += tables_in(value, key + ".", indent);
    } else {
      scalars.emplace_back(key, cell(value));
    }
  }
  std::size_t width = 0;
  for (const auto& [key, text] : scalars) width = std::max(width, key.size());
  std::string out;
  for (const auto& [key, text] : scalars) out += indent + padded(key, width + 2) + text + "\n";
  return out + tables;
}

}  // namespace

std::string table_text(const Json& value) { return lines(value, ""); }

namespace {

std::string tokens(const Json& amount) { return cell(amount) + " tokens"; }

// "a, b and c", of what is not empty.
std::string listed(const std::vector<std::string>& parts) {
  std::string out;
  for (std::size_t i = 0; i < parts.size(); ++i)
    out += (i == 0 ? "" : i + 1 == parts.size() ? " and " : ", ") + parts[i];
  return out;
}

// What the balance is made of.
std::string sources_of(const Json& explained) {
  const std::pair<const char*, const char*> kinds[] = {
      {"minted", " minted for its updates"},
      {"allocated", " allocated when the federation began"},
      {"received", " received from others"},
      {"sent", " sent to others"}};
  std::vector<std::string> parts;
  for (const auto& [key, text] : kinds)
    if (cell(explained[key]) != "0") parts.push_back(cell(explained[key]) + text);
  return parts.empty() ? "nothing was ever minted for it, allocated or sent to it" : listed(parts);
}

void add_once(std::vector<std::string>& to, std::string text) {
  if (std::find(to.begin(), to.end(), text) == to.end()) to.push_back(std::move(text));
}

// Of the rounds that are listed: how many were accepted, by which rule they were paid, on what
// data.
std::string grounds_of(const Json& rounds) {
  std::vector<std::string> rules, data;
  std::size_t accepted = 0, paid = 0;
  for (const Json& round : rounds) {
    if (cell(round["verdict"]) == "accepted") ++accepted;
    if (cell(round["minted"]) == "0") continue;
    ++paid;
    if (round["rule"].is_object()) {
      add_once(rules,
               "'" + cell(round["rule"]["name"]) + "', version " + cell(round["rule"]["version"]));
    }
    const Json& dataset = round["dataset"];
    add_once(data, "'" + cell(dataset["name"]) + "' (" + cell(dataset["sample_count"]) +
                       " samples, origin " + cell(dataset["origin"]) + ", licence " +
                       cell(dataset["licence"]) + ")");
  }
  const auto count = [](std::size_t n) {
    return std::to_string(n) + (n == 1 ? " round" : " rounds");
  };
  std::string out = "Of the " + count(rounds.size()) +
                    " listed below in which it committed to an "
                    "update, that update was accepted in " +
                    std::to_string(accepted) + " and paid in " + std::to_string(paid) + ".";
  if (paid > 0) {
    out += " What was paid follows from the score of each update by the reward rule " +
           listed(rules) + "; it says that it trained on the data " + listed(data) + ".";
  }
  return out;
}

}  // namespace

std::string explain_text(const Json& explained) {
  const std::string address = cell(explained["address"]), name = cell(explained["name"]);
  std::string out = (name == "-" ? "The account " + address : name + " (" + address + ")") +
                    " holds " + tokens(explained["balance"]) + ": " + sources_of(explained) + ".\n";
  if (!explained["rounds"].empty()) {
    out += grounds_of(explained["rounds"]) +
           "\nThe evidence of each round is named by block and transaction: what the worker signed "
           "before anybody saw its update (commitment), the update itself (opening), the result "
           "with its score, and the settlement that paid it. gradmint audit verify --recompute "
           "repeats all of it; that the data are what the worker says no ledger can prove.\n";
  }
  return out + "\n" + table_text(explained);
}

std::string verify_text(const AuditReport& report, bool recomputed) {
  std::string out;
  for (const AuditedRound& round : report.rounds) {
    out += "round " + padded(std::to_string(round.round), 5) + "model " + to_hex(round.model_root) +
           (round.recomputed ? "  recomputed" : "") + "\n";
  }
  if (report.fault) {
    const AuditFault& fault = *report.fault;
    out += "FAULT     " + fault.rule + " at height " + std::to_string(fault.height) + "\n";
    out += "expected  " + clean_text(fault.expected, 1024) + "\n";
    out += "found     " + clean_text(fault.found, 1024) + "\n";
    return out + "docs/audit.md says how to read a fault\n";
  }
  out += "ok        height " + std::to_string(report.height) + ", state root " +
         to_hex(report.state_root) + "\n";
  out += "checked   " + std::to_string(report.signatures) + " signatures, " +
         std::to_string(report.transactions) + " transactions, " +
         std::to_string(report.rounds.size()) + " rounds" +
         (recomputed ? ", recomputed from " + std::to_string(report.blobs) + " blobs\n"
                     : "; --recompute repeats their arithmetic as well\n");
  out += "not       the metrics were not measured again, see docs/audit.md\n";
  return out;
}

std::string receipt_text(const Json& receipt) {
  const std::string standing = cell(receipt["standing"]);
  const std::string attempt =
      "attempt " + cell(receipt["attempt"]) + " of round " + cell(receipt["round"]);
  std::string out;
  if (standing == "accepted") {
    out = "honoured      the update was accepted in " + attempt;
  } else if (standing == "refused") {
    out = "honoured      the update stands in the result of " + attempt +
          ", refused: " + cell(receipt["verdict"]);
  } else if (standing == "given_up") {
    out = "honoured      " + attempt + " was given up, and the update is recorded with it";
  } else if (standing == "pending") {
    out = "not yet       " + attempt + " has not ended in this ledger: ask again when it has";
  } else {
    const Json& fault = receipt["fault"];
    const auto whole = [&](const char* key) {
      return clean_text(fault[key].get_ref<const std::string&>(), 1024);
    };
    out = "NOT HONOURED  " + whole("rule") + "\nexpected      " + whole("expected") +
          "\nfound         " + whole("found") + "\ndocs/audit.md says how to read it";
  }
  return out + "\n\n" + table_text(receipt);
}

}  // namespace gradmint
