// What a worker can learn of its coordinator before it joins: reachable, how far away, on the right
// chain, clocks that agree, what it trains, and whether this worker's keys are known there.
#pragma once

#include <optional>
#include <vector>

#include "coordinator/protocol/curve.h"
#include "ledger/genesis.h"
#include "ledger/scaler_records.h"
#include "worker/preflight.h"
#include "worker/session/home.h"

namespace gradmint::session {

struct NetworkPreflight {
  Connection connection;
  CurveKeyPair curve;                // the home's, or a fresh one
  std::optional<AccountId> account;  // the home's, when it has a key that needs no passphrase
  int timeout_ms = 5000;
};

// Reads a home without its lock or passphrase, or takes the invitation. bad_input: neither.
// `moved_to`: where the coordinator is reached now, in place of the address in either; or empty.
Result<NetworkPreflight> plan_network_preflight(const std::filesystem::path& home,
                                                const std::string& invitation,
                                                const std::string& moved_to = "");

struct NetworkFindings {
  std::vector<CheckLine> lines;          // one a check; a failure to reach it ends them
  std::optional<GenesisRecord> genesis;  // what the federation trains, where it was heard
  std::optional<CheckLine> clock;        // this machine's against the coordinator's
  std::vector<ScalerBits> scaler = {};   // the one that the sites gave, once it is fixed
};
NetworkFindings check_network(const NetworkPreflight& plan);

}  // namespace gradmint::session
