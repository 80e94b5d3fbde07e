// What the driver does where the scaler comes from the sites.
#include "coordinator/server/round_driver.h"
#include "ledger/durable_file.h"
#include "ledger/scaler.h"

namespace gradmint {

// What the evaluator reads. Before the scaler is there a program can be tried, and nothing more:
// then with a neutral one.
Status RoundDriver::write_contract() const {
  const Chain& chain = orderer_.chain();
  std::string text = task_of(chain.genesis(), chain.state()).contract;
  if (chain.summed_columns() != 0 && !fixed_scaler(chain.state())) {
    auto contract = DataContract::decode(text);
    GRADMINT_CHECK(contract.ok());
    contract->scaler_from = ScalerFrom::sample;
    text = contract->encode();
  }
  if (Status made = create_directory_synced(home_.disk(), home_.run()); !made) return made.error();
  return replace_file(home_.disk(), home_.run() / "contract.json", as_bytes(text));
}

// It was fixed just now, and no round has opened yet.
Status RoundDriver::follow_scaler() {
  const Chain& chain = orderer_.chain();
  checkpoints_->describe(task_of(chain.genesis(), chain.state()));
  return settings_.evaluate_here ? write_contract() : Status{};
}

void RoundDriver::carry_out(const ProposeScaler& effect) {
  orderer_.propose(TxType::fix_scaler,
                   encode_record(plan_scaler(orderer_.chain().state(), effect.least_sites)));
}

}  // namespace gradmint
