// Merkle roots on a GPU, byte for byte those of the rule on the host.
#include <cuda_runtime.h>
#include <doctest/doctest.h>

#include "kernels/merkle.h"
#include "kernels/merkle_cuda.h"
#include "tests/kernels/backends.h"
#include "tests/kernels/merkle_samples.h"

using namespace gradmint;

TEST_CASE("Merkle roots of bytes in device memory are the host's, golden ones included") {
  if (test::backends().empty()) return;  // said loudly there
  for (const std::size_t length : test::merkle_lengths()) {
    CAPTURE(length);
    const std::vector<std::uint8_t> bytes = test::merkle_bytes(length);
    void* device = nullptr;
    REQUIRE(cudaMalloc(&device, length + 1) == cudaSuccess);
    REQUIRE(cudaMemcpy(device, bytes.data(), length, cudaMemcpyHostToDevice) == cudaSuccess);
    const auto root = kernels::cuda::merkle_root(device, length);
    cudaFree(device);
    REQUIRE(root.ok());
    CHECK(*root == kernels::merkle_root_by_rule(bytes));
  }
}
