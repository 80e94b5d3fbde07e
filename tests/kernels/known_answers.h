// Numbers from aggregation.json, read with a few lines of our own: the kernels and their tests
// build where no package is installed.
#pragma once

#include <string>
#include <vector>

#include "tests/kernels/reference.h"

namespace gradmint::test {

// The whole file, or nothing (said loudly) where it cannot be read.
std::string known_aggregations();

// All numbers of the value (a number, an array or arrays) that follows `"key":` after `section`.
std::vector<double> known_numbers(const std::string& text, const std::string& section,
                                  const std::string& key);

// Rows of `width` values each.
Updates in_rows(const std::vector<double>& values, std::size_t width);

}  // namespace gradmint::test
