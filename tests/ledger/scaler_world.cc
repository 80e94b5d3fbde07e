#include "tests/ledger/scaler_world.h"

namespace gradmint::test {

WorldOptions world_with_sites(WorldOptions options, const std::string& task) {
  DataContract contract;
  contract.task = task;
  if (task == "classification") contract.classes = {"ill", "well"};
  contract.columns = {{"age", ColumnType::integer, {}}, {"pressure", ColumnType::number, {}}};
  contract.label = "state";
  options.contract = without_scaler(contract).encode();
  return options;
}

std::vector<std::pair<std::int64_t, std::int64_t>> rows_of(int worker) {
  std::vector<std::pair<std::int64_t, std::int64_t>> rows;
  for (std::int64_t k = 0; k < 12 + 3 * worker; ++k) {
    rows.emplace_back((20 + 10 * worker + 7 * k % 11) * kMillion,
                      -90'123'456 + 1'000'001 * (k * k % 13) * (worker + 1));
  }
  return rows;
}

StateSums sums_body(const World& w, int worker) {
  StateSums body;
  const AccountId account = w.workers[static_cast<std::size_t>(worker)].account();
  body.dataset = dataset_id(account, w.dataset(worker));
  body.columns.resize(w.chain.summed_columns());
  for (const auto& [age, pressure] : rows_of(worker)) {
    body.rows += 1;
    const std::int64_t values[] = {age, pressure, age - pressure};
    for (std::size_t c = 0; c < body.columns.size(); ++c) {
      body.columns[c].sum += values[c];
      body.columns[c].squares += static_cast<U128>(I128{values[c]} * values[c]);
    }
  }
  return body;
}

FixScaler scaler_body(const World& w, std::uint32_t least_sites) {
  return plan_scaler(w.chain.state(), least_sites);
}

}  // namespace gradmint::test
