// What a coordinator stands in and does not decide: time, disk, connections, and what works beside
// its loop. Each has one real implementation and one that a seeded simulation drives
// (tests/simulation/), so that the coordinator under test is the coordinator that runs.
#pragma once

#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "coordinator/order/orderer.h"
#include "coordinator/protocol/admin_link.h"
#include "coordinator/protocol/server_transport.h"
#include "coordinator/server/aggregator.h"
#include "coordinator/server/evaluator.h"
#include "coordinator/server/seed_chain.h"
#include "kernels/base/clock.h"

namespace gradmint {

struct Surroundings {
  const Clock* clock = &machine_clock();
  // The place of the owner's socket in this directory; null where there is none.
  std::function<Result<std::shared_ptr<const AdminSocket>>(const std::filesystem::path& run)> admin;
  std::function<Result<std::unique_ptr<ServerEnd>>(const ServerOptions&)> bind;
  std::function<Result<std::unique_ptr<Aggregator>>(const std::string& device, int threads,
                                                    BlobStore blobs, Aggregator::Done done)>
      aggregator;
  std::function<std::unique_ptr<ModelJudge>(const std::string& command,
                                            const EvaluatorClient::Environment& environment,
                                            int timeout_ms, ModelJudge::Done done)>
      judge;
  OpenOrdering ordering;
  std::size_t seed_chain_length = kSeedChainLength;  // of the home's seeds
  // The disk is the home's (home.h).
};

// This machine's: its clock, its sockets, a thread that aggregates, a child that judges.
Surroundings machine_surroundings();

}  // namespace gradmint
