// Asks a running coordinator over the socket in its home directory. Blocking.
#pragma once

#include <nlohmann/json.hpp>

#include "coordinator/server/home.h"

namespace gradmint {

// The reply's JSON. not_found when no coordinator runs there; refused with its reason when it says
// no.
Result<nlohmann::json> ask_coordinator(const Home& home, const nlohmann::json& request,
                                       int timeout_ms);

}  // namespace gradmint
