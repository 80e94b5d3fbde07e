// Sessions against a coordinator with a real chain: killed after every effect, cut off after every
// effect, and under a seeded network that loses, delays, doubles and reorders.
#include <doctest/doctest.h>

#include <cstdlib>

#include "kernels/base/sanitizers.h"
#include "tests/worker/session_federation.h"

namespace gradmint::test {
namespace {

constexpr std::uint64_t kLimitMs = 3'600'000;

// A sanitizer cuts after every third effect: most lie within one long upload.
#if GRADMINT_ADDRESS_SANITIZER || GRADMINT_THREAD_SANITIZER
constexpr std::uint64_t kCutEvery = 3;
#else
constexpr std::uint64_t kCutEvery = 1;
#endif

// What must hold however a run went.
void check_outcome(const Federation& federation, std::uint64_t rounds) {
  CHECK(federation.coordinator.settled() == rounds);
  for (const auto& [attempt, commitments] : federation.coordinator.commitments) {
    CHECK(commitments.size() == 1);
  }
  for (const auto& [round, commitments] : federation.coordinator.evaluations) {
    CHECK(commitments.size() == 1);
  }
  for (const Federation::Worker& worker : federation.workers) {
    REQUIRE(worker.stop.has_value());
    CHECK_MESSAGE(worker.stop->exit_code == session::kExitDone, worker.stop->text);
  }
}

TEST_CASE("a round without faults trains once, keeps its receipt and ends by itself") {
  Federation federation(1, {.workers = 1}, {});
  REQUIRE(federation.run(60'000));
  check_outcome(federation, 1);
  CHECK(federation.trainings == 1);
  const auto& updates = federation.workers[0].disk.memory.updates;
  REQUIRE(updates.size() == 1);
  CHECK(updates[0].receipt.size() == kReceiptBytes);
  CHECK(updates[0].body.examples == 100);  // never more than the manifest has
  CHECK(federation.workers[0].stop->text.find("balance") != std::string::npos);
}

TEST_CASE("a worker killed after any effect goes on and never commits to a second update") {
  Federation reference(2, {.workers = 1, .rounds = 2}, {});
  REQUIRE(reference.run(60'000));
  const std::uint64_t effects = reference.workers[0].effects;
  CHECK(effects > 40);
  for (std::uint64_t k = 1; k < effects; ++k) {
    CAPTURE(k);
    Federation federation(2, {.workers = 1, .rounds = 2}, {});
    federation.crash_after_effect = k;
    REQUIRE(federation.run(kLimitMs));
    check_outcome(federation, 2);
    CHECK(federation.trainings <= 3);  // at most the one that was under way is lost
  }
  MESSAGE("killed after each of " << effects << " effects");
}

TEST_CASE("a connection cut after any effect comes back, and nothing is trained or said twice") {
  Federation reference(3, {.workers = 1, .parameters = 600'000}, {});
  REQUIRE(reference.run(60'000));
  const std::uint64_t effects = reference.workers[0].effects;
  for (std::uint64_t k = 1; k < effects; k += kCutEvery) {
    CAPTURE(k);
    Federation federation(3, {.workers = 1, .parameters = 600'000}, {});
    federation.disconnect_after_effect = k;
    REQUIRE(federation.run(kLimitMs));
    check_outcome(federation, 1);
    CHECK(federation.trainings == 1);
  }
}

std::uint64_t seeds_to_run() {
  const char* given = std::getenv("GRADMINT_SIMULATION_SEEDS");
  return given == nullptr ? 40 : std::strtoull(given, nullptr, 10);
}

TEST_CASE("federations under a bad network complete their rounds") {
  for (std::uint64_t seed = 1; seed <= seeds_to_run(); ++seed) {
    INFO("seed " << seed);
    Faults faults;
    faults.max_delay_ms = 1 + (seed % 4) * 100;
    faults.drop_permille = static_cast<std::uint32_t>(seed % 5) * 20;
    faults.double_permille = static_cast<std::uint32_t>(seed % 3) * 50;
    faults.disconnect_permille = static_cast<std::uint32_t>(seed % 7) * 2;
    faults.crash_permille = static_cast<std::uint32_t>(seed % 2) * 3;
    faults.coordinator_restart_permille = static_cast<std::uint32_t>(seed % 3);
    Federation federation(seed, {.workers = 1 + seed % 4, .rounds = 3}, faults);
    const bool ended = federation.run(kLimitMs);
    REQUIRE_MESSAGE(ended, "the federation of seed " << seed << " did not come to its end");
    check_outcome(federation, 3);
  }
}

}  // namespace
}  // namespace gradmint::test
