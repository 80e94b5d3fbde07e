#include "ledger/metrics.h"

#include <algorithm>
#include <map>

#include "ledger/wide.h"

namespace gradmint {
namespace {

void write_value(Writer& w, const std::optional<std::int64_t>& micro) {
  w.boolean(micro.has_value());
  if (micro) w.i64(*micro);
}
std::optional<std::int64_t> read_value(Reader& r) {
  if (!r.boolean()) return std::nullopt;
  const std::int64_t micro = r.i64();
  if (micro > kMaxMetricMicro || micro < -kMaxMetricMicro) r.fail();
  return micro;
}

std::string read_name(Reader& r) {
  std::string name = r.text(kMaxMetricNameBytes);
  if (!is_metric_name(name)) r.fail();
  return name;
}

constexpr std::size_t kLeastMetricBytes = 4 + 1 + 1;  // length, one letter, not measured

template <class T>
std::vector<T> read_by_name(Reader& r, std::size_t least_bytes) {
  auto list = read_list<T>(r, kMaxMetrics, least_bytes);
  for (std::size_t i = 1; i < list.size(); ++i)
    if (!(list[i - 1].name < list[i].name)) r.fail();
  return list;
}

// sum / examples, half to even.
std::int64_t rounded(I128 sum, U128 examples) {
  const bool negative = sum < 0;
  const U128 size = magnitude(sum);
  U128 quotient = size / examples;
  const U128 rest = size % examples, other = examples - rest;
  if (rest > other || (rest == other && quotient % 2 == 1)) ++quotient;
  const auto whole = static_cast<std::int64_t>(quotient);  // at most kMaxMetricMicro
  return negative ? -whole : whole;
}

struct Measured {
  std::int64_t micro = 0;
  std::uint64_t examples = 0;
};

MetricSummary summary_of(const std::string& name, const std::vector<Measured>& values) {
  MetricSummary summary;
  summary.name = name;
  summary.measured = static_cast<std::uint32_t>(values.size());
  if (values.empty()) return summary;
  std::vector<std::int64_t> ordered;
  I128 sum = 0;
  U128 examples = 0;
  bool bound = false;
  for (const Measured& value : values) {
    ordered.push_back(value.micro);
    sum += static_cast<I128>(value.micro) * static_cast<I128>(value.examples);
    examples += value.examples;
    bound = bound || is_saturated(value.micro);
  }
  std::sort(ordered.begin(), ordered.end());
  summary.median = ordered[(ordered.size() - 1) / 2];
  if (!bound && examples > 0) summary.mean = rounded(sum, examples);
  return summary;
}

}  // namespace

bool is_metric_name(std::string_view name) {
  const auto is_plain = [](char c) {
    return c == '_' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
  };
  if (name.empty() || name.size() > kMaxMetricNameBytes || !is_plain(name.front())) return false;
  return std::all_of(name.begin(), name.end(), [&](char c) {
    return is_plain(c) || std::string_view(".:/@+-").find(c) != std::string_view::npos;
  });
}

void Metric::write(Writer& w) const {
  w.text(name);
  write_value(w, micro);
}
void Metric::read(Reader& r) {
  name = read_name(r);
  micro = read_value(r);
}
void write_metrics(Writer& w, const Metrics& metrics) { write_list(w, metrics); }
Metrics read_metrics(Reader& r) { return read_by_name<Metric>(r, kLeastMetricBytes); }

std::optional<std::int64_t> value_of(const Metrics& metrics, std::string_view name) {
  for (const Metric& metric : metrics)
    if (metric.name == name) return metric.micro;
  return std::nullopt;
}

void MetricSummary::write(Writer& w) const {
  w.text(name);
  w.u32(measured);
  write_value(w, median);
  write_value(w, mean);
}
void MetricSummary::read(Reader& r) {
  name = read_name(r);
  measured = r.u32();
  median = read_value(r);
  mean = read_value(r);
  if (measured > kMaxMetricVoices || median.has_value() != (measured > 0) || (mean && !median))
    r.fail();
}
void write_summaries(Writer& w, const MetricSummaries& summaries) { write_list(w, summaries); }
MetricSummaries read_summaries(Reader& r) {
  return read_by_name<MetricSummary>(r, kLeastMetricBytes + 4 + 1);
}

const MetricSummary* find_summary(const MetricSummaries& summaries, std::string_view name) {
  for (const MetricSummary& summary : summaries)
    if (summary.name == name) return &summary;
  return nullptr;
}

MetricSummaries summarise(const std::vector<WeightedMetrics>& statements) {
  std::map<std::string, std::vector<Measured>> values;
  for (const WeightedMetrics& statement : statements) {
    for (const Metric& metric : statement.metrics) {
      auto& of_name = values[metric.name];
      if (metric.micro) of_name.push_back({*metric.micro, statement.examples});
    }
  }
  MetricSummaries summaries;
  for (const auto& [name, measured] : values) summaries.push_back(summary_of(name, measured));
  // Stable: the first by name of those that equally many have measured.
  std::stable_sort(summaries.begin(), summaries.end(),
                   [](const auto& a, const auto& b) { return a.measured > b.measured; });
  if (summaries.size() > kMaxMetrics) summaries.resize(kMaxMetrics);
  std::sort(summaries.begin(), summaries.end(),
            [](const auto& a, const auto& b) { return a.name < b.name; });
  return summaries;
}

}  // namespace gradmint
