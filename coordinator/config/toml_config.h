// A TOML configuration read key by key: what is asked for is known, what is left over is refused by
// its full name and line. Getters leave their output alone when the key is absent, so a settings
// struct keeps its defaults; the first fault is kept and told by finish(). The command line is
// applied by the caller afterwards, and so lies on top. Not thread safe.
//
//   auto file = TomlConfig::load(path);              // missing, unreadable, not TOML
//   file->text("chain.name", settings.name);
//   file->integer("rounds.count", settings.rounds, 1, 1'000'000);
//   if (auto status = file->finish(); !status.ok()) …  // "config.toml:7: unknown key
//   'rounds.cuont'…"
#pragma once

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

using TomlValue = std::variant<std::int64_t, double, bool, std::string>;

class TomlConfig {
 public:
  // not_found or io for the file, bad_input (with its line) when it is not TOML.
  static Result<TomlConfig> load(const std::filesystem::path& file);
  // `source` is what error lines call the text; relative paths in it are against `directory`.
  static Result<TomlConfig> parse(std::string_view text, std::string source,
                                  std::filesystem::path directory = {});

  void text(const std::string& key, std::string& out);
  // One of `allowed`.
  void choice(const std::string& key, std::string& out, const std::vector<std::string>& allowed);
  // A path; a relative one is against the file's own directory.
  void path(const std::string& key, std::filesystem::path& out);
  void boolean(const std::string& key, bool& out);
  // A finite number in [least, most]; whole numbers are numbers too.
  void number(const std::string& key, double& out,
              double least = std::numeric_limits<double>::lowest(),
              double most = std::numeric_limits<double>::max());
  void texts(const std::string& key, std::vector<std::string>& out);
  // A table of name = value; values are whole numbers, numbers, truth values or text.
  void values(const std::string& table, std::map<std::string, TomlValue>& out);

  // A whole number in [least, most], which must fit T. TOML's own integers end at 2^63 − 1.
  template <class T>
  void integer(const std::string& key, T& out, std::int64_t least, std::int64_t most) {
    static_assert(std::is_integral_v<T> && !std::is_same_v<T, bool>);
    std::int64_t value = 0;
    if (whole_number(key, value, least, most)) out = static_cast<T>(value);
  }

  bool has(const std::string& key) const { return leaves_.count(key) != 0; }
  // The reader's own objection to a key that is there ("must not exceed rounds.min_workers").
  void refuse(const std::string& key, const std::string& why);

  // The fault on the lowest line: a wrong type or value, the reader's objection, a key nobody asked
  // for.
  Status finish() const;

  // Every leaf in the file's order, its values as text (several for an array): for whoever maps
  // keys onto something else. Marks nothing as known.
  struct Entry {
    std::string key;
    std::uint32_t line = 0;
    bool is_array = false;
    std::vector<std::string> values;  // none for what is no text, number or truth value
  };
  std::vector<Entry> entries() const;
  // The line of each table, by its full name.
  const std::map<std::string, std::uint32_t>& tables() const { return tables_; }
  const std::string& source() const { return source_; }

 private:
  struct Leaf {
    std::uint32_t line = 0;
    std::string type;              // as TOML calls it
    std::vector<TomlValue> items;  // one, or an array's
    bool is_array = false;
    bool readable = false;  // of a type that configurations use
  };
  struct Fault {
    std::uint32_t line = 0;
    std::string text;
    bool missing = false;  // of a key that is not in the file
  };

  const Leaf* ask(const std::string& key);
  const TomlValue* scalar(const std::string& key);
  bool whole_number(const std::string& key, std::int64_t& out, std::int64_t least,
                    std::int64_t most);
  void wrong(const std::string& key, const std::string& wanted);
  std::string located(std::uint32_t line, const std::string& text) const;
  std::string unknown(const std::string& key) const;
  bool known_below(const std::string& table) const;
  void read_table(const void* table, const std::string& prefix, int depth);

  std::string source_;
  std::filesystem::path directory_;
  std::map<std::string, Leaf> leaves_;
  std::map<std::string, std::uint32_t> tables_;  // line of each header
  std::set<std::string> known_;
  std::vector<Fault> faults_;
};

}  // namespace gradmint
