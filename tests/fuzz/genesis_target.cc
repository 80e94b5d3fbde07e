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

std::vector<Bytes> seeds() {
  GenesisRecord with_contract = test::World().genesis;
  with_contract.task.contract =
      R"({"columns":[{"mean":"1","name":"a","scale":"2","type":"number"}],)"
      R"("format":"gradmint/data-contract/v1","kind":"table","label":"y",)"
      R"("target":{"mean":"0","scale":"1"},"task":"regression"})";
  with_contract.task.objective = "regression";
  return {encode_record(test::World().genesis), encode_record(with_contract)};
}

}  // namespace

Target genesis_target() { return {"genesis", run, seeds}; }

}  // namespace gradmint::fuzz
