// The Merkle root of bytes in host memory by the rule that the GPU runs (merkle_rule.h), on one
// thread and without a library. ledger/merkle.h has the fast one, through OpenSSL on all cores.
#pragma once

#include <array>
#include <cstdint>
#include <span>

#include "kernels/sha256_rule.h"

namespace gradmint::kernels {

Digest merkle_root_by_rule(std::span<const std::uint8_t> bytes);

std::array<std::uint8_t, 32> bytes_of(const Digest& digest);

}  // namespace gradmint::kernels
