#include "ledger/audit/compare_results.h"

#include "kernels/base/check.h"
#include "ledger/keys.h"

namespace gradmint {
namespace {

std::string hex_bits(std::uint64_t bits) {
  Bytes bytes;
  for (int shift = 56; shift >= 0; shift -= 8)
    bytes.push_back(static_cast<std::uint8_t>(bits >> shift));
  return to_hex(bytes);
}

struct Comparison {
  const RoundResult& recomputed;
  const RoundResult& stated;
  std::uint64_t height;

  template <class Text>
  Finding entries(const char* rule, Text text) const {
    for (std::size_t i = 0; i < stated.entries.size(); ++i) {
      const std::string expected = text(recomputed.entries[i]), found = text(stated.entries[i]);
      if (expected == found) continue;
      const std::string whose = " for " + address_of(stated.entries[i].worker);
      return AuditFault{height, rule, expected + whose, found + whose};
    }
    return std::nullopt;
  }
  Finding roots(const char* rule, const Hash& expected, const Hash& found) const {
    if (expected == found) return std::nullopt;
    return AuditFault{height, rule, to_hex(expected), to_hex(found)};
  }
};

}  // namespace

Finding compare_results(const RoundResult& recomputed, const RoundResult& stated,
                        std::uint64_t height) {
  GRADMINT_CHECK(recomputed.entries.size() == stated.entries.size());
  const Comparison c{recomputed, stated, height};
  if (auto f = c.entries("wrong_rejection", [](const ResultEntry& e) {
        return e.verdict == Verdict::ok ? "accepted" : std::string(verdict_name(e.verdict));
      })) {
    return f;
  }
  if (auto f = c.entries("wrong_clip_factors",
                         [](const ResultEntry& e) { return hex_bits(e.clip_factor_bits); })) {
    return f;
  }
  if (auto f = c.entries("wrong_selection", [](const ResultEntry& e) {
        return std::string(e.selected ? "selected" : "not selected");
      })) {
    return f;
  }
  if (auto f = c.entries("wrong_coefficients",
                         [](const ResultEntry& e) { return std::to_string(e.coefficient); })) {
    return f;
  }
  if (auto f = c.entries("wrong_selection_scores",
                         [](const ResultEntry& e) { return hex_bits(e.selection_score_bits); })) {
    return f;
  }
  if (auto f = c.entries("wrong_outside_counts",
                         [](const ResultEntry& e) { return std::to_string(e.outside_count); })) {
    return f;
  }
  if (auto f = c.entries("wrong_scores",
                         [](const ResultEntry& e) { return std::to_string(e.score_ppm); })) {
    return f;
  }
  if (auto f = c.roots("wrong_model_root", recomputed.model_root, stated.model_root)) return f;
  return c.roots("wrong_optimizer_root", recomputed.optimizer_root, stated.optimizer_root);
}

}  // namespace gradmint
