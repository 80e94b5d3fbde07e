#include "ledger/model/measured.h"

#include <algorithm>
#include <cmath>

#include "kernels/base/printable.h"

namespace gradmint {
namespace {

using nlohmann::json;

constexpr double kMillion = 1e6;
constexpr double kMostValue = static_cast<double>(kMaxMetricMicro) / kMillion;

double bounded(double value) { return std::clamp(value, -kMostValue, kMostValue); }

}  // namespace

std::optional<double> measured(double value) {
  if (std::isnan(value)) return std::nullopt;
  return value;
}

std::string take_metric(const std::string& name, const json& value, MeasuredMetrics& into) {
  if (!is_metric_name(name))
    return "'" + printable(name) +
           "' is no metric's name: 1 to 48 letters, digits and _ . : / @ + -";
  if (value.is_null()) {
    into[name] = std::nullopt;
    return {};
  }
  if (!value.is_number() || !std::isfinite(value.get<double>()))
    return name + " must be a finite number, or null where it was not measured";
  const double number = value.get<double>();
  if (name == "accuracy" && (number < 0 || number > 1))
    return "accuracy must be a number from 0 to 1";
  into[name] = number;
  return {};
}

std::string take_metrics(const json& object, MeasuredMetrics& into) {
  if (!object.is_object()) return "metrics must be an object of names and numbers";
  for (const auto& [name, value] : object.items())
    if (std::string fault = take_metric(name, value, into); !fault.empty()) return fault;
  if (into.size() > kMaxMetrics)
    return std::to_string(into.size()) + " metrics: at most " + std::to_string(kMaxMetrics);
  return {};
}

Metrics ledger_metrics(const MeasuredMetrics& measured) {
  Metrics metrics;
  for (const auto& [name, value] : measured) {
    Metric metric;
    metric.name = name;
    // nearbyint rounds half to even in the default mode, which nothing here changes.
    if (value) metric.micro = static_cast<std::int64_t>(std::nearbyint(bounded(*value) * kMillion));
    metrics.push_back(std::move(metric));
  }
  return metrics;
}

json metrics_object(const MeasuredMetrics& measured) {
  json object = json::object();
  for (const auto& [name, value] : measured) object[name] = value ? json(bounded(*value)) : json();
  return object;
}

}  // namespace gradmint
