#include "coordinator/cli/event_output.h"

#include <unistd.h>

#include "coordinator/cli/terminal.h"
#include "ledger/json_input.h"
#include "ledger/json_text.h"
#include "ledger/metric_text.h"

namespace gradmint {
namespace {

OutputQueue::DroppedText dropped_text(bool json_lines, bool live) {
  if (json_lines) {
    return [](std::uint64_t lines) {
      return json_text(nlohmann::json{{"event", "dropped"}, {"lines", lines}}) + "\n";
    };
  }
  return [live](std::uint64_t lines) { return dropped_line(lines, live); };
}

// "; best by accuracy: round 7, 94.12 %, checkpoints/best.safetensors"
std::string best_text(const nlohmann::json& finished) {
  const auto best = finished.find("best");
  if (best == finished.end()) return "";
  const auto metric = best->value("metric", std::string());
  return "; best by " + metric + ": round " +
         std::to_string(best->value("round", std::uint64_t{0})) + ", " +
         metric_value_text(metric, best->value("median_micro", std::int64_t{0})) + ", " +
         best->value("file", std::string());
}

}  // namespace

EventOutput::EventOutput(EventOutputOptions options)
    : options_(std::move(options)),
      style_(terminal_style()),
      display_(style_),
      queue_(STDOUT_FILENO, dropped_text(options_.json_lines, style_.live)) {}

// What whoever started the coordinator wants to know first and last; nothing for other events.
std::string EventOutput::start_and_end(const FederationEvent& event,
                                       const nlohmann::json& json) const {
  if (event.kind == EventKind::started) {
    return "chain " + event.chain_id + ", height " + std::to_string(event.height) +
           "\nworkers join at " + json.value("public", json.value("join", "")) + " and work at " +
           json.value("work", "") + "\ninvite one with: gradmint coordinator invite --home " +
           printable(options_.home);
  }
  if (event.kind == EventKind::finished) {
    const auto reached = text_member(json, "reached");
    return "finished: " + std::to_string(event.rounds) +
           (reached ? " of " + std::to_string(json.value("of", event.rounds)) : "") +
           " rounds, height " + std::to_string(event.height) +
           (reached ? "; reached " + *reached + " (rounds.stop_when)" : "") + best_text(json) +
           (options_.exit_when_finished
                ? ""
                : "; still here for workers and wallets, end it with: gradmint coordinator stop "
                  "--home " +
                      printable(options_.home));
  }
  return "";
}

void EventOutput::on(const nlohmann::json& json) {
  const std::string text = json_text(json);
  if (options_.json_lines) return queue_.write(text + "\n");
  const auto event = parse_event(text);
  if (!event) return;
  run_.on(*event);
  display_.set_columns(terminal_columns(style_));
  const std::string line = start_and_end(*event, json);
  queue_.write(line.empty() ? display_.on(*event, run_) : display_.say(line));
}

}  // namespace gradmint
