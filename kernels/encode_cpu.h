// Writing an update in an encoding on the CPU: tiles over threads. Inside the library only.
#pragma once

#include "kernels/backend.h"
#include "kernels/cpu_kernels.h"

namespace gradmint::kernels {

// As Backend::encode.
Status encode_on_cpu(const EncodePass& pass, const CpuKernels& kernels, int threads);

}  // namespace gradmint::kernels
