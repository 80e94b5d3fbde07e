// An invitation: one word that holds all a worker needs to find a coordinator and know it is the
// right one. "gminv1" + base32 (RFC 4648 alphabet, lower case, no padding) of
//   curve key 32 | chain id 32 | code 16 | length u8 and endpoint | first 4 bytes of
//   tag::kInvitation over all before.
// The code admits once (or not at all, where enrolment is open): treat it as a password. Pure.
#pragma once

#include <array>
#include <string>
#include <string_view>

#include "kernels/base/result.h"
#include "ledger/bytes.h"

namespace gradmint {

struct Invitation {
  std::string join_endpoint;  // "tcp://host:port"
  Hash coordinator_curve_key;
  Hash chain_id;
  std::array<std::uint8_t, 16> code{};
  bool operator==(const Invitation&) const = default;
};

// bad_input when the endpoint is not one a worker could connect to.
Result<std::string> format_invitation(const Invitation& invitation);

// Ignores surrounding white space and case. One clear line for each thing that can be wrong.
Result<Invitation> parse_invitation(std::string_view text);

}  // namespace gradmint
