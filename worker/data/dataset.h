// Samples in memory, and how they are divided: which are held out, which belong to which shard.
// Pure; const access is thread-safe.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "kernels/base/result.h"
#include "ledger/bytes.h"
#include "ledger/model/data_contract.h"

namespace gradmint {

enum class Task { classification, regression };

struct Dataset {
  std::string name;  // "digits", "mnist:DIR", "csv:FILE"
  Task task = Task::classification;
  std::vector<std::uint64_t> sample_shape;  // {channels, height, width} for images, {columns} else
  std::vector<std::string> classes;         // label names; the index is the label
  std::vector<float> features;              // row after row, scaled as the loader documents
  std::vector<std::int32_t> labels;         // classification: one a row, in [0, classes)
  std::vector<float> targets;               // regression: one a row
  std::string schema;                       // what a row is, in words; part of the manifest
  DataContract contract;                    // what the columns mean, and how they were scaled
  std::vector<std::string> remarks;         // what the loader decided, for the user: lines
  std::uint64_t fixed_holdout_from = 0;     // rows from here on validate by convention; 0: none

  bool is_labelled = true;  // else labels and targets are empty

  std::uint64_t rows() const {
    if (!is_labelled) return features.size() / feature_count();
    return task == Task::classification ? labels.size() : targets.size();
  }
  std::uint64_t feature_count() const {  // of a sample, from its shape
    std::uint64_t count = 1;
    for (const std::uint64_t extent : sample_shape) count *= extent;
    return count;
  }
  std::uint64_t columns() const { return rows() == 0 ? 0 : features.size() / rows(); }
  std::uint64_t outputs() const { return task == Task::classification ? classes.size() : 1; }
};

// The rows at `indices`, in that order, with everything else as in `from`.
Dataset select_rows(const Dataset& from, std::span<const std::uint32_t> indices);

// A row's canonical bytes: its fp32 features, then its label (i32) or target (fp32); little endian.
Bytes sample_bytes(const Dataset& data, std::uint64_t row);

struct Split {
  std::vector<std::uint32_t> train;    // ascending
  std::vector<std::uint32_t> holdout;  // ascending
};

// Where the data come with a convention (MNIST) it is followed; else a row is held out when a hash
// of (seed, row) falls into `holdout_permille` of its range: the same seed gives the same split to
// workers and coordinator. Refuses a split that leaves either side empty.
Result<Split> split_holdout(const Dataset& data, std::uint64_t seed,
                            std::uint32_t holdout_permille = 200);

struct ShardSpec {
  std::uint32_t index = 0;  // 0-based here; "I/N" on the command line counts from 1
  std::uint32_t count = 1;
};
inline constexpr std::uint32_t kMaxShards = 4095;

// "I/N" with 1 ≤ I ≤ N.
Result<ShardSpec> parse_shard(const std::string& text);

// Non-IID shards of the rows `pool`: for each class (regression: each tenth of the targets) the
// shares of the shards are drawn from Dirichlet(alpha). Every row lands in exactly one shard; a
// shard that would be empty gets a row of the largest while there are rows enough. Smaller alpha is
// less even; 0 means even shards. The draw uses log, cos and pow of the machine's own mathematics
// library: shards are a worker's private matter and never reach the ledger.
std::vector<std::vector<std::uint32_t>> dirichlet_shards(const Dataset& data,
                                                         std::span<const std::uint32_t> pool,
                                                         std::uint32_t shards, double alpha,
                                                         std::uint64_t seed);

}  // namespace gradmint
