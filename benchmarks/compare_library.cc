#include "benchmarks/compare_library.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "kernels/aggregate.h"
#include "kernels/fixed_point.h"
#include "kernels/scan.h"
#include "kernels/spec_text.h"

using namespace gradmint;

struct GradmintCompare {
  std::unique_ptr<kernels::Backend> backend;
  std::string backend_name;
  kernels::AggregateInput input;
  std::vector<float> model;
  kernels::AggregateOutput output;
};

namespace {

int failure(char* error, const std::string& message) {
  std::snprintf(error, 256, "%s", message.c_str());
  return 1;
}

Result<kernels::AggregateSpec> spec_of(const std::string& text) {
  std::vector<std::string> parts;
  std::istringstream words(text);
  for (std::string word; words >> word;) parts.push_back(word);
  if (parts.empty()) return Error{ErrorCode::bad_input, "no rule was given"};
  kernels::AggregateSpec spec;
  for (std::size_t i = 0; i + 1 < parts.size(); ++i) {
    auto rule = kernels::parse_rule(parts[i], kernels::kPreKind, kernels::pre_rules());
    if (!rule.ok()) return rule.error();
    spec.pre.push_back(std::move(*rule));
  }
  auto aggregator =
      kernels::parse_rule(parts.back(), kernels::kAggregatorKind, kernels::aggregator_rules());
  if (!aggregator.ok()) return aggregator.error();
  spec.aggregator = std::move(*aggregator);
  return spec;
}

}  // namespace

GradmintCompare* gradmint_compare_open(const float* const* updates, const uint32_t* weights,
                                       uint64_t n, uint64_t size, int threads, char* error) {
  auto backend = kernels::open_backend("cpu", threads);
  if (!backend.ok()) {
    failure(error, backend.error().message);
    return nullptr;
  }
  auto compare = std::make_unique<GradmintCompare>();
  compare->backend = std::move(*backend);
  compare->backend_name = compare->backend->name();
  compare->model.assign(size, 0.0f);
  for (uint64_t i = 0; i < n; ++i) {
    compare->input.updates.emplace_back(std::span<const float>(updates[i], size));
  }
  compare->input.weights.assign(weights, weights + n);
  compare->input.model = compare->model;
  return compare.release();
}

void gradmint_compare_close(GradmintCompare* compare) { delete compare; }

const char* gradmint_compare_backend(const GradmintCompare* compare) {
  return compare->backend_name.c_str();
}

int gradmint_compare_scan(GradmintCompare* compare, char* error) {
  kernels::AggregateInput& input = compare->input;
  std::vector<int> exponents;
  for (const kernels::Row& update : input.updates) {
    const kernels::ScanResult scan = kernels::scan_row(update);
    if (!scan.finite) return failure(error, "an update holds a value that is not finite");
    exponents.push_back(scan.exponent);
  }
  if (exponents.empty()) return failure(error, "no update was given");
  input.round_exponent = kernels::choose_round_exponent(exponents);
  const std::uint32_t largest = *std::max_element(input.weights.begin(), input.weights.end());
  input.shift = kernels::choose_shift(input.round_exponent, largest);
  return 0;
}

int gradmint_compare_run(GradmintCompare* compare, const char* rule, char* error) {
  const auto spec = spec_of(rule);
  if (!spec.ok()) return failure(error, spec.error().message);
  auto output = kernels::aggregate(*spec, compare->input, *compare->backend);
  if (!output.ok()) return failure(error, output.error().message);
  compare->output = std::move(*output);
  return 0;
}

const float* gradmint_compare_aggregate(const GradmintCompare* compare) {
  return compare->output.model.data();
}

const uint8_t* gradmint_compare_selected(const GradmintCompare* compare) {
  return compare->output.selected.data();
}
