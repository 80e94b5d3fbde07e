#include "worker/adversary.h"

#include <charconv>
#include <cmath>
#include <limits>

#include "worker/seeded.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kNoiseStream = 0x6e6f697365;  // "noise"

struct Named {
  AdversaryKind kind;
  const char* name;
};
constexpr Named kKinds[] = {
    {AdversaryKind::signflip, "signflip"},   {AdversaryKind::scale, "scale"},
    {AdversaryKind::gaussian, "gaussian"},   {AdversaryKind::labelflip, "labelflip"},
    {AdversaryKind::freerider, "freerider"}, {AdversaryKind::replay, "replay"},
    {AdversaryKind::copy, "copy"},           {AdversaryKind::nan, "nan"}};

std::vector<float> gaussian(const std::vector<float>& update, const AdversaryView& view) {
  double squares = 0;
  for (const float x : update) squares += double{x} * double{x};
  const double scale = update.empty() ? 0 : std::sqrt(squares / static_cast<double>(update.size()));
  Seeded draw(view.seed, kNoiseStream, view.round);
  std::vector<float> noise(update.size());
  for (float& x : noise) x = static_cast<float>(double{kAdversaryNoise} * scale * draw.normal());
  return noise;
}

std::vector<float> seen_or(std::span<const float> seen, std::vector<float> otherwise) {
  if (seen.size() != otherwise.size()) return otherwise;
  return {seen.begin(), seen.end()};
}

}  // namespace

Result<AdversarySpec> parse_adversary(std::string_view text) {
  AdversarySpec spec;
  const std::size_t at = text.find('@');
  const std::string_view kind = text.substr(0, at);
  for (const Named& named : kKinds)
    if (kind == named.name) spec.kind = named.kind;
  if (spec.kind == AdversaryKind::none)
    return Error{ErrorCode::bad_input, "no adversary is called '" + std::string(kind) +
                                           "': signflip, scale, gaussian, labelflip, freerider, "
                                           "replay, copy or nan"};
  if (at != std::string_view::npos) {
    const std::string_view round = text.substr(at + 1);
    const auto [end, ec] =
        std::from_chars(round.data(), round.data() + round.size(), spec.from_round);
    if (ec != std::errc() || end != round.data() + round.size() || spec.from_round == 0)
      return Error{ErrorCode::bad_input,
                   "adversary '" + std::string(text) + "': the round after @ is a number from 1"};
  }
  return spec;
}

std::string adversary_name(AdversaryKind kind) {
  for (const Named& named : kKinds)
    if (kind == named.kind) return named.name;
  return "none";
}

std::vector<float> hostile_update(const AdversarySpec& spec, std::vector<float> update,
                                  const AdversaryView& view) {
  if (!spec.active(view.round)) return update;
  switch (spec.kind) {
    case AdversaryKind::none:
    case AdversaryKind::labelflip:
      return update;
    case AdversaryKind::signflip:
      for (float& x : update) x = 0.0F - x;  // never −0
      return update;
    case AdversaryKind::scale:
      for (float& x : update) x *= kAdversaryScale;
      return update;
    case AdversaryKind::gaussian:
      return gaussian(update, view);
    case AdversaryKind::freerider:
      return std::vector<float>(update.size(), 0.0F);
    case AdversaryKind::replay:
      return seen_or(view.last_global_change, std::vector<float>(update.size(), 0.0F));
    case AdversaryKind::copy:
      return seen_or(view.seen_update, std::move(update));
    case AdversaryKind::nan:
      if (!update.empty()) update[update.size() / 2] = std::numeric_limits<float>::quiet_NaN();
      return update;
  }
  return update;
}

void flip_labels(std::span<std::int32_t> labels, std::uint32_t classes) {
  for (std::int32_t& label : labels) label = static_cast<std::int32_t>(classes) - 1 - label;
}

}  // namespace gradmint
