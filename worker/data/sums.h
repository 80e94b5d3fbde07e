// The sums that a site states of its rows where the scaler comes from all sites, and the scaling of
// those rows once it is there. Pure.
#pragma once

#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/scaler_records.h"
#include "worker/data/dataset.h"

namespace gradmint {

struct SiteSums {
  std::uint64_t rows = 0;
  std::vector<ColumnSums> columns;   // regression: the target's last
  std::vector<std::string> remarks;  // lines for the owner
};

// Of labelled rows that were read by a contract without scaler. bad_input: too few rows, or a value
// that no sums are kept of, by its column's name.
Result<SiteSums> sums_of(const Dataset& data);

// Scales such rows by `contract`, the same with its scaler. bad_input: a value leaves fp32's range.
Status scale_dataset(const DataContract& contract, Dataset& data);

}  // namespace gradmint
