// What the frames of a request must be, whoever carried them. Pure.
#pragma once

#include <cstddef>
#include <optional>

#include "coordinator/protocol/messages.h"

namespace gradmint {

// The refusal of a request that came in at `entrance` with so many frames behind its header, the
// first of them of so many bytes; nothing where it may be answered.
std::optional<Refusal> check_request(const DecodedMessage& decoded, Entrances entrance,
                                     std::size_t payload_frames, std::size_t payload_bytes);

}  // namespace gradmint
