#include "tests/fuzz/target.h"

namespace gradmint::fuzz {

const std::vector<Target>& decoder_targets() {
  static const std::vector<Target> all = {
      message_target(), record_target(),   transaction_target(), genesis_target(),
      tensors_target(), encoding_target(), settings_target(),    rule_target(),
      csv_target(),     idx_target(),      words_target(),       keystore_target(),
      bundle_target(),  reader_target(),
  };
  return all;
}

Bytes joined(ByteView first, ByteView second) {
  const std::size_t total = first.size() + second.size();
  // The least 256th that reaches the cut.
  const std::size_t part = total == 0 ? 0 : (first.size() * 255 + total - 1) / total;
  Bytes out{static_cast<std::uint8_t>(part)};
  out.insert(out.end(), first.begin(), first.end());
  out.insert(out.end(), second.begin(), second.end());
  return out;
}

}  // namespace gradmint::fuzz
