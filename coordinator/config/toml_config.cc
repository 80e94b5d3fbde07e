#include "coordinator/config/toml_config.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "coordinator/config/toml_parse.h"
#include "kernels/base/nearest.h"
#include "kernels/base/number_text.h"
#include "ledger/regular_file.h"

namespace gradmint {
namespace {

constexpr std::size_t kMaxConfigBytes = std::size_t{1} << 20;
constexpr int kMaxTableDepth = 16;  // of settings, which have three levels at most

bool read_item(const toml::node& node, TomlValue& out) {
  if (const auto* text = node.as_string()) {
    out = text->get();
  } else if (const auto* whole = node.as_integer()) {
    out = whole->get();
  } else if (const auto* number = node.as_floating_point()) {
    out = number->get();
  } else if (const auto* truth = node.as_boolean()) {
    out = truth->get();
  } else {
    return false;
  }
  return true;
}

std::string type_name(const toml::node& node) {
  if (node.is_string()) return "text";
  if (node.is_integer()) return "a whole number";
  if (node.is_floating_point()) return "a number";
  if (node.is_boolean()) return "true or false";
  if (node.is_array()) return "an array";
  if (node.is_table()) return "a table";
  return "a date or time";
}

std::string as_text(const TomlValue& value) {
  if (const auto* text = std::get_if<std::string>(&value)) return *text;
  if (const auto* truth = std::get_if<bool>(&value)) return *truth ? "true" : "false";
  if (const auto* whole = std::get_if<std::int64_t>(&value)) return std::to_string(*whole);
  return shortest_text(std::get<double>(value));
}

std::string one_line(std::string_view text) {
  std::string out(text);
  std::replace_if(
      out.begin(), out.end(), [](char c) { return static_cast<unsigned char>(c) < 0x20; }, ' ');
  return out;
}

}  // namespace

Result<TomlConfig> TomlConfig::load(const std::filesystem::path& file) {
  const auto content = read_file(file, kMaxConfigBytes);
  if (!content) {
    const ErrorCode code = content.error().code;
    if (code == ErrorCode::not_found)
      return Error{
          code, "configuration " + file.string() + ": no such file; give --config an existing one"};
    if (code == ErrorCode::corrupt)
      return Error{ErrorCode::bad_input,
                   "configuration " + file.string() + ": larger than 1 MiB; is it the right file?"};
    return Error{code, "configuration: " + content.error().message};
  }
  const std::string_view text(reinterpret_cast<const char*>(content->data()), content->size());
  return parse(text, file.string(), file.parent_path());
}

Result<TomlConfig> TomlConfig::parse(std::string_view text, std::string source,
                                     std::filesystem::path directory) {
  TomlConfig config;
  config.source_ = std::move(source);
  config.directory_ = std::move(directory);
  const auto parsed = detail::parse_toml(text);
  if (const auto* fault = std::get_if<detail::TomlFault>(&parsed))
    return Error{ErrorCode::bad_input, config.located(fault->line, one_line(fault->text))};
  config.read_table(&std::get<toml::table>(parsed), "", 0);
  if (!config.faults_.empty())
    return Error{ErrorCode::bad_input,
                 config.located(config.faults_.front().line, config.faults_.front().text)};
  return config;
}

void TomlConfig::read_table(const void* table, const std::string& prefix, int depth) {
  for (const auto& [key, node] : *static_cast<const toml::table*>(table)) {
    const std::string name = prefix + std::string(key.str());
    const std::uint32_t line = node.source().begin.line;
    if (const toml::table* inner = node.as_table()) {
      tables_[name] = line;
      if (depth < kMaxTableDepth) {
        read_table(inner, name + ".", depth + 1);
      } else {
        faults_.push_back({line, "tables within tables, deeper than settings go", false});
      }
      continue;
    }
    Leaf leaf;
    leaf.line = line;
    leaf.type = type_name(node);
    TomlValue item;
    if (const toml::array* list = node.as_array()) {
      leaf.is_array = true;
      leaf.readable = true;
      for (const toml::node& element : *list) {
        leaf.readable = leaf.readable && read_item(element, item);
        leaf.items.push_back(item);
      }
    } else if (read_item(node, item)) {
      leaf.readable = true;
      leaf.items.push_back(item);
    }
    leaves_[name] = std::move(leaf);
  }
}

std::string TomlConfig::located(std::uint32_t line, const std::string& text) const {
  return source_ + ":" + std::to_string(line) + ": " + text;
}

const TomlConfig::Leaf* TomlConfig::ask(const std::string& key) {
  known_.insert(key);
  const auto found = leaves_.find(key);
  if (found != leaves_.end()) return &found->second;
  if (const auto table = tables_.find(key); table != tables_.end())
    faults_.push_back({table->second, "'" + key + "' is one value, not a table", false});
  return nullptr;
}

const TomlValue* TomlConfig::scalar(const std::string& key) {
  const Leaf* leaf = ask(key);
  if (leaf == nullptr) return nullptr;
  if (leaf->is_array || !leaf->readable) {
    refuse(key, "must be one value, not " + leaf->type);
    return nullptr;
  }
  return &leaf->items.front();
}

void TomlConfig::wrong(const std::string& key, const std::string& wanted) {
  const Leaf& leaf = leaves_.at(key);
  const std::string given = leaf.is_array || leaf.items.empty()
                                ? leaf.type
                                : "'" + one_line(as_text(leaf.items.front())) + "'";
  refuse(key, "must be " + wanted + ", not " + given);
}

void TomlConfig::refuse(const std::string& key, const std::string& why) {
  const auto found = leaves_.find(key);
  const bool missing = found == leaves_.end();
  faults_.push_back({missing ? 1 : found->second.line, "'" + key + "' " + why, missing});
}

void TomlConfig::text(const std::string& key, std::string& out) {
  const TomlValue* value = scalar(key);
  if (value == nullptr) return;
  if (const auto* text = std::get_if<std::string>(value)) {
    out = *text;
  } else {
    wrong(key, "text in quotes");
  }
}

void TomlConfig::choice(const std::string& key, std::string& out,
                        const std::vector<std::string>& allowed) {
  const TomlValue* value = scalar(key);
  if (value == nullptr) return;
  const auto* text = std::get_if<std::string>(value);
  if (text != nullptr && std::find(allowed.begin(), allowed.end(), *text) != allowed.end()) {
    out = *text;
    return;
  }
  std::string list;
  for (const std::string& name : allowed) list += (list.empty() ? "" : ", ") + name;
  wrong(key, "one of " + list);
}

void TomlConfig::path(const std::string& key, std::filesystem::path& out) {
  std::string value;
  text(key, value);
  if (value.empty()) return;
  const std::filesystem::path given(value);
  out = given.is_absolute() ? given : directory_ / given;
}

void TomlConfig::boolean(const std::string& key, bool& out) {
  const TomlValue* value = scalar(key);
  if (value == nullptr) return;
  if (const auto* truth = std::get_if<bool>(value)) {
    out = *truth;
  } else {
    wrong(key, "true or false");
  }
}

void TomlConfig::number(const std::string& key, double& out, double least, double most) {
  const TomlValue* value = scalar(key);
  if (value == nullptr) return;
  double given = std::numeric_limits<double>::quiet_NaN();
  if (const auto* real = std::get_if<double>(value)) given = *real;
  if (const auto* whole = std::get_if<std::int64_t>(value)) given = static_cast<double>(*whole);
  if (given >= least && given <= most) {
    out = given;
    return;
  }
  std::string wanted = "a finite number";
  if (least > std::numeric_limits<double>::lowest()) wanted += " of at least " + as_text(least);
  if (most < std::numeric_limits<double>::max()) wanted += " of at most " + as_text(most);
  wrong(key, wanted);
}

bool TomlConfig::whole_number(const std::string& key, std::int64_t& out, std::int64_t least,
                              std::int64_t most) {
  const TomlValue* value = scalar(key);
  if (value == nullptr) return false;
  const auto* whole = std::get_if<std::int64_t>(value);
  if (whole == nullptr || *whole < least || *whole > most) {
    wrong(key, "a whole number from " + std::to_string(least) + " to " + std::to_string(most));
    return false;
  }
  out = *whole;
  return true;
}

void TomlConfig::texts(const std::string& key, std::vector<std::string>& out) {
  const Leaf* leaf = ask(key);
  if (leaf == nullptr) return;
  std::vector<std::string> list;
  for (const TomlValue& item : leaf->items)
    if (const auto* text = std::get_if<std::string>(&item)) list.push_back(*text);
  if (!leaf->is_array || !leaf->readable || list.size() != leaf->items.size()) {
    wrong(key, "an array of texts in quotes");
    return;
  }
  out = std::move(list);
}

void TomlConfig::values(const std::string& table, std::map<std::string, TomlValue>& out) {
  known_.insert(table);
  if (has(table)) wrong(table, "a table of name = value");
  if (tables_.count(table) == 0) return;
  out.clear();
  const std::string prefix = table + ".";
  for (auto leaf = leaves_.lower_bound(prefix);
       leaf != leaves_.end() && leaf->first.compare(0, prefix.size(), prefix) == 0; ++leaf) {
    const std::string name = leaf->first.substr(prefix.size());
    if (const TomlValue* value = scalar(leaf->first)) out[name] = *value;
  }
}

bool TomlConfig::known_below(const std::string& table) const {
  if (known_.count(table) != 0) return true;
  const auto next = known_.lower_bound(table + ".");
  return next != known_.end() && next->compare(0, table.size() + 1, table + ".") == 0;
}

std::string TomlConfig::unknown(const std::string& key) const {
  const std::string near = nearest_name(key, known_);
  return "unknown key '" + one_line(key) + "'" +
         (near.empty() ? "; remove it" : "; did you mean '" + near + "'?");
}

Status TomlConfig::finish() const {
  std::vector<Fault> faults = faults_;
  for (const auto& [table, line] : tables_)
    if (!known_below(table)) faults.push_back({line, unknown(table), false});
  for (const auto& [key, leaf] : leaves_)
    if (known_.count(key) == 0) faults.push_back({leaf.line, unknown(key), false});
  if (faults.empty()) return {};
  // What is missing comes last: a misspelt key is often why.
  const auto place = [](const Fault& fault) { return std::pair(fault.missing, fault.line); };
  const auto first =
      std::min_element(faults.begin(), faults.end(),
                       [&](const Fault& a, const Fault& b) { return place(a) < place(b); });
  return Error{ErrorCode::bad_input, located(first->line, first->text)};
}

std::vector<TomlConfig::Entry> TomlConfig::entries() const {
  std::vector<Entry> list;
  for (const auto& [key, leaf] : leaves_) {
    Entry entry{key, leaf.line, leaf.is_array, {}};
    for (const TomlValue& item : leaf.items) entry.values.push_back(as_text(item));
    list.push_back(std::move(entry));
  }
  std::stable_sort(list.begin(), list.end(),
                   [](const Entry& a, const Entry& b) { return a.line < b.line; });
  return list;
}

}  // namespace gradmint
