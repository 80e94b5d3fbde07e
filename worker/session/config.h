// What a session is given: who it is, whom it talks to, what it trains on. Pure.
#pragma once

#include <array>
#include <string>

#include "ledger/keys.h"

namespace gradmint::session {

struct Config {
  SecretKey key;
  Hash curve_key;  // the public part of the connection key
  Hash secret;     // for salts
  Hash chain_id;
  std::string join_endpoint;
  std::array<std::uint8_t, 16> code{};  // of the invitation; zero: none at hand
  std::string name;
  std::string revision;
};

// Exit codes of a session.
inline constexpr int kExitDone = 0;
inline constexpr int kExitFault = 1;     // the coordinator, or this machine, does not hold
inline constexpr int kExitBadInput = 2;  // what the user gave cannot work

}  // namespace gradmint::session
