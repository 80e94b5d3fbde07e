// Metrics for a person, on one line: "accuracy 94.12 % (mean 93.80 %)". Pure.
#pragma once

#include <string>

#include "ledger/metrics.h"

namespace gradmint {

// "accuracy", "R2", "dice"; printable, for an event may come from anywhere.
std::string metric_title(std::string_view name);
// "94.12 %" of an accuracy, else "0.4213"; "above 1e9" where it is a bound, "not measured".
std::string metric_value_text(std::string_view name, const std::optional<std::int64_t>& micro);
// The median, and the mean where it reads otherwise: "94.12 % (mean 93.80 %)".
std::string summary_text(const MetricSummary& summary);

// accuracy, then r2, then loss, then the others by name.
template <class Named>
std::vector<Named> for_people(std::vector<Named> metrics);

extern template std::vector<Metric> for_people(std::vector<Metric>);
extern template std::vector<MetricSummary> for_people(std::vector<MetricSummary>);

// "accuracy 94.12 %, loss 0.2113, dice not measured"; empty where there are none.
std::string metrics_line(const Metrics& metrics);
std::string metrics_line(const MetricSummaries& summaries);

}  // namespace gradmint
