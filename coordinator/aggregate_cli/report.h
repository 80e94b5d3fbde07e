// What gradmint-aggregate says when it is done: a table for people, JSON for machines
// (docs/schemas/aggregate.schema.json). Pure.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "kernels/aggregate_spec.h"
#include "ledger/bytes.h"

namespace gradmint {

struct ReportedInput {
  std::string file;
  Hash sha256;
  std::uint32_t weight = 1;                // as it was used
  std::optional<std::uint64_t> staleness;  // as given
  bool kept = true;
  std::uint32_t coefficient = 0;  // its whole weight in the result; 0 where it was left out
  std::optional<double> score, clip_factor;
  std::optional<std::uint64_t> outside;  // values
};

struct ReportedFile {
  std::string file;
  Hash sha256;
  std::uint64_t size_bytes = 0;
};

struct AggregateReport {
  kernels::AggregateSpec spec;  // completed
  std::string backend;
  std::uint64_t values = 0, tensors = 0;  // buffers and all
  std::uint64_t buffers = 0;              // of the values
  std::uint64_t integer_tensors = 0;      // besides, where any are kept
  std::string integers;                   // by which rule (integers.h)
  int round_exponent = 0, shift = 0;
  std::vector<ReportedInput> inputs;  // in the order of their hashes
  ReportedFile output;
  std::optional<ReportedFile> state;
  std::vector<std::string> notes;     // what was done on the way, for the log
  std::vector<std::string> warnings;  // what the user should look at
};

std::string report_table(const AggregateReport& report);
nlohmann::json report_json(const AggregateReport& report);

// "clip:tau=1 nnm:f=2", "krum:f=1,convention=paper", ...: for reports and metadata.
std::string pre_text(const kernels::AggregateSpec& spec);
std::string aggregator_text(const kernels::AggregateSpec& spec);
std::string optimizer_text(const kernels::AggregateSpec& spec);

}  // namespace gradmint
