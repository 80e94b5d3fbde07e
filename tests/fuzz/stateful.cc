#include "tests/fuzz/target.h"

namespace gradmint::fuzz {

const std::vector<Target>& stateful_targets() {
  static const std::vector<Target> all = {handshake_target(), session_target()};
  return all;
}

}  // namespace gradmint::fuzz
