#include "coordinator/protocol/request_check.h"

#include "coordinator/protocol/limits.h"

namespace gradmint {

std::optional<Refusal> check_request(const DecodedMessage& decoded, Entrances entrance,
                                     std::size_t payload_frames, std::size_t payload_bytes) {
  if (!decoded.ok()) return decoded.refusal;
  const Kind& kind = kind_of(decoded.message);
  const std::string name(kind.name);
  if ((kind.accepted_at & entrance) == 0) {
    return refuse(RefusalCode::not_accepted_here,
                  "a " + name + " is not accepted at this entrance");
  }
  if (payload_frames != (kind.has_payload ? 1u : 0u)) {
    return refuse(RefusalCode::malformed,
                  "a " + name + " takes " + (kind.has_payload ? "one" : "no") + " payload frame; " +
                      std::to_string(payload_frames) + " came");
  }
  if (payload_bytes > kMaxPayloadBytes) {
    return refuse(RefusalCode::oversized, "a payload of " + std::to_string(payload_bytes) +
                                              " bytes; at most " +
                                              std::to_string(kMaxPayloadBytes) + " are read");
  }
  return std::nullopt;
}

}  // namespace gradmint
