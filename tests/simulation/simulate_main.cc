// Runs seeds of the simulation one after the other. A seed that fails is shrunk and told with the
// command that runs it alone.
#include <spdlog/spdlog.h>

#include <CLI/CLI.hpp>
#include <atomic>
#include <cstdio>

#include "tests/simulation/federation.h"

using namespace gradmint::simulation;

namespace {

struct Options {
  std::uint64_t seeds = 1, from = 1;
  bool crash_points = false, single_faults = false, planted_bug = false;
  bool verbose = false, twice = false, log = false;
  std::vector<std::string> only;
};

bool tell(const Plan& plan, const Outcome& outcome, const std::string& what, bool verbose) {
  if (outcome.failure.empty()) {
    if (verbose) {
      std::printf("%s: %s: height %llu, %zu faults, %llu starts, %llu messages, %.0f s\n",
                  what.c_str(), describe(plan).c_str(),
                  static_cast<unsigned long long>(outcome.height), outcome.faults.size(),
                  static_cast<unsigned long long>(outcome.starts),
                  static_cast<unsigned long long>(outcome.messages),
                  static_cast<double>(outcome.virtual_ms) / 1000);
    }
    return true;
  }
  std::printf("%s FAILED: %s\n  %s\n", what.c_str(), outcome.failure.c_str(),
              describe(plan).c_str());
  Plan quiet = plan;
  quiet.log = false;
  const auto needed = shrink(quiet, outcome.faults);
  std::printf("  of %zu faults these are enough:", outcome.faults.size());
  for (const FaultAt& fault : needed) std::printf(" %s", text_of(fault).c_str());
  const std::set<FaultAt> only(needed.begin(), needed.end());
  std::printf("\n  and then: %s\n", run(quiet, &only).failure.c_str());
  std::fflush(stdout);
  return false;
}

bool seed_holds(std::uint64_t seed, const Options& options) {
  Plan plan = plan_of(seed);
  plan.log = options.log;
  const std::string what = "seed " + std::to_string(seed);
  std::set<FaultAt> only;
  for (const std::string& text : options.only) {
    only.insert(*fault_of(text));  // looked at by main
  }
  Outcome outcome = run(plan, only.empty() ? nullptr : &only);
  if (!only.empty()) {
    std::printf("%s: %s\n", what.c_str(),
                outcome.failure.empty() ? "holds" : outcome.failure.c_str());
    return outcome.failure.empty();
  }
  if (options.twice && outcome.failure.empty()) {
    const Outcome again = run(plan);
    if (again.tip != outcome.tip || again.steps != outcome.steps)
      outcome.failure = "a second run of the seed went another way";
  }
  return tell(plan, outcome, what, options.verbose);
}

// Once for every operation of a disk: its power goes there, or its process is killed there.
std::uint64_t walk_crash_points(const Options& options) {
  std::uint64_t failures = 0;
  const Plan calm = calm_plan(options.from);
  const Outcome reference = run(calm);
  if (!tell(calm, reference, "calm", options.verbose)) return 1;
  std::uint64_t points = 0;
  for (const bool at_coordinator : {true, false}) {
    const std::uint64_t operations =
        at_coordinator ? reference.coordinator_operations : reference.worker_operations;
    for (std::uint64_t k = 1; k <= operations; ++k) {
      for (const bool loses : {true, false}) {
        Plan plan = calm;
        plan.crash = CrashPoint{at_coordinator, k, loses};
        const std::string what = std::string(at_coordinator ? "coordinator" : "worker") +
                                 (loses ? " without power" : " killed") + " at operation " +
                                 std::to_string(k);
        ++points;
        if (!tell(plan, run(plan), what, options.verbose)) ++failures;
      }
    }
  }
  std::printf("%llu crash points, %llu failed\n", static_cast<unsigned long long>(points),
              static_cast<unsigned long long>(failures));
  return failures;
}

// Each kind of fault at each message.
std::uint64_t walk_single_faults(const Options& options) {
  std::uint64_t failures = 0, points = 0;
  const Plan calm = calm_plan(options.from);
  const Outcome reference = run(calm);
  if (!tell(calm, reference, "calm", options.verbose)) return 1;
  for (const Fault fault :
       {Fault::drop, Fault::repeat, Fault::cut, Fault::delay, Fault::disconnect}) {
    for (std::uint64_t k = 1; k <= reference.messages; ++k) {
      Plan plan = calm;
      plan.forced = FaultAt{fault, k};
      ++points;
      if (!tell(plan, run(plan), text_of(*plan.forced), options.verbose)) ++failures;
    }
  }
  std::printf("%llu single faults, %llu failed\n", static_cast<unsigned long long>(points),
              static_cast<unsigned long long>(failures));
  return failures;
}

// In a crash walk or a seed.
bool finds_bug(const Options& options) {
  for (std::uint64_t i = 0; i < options.seeds; ++i) {
    const Outcome outcome = run(plan_of(options.from + i));
    if (outcome.failure.empty()) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.from + i),
                outcome.failure.c_str());
    return true;
  }
  return false;
}

}  // namespace

int main(int argc, char** argv) {
  Options options;
  CLI::App app{
      "Simulates federations: the real coordinator and the real workers, with everything "
      "that can go wrong between them"};
  app.add_option("--seeds", options.seeds, "how many")->capture_default_str();
  app.add_option("--from", options.from, "the first")->capture_default_str();
  app.add_flag("--crash-points", options.crash_points,
               "instead: a crash at every operation of every disk, of one calm federation");
  app.add_flag(
      "--single-faults", options.single_faults,
      "instead: each message of one calm federation lost, repeated, cut, or its connection");
  app.add_flag("--planted-bug", options.planted_bug,
               "ends at the first failure, which it does not shrink");
  app.add_flag("--twice", options.twice, "each seed twice: both runs must go the same way");
  app.add_option("--only", options.only,
                 "of the seed's faults these alone, as a failure names them");
  app.add_flag("--log", options.log, "what coordinator and workers say, with the virtual time");
  app.add_flag("--verbose", options.verbose, "a line for every run");
  CLI11_PARSE(app, argc, argv);
  spdlog::set_level(spdlog::level::off);
  if (options.planted_bug) return finds_bug(options) ? 1 : 0;
  if (options.crash_points) return walk_crash_points(options) == 0 ? 0 : 1;
  if (options.single_faults) return walk_single_faults(options) == 0 ? 0 : 1;
  for (const std::string& text : options.only) {
    if (fault_of(text)) continue;
    std::fprintf(
        stderr,
        "gradmint-simulate: there is no fault '%s': give KIND#NUMBER, as a failure names it\n",
        text.c_str());
    return 2;
  }
  std::uint64_t failures = 0;
  for (std::uint64_t i = 0; i < options.seeds; ++i)
    failures += seed_holds(options.from + i, options) ? 0u : 1u;
  std::printf("%llu seeds, %llu failed\n", static_cast<unsigned long long>(options.seeds),
              static_cast<unsigned long long>(failures));
  return failures == 0 ? 0 : 1;
}
