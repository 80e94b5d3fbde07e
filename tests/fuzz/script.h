// An input of a stateful target: a script of small steps, read byte by byte. What is missing at the
// end of the input reads as zero, so every input is a whole script.
#pragma once

#include <algorithm>

#include "ledger/bytes.h"

namespace gradmint::fuzz {

class Script {
 public:
  explicit Script(ByteView input) : rest_(input) {}
  bool ended() const { return rest_.empty(); }
  std::uint8_t byte() {
    if (rest_.empty()) return 0;
    const std::uint8_t value = rest_.front();
    rest_ = rest_.subspan(1);
    return value;
  }
  std::size_t below(std::size_t limit) { return byte() % limit; }
  // As many bytes as the next one says, or all that are left.
  ByteView bytes() {
    const std::size_t wanted = byte();
    const ByteView taken = rest_.first(std::min(wanted, rest_.size()));
    rest_ = rest_.subspan(taken.size());
    return taken;
  }
  // `whole` with up to three of its bytes changed, and perhaps cut.
  Bytes bent(Bytes whole) {
    const std::uint8_t how = byte();
    for (int i = how & 3; i > 0 && !whole.empty(); --i) {
      const std::size_t at = (static_cast<std::size_t>(byte()) << 8 | byte()) % whole.size();
      whole[at] = byte();
    }
    if ((how & 4) != 0) whole.resize(whole.size() * byte() / 256);
    return whole;
  }

 private:
  ByteView rest_;
};

}  // namespace gradmint::fuzz
