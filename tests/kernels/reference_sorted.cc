#include "tests/kernels/reference_sorted.h"

#include <algorithm>
#include <cmath>

namespace gradmint::test {
namespace {

float without_minus_zero(float x) { return x == 0.0f ? 0.0f : x; }

// The mean of values, each rounded to a multiple of 2^-shift first and summed exactly.
float fixed_point_mean(const std::vector<double>& values, int shift) {
  std::int64_t sum = 0;
  for (const double x : values) {
    sum += static_cast<std::int64_t>(std::nearbyint(std::ldexp(x, shift)));
  }
  const double mean = static_cast<double>(sum) / static_cast<double>(values.size());
  return without_minus_zero(static_cast<float>(std::ldexp(mean, -shift)));
}

// What the rules see of one coordinate.
std::vector<float> column_of(const Updates& updates, std::span<const double> clips, std::size_t c) {
  std::vector<float> values;
  for (std::size_t i = 0; i < updates.size(); ++i) {
    const float x = updates[i][c];
    values.push_back(clips.empty() ? x : static_cast<float>(static_cast<double>(x) * clips[i]));
  }
  return values;
}

// Adds coordinate c, of which sorted places [first, first + kept) stay.
void keep(ReferenceKept& result, const std::vector<float>& values, const std::vector<float>& sorted,
          std::size_t first, std::size_t kept, int shift) {
  const auto begin = sorted.begin() + static_cast<std::ptrdiff_t>(first);
  const auto end = begin + static_cast<std::ptrdiff_t>(kept);
  result.mean.push_back(fixed_point_mean(std::vector<double>(begin, end), shift));
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (values[i] < *begin || values[i] > *(end - 1)) ++result.outside[i];
  }
}

}  // namespace

ReferenceKept reference_trimmed_mean(const Updates& updates, std::span<const double> clips,
                                     std::size_t dropped, int shift) {
  ReferenceKept result;
  result.outside.assign(updates.size(), 0);
  for (std::size_t c = 0; c < updates[0].size(); ++c) {
    const std::vector<float> values = column_of(updates, clips, c);
    std::vector<float> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    keep(result, values, sorted, dropped, values.size() - 2 * dropped, shift);
  }
  return result;
}

ReferenceKept reference_nearest_to_median(const Updates& updates, std::span<const double> clips,
                                          std::size_t kept, int shift) {
  const std::size_t n = updates.size();
  ReferenceKept result;
  result.outside.assign(n, 0);
  const std::vector<float> medians = reference_median(updates, clips).median;
  for (std::size_t c = 0; c < updates[0].size(); ++c) {
    const std::vector<float> values = column_of(updates, clips, c);
    std::vector<float> sorted = values;
    std::sort(sorted.begin(), sorted.end());
    const double median = medians[c];
    std::size_t first = 0;
    while (first + kept < n && static_cast<double>(sorted[first + kept]) - median <
                                   median - static_cast<double>(sorted[first])) {
      ++first;
    }
    keep(result, values, sorted, first, kept, shift);
  }
  return result;
}

Updates reference_mixed(const Updates& updates, std::span<const double> clips,
                        const std::vector<std::vector<std::uint32_t>>& excluded, int shift) {
  Updates mixed;
  for (const auto& left_out : excluded) {
    std::vector<std::size_t> members;
    for (std::size_t j = 0; j < updates.size(); ++j) {
      if (std::find(left_out.begin(), left_out.end(), j) == left_out.end()) {
        members.push_back(j);
      }
    }
    std::vector<float> row;
    for (std::size_t c = 0; c < updates[0].size(); ++c) {
      std::vector<double> values;
      for (const std::size_t j : members) {
        values.push_back(static_cast<double>(updates[j][c]) * (clips.empty() ? 1.0 : clips[j]));
      }
      row.push_back(fixed_point_mean(values, shift));
    }
    mixed.push_back(std::move(row));
  }
  return mixed;
}

}  // namespace gradmint::test
