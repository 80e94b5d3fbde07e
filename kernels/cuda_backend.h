// The CUDA backend's door. A program that links gradmint_kernels_cuda calls register_cuda_backend()
// once at its start; then open_backend("cuda:N") and "auto" know it.
#pragma once

namespace gradmint::kernels {

void register_cuda_backend();

}  // namespace gradmint::kernels
