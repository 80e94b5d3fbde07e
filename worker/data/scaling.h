// One scaler for all sites: taken from an operator's sample, applied by everybody, and compared
// with what a site has. Pure.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "ledger/model/data_contract.h"

namespace gradmint {

// Mean and deviation of every `stride`-th value from `first` on; of a constant, and of nothing, the
// scale is 1.
Scaler scaler_of(std::span<const float> values, std::size_t first, std::size_t stride);

// Rows of contract.columns, in place. The index of the first value that leaves fp32's range, or
// values.size().
std::size_t scale_rows(const DataContract& contract, std::span<float> values);

// Columns of scaled rows that look like another unit or another population than the contract's
// sample, a line each; the first few. Few rows prove nothing, and give none.
std::vector<std::string> far_columns(const DataContract& contract, std::span<const float> scaled);

}  // namespace gradmint
