// The Merkle root of bytes in host memory by the rule that the GPU runs (merkle_rule.h), on one
// thread and without a library. ledger/merkle.h has the fast one, through OpenSSL on all cores.
//
// One version, for reference and not for speed. The fast one: an update of 40 MB in 24 ms on one
// thread (SHA-256 alone 22, 1.9 GB/s) and 13 on two (benchmarks/README.md, hash/...); bound by the
// processor's SHA instructions.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/sha256_rule.h"

namespace gradmint::kernels {

Digest merkle_root_by_rule(std::span<const std::uint8_t> bytes);

std::array<std::uint8_t, 32> bytes_of(const Digest& digest);

}  // namespace gradmint::kernels
