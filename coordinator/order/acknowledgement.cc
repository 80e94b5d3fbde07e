#include "coordinator/order/acknowledgement.h"

#include <string_view>

namespace gradmint {
namespace {
constexpr std::string_view kPrefix = "reveal/";
}

// Inlined, GCC 12 takes the vector that grows for one of a single byte.
[[gnu::noinline]] void Acknowledgement::write(Writer& w) const {
  w.boolean(is_stored);
  w.u64(attempt.round);
  w.u32(attempt.attempt);
  w.hash(worker);
  opening.write(w);
}

void Acknowledgement::read(Reader& r) {
  is_stored = r.boolean();
  attempt.round = r.u64();
  attempt.attempt = r.u32();
  worker = r.hash();
  opening.read(r);
}

std::string pending_key(const AttemptKey& attempt, const AccountId& worker) {
  return std::string(kPrefix) + std::to_string(attempt.round) + "/" +
         std::to_string(attempt.attempt) + "/" + to_hex(worker);
}

bool is_pending_acknowledgement(const std::string& key) { return key.starts_with(kPrefix); }

}  // namespace gradmint
