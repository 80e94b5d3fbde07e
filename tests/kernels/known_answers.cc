#include "tests/kernels/known_answers.h"

#include <cstdio>
#include <fstream>
#include <sstream>

#include "tests/support/paths.h"

namespace gradmint::test {

std::string known_aggregations() {
  const auto path = vectors_dir() / "aggregation.json";
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  if (text.str().empty()) std::printf("KNOWN ANSWERS NOT RUN: no usable %s\n", path.c_str());
  return text.str();
}

std::vector<double> known_numbers(const std::string& text, const std::string& section,
                                  const std::string& key) {
  std::vector<double> values;
  const std::size_t from = text.find("\"" + section + "\"");
  std::size_t at = from == std::string::npos ? from : text.find("\"" + key + "\":", from);
  if (at == std::string::npos) return values;
  at += key.size() + 3;
  int depth = 0;
  for (; at < text.size(); ++at) {
    if (text[at] == '[') ++depth;
    if (text[at] == ']' && --depth == 0) break;
    if (depth == 0 && (text[at] == ',' || text[at] == '}')) break;
    if (text[at] == '-' || (text[at] >= '0' && text[at] <= '9')) {
      std::size_t used = 0;
      values.push_back(std::stod(text.substr(at, 40), &used));
      at += used - 1;
    }
  }
  return values;
}

Updates in_rows(const std::vector<double>& values, std::size_t width) {
  Updates rows;
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (i % width == 0) rows.emplace_back();
    rows.back().push_back(static_cast<float>(values[i]));
  }
  return rows;
}

}  // namespace gradmint::test
