// A part of an update as floats, decoded where it has to be, and only that part. Inside the library
// only.
#pragma once

#include "kernels/cpu_kernels.h"
#include "kernels/encoding.h"

namespace gradmint::kernels {

EncodedRow encoded_row(const Row& row);

// Values begin, ..., begin + count - 1 of the row: in place where it is plain, else in `scratch`,
// which has room for the next multiple of 16. begin is even.
const float* tile(const CpuKernels& kernels, const Row& row, std::size_t begin, std::size_t count,
                  float* scratch);

}  // namespace gradmint::kernels
