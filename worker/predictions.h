// A model's answers as a table, in the words and units of its data contract. Pure.
#pragma once

#include <optional>
#include <span>
#include <string>

#include "worker/data/dataset.h"

namespace gradmint {

// Comma-separated. Classification: row,prediction and the probability of each class; regression:
// row,prediction in the target's own unit. Rows count from 1, without the header.
std::string predictions_csv(const DataContract& contract, std::span<const float> outputs);

struct PredictionScore {
  std::uint64_t rows = 0;
  double accuracy = 0;  // classification
  double rmse = 0;      // regression, in the target's own unit
  double r2 = 0;
};
// Against the answers that the rows came with; nothing where they came without.
std::optional<PredictionScore> score_predictions(const Dataset& data,
                                                 std::span<const float> outputs);

}  // namespace gradmint
