// Texts near a given one, as slips of an editor and of a disk make them: each line replaced, cut,
// doubled, left out, and with characters put in that mean something to a parser.
#pragma once

#include <string>
#include <vector>

namespace gradmint::test {

inline std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = text.find('\n', begin);
    lines.push_back(text.substr(begin, end == std::string::npos ? end : end - begin));
    begin = end == std::string::npos ? text.size() : end + 1;
  }
  return lines;
}

inline std::vector<std::string> text_mutations(const std::string& text) {
  using namespace std::string_literals;
  const std::string instead[] = {"",   "[",   "[[",      "]",      "[]",    "[[]]",   "[.]",
                                 "{",  "=",   ".",       "= 1",    "\"",    "\"\"\"", "'''",
                                 "\r", "[ ",  "[a",      "[a.",    "[a]b",  "a",      "a.",
                                 "a=", "a=[", "a=[[,]",  "a={b",   "a={b=", "a=\"",   "a=1979-13",
                                 "-",  "+",   "a=0x",    "a=1__1", "a=.5",  "a=inf ", "\xff\xfe",
                                 "\t", "\0"s, "\x1b[2J", "[\"]\"", "['a"};
  const std::string within[] = {"[", "]", "\"", "'", "=", ".", "{", "#", "\n", "\xc3", "\0"s};
  const std::vector<std::string> lines = lines_of(text);
  std::vector<std::string> mutations;
  const auto with = [&](std::size_t changed, const std::string& line) {
    std::string mutation;
    for (std::size_t i = 0; i < lines.size(); ++i)
      mutation += (i == changed ? line : lines[i]) + "\n";
    mutations.push_back(std::move(mutation));
  };
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const std::string& line = lines[i];
    for (const std::string& other : instead) with(i, other);
    for (const std::string& part : within) {
      with(i, part + line);
      with(i, line + part);
      with(i, line.substr(0, line.size() / 2) + part + line.substr(line.size() / 2));
    }
    with(i, line + "\n" + line);
    with(i, line.substr(0, line.size() / 2));
    with(i, line.substr(line.size() / 2));
  }
  for (std::size_t size = 0; size < text.size(); ++size) mutations.push_back(text.substr(0, size));
  return mutations;
}

}  // namespace gradmint::test
