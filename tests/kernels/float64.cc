#include "tests/kernels/float64.h"

#include <algorithm>
#include <cmath>

namespace gradmint::test {

float noise(Sequence& sequence) {
  double sum = -6;
  for (int k = 0; k < 12; ++k) sum += static_cast<double>(sequence.below(1u << 24)) * 0x1p-24;
  return static_cast<float>(sum);
}

Updates honest(std::size_t n, std::size_t size, std::uint64_t seed) {
  Sequence sequence(seed);
  std::vector<float> common(size);
  for (float& x : common) x = noise(sequence);
  Updates updates;
  for (std::size_t i = 0; i < n; ++i) {
    updates.push_back(common);
    const float spread = 1.0f + 0.1f * static_cast<float>(i);
    for (float& x : updates.back()) x += spread * noise(sequence);
  }
  return updates;
}

double distance(const Vector& a, std::span<const float> b) {
  long double sum = 0;
  for (std::size_t c = 0; c < a.size(); ++c) {
    const long double apart = static_cast<long double>(a[c]) - static_cast<long double>(b[c]);
    sum += apart * apart;
  }
  return static_cast<double>(std::sqrt(sum));
}

double distance(std::span<const float> a, std::span<const float> b) {
  return distance(Vector(a.begin(), a.end()), b);
}

double quantisation_bound(std::span<const float> values) {
  double sum = 0;
  for (std::size_t begin = 0; begin < values.size(); begin += 4096) {
    const auto block = values.subspan(begin, std::min<std::size_t>(4096, values.size() - begin));
    double largest = 0;
    for (const float x : block) largest = std::max(largest, std::fabs(static_cast<double>(x)));
    sum += static_cast<double>(block.size()) * largest * largest;
  }
  return 1.001 * 0x1p-14 * std::sqrt(sum);
}

}  // namespace gradmint::test
