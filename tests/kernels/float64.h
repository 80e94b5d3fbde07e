// Updates that look like honest ones, and float64 mathematics to hold the rules over pairs to.
#pragma once

#include <span>
#include <vector>

#include "tests/kernels/samples.h"

namespace gradmint::test {

using Vector = std::vector<double>;

// About standard normal: the sum of twelve uniform values, less six.
float noise(Sequence& sequence);

// Update i is noise of size 1 + i / 10 around a common direction.
Updates honest(std::size_t n, std::size_t size, std::uint64_t seed);

double distance(const Vector& a, std::span<const float> b);
double distance(std::span<const float> a, std::span<const float> b);

// e of distances.h with clip factor 1: 1.001 * 2^-14 * sqrt(sum over blocks of count * largest^2).
double quantisation_bound(std::span<const float> values);

}  // namespace gradmint::test
