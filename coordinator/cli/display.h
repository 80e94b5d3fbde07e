// How a federation looks to someone watching: events to text. On a terminal the last line is live
// (a progress bar, rewritten); elsewhere there are plain lines for each round: one, or a few where
// it would be wider than the screen, or than 100 columns. What others named or wrote is made
// printable. Pure.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "coordinator/cli/dev_report.h"

namespace gradmint {

struct DisplayStyle {
  bool live = false;    // a terminal: control characters may be used
  bool colour = false;  // a terminal, and NO_COLOR is not set
  std::size_t columns = 100;
};

class Display {
 public:
  explicit Display(DisplayStyle style) : style_(style) {}

  // What to write now; often nothing. `run` has seen the event already.
  std::string on(const FederationEvent& event, const RunOutcome& run);
  // A line of the program's own, above the live one.
  std::string say(const std::string& line);
  // A terminal may get another width at any moment.
  void set_columns(std::size_t columns) { style_.columns = columns; }
  // Removes the live line, before other text or the end.
  std::string clear();

 private:
  std::string live_line();
  struct Shown {
    std::string text;       // with its colour
    std::size_t width = 0;  // without
  };
  Shown shown(const std::string& text, const char* code = nullptr) const;
  std::vector<Shown> accepted(const RoundOutcome& round) const;
  std::vector<Shown> rejected(const RoundOutcome& round) const;
  std::vector<Shown> metrics_of(const RoundOutcome& round) const;
  std::vector<Shown> beyond_first(std::vector<Shown>& metrics, std::size_t width) const;
  std::string listed(const char* what, const std::vector<Shown>& items, bool own_line,
                     std::size_t indent) const;
  std::string settled_line(const RoundOutcome& round, const RunOutcome& run) const;
  std::string without(const FederationEvent& event);
  std::string zero_note(const RoundOutcome& round);
  std::string paint(const char* code, const std::string& text) const;

  DisplayStyle style_;
  bool live_shown_ = false;
  // The round under way.
  std::string phase_;
  std::uint64_t round_ = 0, rounds_ = 0;
  std::uint64_t count_ = 0, of_ = 0;
  double base_ = 0, span_ = 0;                         // the phase's part of the round's bar
  std::map<std::string, std::uint32_t> progress_ppm_;  // of each member while it trains
  std::vector<std::string> missing_;                   // as told last
  bool zero_told_ = false;                             // what a score of 0 means
};

// The table of workers, and under it the last accuracy.
std::string workers_table(const RunOutcome& run, const DisplayStyle& style);

// "[#####-----]", `width` characters with the brackets.
std::string progress_bar(double done, std::size_t width);

// Where `lines` lines are missing, since nobody took them; with its line end.
std::string dropped_line(std::uint64_t lines, bool live);

// 912000 -> "0.912".
std::string score_text(std::uint32_t ppm);

}  // namespace gradmint
