// A path on a command line: an empty one, as an unset variable leaves it, is refused by its option.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace gradmint {

inline CLI::Validator some_path() {
  return CLI::Validator(
      [](std::string& text) { return text.empty() ? std::string("the path is empty") : ""; }, "");
}

}  // namespace gradmint
