// From local parameters to the bytes a worker commits to. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/encoding.h"

namespace gradmint {

// local − global in fp32, −0 made +0. Refuses sizes that differ and a difference that is not finite
// (naming the first coordinate): such an update would be refused at intake.
Result<std::vector<float>> make_update(std::span<const float> local, std::span<const float> global);

// Makes −0 into +0; refuses a value that is not finite, naming its coordinate.
Status canonicalise_update(std::span<float> update);

// fp32 little endian, 4 bytes a coordinate: the payload whose Merkle root is committed to where the
// round asks for no other encoding.
std::vector<std::uint8_t> encode_update_fp32(std::span<const float> update);

// Error feedback: adds what the encoding of the update before lost; nothing where that is empty.
// Refuses another size, and a sum that is not finite.
Status add_residual(std::span<float> update, std::span<const float> residual);

// The bytes of an update that is not finite, as a hostile worker would send it: where a value is
// none, bits that no encoder writes.
Result<std::vector<std::uint8_t>> encode_not_finite(const kernels::Encoding& encoding,
                                                    std::vector<float> update);

}  // namespace gradmint
