// What a running coordinator says on its standard output: its events, as JSON lines for programs
// or as the display shows them to people. A reader that stands still does not stop it. One thread.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "coordinator/cli/display.h"
#include "ledger/output/output_queue.h"

namespace gradmint {

struct EventOutputOptions {
  bool json_lines = false;
  std::string home;  // as the user named it
  bool exit_when_finished = false;
};

class EventOutput {
 public:
  explicit EventOutput(EventOutputOptions options);

  void on(const nlohmann::json& event);
  // Waits for the reader for at most patience_ms.
  void close(int patience_ms) { queue_.close(patience_ms); }

 private:
  std::string start_and_end(const FederationEvent& event, const nlohmann::json& json) const;

  EventOutputOptions options_;
  DisplayStyle style_;
  Display display_;
  RunOutcome run_;
  OutputQueue queue_;
};

}  // namespace gradmint
