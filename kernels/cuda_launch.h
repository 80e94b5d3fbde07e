// Starting a kernel by the runtime's own call instead of the <<<>>> of nvcc, so that the sources
// are C++ and tests/emulated_cuda can run them on the processor (the .cu files only).
#pragma once

#include <cuda_runtime.h>

#include <utility>

namespace gradmint::kernels::cuda {

// Asynchronous on `stream`. Arguments are converted to the kernel's parameters.
template <class... Parameters, class... Arguments>
cudaError_t start(void (*kernel)(Parameters...), dim3 grid, dim3 block, cudaStream_t stream,
                  Arguments&&... arguments) {
  cudaLaunchConfig_t config{};
  config.gridDim = grid;
  config.blockDim = block;
  config.stream = stream;
  return cudaLaunchKernelEx(&config, kernel, std::forward<Arguments>(arguments)...);
}

}  // namespace gradmint::kernels::cuda
