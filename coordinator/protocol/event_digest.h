// Keeps what strangers can make this side say in the log within bounds: of each kind of event the
// first few are told as they are, then one line a minute says how many more there were and who gave
// most of them. Pure: time is an argument. Not thread safe.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "coordinator/protocol/transport_event.h"

namespace gradmint {

class EventDigest {
 public:
  // `about` names the peer. What becomes due is moved out by take().
  void add(TransportEventKind kind, const std::string& about, std::string text,
           std::uint64_t now_ms);
  // The events told and the summaries that are due.
  std::vector<TransportEvent> take(std::uint64_t now_ms);

  bool has_told() const { return !told_.empty(); }
  // Something is counted that a later take() will tell.
  bool has_counted() const;
  bool is_due(std::uint64_t now_ms) const;

 private:
  struct Window {
    bool open = false;
    std::uint64_t since_ms = 0;
    std::uint64_t told = 0;
    std::uint64_t counted = 0;
    std::map<std::string, std::uint64_t> counted_about;
  };
  void close_window(TransportEventKind kind, Window& window, std::uint64_t now_ms);

  std::array<Window, kTransportEventKinds> windows_;
  std::vector<TransportEvent> told_;
};

}  // namespace gradmint
