// Hostile workers for test federations, in the kinds the literature uses. Pure: the attack is a
// function of the honest update, what the worker has seen, and a seed.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/base/result.h"

namespace gradmint {

enum class AdversaryKind {
  none,
  signflip,   // −u
  scale,      // kAdversaryScale · u
  gaussian,   // noise with kAdversaryNoise times the update's root mean square
  labelflip,  // trains on labels c−1−y; the update itself is left as it comes out
  freerider,  // zeros
  replay,     // the last global change (new global − old global); zeros before there is one
  copy,       // an update already seen on the ledger, byte for byte; the honest one before that
  nan,        // a NaN among honest values
};

inline constexpr float kAdversaryScale = 100.0F;
inline constexpr float kAdversaryNoise = 10.0F;

struct AdversarySpec {
  AdversaryKind kind = AdversaryKind::none;
  std::uint64_t from_round = 1;  // honest before

  bool active(std::uint64_t round) const {
    return kind != AdversaryKind::none && round >= from_round;
  }
  bool operator==(const AdversarySpec&) const = default;
};

// "KIND" or "KIND@ROUND", round ≥ 1.
Result<AdversarySpec> parse_adversary(std::string_view text);
std::string adversary_name(AdversaryKind kind);

struct AdversaryView {
  std::uint64_t round = 0;
  std::uint64_t seed = 0;
  std::span<const float> last_global_change;  // empty: none yet
  std::span<const float> seen_update;         // an update of an earlier round; empty: none yet
};

// What the worker submits instead of `update`. Inactive kinds return the update unchanged. The
// result of `nan` is not finite on purpose: send it past canonicalise_update.
std::vector<float> hostile_update(const AdversarySpec& spec, std::vector<float> update,
                                  const AdversaryView& view);

// labelflip: y → classes − 1 − y.
void flip_labels(std::span<std::int32_t> labels, std::uint32_t classes);

}  // namespace gradmint
