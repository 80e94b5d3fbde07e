#include "worker/data/sums.h"

#include <cmath>

#include "kernels/base/check.h"
#include "worker/data/scaling.h"

namespace gradmint {
namespace {

constexpr std::size_t kRemarksShown = 5;

struct Column {
  std::string what;  // for a person
  std::span<const float> values;
  std::size_t first = 0, stride = 1;
};

std::vector<Column> columns_of(const Dataset& data) {
  std::vector<Column> columns;
  const std::size_t stride = data.contract.columns.size();
  for (std::size_t c = 0; c < stride; ++c)
    columns.push_back({"column '" + data.contract.columns[c].name + "'", data.features, c, stride});
  if (data.task == Task::regression)
    columns.push_back({"the target '" + data.contract.label + "'", data.targets, 0, 1});
  return columns;
}

// In millionths. The product has 38 bits of mantissa at most, so it is exact, and so is where it is
// rounded: half to even.
I128 millionths(float value) {
  return static_cast<std::int64_t>(std::nearbyint(double{value} * double{kMillion}));
}

Status add_column(const Dataset& data, const Column& column, SiteSums& sums) {
  ColumnSums total;
  for (std::size_t i = column.first; i < column.values.size(); i += column.stride) {
    const float value = column.values[i];
    if (!(std::abs(double{value}) <= double{kMaxSummedValue}))
      return Error{ErrorCode::bad_input,
                   data.name + ": " + column.what +
                       " has a value beyond 1000000000 or -1000000000, of which no sums are kept: "
                       "agree with the other sites on a larger unit for it"};
    const I128 micro = millionths(value);
    total.sum += micro;
    total.squares += static_cast<U128>(micro * micro);
  }
  const U128 size = magnitude(total.sum);
  if (multiply(size, size) == multiply(total.squares, sums.rows) &&
      sums.remarks.size() < kRemarksShown)
    sums.remarks.push_back(data.name + ": " + column.what +
                           " has one value here, as far as millionths can tell: where it differs "
                           "in truth, agree with the other sites on a smaller unit for it");
  sums.columns.push_back(total);
  return {};
}

}  // namespace

Result<SiteSums> sums_of(const Dataset& data) {
  GRADMINT_CHECK(data.contract.scaler_from == ScalerFrom::sites && data.is_labelled);
  SiteSums sums;
  sums.rows = data.rows();
  if (sums.rows < kLeastSummedRows || sums.rows > kMaxSummedRows)
    return Error{ErrorCode::bad_input,
                 data.name + ": " + std::to_string(sums.rows) +
                     " rows to train on; where the scaler comes from the sites, each states sums "
                     "over " +
                     std::to_string(kLeastSummedRows) + " to " + std::to_string(kMaxSummedRows) +
                     ": over fewer they would give the rows away"};
  for (const Column& column : columns_of(data)) {
    if (Status added = add_column(data, column, sums); !added) return added.error();
  }
  return sums;
}

Status scale_dataset(const DataContract& contract, Dataset& data) {
  GRADMINT_CHECK(contract.scaler_from == ScalerFrom::sample);
  const auto leaves = [&](const std::string& what) {
    return Error{ErrorCode::bad_input, data.name + ": " + what +
                                           ": scaled by the federation's scaler a number of it "
                                           "leaves fp32's range"};
  };
  const std::size_t end = scale_rows(contract, data.features);
  if (end < data.features.size())
    return leaves("column '" + contract.columns[end % contract.columns.size()].name + "'");
  for (float& target : data.targets) {
    target = contract.target.apply(target);
    if (!std::isfinite(target)) return leaves("the target '" + contract.label + "'");
  }
  data.contract = contract;
  for (const std::string& line : far_columns(contract, data.features))
    data.remarks.push_back(data.name + ": " + line);
  return {};
}

}  // namespace gradmint
