#include "coordinator/protocol/event_digest.h"

#include <algorithm>
#include <utility>

namespace gradmint {
namespace {

constexpr std::uint64_t kWindowMs = 60'000;
constexpr std::uint64_t kToldPerWindow = 5;
constexpr std::size_t kMaxNames = 256;

std::string_view what_of(TransportEventKind kind) {
  switch (kind) {
    case TransportEventKind::stranger_refused:
      return "strangers refused at work";
    case TransportEventKind::handshake_failed:
      return "handshakes that failed";
    case TransportEventKind::peer_cut_off:
      return "peers cut off or turned away";
    case TransportEventKind::message_refused:
      return "messages refused";
  }
  return {};
}

}  // namespace

void EventDigest::add(TransportEventKind kind, const std::string& about, std::string text,
                      std::uint64_t now_ms) {
  Window& window = windows_[static_cast<std::size_t>(kind)];
  if (window.open && now_ms - window.since_ms >= kWindowMs) close_window(kind, window, now_ms);
  if (!window.open) window = {true, now_ms, 0, 0, {}};
  if (window.told < kToldPerWindow) {
    ++window.told;
    told_.push_back({kind, std::move(text)});
    return;
  }
  ++window.counted;
  const auto found = window.counted_about.find(about);
  if (found != window.counted_about.end()) {
    ++found->second;
  } else if (window.counted_about.size() < kMaxNames) {
    window.counted_about.emplace(about, 1);
  }
}

// A kind that goes on is only summed up in the next minute; one that has stopped begins anew.
void EventDigest::close_window(TransportEventKind kind, Window& window, std::uint64_t now_ms) {
  const std::uint64_t counted = window.counted;
  if (counted > 0) {
    const auto most =
        std::max_element(window.counted_about.begin(), window.counted_about.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    told_.push_back({kind, std::to_string(counted) + " more " + std::string(what_of(kind)) +
                               " in the last minute, " + std::to_string(most->second) +
                               " of them: " + most->first});
  }
  window = {counted > 0, now_ms, counted > 0 ? kToldPerWindow : 0, 0, {}};
}

std::vector<TransportEvent> EventDigest::take(std::uint64_t now_ms) {
  for (std::size_t kind = 0; kind < windows_.size(); ++kind) {
    Window& window = windows_[kind];
    if (window.open && now_ms - window.since_ms >= kWindowMs)
      close_window(static_cast<TransportEventKind>(kind), window, now_ms);
  }
  return std::exchange(told_, {});
}

bool EventDigest::has_counted() const {
  return std::any_of(windows_.begin(), windows_.end(),
                     [](const Window& window) { return window.counted > 0; });
}

bool EventDigest::is_due(std::uint64_t now_ms) const {
  return std::any_of(windows_.begin(), windows_.end(), [&](const Window& window) {
    return window.counted > 0 && now_ms - window.since_ms >= kWindowMs;
  });
}

}  // namespace gradmint
