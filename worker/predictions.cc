#include "worker/predictions.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/number_text.h"

namespace gradmint {
namespace {

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n") == text.npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? std::string("\"\"") : std::string(1, c);
  return quoted + "\"";
}

std::size_t best_of(std::span<const float> row) {
  return static_cast<std::size_t>(std::max_element(row.begin(), row.end()) - row.begin());
}

}  // namespace

std::string predictions_csv(const DataContract& contract, std::span<const float> outputs) {
  const bool classify = contract.task == "classification";
  const std::size_t width = classify ? contract.classes.size() : 1;
  std::string text = "row,prediction";
  if (classify)
    for (const std::string& name : contract.classes) text += "," + csv_field("p(" + name + ")");
  text += "\n";
  for (std::size_t at = 0, row = 1; at + width <= outputs.size(); at += width, ++row) {
    const std::span<const float> values = outputs.subspan(at, width);
    text += std::to_string(row) + ",";
    if (classify) {
      text += csv_field(contract.classes[best_of(values)]);
      for (const float value : values) text += "," + shortest_text(value);
    } else {
      text += shortest_text(contract.target.undo(values.front()));
    }
    text += "\n";
  }
  return text;
}

std::optional<PredictionScore> score_predictions(const Dataset& data,
                                                 std::span<const float> outputs) {
  if (!data.is_labelled || data.rows() == 0) return std::nullopt;
  PredictionScore score;
  score.rows = data.rows();
  const auto rows = static_cast<double>(score.rows);
  if (data.task == Task::classification) {
    const std::size_t width = data.classes.size();
    for (std::size_t row = 0; row < data.labels.size(); ++row)
      if (best_of(outputs.subspan(row * width, width)) ==
          static_cast<std::size_t>(data.labels[row]))
        score.accuracy += 1 / rows;
    return score;
  }
  double mean = 0, residual = 0, total = 0;
  for (const float target : data.targets) mean += double{target} / rows;
  for (std::size_t row = 0; row < data.targets.size(); ++row) {
    const double off = double{outputs[row]} - double{data.targets[row]};
    const double from_mean = double{data.targets[row]} - mean;
    residual += off * off;
    total += from_mean * from_mean;
  }
  score.rmse = std::sqrt(residual / rows) * double{data.contract.target.scale};
  score.r2 = total > 0 ? 1 - residual / total : 0;
  return score;
}

}  // namespace gradmint
