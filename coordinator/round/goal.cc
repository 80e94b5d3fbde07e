#include "coordinator/round/goal.h"

#include <charconv>
#include <cmath>

#include "kernels/base/number_text.h"

namespace gradmint {
namespace {

constexpr double kMostFigure = 1e9;

Error bad(const std::string& text) {
  return {ErrorCode::bad_input, "'" + text +
                                    "' is no goal: write 'accuracy >= 0.95', 'loss <= 0.1' or "
                                    "any other metric's name, at most 48 letters, digits and "
                                    "_ . : / @ + -"};
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
  goal.metric = plain.substr(0, sign);
  if (!is_metric_name(goal.metric)) return bad(text);
  goal.at_least = plain[sign] == '>';
  double value = 0;
  const char* const end = plain.data() + plain.size();
  const auto read = std::from_chars(plain.data() + sign + 2, end, value);
  if (read.ec != std::errc() || read.ptr != end || !(std::fabs(value) < kMostFigure))
    return bad(text);
  if (goal.metric == "accuracy" && (value < 0 || value > 1))
    return Error{ErrorCode::bad_input, "'" + text + "': an accuracy is a number from 0 to 1"};
  goal.micro = std::llround(value * 1e6);
  return goal;
}

std::string goal_text(const Goal& goal) {
  return goal.metric + (goal.at_least ? " >= " : " <= ") +
         shortest_text(static_cast<double>(goal.micro) / 1e6);
}

bool reached(const Goal& goal, const RoundRecord& settled) {
  const MetricSummary* summary = find_summary(settled.metrics, goal.metric);
  if (summary == nullptr || !summary->median || is_saturated(*summary->median)) return false;
  return goal.at_least ? *summary->median >= goal.micro : *summary->median <= goal.micro;
}

}  // namespace gradmint
