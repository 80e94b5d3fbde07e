// What a peer can cause a program to say again and again: of each kind so many lines a minute, and
// one summary for those that were left out. The kinds are the program's own, a handful. Pure; time
// is an argument. One thread.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace gradmint {

class LineLimit {
 public:
  explicit LineLimit(std::uint64_t lines_a_minute) : lines_a_minute_(lines_a_minute) {}

  // True: say it. False: it was counted.
  bool admit(const std::string& kind, const std::string& text, std::uint64_t now_ms);

  struct Summary {
    std::string kind;
    std::uint64_t left_out = 0;
    std::string last;  // the newest of them
  };
  // Of each kind whose minute is over and that left lines out, once.
  std::vector<Summary> due(std::uint64_t now_ms);

 private:
  struct Minute {
    std::uint64_t began_ms = 0, said = 0, left_out = 0;
    std::string last;
  };
  std::uint64_t lines_a_minute_;
  std::map<std::string, Minute> minutes_;
};

}  // namespace gradmint
