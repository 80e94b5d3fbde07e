#include <algorithm>
#include <charconv>
#include <cmath>
#include <numeric>

#include "kernels/base/check.h"
#include "worker/data/dataset.h"
#include "worker/seeded.h"

namespace gradmint {
namespace {

constexpr std::uint64_t kSplitStream = 0x73706c6974;  // "split"
constexpr std::uint64_t kShardStream = 0x7368617264;  // "shard"
constexpr std::uint64_t kTargetBins = 10;

// Rows grouped by class, or by tenths of the sorted targets; each group in seeded order.
std::vector<std::vector<std::uint32_t>> group_rows(const Dataset& data,
                                                   std::span<const std::uint32_t> pool,
                                                   std::uint64_t seed) {
  std::vector<std::uint32_t> rows(pool.begin(), pool.end());
  std::vector<std::vector<std::uint32_t>> groups;
  if (data.task == Task::classification) {
    groups.resize(data.classes.size());
    for (const std::uint32_t row : rows)
      groups[static_cast<std::size_t>(data.labels[row])].push_back(row);
  } else {
    groups.resize(kTargetBins);
    std::stable_sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
      return data.targets[a] < data.targets[b];
    });
    for (std::size_t i = 0; i < rows.size(); ++i)
      groups[i * kTargetBins / rows.size()].push_back(rows[i]);
  }
  for (std::size_t g = 0; g < groups.size(); ++g)
    Seeded(seed, kShardStream, g).shuffle(std::span(groups[g]));
  return groups;
}

// Ends of the shards' parts of `rows` items, cumulative; the last is `rows`.
std::vector<std::size_t> draw_ends(std::size_t rows, std::uint32_t shards, double alpha,
                                   Seeded& draw) {
  std::vector<double> shares(shards, 1.0);
  if (alpha > 0)
    for (double& share : shares) share = draw.gamma(alpha);
  double total = std::accumulate(shares.begin(), shares.end(), 0.0);
  if (!(total > 0)) {  // a tiny alpha can underflow to zeros: then one shard takes all
    shares[draw.below(shards)] = total = 1.0;
  }
  std::vector<std::size_t> ends;
  double sum = 0;
  for (const double share : shares) {
    sum += share;
    const double end = std::floor(sum / total * static_cast<double>(rows) + 0.5);
    ends.push_back(std::min(rows, static_cast<std::size_t>(end)));
  }
  ends.back() = rows;
  return ends;
}

void fill_empty_shards(std::vector<std::vector<std::uint32_t>>& shards) {
  for (auto& shard : shards) {
    if (!shard.empty()) continue;
    auto largest = std::max_element(shards.begin(), shards.end(), [](const auto& a, const auto& b) {
      return a.size() < b.size();
    });
    if (largest->size() < 2) return;
    shard.push_back(largest->back());
    largest->pop_back();
  }
}

}  // namespace

Result<Split> split_holdout(const Dataset& data, std::uint64_t seed,
                            std::uint32_t holdout_permille) {
  Split split;
  for (std::uint32_t row = 0; row < data.rows(); ++row) {
    const bool held = data.fixed_holdout_from != 0
                          ? row >= data.fixed_holdout_from
                          : Seeded(seed, kSplitStream, row).below(1000) < holdout_permille;
    (held ? split.holdout : split.train).push_back(row);
  }
  if (split.train.empty() || split.holdout.empty())
    return Error{ErrorCode::bad_input, data.name + ": " + std::to_string(data.rows()) +
                                           " rows are too few to hold some out; add rows or "
                                           "choose another seed"};
  return split;
}

Result<ShardSpec> parse_shard(const std::string& text) {
  ShardSpec shard;
  const char* end = text.data() + text.size();
  const auto first = std::from_chars(text.data(), end, shard.index);
  if (first.ec == std::errc() && first.ptr != end && *first.ptr == '/') {
    const auto second = std::from_chars(first.ptr + 1, end, shard.count);
    if (second.ec == std::errc() && second.ptr == end && shard.index >= 1 &&
        shard.index <= shard.count && shard.count <= kMaxShards) {
      --shard.index;
      return shard;
    }
  }
  return Error{ErrorCode::bad_input,
               "shard '" + text + "' is not I/N with 1 <= I <= N <= 4095, as in 2/5"};
}

std::vector<std::vector<std::uint32_t>> dirichlet_shards(const Dataset& data,
                                                         std::span<const std::uint32_t> pool,
                                                         std::uint32_t shards, double alpha,
                                                         std::uint64_t seed) {
  GRADMINT_CHECK(shards >= 1 && shards <= kMaxShards);
  std::vector<std::vector<std::uint32_t>> result(shards);
  if (pool.empty()) return result;
  Seeded draw(seed, kShardStream, ~0ULL);
  for (const auto& group : group_rows(data, pool, seed)) {
    std::size_t at = 0;
    const std::vector<std::size_t> ends = draw_ends(group.size(), shards, alpha, draw);
    for (std::uint32_t s = 0; s < shards; ++s)
      for (; at < ends[s]; ++at) result[s].push_back(group[at]);
  }
  fill_empty_shards(result);
  for (auto& shard : result) std::sort(shard.begin(), shard.end());
  return result;
}

}  // namespace gradmint
