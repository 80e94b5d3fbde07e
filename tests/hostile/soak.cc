// scripts/soak runs this: a federation of the real programs that goes on while it is attacked, or
// while its coordinator is killed over and over. Prints one line for each finding and a JSON
// summary. Exit status: 0 everything held, 1 something did not, 2 it could not be tried.
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <random>
#include <thread>

#include "ledger/json_text.h"
#include "tests/hostile/crew.h"

using namespace gradmint::hostile;
using nlohmann::json;

namespace {

// What is asked of a coordinator under attack.
constexpr std::uint64_t kPeakResidentBytes = std::uint64_t{768} << 20;
constexpr double kLeastSpeed = 0.5;  // of the rounds without an attack
// Quiet and attacked times take turns, so that whatever else this machine does meets both alike.
constexpr double kQuietS = 30;
constexpr double kGiveBackS = 30;
constexpr std::size_t kDescriptorsOfMembers = 16;  // what these, and files, may have more or less
constexpr double kAttackedS = 90;
// Where nothing more happens, as between a restart and the workers' next call.
constexpr double kMostBetweenKillsS = 10;

struct Options {
  std::uint64_t resets = 0;
  double floods_minutes = 0;
  std::uint64_t kills = 0;
  std::uint64_t seed = 1;
  std::string report;
};

[[noreturn]] void usage(const std::string& fault) {
  std::fprintf(stderr,
               "soak: %s: want [--resets N] [--floods MINUTES] [--kills N] [--seed N] "
               "[--report FILE], with at least one of the first three\n",
               fault.c_str());
  std::exit(2);
}

double number(const std::string& word, const char* text) {
  char* end = nullptr;
  const double value = std::strtod(text, &end);
  if (end == text || *end != '\0' || value < 0 || value > 1e9) usage(word + " " + text);
  return value;
}

Options read(int argc, char** argv) {
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (i + 1 == argc) usage(word + " without a value, or unknown");
    const char* value = argv[++i];
    if (word == "--resets") {
      options.resets = static_cast<std::uint64_t>(number(word, value));
    } else if (word == "--floods") {
      options.floods_minutes = number(word, value);
    } else if (word == "--kills") {
      options.kills = static_cast<std::uint64_t>(number(word, value));
    } else if (word == "--seed") {
      options.seed = static_cast<std::uint64_t>(number(word, value));
    } else if (word == "--report") {
      options.report = value;
    } else {
      usage("unknown argument " + word);
    }
  }
  if (options.resets == 0 && options.floods_minutes == 0 && options.kills == 0)
    usage("nothing to do");
  return options;
}

double seconds_since(std::chrono::steady_clock::time_point begun) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begun).count();
}

struct Pace {
  double seconds = 0;
  std::uint64_t rounds = 0;
  double per_minute() const {
    return seconds > 0 ? 60.0 * static_cast<double>(rounds) / seconds : 0;
  }
};

// Lets the crew go on until `done`, at most that long.
void go_on(
    Crew& crew, Pace& pace, double most_s,
    const std::function<bool()>& done = [] { return false; }) {
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t before = crew.settled();
  while (seconds_since(begun) < most_s && !done()) {
    crew.look_after();
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
  pace.seconds += seconds_since(begun);
  pace.rounds += crew.settled() - before;
}

class Findings {
 public:
  void check(bool holds, const std::string& what) {
    std::printf("soak: %s: %s\n", holds ? "held" : "DID NOT HOLD", what.c_str());
    std::fflush(stdout);
    failed_ |= !holds;
  }
  bool failed() const { return failed_; }

 private:
  bool failed_ = false;
};

json summary(const Crew& crew) {
  return {{"aborts", crew.aborts()},
          {"worker_ends", crew.worker_ends()},
          {"peak_resident_bytes", crew.peak_resident_bytes()},
          {"log_bytes", crew.log_bytes()},
          {"rounds", crew.settled()},
          {"receipts", crew.receipts()},
          {"receipts_due", crew.receipts_due()},
          {"receipts_lost", crew.receipts_lost()}};
}

void check_crew(const std::string& name, const Crew& crew, Findings& findings) {
  findings.check(crew.aborts() == 0, name + ": the coordinator ended by itself " +
                                         std::to_string(crew.aborts()) + " times" +
                                         (crew.aborts() > 0 ? "; last: " + crew.last_words() : ""));
  findings.check(crew.worker_ends() == 0, name + ": honest workers ended by themselves " +
                                              std::to_string(crew.worker_ends()) + " times");
  findings.check(
      crew.peak_resident_bytes() < kPeakResidentBytes,
      name + ": peak resident size " + std::to_string(crew.peak_resident_bytes() >> 20) + " MiB");
  findings.check(crew.receipts_due() > 0 && crew.receipts_lost() == 0,
                 name + ": " + std::to_string(crew.receipts_lost()) + " of " +
                     std::to_string(crew.receipts_due()) + " receipts lost");
  findings.check(crew.audit_fault().empty(), name + ": the ledger's audit " + crew.audit_fault());
}

json attacked(const std::string& name, const std::string& data, Findings& findings,
              const std::function<void(Attack&)>& start,
              const std::function<bool(const Attack&, const Pace&)>& done) {
  Crew crew(data);
  Attack attack(crew.target());
  Pace quiet, under_attack;
  const auto finished = [&] { return done(attack, under_attack); };
  const std::size_t descriptors = crew.open_descriptors();
  while (!finished()) {
    go_on(crew, quiet, kQuietS);
    start(attack);
    const Pace before = under_attack;
    const auto begun = std::chrono::steady_clock::now();
    go_on(crew, under_attack, kAttackedS, [&] {
      Pace now = before;
      now.seconds += seconds_since(begun);
      return done(attack, now);
    });
    attack.stop();
    std::printf(
        "soak: %s: %.0f s attacked, %llu connections, %llu handshakes, %llu resets, %llu MiB; "
        "%.1f rounds a minute, %.1f without; %llu aborts, peak %llu MiB\n",
        name.c_str(), under_attack.seconds,
        static_cast<unsigned long long>(attack.counts().connections),
        static_cast<unsigned long long>(attack.counts().handshakes),
        static_cast<unsigned long long>(attack.counts().resets),
        static_cast<unsigned long long>(attack.counts().sent_bytes >> 20),
        under_attack.per_minute(), quiet.per_minute(),
        static_cast<unsigned long long>(crew.aborts()),
        static_cast<unsigned long long>(crew.peak_resident_bytes() >> 20));
    std::fflush(stdout);
  }
  // What attackers left is given back.
  Pace after;
  go_on(crew, after, kGiveBackS,
        [&] { return crew.open_descriptors() <= descriptors + kDescriptorsOfMembers; });
  const std::size_t left = crew.open_descriptors();
  findings.check(left <= descriptors + kDescriptorsOfMembers,
                 name + ": " + std::to_string(left) + " descriptors open after the attack, " +
                     std::to_string(descriptors) + " before");
  crew.finish();
  check_crew(name, crew, findings);
  findings.check(under_attack.per_minute() >= kLeastSpeed * quiet.per_minute(),
                 name + ": " + std::to_string(under_attack.per_minute()) +
                     " rounds a minute, without the attack " + std::to_string(quiet.per_minute()));
  json out = summary(crew);
  out["attacked_seconds"] = under_attack.seconds;
  out["rounds_per_minute_attacked"] = under_attack.per_minute();
  out["rounds_per_minute_quiet"] = quiet.per_minute();
  out["connections"] = attack.counts().connections.load();
  out["handshakes"] = attack.counts().handshakes.load();
  out["timed_resets"] = attack.counts().resets.load();
  out["sent_bytes"] = attack.counts().sent_bytes.load();
  return out;
}

json killed(const std::string& data, const Options& options, Findings& findings) {
  Crew crew(data);
  std::mt19937_64 random(options.seed);
  Pace pace;
  for (std::uint64_t i = 1; i <= options.kills; ++i) {
    // From right after its start, while it recovers what it knew, to some stations of a round
    // later.
    const std::uint64_t events = 1 + random() % 16;
    go_on(crew, pace, kMostBetweenKillsS, [&] { return crew.said() >= events; });
    crew.kill_coordinator();
    if (i % 50 == 0) {
      std::printf("soak: kills: %llu, %llu receipts, %llu rounds\n",
                  static_cast<unsigned long long>(i),
                  static_cast<unsigned long long>(crew.receipts()),
                  static_cast<unsigned long long>(crew.settled()));
      std::fflush(stdout);
    }
  }
  go_on(crew, pace, kQuietS);
  crew.finish();
  check_crew("kills", crew, findings);
  json out = summary(crew);
  out["kills"] = options.kills;
  return out;
}

// Where a fixture's REQUIRE fails it could not be tried.
void give_up(const doctest::AssertData& failed) {
  if (!failed.m_failed) return;
  std::fprintf(stderr, "soak: cannot go on: %s:%d: %s %s\n", failed.m_file, failed.m_line,
               failed.m_expr, failed.m_decomp.c_str());
  std::exit(2);
}

}  // namespace

int main(int argc, char** argv) {
  const Options options = read(argc, argv);
  doctest::Context context;
  context.setAsDefaultForAssertsOutOfTestCases();
  context.setAssertHandler(give_up);
  const std::optional<std::string> data = gradmint::test::data_or_skip();
  if (!data) return 2;
  const bool divided = divide_cores();
  std::printf("soak: attackers %s\n", divided ? "on the last core, the federation on the others"
                                              : "and federation share one core");
  Findings findings;
  json report;
  report["attackers_on_a_core_of_their_own"] = divided;
  if (options.resets > 0) {
    report["resets"] = attacked(
        "resets", *data, findings, [&](Attack& attack) { attack.start_resets(options.resets); },
        [&](const Attack& attack, const Pace&) {
          return attack.counts().resets >= options.resets;
        });
  }
  if (options.floods_minutes > 0) {
    report["floods"] = attacked(
        "floods", *data, findings, [](Attack& attack) { attack.start_floods(); },
        [&](const Attack&, const Pace& pace) {
          return pace.seconds >= 60 * options.floods_minutes;
        });
  }
  if (options.kills > 0) report["kills"] = killed(*data, options, findings);
  report["held"] = !findings.failed();
  std::printf("%s\n", gradmint::json_text(report, 2).c_str());
  if (!options.report.empty())
    std::ofstream(options.report) << gradmint::json_text(report, 2) << "\n";
  return findings.failed() ? 1 : 0;
}
