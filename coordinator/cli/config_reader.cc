#include "coordinator/cli/config_reader.h"

#include <iterator>
#include <memory>
#include <set>
#include <sstream>

#include "coordinator/config/toml_config.h"
#include "kernels/base/nearest.h"
#include "ledger/regular_file.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kMaxConfigBytes = 1 << 20;

void list_options(const CLI::App& app, const std::string& prefix, std::set<std::string>& names) {
  for (const CLI::Option* option : app.get_options())
    if (option->get_configurable())
      for (const std::string& name : option->get_lnames()) names.insert(prefix + name);
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; }))
    list_options(*command, prefix + command->get_name() + ".", names);
}

std::vector<std::string> split_key(const std::string& key) {
  std::vector<std::string> parts;
  std::istringstream in(key);
  for (std::string part; std::getline(in, part, '.');) parts.push_back(part);
  return parts;
}

class TomlReader : public CLI::Config {
 public:
  explicit TomlReader(const CLI::App& app) : app_(app) {}

  std::string to_config(const CLI::App*, bool, bool, std::string) const override { return {}; }

  std::vector<CLI::ConfigItem> from_config(std::istream& in) const override {
    const std::string text{std::istreambuf_iterator<char>(in), {}};
    const auto file = TomlConfig::parse(text, app_.get_config_ptr()->as<std::string>());
    if (!file) throw CLI::ConfigError(file.error().message);
    std::set<std::string> known;
    list_options(app_, "", known);
    std::vector<CLI::ConfigItem> given;
    for (const TomlConfig::Entry& entry : file->entries()) {
      if (known.count(entry.key) == 0) throw CLI::ConfigError(unknown(*file, entry, known));
      CLI::ConfigItem item;
      item.parents = split_key(entry.key);
      item.name = item.parents.back();
      item.parents.pop_back();
      item.inputs = entry.values;
      given.push_back(std::move(item));
    }
    return given;
  }

 private:
  static std::string unknown(const TomlConfig& file, const TomlConfig::Entry& entry,
                             const std::set<std::string>& known) {
    const std::string near = nearest_name(entry.key, known);
    return file.source() + ":" + std::to_string(entry.line) + ": unknown key '" + entry.key + "'" +
           (near.empty() ? "; remove it" : "; did you mean '" + near + "'?");
  }

  const CLI::App& app_;
};

// CLI11 opens the file as it finds it, and would wait for a pipe.
CLI::Validator regular_file() {
  return CLI::Validator(
      [](const std::string& file) {
        const auto opened = open_regular_file(file, kMaxConfigBytes);
        return opened ? std::string() : opened.error().message;
      },
      "");
}

}  // namespace

void add_config_option(CLI::App& app) {
  app.set_config("--config", "", "TOML file with these options; the command line lies on top")
      ->check(regular_file())
      ->type_name("FILE.toml");
  app.config_formatter(std::make_shared<TomlReader>(app));
  app.allow_config_extras(CLI::config_extras_mode::error);
}

}  // namespace gradmint
