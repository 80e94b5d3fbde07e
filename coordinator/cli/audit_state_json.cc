// Entries of the state, as they stand under its root: for whoever writes another verifier.
#include <algorithm>

#include "coordinator/cli/audit_json.h"

namespace gradmint {
namespace {

constexpr std::size_t kLetters = 2;  // before the hexadecimal digits

std::string text_of(const std::string& key) {
  if (key.size() < kLetters) return key;
  return key.substr(0, kLetters) + to_hex(as_bytes(std::string_view(key).substr(kLetters)));
}

}  // namespace

Result<std::string> state_prefix_from(const std::string& text) {
  const std::string letters = text.substr(0, std::min(text.size(), kLetters));
  const auto rest = from_hex(std::string_view(text).substr(letters.size()));
  const bool is_key = !letters.empty() && letters[0] >= 'a' && letters[0] <= 'z' &&
                      (letters.size() < kLetters || letters[1] == '/');
  if (is_key && rest) return letters + std::string(rest->begin(), rest->end());
  return Error{ErrorCode::bad_input,
               "'" + text +
                   "' is no key of the state: a letter alone (j), or a letter, a slash and an even "
                   "number of hexadecimal digits (a/da2b39), all or the first ones"};
}

Json state_json(const State& state, std::uint64_t height, const std::string& prefix) {
  Json out = {{"schema", "gradmint/audit-state/1"},
              {"height", height},
              {"state_root", to_hex(state.root())},
              {"entries", Json::array()}};
  state.scan(prefix, [&](const std::string& key, const Bytes& value) {
    out["entries"].push_back({{"key", text_of(key)}, {"value", to_hex(value)}});
  });
  return out;
}

}  // namespace gradmint
