// The combining pass on the CPU: tiles over threads. Inside the library only.
#pragma once

#include "kernels/backend.h"
#include "kernels/cpu_kernels.h"

namespace gradmint::kernels {

CombineReport combine_on_cpu(const CombinePass& pass, const CpuKernels& kernels, int threads);

}  // namespace gradmint::kernels
