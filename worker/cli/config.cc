#include <algorithm>

#include "coordinator/config/toml_config.h"
#include "worker/cli/arguments.h"

namespace gradmint {
namespace {

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

}  // namespace

Result<std::vector<std::string>> with_config(const CLI::App& app, std::vector<std::string> words) {
  const std::string file = config_file(words);
  if (file.empty() || words.empty()) return words;
  const CLI::App* command = find_command(app, words.front());
  if (command == nullptr) return words;  // the parser will say so
  const auto given = TomlConfig::load(file);
  if (!given) return given.error();
  const auto refuse = [&](std::uint32_t line, const std::string& text) {
    return Error{ErrorCode::bad_input, given->source() + ":" + std::to_string(line) + ": " + text};
  };
  if (!given->tables().empty()) {
    const auto& [table, line] = *given->tables().begin();
    return refuse(line, "'" + table + "' is a table and no option of " + words.front());
  }
  std::vector<std::string> merged{words.front()};
  for (const TomlConfig::Entry& entry : given->entries()) {
    const std::string option = "--" + entry.key;
    const std::string key = "'" + entry.key + "'";
    if (entry.key == "config" || command->get_option_no_throw(option) == nullptr)
      return refuse(entry.line, key + " is no option of " + words.front());
    if (entry.is_array || entry.values.empty())
      return refuse(entry.line, key + " is not text, a number or true/false");
    const bool overridden = std::any_of(words.begin(), words.end(), [&](const std::string& word) {
      return word == option || word.starts_with(option + "=");
    });
    if (!overridden) merged.push_back(option + "=" + entry.values.front());
  }
  merged.insert(merged.end(), words.begin() + 1, words.end());
  return merged;
}

}  // namespace gradmint
