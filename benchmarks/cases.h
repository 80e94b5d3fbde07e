// The cases that kernels_benchmark.cc does not hold itself.
#pragma once

namespace gradmint::benchmarks {

void add_encodings();
void add_hashes(int threads);

}  // namespace gradmint::benchmarks
