#include "ledger/scaler.h"

#include <algorithm>
#include <bit>

namespace gradmint {
namespace {

constexpr int kMantissaBits = 24;
constexpr std::uint32_t kBias = 127, kFractionBits = 23, kOne = kBias << kFractionBits;
// Enough of a quotient to see on which side of a tie it lies, the remainder beside it.
constexpr int kQuotientBits = kMantissaBits + 2;

void write_wide(Writer& w, U128 value) {
  w.u64(static_cast<std::uint64_t>(value));
  w.u64(static_cast<std::uint64_t>(value >> 64));
}
U128 read_wide(Reader& r) {
  const std::uint64_t low = r.u64();
  return (U128{r.u64()} << 64) | low;
}

// The fp32 nearest to quotient · 2^exponent, and a little more where `inexact`. Preconditions: the
// quotient has more than kMantissaBits bits, and the number is in the range of normal fp32.
std::uint32_t nearest_bits(U128 quotient, bool inexact, int exponent) {
  const int drop = bit_length(quotient) - kMantissaBits;
  GRADMINT_CHECK(drop > 0);
  auto mantissa = static_cast<std::uint32_t>(quotient >> drop);
  const U128 rest = quotient & ((U128{1} << drop) - 1), half = U128{1} << (drop - 1);
  const bool up = rest > half || (rest == half && (inexact || (mantissa & 1) != 0));
  exponent += drop;
  if (up && ++mantissa == 1U << kMantissaBits) {
    mantissa >>= 1;
    ++exponent;
  }
  const int biased = exponent + static_cast<int>(kFractionBits + kBias);
  GRADMINT_CHECK(biased > 0 && biased < 255);
  return (static_cast<std::uint32_t>(biased) << kFractionBits) |
         (mantissa & ((1U << kFractionBits) - 1));
}

std::uint32_t mean_bits(I128 sum, std::uint64_t divisor) {
  const U128 size = magnitude(sum);
  if (size == 0) return 0;
  const int wanted = kQuotientBits + 64;
  const int shift = std::max(0, wanted - bit_length(size));
  const U128 dividend = size << shift;
  const std::uint32_t bits = nearest_bits(dividend / divisor, dividend % divisor != 0, -shift);
  return sum < 0 ? bits | (1U << 31) : bits;
}

// √variance / divisor.
std::uint32_t deviation_bits(const U256& variance, std::uint64_t divisor) {
  const int wanted = 2 * (kQuotientBits + 64);
  const int shift = std::max(0, wanted - bit_length(variance) + 1) / 2;
  const U256 shifted = shift_left(variance, 2 * shift);
  const U128 quotient = square_root(shifted) / divisor;
  const U128 exact = quotient * divisor;
  return nearest_bits(quotient, multiply(exact, exact) != shifted, -shift);
}

}  // namespace

void ColumnSums::write(Writer& w) const {
  write_wide(w, static_cast<U128>(sum));
  write_wide(w, squares);
}
void ColumnSums::read(Reader& r) {
  sum = static_cast<I128>(read_wide(r));
  squares = read_wide(r);
}

void StateSums::write(Writer& w) const {
  w.hash(dataset);
  w.u64(rows);
  write_list(w, columns);
}
void StateSums::read(Reader& r) {
  dataset = r.hash();
  rows = r.u64();
  columns = read_list<ColumnSums>(r, kMaxSummedColumns + 1, 32);
}

void ScalerBits::write(Writer& w) const {
  w.u32(mean);
  w.u32(scale);
}
void ScalerBits::read(Reader& r) {
  mean = r.u32();
  scale = r.u32();
}

void FixScaler::write(Writer& w) const {
  w.u32(least_sites);
  write_accounts(w, sites);
  w.u64(rows);
  write_list(w, columns);
}
void FixScaler::read(Reader& r) {
  least_sites = r.u32();
  sites = read_sorted_accounts(r, kMaxMembers);
  rows = r.u64();
  columns = read_list<ScalerBits>(r, kMaxSummedColumns + 1, 8);
  if (least_sites == 0) r.fail();
}

void SumsRecord::write(Writer& w) const {
  body.write(w);
  w.u64(height);
}
void SumsRecord::read(Reader& r) {
  body.read(r);
  height = r.u64();
}

void ScalerRecord::write(Writer& w) const {
  w.u64(height);
  w.u32(sites);
  w.u64(rows);
  write_list(w, columns);
}
void ScalerRecord::read(Reader& r) {
  height = r.u64();
  sites = r.u32();
  rows = r.u64();
  columns = read_list<ScalerBits>(r, kMaxSummedColumns + 1, 8);
}

std::string state_key::sums(const AccountId& worker) {
  return kSumsPrefix + std::string(worker.bytes.begin(), worker.bytes.end());
}

bool sums_are_possible(const ColumnSums& sums, std::uint64_t rows) {
  constexpr U128 kMost = U128{kMaxSummedValue} * kMillion;
  if (rows == 0 || rows > kMaxSummedRows) return false;
  const U128 size = magnitude(sums.sum);
  if (size > rows * kMost || sums.squares > rows * (kMost * kMost)) return false;
  return multiply(size, size) <= multiply(sums.squares, rows);  // Cauchy and Schwarz
}

void PooledSums::add(const ColumnSums& sums, std::uint64_t sums_rows) {
  rows += sums_rows;
  sum += sums.sum;
  squares = gradmint::add(squares, sums.squares);
}

ScalerBits scaler_bits(const PooledSums& pooled) {
  const std::uint64_t divisor = pooled.rows * std::uint64_t{kMillion};
  const U128 size = magnitude(pooled.sum);
  const U256 variance = subtract(multiply(pooled.squares, pooled.rows), multiply(size, size));
  return {mean_bits(pooled.sum, divisor),
          variance == U256{} ? kOne : deviation_bits(variance, divisor)};
}

std::vector<AccountId> stated_members(const StateReader& state) {
  std::vector<AccountId> stated;
  for (const AccountId& member : members_of(state)) {
    if (state.find(state_key::sums(member))) stated.push_back(member);
  }
  return stated;
}

FixScaler plan_scaler(const StateReader& state, std::uint32_t least_sites) {
  FixScaler plan;
  plan.least_sites = least_sites;
  plan.sites = stated_members(state);
  GRADMINT_CHECK(!plan.sites.empty());
  std::vector<PooledSums> pooled;
  for (const AccountId& site : plan.sites) {
    const auto record = get<SumsRecord>(state, state_key::sums(site));
    const StateSums& stated = record->body;
    plan.rows += stated.rows;
    pooled.resize(stated.columns.size());
    for (std::size_t c = 0; c < pooled.size(); ++c) pooled[c].add(stated.columns[c], stated.rows);
  }
  for (const PooledSums& column : pooled) plan.columns.push_back(scaler_bits(column));
  return plan;
}

std::size_t summed_columns(const TaskSpec& task) {
  if (task.contract.empty()) return 0;
  const auto contract = DataContract::decode(task.contract);
  return contract ? summed_columns(*contract) : 0;
}

std::optional<ScalerRecord> fixed_scaler(const StateReader& state) {
  return get<ScalerRecord>(state, state_key::kScaler);
}

std::optional<DataContract> with_scaler(DataContract contract,
                                        const std::vector<ScalerBits>& columns) {
  if (columns.empty() || columns.size() != summed_columns(contract)) return std::nullopt;
  const auto scaler = [&](std::size_t c) {
    return Scaler{std::bit_cast<float>(columns[c].mean), std::bit_cast<float>(columns[c].scale)};
  };
  for (std::size_t c = 0; c < contract.columns.size(); ++c) contract.columns[c].scaler = scaler(c);
  if (contract.task == "regression") contract.target = scaler(columns.size() - 1);
  contract.scaler_from = ScalerFrom::sample;
  if (!contract.fault().empty()) return std::nullopt;
  return contract;
}

TaskSpec task_of(const GenesisRecord& genesis, const StateReader& state) {
  TaskSpec task = genesis.task;
  const auto fixed = fixed_scaler(state);
  if (!fixed) return task;
  auto contract = DataContract::decode(task.contract);
  GRADMINT_CHECK(contract.ok());
  const auto scaled = with_scaler(*std::move(contract), fixed->columns);
  GRADMINT_CHECK(scaled.has_value());
  task.contract = scaled->encode();
  return task;
}

}  // namespace gradmint
