// What a seed says of a federation: how large it is, what it computes, who lies, and how often what
// goes wrong.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "coordinator/server/settings.h"
#include "tests/simulation/chance.h"

namespace gradmint::simulation {

// What a member does that does not play by the rules.
enum class Lie : std::uint8_t {
  none,
  never_reveals,  // commits, and stays silent
  other_bytes,    // sends other bytes than it opened
  replays,        // says everything of the past again
  floods,         // asks for something with every message
};
std::string_view lie_name(Lie lie);

// Power goes at exactly this operation of a disk; none at 0.
struct CrashPoint {
  bool at_coordinator = true;
  std::uint64_t operation = 0;
  bool loses = true;  // what was not synced; else the process alone is killed
};

struct Plan {
  std::uint64_t seed = 0;
  std::vector<Lie> workers;  // one for each
  std::uint64_t parameters = 8, buffers = 0;
  Settings settings;
  bool invitations = false;  // else everybody may register
  FaultRates rates{};
  std::uint64_t storm_ms = 15 * 60 * 1000;      // after which nothing goes wrong any more
  std::uint64_t limit_ms = 6 * 60 * 60 * 1000;  // by which all must be over
  std::optional<CrashPoint> crash;
  std::optional<FaultAt> forced;                      // happens, whatever the seed says
  std::uint64_t aggregate_ms = 400, train_ms = 3000;  // what each takes at most
  bool sites_scale = false;                           // the scaler comes from the sites
  bool log = false;                                   // what everybody says, on standard output
};

Plan plan_of(std::uint64_t seed);
// Two honest workers and one round, in calm weather.
Plan calm_plan(std::uint64_t seed);
std::string describe(const Plan& plan);

}  // namespace gradmint::simulation
