// From local parameters to the bytes a worker commits to. Pure; thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "kernels/base/result.h"
#include "kernels/encode.h"

namespace gradmint {

// local − global in fp32, −0 made +0. Refuses sizes that differ and a difference that is not finite
// (naming the first coordinate): such an update would be refused at intake.
Result<std::vector<float>> make_update(std::span<const float> local, std::span<const float> global);

// Makes −0 into +0; refuses a value that is not finite, naming its coordinate.
Status canonicalise_update(std::span<float> update);

// Error feedback: what the encoding of the update before lost is as long as this one, or empty.
Status check_residual(std::size_t update_size, std::size_t residual_size);

// Adds it; nothing where it is empty. Refuses another size, and a sum that is not finite.
Status add_residual(std::span<float> update, std::span<const float> residual);

// The bytes of an update that is not finite, as a hostile worker would send it: where a value is
// none, bits that no encoder writes.
Result<kernels::EncodedBytes> encode_not_finite(const kernels::Encoding& encoding,
                                                std::vector<float> update);

}  // namespace gradmint
