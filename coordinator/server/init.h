// Makes a coordinator's home: keys, the genesis, its block, and the blobs it names. Safe to repeat
// after it was cut short; refused once the ledger has its first block.
#pragma once

#include "coordinator/server/home.h"
#include "coordinator/server/settings.h"

namespace gradmint {

// What a chain begins with, from what its operator says.
GenesisRecord make_genesis(const Settings& settings, const TaskSpec& task,
                           const Validator& validator, std::uint64_t time_ms, const Hash& nonce);

struct InitOutcome {
  Hash chain_id;
  AccountId validator;
  ModelSize size;
  std::string contract;  // in words; empty: none
};

// Keys that already lie in the home are used. `time_ms` becomes the genesis block's time.
Result<InitOutcome> init_home(const Home& home, const Settings& settings,
                              const std::string& passphrase, std::uint64_t time_ms);

}  // namespace gradmint
