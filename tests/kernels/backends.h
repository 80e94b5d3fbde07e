// The backends a kernel test runs on. kernels_test links backends_cpu.cc, kernels_cuda_test links
// backends_cuda.cc: the same cases, on every CPU level and on a GPU.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "kernels/backend.h"

namespace gradmint::test {

// CPU: every supported level with 1, 2 and 3 threads. CUDA: device 0, or none with a loud line.
std::vector<std::unique_ptr<kernels::Backend>> backends();

// Bytes compared, not values: a NaN or -0 must not slip through.
bool same_bytes(std::span<const float> a, std::span<const float> b);
bool same_bytes(std::span<const double> a, std::span<const double> b);

}  // namespace gradmint::test
