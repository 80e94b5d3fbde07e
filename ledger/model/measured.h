// Metrics as whoever measures them has them: real numbers by name, read from JSON that an own
// program wrote, and written as the ledger's integers. Pure.
#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "ledger/metrics.h"

namespace gradmint {

// Nothing: named, and not measured. A value may be infinite; it is never NaN.
using MeasuredMetrics = std::map<std::string, std::optional<double>>;

// Nothing for NaN: what is no number was not measured.
std::optional<double> measured(double value);

// Adds one metric, or all of an object, to `into`; what is wrong with it in one line, or an empty
// string. Names are the ledger's, values finite numbers or null, an accuracy in [0, 1].
std::string take_metric(const std::string& name, const nlohmann::json& value,
                        MeasuredMetrics& into);
std::string take_metrics(const nlohmann::json& object, MeasuredMetrics& into);

// In millionths, half to even; a value past ±10^9 as that bound (is_saturated). Precondition: names
// and number of them are the ledger's.
Metrics ledger_metrics(const MeasuredMetrics& measured);
// As JSON writes them: an infinite one as the bound, null where not measured.
nlohmann::json metrics_object(const MeasuredMetrics& measured);

}  // namespace gradmint
