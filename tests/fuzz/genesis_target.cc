#include "kernels/base/check.h"
#include "ledger/genesis.h"
#include "tests/fuzz/target.h"
#include "tests/ledger/world.h"

namespace gradmint::fuzz {
namespace {

void run(ByteView input) {
  const auto genesis = decode_record<GenesisRecord>(input);
  if (!genesis) return;
  const std::string fault = genesis_fault(*genesis);
  GRADMINT_CHECK(fault.find('\n') == std::string::npos);
  static_cast<void>(genesis->chain_id());
}

std::vector<Bytes> seeds() { return {encode_record(test::World().genesis)}; }

}  // namespace

Target genesis_target() { return {"genesis", run, seeds}; }

}  // namespace gradmint::fuzz
