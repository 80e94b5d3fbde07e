#include "ledger/metric_text.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "kernels/base/printable.h"

namespace gradmint {
namespace {

std::string formatted(const char* how, double value) {
  char text[64];
  std::snprintf(text, sizeof text, how, value);
  return text;
}

int rank_of(const std::string& name) {
  if (name == "accuracy") return 0;
  if (name == "r2") return 1;
  return name == "loss" ? 2 : 3;
}

std::string listed(const std::vector<std::string>& parts) {
  std::string line;
  for (const std::string& part : parts) line += (line.empty() ? "" : ", ") + part;
  return line;
}

}  // namespace

std::string metric_title(std::string_view name) { return name == "r2" ? "R2" : printable(name); }

std::string metric_value_text(std::string_view name, const std::optional<std::int64_t>& micro) {
  if (!micro) return "not measured";
  if (is_saturated(*micro)) return *micro > 0 ? "above 1e9" : "below -1e9";
  const double value = static_cast<double>(*micro) / 1e6;
  if (name == "accuracy") return formatted("%.2f %%", 100 * value);
  return formatted(std::fabs(value) < 1000 ? "%.4f" : "%.6g", value);
}

std::string summary_text(const MetricSummary& summary) {
  const std::string median = metric_value_text(summary.name, summary.median);
  if (summary.measured < 2) return median;
  const std::string mean =
      summary.mean ? metric_value_text(summary.name, summary.mean) : "out of range";
  return mean == median ? median : median + " (mean " + mean + ")";
}

template <class Named>
std::vector<Named> for_people(std::vector<Named> metrics) {
  std::stable_sort(metrics.begin(), metrics.end(), [](const Named& a, const Named& b) {
    return rank_of(a.name) < rank_of(b.name);
  });
  return metrics;
}
template std::vector<Metric> for_people(std::vector<Metric>);
template std::vector<MetricSummary> for_people(std::vector<MetricSummary>);

std::string metrics_line(const Metrics& metrics) {
  std::vector<std::string> parts;
  for (const Metric& metric : for_people(metrics))
    parts.push_back(metric_title(metric.name) + " " + metric_value_text(metric.name, metric.micro));
  return listed(parts);
}

std::string metrics_line(const MetricSummaries& summaries) {
  std::vector<std::string> parts;
  for (const MetricSummary& summary : for_people(summaries))
    parts.push_back(metric_title(summary.name) + " " + summary_text(summary));
  return listed(parts);
}

}  // namespace gradmint
