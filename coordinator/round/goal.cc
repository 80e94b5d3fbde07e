#include "coordinator/round/goal.h"

#include <charconv>
#include <cmath>

namespace gradmint {
namespace {

constexpr double kMostFigure = 1e6;

Error bad(const std::string& text) {
  return {ErrorCode::bad_input, "'" + text +
                                    "' is no goal: write 'accuracy >= 0.95', 'loss <= 0.1' or "
                                    "'r2 >= 0.8' (of regression)"};
}

std::string without_spaces(const std::string& text) {
  std::string plain;
  for (const char c : text)
    if (c != ' ') plain += c;
  return plain;
}

}  // namespace

Result<Goal> parse_goal(const std::string& text) {
  const std::string plain = without_spaces(text);
  const std::size_t sign = plain.find_first_of("<>");
  if (sign == std::string::npos || sign + 1 >= plain.size() || plain[sign + 1] != '=')
    return bad(text);
  Goal goal;
  const std::string name = plain.substr(0, sign);
  if (name == "loss") {
    goal.figure = GoalFigure::loss;
  } else if (name != "accuracy" && name != "r2") {
    return bad(text);
  }
  goal.at_least = plain[sign] == '>';
  double value = 0;
  const char* const end = plain.data() + plain.size();
  const auto read = std::from_chars(plain.data() + sign + 2, end, value);
  if (read.ec != std::errc() || read.ptr != end || !(std::fabs(value) <= kMostFigure))
    return bad(text);
  goal.micro = std::llround(value * 1e6);
  return goal;
}

bool reached(const Goal& goal, const RoundRecord& settled) {
  if (settled.attestations == 0) return false;
  const std::int64_t figure =
      goal.figure == GoalFigure::loss ? settled.loss_micro : std::int64_t{settled.accuracy_ppm};
  return goal.at_least ? figure >= goal.micro : figure <= goal.micro;
}

}  // namespace gradmint
