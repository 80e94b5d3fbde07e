// gradmint-aggregate's work, station by station: check what was asked, open the files, take their
// hashes and largest values, order them by content, aggregate, write, report.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "coordinator/aggregate_cli/integers.h"
#include "coordinator/aggregate_cli/report.h"
#include "coordinator/aggregate_cli/streaming_backend.h"
#include "kernels/aggregate_spec.h"
#include "kernels/base/result.h"
#include "kernels/staleness.h"

namespace gradmint {

struct AggregateCommand {
  kernels::AggregateSpec spec;
  bool optimizer_was_named = false;
  std::vector<std::filesystem::path> inputs;
  std::vector<std::uint64_t> weights;    // follow the inputs; empty: 1 each
  std::vector<std::uint64_t> staleness;  // follow the inputs; empty: all fresh
  kernels::StalenessDiscount discount = kernels::StalenessDiscount::square_root;
  std::filesystem::path output, model, state, state_out, centre;  // empty: not given
  std::vector<std::string> buffers;  // patterns (ledger/model/buffers.h)
  IntegerRule integers = IntegerRule::max;
  std::string backend = "auto";  // kernels::open_backend
  int threads = 1;
};

// Every Error is one line that names the file or option. Nothing is written where it fails.
Result<AggregateReport> run_aggregate(const AggregateCommand& command,
                                      const ProgressListener& listener);

}  // namespace gradmint
