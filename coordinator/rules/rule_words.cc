#include "coordinator/rules/rule_words.h"

#include <utility>

namespace gradmint {
namespace {

Error bad(const std::string& option, const std::string& text, const Error& why) {
  return {ErrorCode::bad_input, option + " " + text + ": " + why.message};
}

Status read(const char* option, const std::string& text, std::string_view kind,
            std::span<const kernels::RuleInfo> rules, kernels::NamedRule& out) {
  auto parsed = kernels::parse_rule(text, kind, rules);
  if (!parsed) return bad(option, text, parsed.error());
  out = *std::move(parsed);
  return {};
}

}  // namespace

Result<kernels::AggregateSpec> read_rules(const RuleWords& words) {
  kernels::AggregateSpec spec;
  for (const std::string& text : words.pre) {
    const Status pre =
        read("--pre", text, kernels::kPreKind, kernels::pre_rules(), spec.pre.emplace_back());
    if (!pre.ok()) return pre.error();
  }
  const Status aggregator = read("--aggregator", words.aggregator, kernels::kAggregatorKind,
                                 kernels::aggregator_rules(), spec.aggregator);
  if (!aggregator.ok()) return aggregator.error();
  const Status optimizer = read("--optimizer", words.optimizer, kernels::kOptimizerKind,
                                kernels::optimizer_rules(), spec.optimizer);
  if (!optimizer.ok()) return optimizer.error();
  for (const kernels::GivenParameter& each : words.parameters) {
    const Status put = kernels::apply_parameters(spec, std::span(&each, 1));
    if (!put.ok()) return bad("--" + each.name, each.text, put.error());
  }
  return spec;
}

}  // namespace gradmint
