#include "worker/data/scaling.h"

#include <cmath>
#include <cstdio>

namespace gradmint {
namespace {

constexpr double kFarMean = 5;     // deviations of the contract's sample
constexpr double kFarSpread = 10;  // times as wide
constexpr std::size_t kFewRows = 20;
constexpr std::size_t kLinesShown = 5;

struct Moments {
  double mean = 0, deviation = 0;
};

Moments moments_of(std::span<const float> values, std::size_t first, std::size_t stride) {
  Moments m;
  std::size_t count = 0;
  for (std::size_t i = first; i < values.size(); i += stride, ++count) m.mean += double{values[i]};
  if (count == 0) return m;
  m.mean /= static_cast<double>(count);
  double squares = 0;
  for (std::size_t i = first; i < values.size(); i += stride) {
    const double off = double{values[i]} - m.mean;
    squares += off * off;
  }
  m.deviation = std::sqrt(squares / static_cast<double>(count));
  return m;
}

std::string short_number(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.4g", value);
  return text;
}

}  // namespace

Scaler scaler_of(std::span<const float> values, std::size_t first, std::size_t stride) {
  const Moments m = moments_of(values, first, stride);
  const auto scale = static_cast<float>(m.deviation);
  return {static_cast<float>(m.mean), std::isfinite(scale) && scale > 0 ? scale : 1.0F};
}

std::size_t scale_rows(const DataContract& contract, std::span<float> values) {
  const std::size_t columns = contract.columns.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    values[i] = contract.columns[i % columns].scaler.apply(values[i]);
    if (!std::isfinite(values[i])) return i;
  }
  return values.size();
}

std::vector<std::string> far_columns(const DataContract& contract, std::span<const float> scaled) {
  std::vector<std::string> lines;
  const std::size_t columns = contract.columns.size();
  if (columns == 0 || scaled.size() / columns < kFewRows) return lines;
  for (std::size_t c = 0; c < columns && lines.size() < kLinesShown; ++c) {
    const Moments m = moments_of(scaled, c, columns);
    if (std::abs(m.mean) <= kFarMean && m.deviation <= kFarSpread) continue;
    const Scaler& scaler = contract.columns[c].scaler;
    lines.push_back("column '" + contract.columns[c].name + "' is far from the contract's: mean " +
                    short_number(m.mean * double{scaler.scale} + double{scaler.mean}) +
                    ", deviation " + short_number(m.deviation * double{scaler.scale}) + "; there " +
                    short_number(double{scaler.mean}) + " and " +
                    short_number(double{scaler.scale}) + ": another unit?");
  }
  return lines;
}

}  // namespace gradmint
