#include "ledger/model/metrics_json.h"

namespace gradmint {
namespace {

using nlohmann::json;

json micro_or_null(const std::optional<std::int64_t>& micro) {
  return micro ? json(*micro) : json();
}
json number_or_null(const std::optional<std::int64_t>& micro) {
  return micro && !is_saturated(*micro) ? json(static_cast<double>(*micro) / 1e6) : json();
}
std::optional<std::int64_t> micro_of(const json& value) {
  if (value.is_null()) return std::nullopt;
  return value.get<std::int64_t>();
}

}  // namespace

json micro_json(const Metrics& metrics) {
  json object = json::object();
  for (const Metric& metric : metrics) object[metric.name] = micro_or_null(metric.micro);
  return object;
}

json micro_json(const MetricSummaries& summaries) {
  json object = json::object();
  for (const MetricSummary& summary : summaries)
    object[summary.name] = {{"measured", summary.measured},
                            {"median_micro", micro_or_null(summary.median)},
                            {"mean_micro", micro_or_null(summary.mean)},
                            {"saturated", summary.saturated()}};
  return object;
}

MetricSummaries summaries_of(const json& object) {
  MetricSummaries summaries;
  for (const auto& [name, value] : object.items())
    summaries.push_back({name, value.at("measured").get<std::uint32_t>(),
                         micro_of(value.at("median_micro")), micro_of(value.at("mean_micro"))});
  return summaries;
}

json median_json(const MetricSummaries& summaries, std::string_view name) {
  const MetricSummary* summary = find_summary(summaries, name);
  return summary == nullptr ? json() : number_or_null(summary->median);
}

json number_json(const MetricSummaries& summaries) {
  json object = json::object();
  for (const MetricSummary& summary : summaries)
    object[summary.name] = {{"measured", summary.measured},
                            {"median", number_or_null(summary.median)},
                            {"mean", number_or_null(summary.mean)},
                            {"saturated", summary.saturated()}};
  return object;
}

}  // namespace gradmint
