// What somebody asks for on a command line, as it was typed: --aggregator, --pre, --optimizer and
// the rules' parameters. Pure.
#pragma once

#include <string>
#include <vector>

#include "kernels/aggregate_spec.h"
#include "kernels/base/result.h"
#include "kernels/spec_text.h"

namespace gradmint {

// Rules as kernels/spec_text.h reads them, and parameters that find their rule.
struct RuleWords {
  std::vector<std::string> pre;
  std::string aggregator;
  std::string optimizer = "plain";
  std::vector<kernels::GivenParameter> parameters;
};

// The rules by name, with the parameters that were given; complete_spec() does the rest. An Error
// begins with the option that is wrong, as it was typed.
Result<kernels::AggregateSpec> read_rules(const RuleWords& words);

}  // namespace gradmint
