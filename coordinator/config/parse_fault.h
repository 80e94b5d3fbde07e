// What is wrong with a command line that CLI11 could not parse, in one line.
#pragma once

#include <CLI/CLI.hpp>
#include <algorithm>
#include <string>
#include <vector>

namespace gradmint {

// CLI11's own words, but where words are left over: those it lists last word first, and an unknown
// option among its own value and its neighbours' is hard to see there. The first unknown option is
// named instead; also where something else is missing, which it may have been meant for.
inline std::string parse_fault_text(const CLI::App& app, const CLI::ParseError& fault) {
  std::string text = fault.what();
  const bool is_left_over = dynamic_cast<const CLI::ExtrasError*>(&fault) != nullptr;
  if (is_left_over || dynamic_cast<const CLI::RequiredError*>(&fault) != nullptr) {
    const std::vector<std::string> left = app.remaining(true);
    const auto option = std::find_if(left.begin(), left.end(), [](const std::string& word) {
      return word.size() > 1 && word[0] == '-';
    });
    if (option != left.end()) {
      text = "there is no option '" + option->substr(0, option->find('=')) + "'";
    } else if (is_left_over && !left.empty()) {
      text = "'" + left.front() + "' was not expected";
    }
  }
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace gradmint
