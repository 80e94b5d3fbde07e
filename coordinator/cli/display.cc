#include "coordinator/cli/display.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string_view>
#include <utility>

#include "contracts/amount.h"
#include "coordinator/cli/roster_text.h"
#include "kernels/base/printable.h"
#include "ledger/metric_text.h"

namespace gradmint {
namespace {

constexpr const char* kClearLine = "\r\x1b[2K";
constexpr const char* kGreen = "32";
constexpr const char* kRed = "31";
constexpr const char* kYellow = "33";
constexpr const char* kBold = "1";
constexpr std::size_t kBarWidth = 26, kLeastBarWidth = 6;
constexpr std::size_t kNamedWorkers = 8;  // more are summed up

// The parts of a round, as shares of its bar.
constexpr double kTrainShare = 0.60, kRevealShare = 0.25, kResultShare = 0.05;

template <class... Values>
std::string format(const char* pattern, Values... values) {
  char text[256];
  std::snprintf(text, sizeof text, pattern, values...);
  return text;
}

std::string label(const std::string& name, const std::string& address) {
  return printable(name.empty() ? address.substr(0, 12) : name);
}

std::string padded(std::string text, std::size_t width) {
  if (text.size() < width) text.append(width - text.size(), ' ');
  return text;
}

std::string right(std::string text, std::size_t width) {
  if (text.size() < width) text.insert(0, width - text.size(), ' ');
  return text;
}

}  // namespace

std::string score_text(std::uint32_t ppm) { return format("%.3f", static_cast<double>(ppm) / 1e6); }

std::string progress_bar(double done, std::size_t width) {
  const std::size_t cells = width - 2;
  const double clamped = std::clamp(done, 0.0, 1.0);
  const auto full = static_cast<std::size_t>(std::floor(clamped * static_cast<double>(cells)));
  return "[" + std::string(full, '#') + std::string(cells - full, '-') + "]";
}

std::string Display::paint(const char* code, const std::string& text) const {
  return style_.colour ? std::string("\x1b[") + code + "m" + text + "\x1b[0m" : text;
}

std::string Display::clear() {
  if (!live_shown_) return "";
  live_shown_ = false;
  return kClearLine;
}

std::string Display::live_line() {
  if (!style_.live) return "";
  live_shown_ = true;
  double part = of_ == 0 ? 0 : static_cast<double>(count_) / static_cast<double>(of_);
  if (phase_ == "training" && of_ != 0) {
    double sum = 0;
    for (const auto& [worker, ppm] : progress_ppm_) sum += static_cast<double>(ppm) / 1e6;
    part = sum / static_cast<double>(of_);
  }
  const std::string start =
      round_ == 0 ? ""
                  : format("round %llu/%llu ", static_cast<unsigned long long>(round_),
                           static_cast<unsigned long long>(rounds_));
  std::string rest = " " + phase_;
  if (of_ != 0)
    rest += format(" %llu/%llu", static_cast<unsigned long long>(count_),
                   static_cast<unsigned long long>(of_));
  // On one row whatever happens: of one that has wrapped only the last row could be removed.
  const std::size_t words = start.size() + rest.size();
  const std::size_t width =
      std::min(kBarWidth, style_.columns > words ? style_.columns - words : 0);
  const std::string bar =
      width < kLeastBarWidth ? "" : progress_bar(base_ + span_ * std::min(part, 1.0), width);
  return kClearLine + (start + bar + rest).substr(0, style_.columns);
}

std::string dropped_line(std::uint64_t lines, bool live) {
  return (live ? kClearLine : "") + std::to_string(lines) +
         " lines were dropped: nobody read them\n";
}

std::string Display::say(const std::string& line) {
  const bool again = live_shown_;
  return clear() + line + "\n" + (again ? live_line() : "");
}

Display::Shown Display::shown(const std::string& text, const char* code) const {
  return {code == nullptr ? text : paint(code, text), text.size()};
}

std::vector<Display::Shown> Display::accepted(const RoundOutcome& round) const {
  if (round.accepted.empty()) return {shown("none", kRed)};
  if (round.accepted.size() > kNamedWorkers) {
    const auto by_score = [](const AcceptedUpdate& a, const AcceptedUpdate& b) {
      return a.score_ppm < b.score_ppm;
    };
    const auto [low, high] =
        std::minmax_element(round.accepted.begin(), round.accepted.end(), by_score);
    return {shown(std::to_string(round.accepted.size())),
            shown("scores " + score_text(low->score_ppm) + " to " + score_text(high->score_ppm))};
  }
  std::vector<AcceptedUpdate> sorted = round.accepted;
  std::sort(sorted.begin(), sorted.end(), [](const AcceptedUpdate& a, const AcceptedUpdate& b) {
    return label(a.name, a.worker) < label(b.name, b.worker);
  });
  std::vector<Shown> items;
  for (const AcceptedUpdate& each : sorted) {
    items.push_back(shown(label(each.name, each.worker) + " " + score_text(each.score_ppm)));
  }
  return items;
}

std::vector<Display::Shown> Display::rejected(const RoundOutcome& round) const {
  std::vector<Shown> items;
  for (const RejectedUpdate& each : round.rejected) {
    items.push_back(shown(label(each.name, each.worker) + ": " + printable(each.reason), kRed));
  }
  return items;
}

// On lines of its own where the whole is wider than the screen; there its items wrap.
std::string Display::listed(const char* what, const std::vector<Shown>& items, bool own_line,
                            std::size_t indent) const {
  std::string text = own_line ? "\n" + std::string(indent, ' ') : "  ";
  std::size_t column = indent + std::string_view(what).size();
  text += what;
  for (std::size_t i = 0; i < items.size(); ++i) {
    const bool last = i + 1 == items.size();
    const std::size_t width = items[i].width + (last ? 1 : 2);  // with the blank and the comma
    if (own_line && i > 0 && column + width > style_.columns) {
      text += "\n" + std::string(indent + 1, ' ');
      column = indent + 1;
    }
    text += " " + items[i].text + (last ? "" : ",");
    column += width;
  }
  return text;
}

// The first one stands out. A loss that has a unit is told in it.
std::vector<Display::Shown> Display::metrics_of(const RoundOutcome& round) const {
  if (round.attestations == 0) return {shown("no metrics: nobody attested it", kRed)};
  std::vector<Shown> parts;
  for (const MetricSummary& metric : for_people(round.metrics)) {
    const bool has_unit = metric.name == "loss" && round.own_unit;
    const std::string title = has_unit ? "error" : metric_title(metric.name);
    const std::string value =
        has_unit ? format("%.6g", round.own_unit->rmse) + " in " + printable(round.own_unit->target)
                 : summary_text(metric);
    parts.push_back({title + " " + (parts.empty() ? paint(kBold, value) : value),
                     title.size() + 1 + value.size()});
  }
  return parts;
}

// Takes all but the first out where they would not stand on one line.
std::vector<Display::Shown> Display::beyond_first(std::vector<Shown>& metrics,
                                                  std::size_t width) const {
  constexpr std::size_t kMintedColumns = 20;  // what follows them
  for (const Shown& metric : metrics) width += metric.width + 2;
  if (width + kMintedColumns <= style_.columns || metrics.size() < 2) return {};
  std::vector<Shown> others(metrics.begin() + 1, metrics.end());
  metrics.resize(1);
  return others;
}

std::string Display::settled_line(const RoundOutcome& round, const RunOutcome& run) const {
  const std::string total = std::to_string(rounds_);
  const std::string start =
      "round " + right(std::to_string(round.round), total.size()) + "/" + total;
  std::vector<Shown> parts = {shown(start)};
  auto metrics = metrics_of(round);
  const auto others = beyond_first(metrics, start.size());
  parts.insert(parts.end(), metrics.begin(), metrics.end());
  const std::string minted = contracts::format_amount(run.minted(round));
  parts.push_back({"minted " + paint(kGreen, minted), minted.size() + 7});
  std::string line;
  std::size_t width = 0;
  for (const Shown& part : parts) {
    line += (line.empty() ? "" : "  ") + part.text;
    width += (width == 0 ? 0 : 2) + part.width;
  }
  const auto accepted_items = accepted(round);
  const auto rejected_items = rejected(round);
  const auto add_width = [&](std::string_view what, const std::vector<Shown>& items) {
    if (items.empty()) return;
    width += what.size() + 1;
    for (const Shown& item : items) width += item.width + 2;
  };
  add_width("metrics", others);
  add_width("accepted", accepted_items);
  add_width("rejected", rejected_items);
  const bool own_lines = width > style_.columns;
  if (!others.empty()) line += listed("metrics", others, own_lines, start.size() + 2);
  line += listed("accepted", accepted_items, own_lines, start.size() + 2);
  if (!rejected_items.empty()) {
    line += listed("rejected", rejected_items, own_lines, start.size() + 2);
  }
  return line;
}

// Whom a round goes on without, where they are others than in the one before.
std::string Display::without(const FederationEvent& event) {
  if (event.missing == missing_) return "";
  missing_ = event.missing;
  if (missing_.empty()) return "";
  std::string names;
  for (std::size_t i = 0; i < std::min(missing_.size(), kNamedWorkers); ++i)
    names += (i == 0 ? "" : ", ") + label(missing_[i], missing_[i]);
  if (missing_.size() > kNamedWorkers)
    names += " and " + std::to_string(missing_.size() - kNamedWorkers) + " more";
  return say(paint(kYellow, "round " + std::to_string(event.round) + " goes on without " + names));
}

// Once: honest updates of a model that has converged look like this, too.
std::string Display::zero_note(const RoundOutcome& round) {
  const bool zero = std::any_of(round.accepted.begin(), round.accepted.end(),
                                [](const AcceptedUpdate& each) { return each.score_ppm == 0; });
  if (!zero || std::exchange(zero_told_, true)) return "";
  return std::string(kZeroScore) + "\n";
}

std::string Display::on(const FederationEvent& event, const RunOutcome& run) {
  if (event.rounds != 0) rounds_ = event.rounds;
  const auto enter = [this](const char* phase, double base, double span, std::uint64_t count,
                            std::uint64_t of) {
    phase_ = phase;
    base_ = base;
    span_ = span;
    count_ = count;
    of_ = of;
  };
  switch (event.kind) {
    case EventKind::waiting:
      enter("waiting for workers", 0, 1, event.count, event.of);
      return live_line();
    case EventKind::worker_registered:
      return say((event.name.empty() ? "a worker" : printable(event.name)) + " joined as " +
                 (style_.live ? short_address(printable(event.worker)) : printable(event.worker)));
    case EventKind::round_opened:
      round_ = event.round;
      progress_ppm_.clear();
      enter("training", 0, kTrainShare, 0, event.of);
      return live_line();
    case EventKind::progress:
      progress_ppm_[event.worker] = event.done_ppm;
      return live_line();
    case EventKind::committed:
      progress_ppm_[event.worker] = 1'000'000;
      enter("training", 0, kTrainShare, event.count, event.of);
      return live_line();
    case EventKind::closed: {
      std::string told = without(event);
      enter("revealing", kTrainShare, kRevealShare, 0, event.count);
      return told + live_line();
    }
    case EventKind::revealed:
      enter("revealing", kTrainShare, kRevealShare, event.count, event.of);
      return live_line();
    case EventKind::result:
      enter("evaluating", kTrainShare + kRevealShare + kResultShare, 0, 0, 0);
      return live_line();
    case EventKind::settled:
      for (const RoundOutcome& round : run.rounds)
        if (round.round == event.round)
          return clear() + settled_line(round, run) + "\n" + zero_note(round);
      return "";
    case EventKind::abandoned:
      return say(paint(kYellow, "round " + std::to_string(event.round) + ", attempt " +
                                    std::to_string(event.attempt + 1) +
                                    ": abandoned: " + printable(event.text)));
    case EventKind::sums:
      return say(printable(event.text));
    case EventKind::warning:
      return say(paint(kYellow, "warning: " + printable(event.text)));
    case EventKind::member:
      return say(paint(kYellow, label(event.name, event.worker) + " " + printable(event.text)));
    case EventKind::dropped:
      return dropped_line(event.count, style_.live) + (live_shown_ ? live_line() : "");
    case EventKind::paused:
      return say("paused");
    case EventKind::resumed:
      return say("resumed");
    default:
      return "";
  }
}

std::string workers_table(const RunOutcome& run, const DisplayStyle& style) {
  const auto shown = [&](const std::string& address) {
    return style.live && style.columns < 120 ? short_address(address) : address;
  };
  std::vector<std::vector<std::string>> rows = {
      {"worker", "address", "adversary", "accepted", "mean score", "tokens"}};
  for (const WorkerOutcome& worker : run.workers)
    rows.push_back({printable(worker.name), shown(worker.address),
                    worker.adversary.empty() ? "-" : worker.adversary,
                    std::to_string(worker.rounds_accepted), score_text(worker.score_ppm()),
                    contracts::format_amount(worker.minted)});
  std::vector<std::size_t> widths(rows.front().size(), 0);
  const auto width_of = [](const std::string& text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
      return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
    }));
  };
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  std::string table;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::size_t width = widths[i] + row[i].size() - width_of(row[i]);
      line += (i == 0 ? "" : "  ") + (i < 3 ? padded(row[i], width) : right(row[i], width));
    }
    table += line + "\n";
  }
  if (std::any_of(run.workers.begin(), run.workers.end(), [](const WorkerOutcome& worker) {
        return worker.adversary.empty() && worker.rounds_accepted > 0 && worker.score_ppm() == 0;
      }))
    table += std::string(kZeroScore) + "\n";
  const auto last = std::find_if(run.rounds.rbegin(), run.rounds.rend(),
                                 [](const RoundOutcome& r) { return r.attestations > 0; });
  if (last != run.rounds.rend())
    table += "validation " + metrics_line(last->metrics) + " after round " +
             std::to_string(last->round) + "\n";
  return table;
}

}  // namespace gradmint
