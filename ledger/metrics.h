// Named figures of how good a model is, as the ledger has them: integers in millionths, up to 16,
// each measured or not. A trainer states those of its own update, an evaluator those of the new
// model on data that nobody trained on; a settlement keeps of each name the median and the mean
// weighted by examples. Pure.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ledger/record.h"

namespace gradmint {

inline constexpr std::size_t kMaxMetrics = 16;
inline constexpr std::size_t kMaxMetricNameBytes = 48;
inline constexpr std::uint32_t kMaxMetricVoices = 4095;  // a round's members
// ±10^9. One that is larger is written as this, which is then no measurement but a bound. With 2^64
// examples and 4095 members the weighted sum stays below 2^127.
inline constexpr std::int64_t kMaxMetricMicro = 1'000'000'000'000'000;

// 1 to 48 letters, digits and _ . : / @ + -, beginning with a letter, a digit or _.
bool is_metric_name(std::string_view name);

// A bound where it was too large to be written.
constexpr bool is_saturated(std::int64_t micro) {
  return micro >= kMaxMetricMicro || micro <= -kMaxMetricMicro;
}

struct Metric {
  std::string name;
  std::optional<std::int64_t> micro;  // nothing: it was not measured
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const Metric&) const = default;
};
using Metrics = std::vector<Metric>;  // ascending by name, none twice, at most kMaxMetrics

void write_metrics(Writer& w, const Metrics& metrics);
Metrics read_metrics(Reader& r);  // fails where they are not as said above
// Nothing where it was not measured, or is not among them.
std::optional<std::int64_t> value_of(const Metrics& metrics, std::string_view name);

// What a round's statements come to under one name.
struct MetricSummary {
  std::string name;
  std::uint32_t measured = 0;          // by how many
  std::optional<std::int64_t> median;  // the lower one of an even count; nothing: measured by none
  // Σ examples·value / Σ examples, half to even. Nothing where none measured it, or where one of
  // the values was a bound.
  std::optional<std::int64_t> mean;
  void write(Writer& w) const;
  void read(Reader& r);
  bool operator==(const MetricSummary&) const = default;

  bool saturated() const { return measured > 0 && (!mean || is_saturated(*median)); }
};
using MetricSummaries = std::vector<MetricSummary>;  // ascending by name, at most kMaxMetrics

void write_summaries(Writer& w, const MetricSummaries& summaries);
MetricSummaries read_summaries(Reader& r);
const MetricSummary* find_summary(const MetricSummaries& summaries, std::string_view name);

struct WeightedMetrics {
  std::uint64_t examples = 0;  // 0 counts as none: it moves no mean
  Metrics metrics;
};
// Of more than kMaxMetrics names those that most have measured, then the first by name: nobody
// alone can push out what others measure.
MetricSummaries summarise(const std::vector<WeightedMetrics>& statements);

}  // namespace gradmint
