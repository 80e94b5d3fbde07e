// Merkle roots of bytes that lie in device memory, without the bytes leaving it: the tree's root as
// in merkle.h. A blob's name on the ledger is a tagged hash of the length and that root
// (ledger/merkle.h, blob_root), which the caller takes.
#pragma once

#include <cuda_runtime.h>

#include <cstddef>

#include "kernels/base/result.h"
#include "kernels/sha256_rule.h"

namespace gradmint::kernels::cuda {

// How many digests of device memory launch_merkle_root needs for `length` bytes.
std::size_t merkle_scratch_digests(std::size_t length);

// Asynchronous on `stream`: hashes `length` bytes (any number, 0 too) at `bytes`, aligned to 16,
// and writes the root to `root`. `scratch` as above, apart from `root`. Device pointers.
cudaError_t launch_merkle_root(const void* bytes, std::size_t length, Digest* scratch, Digest* root,
                               cudaStream_t stream);

// The same from the current device, with memory of its own, and waits. An Error where the GPU
// refuses.
Result<Digest> merkle_root(const void* device_bytes, std::size_t length);

}  // namespace gradmint::kernels::cuda
