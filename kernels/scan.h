// What intake must know of an update's values before anything is accumulated.
#pragma once

#include <cstddef>
#include <span>

#include "kernels/encoding.h"

namespace gradmint::kernels {

struct ScanResult {
  bool finite = true;
  std::size_t first_not_finite = 0;  // its index, meaningful only where !finite
  int exponent = 0;                  // of the largest |x| (fixed_point.h); 129 where !finite
  std::size_t count = 0;
};

// Looks at every value and changes none.
ScanResult scan_values(std::span<const float> values);

// The same for the values an update decodes to.
ScanResult scan_row(const Row& row);

// Looks at every value, and turns -0 into +0 in place.
ScanResult scan_and_canonicalise(std::span<float> values);

}  // namespace gradmint::kernels
