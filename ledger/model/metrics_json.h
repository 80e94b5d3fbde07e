// Metrics as JSON: in millionths where the ledger's own words are told (events, audit), as numbers
// where a result is (reports, lists of models). Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "ledger/metrics.h"

namespace gradmint {

// {"accuracy": 941234, "dice": null}
nlohmann::json micro_json(const Metrics& metrics);
// {"accuracy": {"measured": 3, "median_micro": 941234, "mean_micro": 938000, "saturated": false}}
nlohmann::json micro_json(const MetricSummaries& summaries);
// Reads the latter back; throws as nlohmann::json does where it is none.
MetricSummaries summaries_of(const nlohmann::json& object);

// The median as a number; null where it was not measured, or is a bound.
nlohmann::json median_json(const MetricSummaries& summaries, std::string_view name);
// {"accuracy": {"measured": 3, "median": 0.941234, "mean": 0.938, "saturated": false}}
nlohmann::json number_json(const MetricSummaries& summaries);

}  // namespace gradmint
