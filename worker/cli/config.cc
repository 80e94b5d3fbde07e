#include <toml++/toml.h>

#include <algorithm>

#include "kernels/base/number_text.h"
#include "ledger/regular_file.h"
#include "worker/cli/arguments.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 1 << 20;

std::string config_file(const std::vector<std::string>& words) {
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (words[i] == "--config" && i + 1 < words.size()) return words[i + 1];
    if (words[i].starts_with("--config=")) return words[i].substr(9);
  }
  return "";
}

const CLI::App* find_command(const CLI::App& app, const std::string& name) {
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (command->get_name() == name) return command;
  return nullptr;
}

Status append_option(const toml::node& value, const std::string& option, const std::string& where,
                     std::vector<std::string>& words) {
  if (const auto* text = value.as_string())
    words.push_back(option + "=" + text->get());
  else if (const auto* number = value.as_integer())
    words.push_back(option + "=" + std::to_string(number->get()));
  else if (const auto* real = value.as_floating_point())
    words.push_back(option + "=" + shortest_text(real->get()));
  else if (const auto* flag = value.as_boolean())
    words.push_back(option + "=" + (flag->get() ? "true" : "false"));
  else
    return Error{ErrorCode::bad_input, where + " is not text, a number or true/false"};
  return {};
}

Result<toml::table> read_toml(const std::string& file) {
  const Result<Bytes> bytes = read_file(file, kMaxConfigBytes);
  if (!bytes) return bytes.error();
  try {
    return toml::parse(
        std::string_view(reinterpret_cast<const char*>(bytes->data()), bytes->size()), file);
  } catch (const toml::parse_error& e) {
    return Error{ErrorCode::bad_input, file + ": line " + std::to_string(e.source().begin.line) +
                                           ": " + std::string(e.description())};
  }
}

}  // namespace

Result<std::vector<std::string>> with_config(const CLI::App& app, std::vector<std::string> words) {
  const std::string file = config_file(words);
  if (file.empty() || words.empty()) return words;
  const CLI::App* command = find_command(app, words.front());
  if (command == nullptr) return words;  // the parser will say so
  Result<toml::table> table = read_toml(file);
  if (!table) return table.error();
  std::vector<std::string> merged{words.front()};
  for (const auto& [key, value] : *table) {
    const std::string option = "--" + std::string(key.str());
    const std::string where = file + ": '" + std::string(key.str()) + "'";
    if (key.str() == "config" || command->get_option_no_throw(option) == nullptr)
      return Error{ErrorCode::bad_input, where + " is no option of " + words.front()};
    const bool overridden = std::any_of(words.begin(), words.end(), [&](const std::string& word) {
      return word == option || word.starts_with(option + "=");
    });
    if (overridden) continue;
    if (Status status = append_option(value, option, where, merged); !status) return status.error();
  }
  merged.insert(merged.end(), words.begin() + 1, words.end());
  return merged;
}

}  // namespace gradmint
