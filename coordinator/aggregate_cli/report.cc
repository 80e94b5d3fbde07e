#include "coordinator/aggregate_cli/report.h"

#include <cstdio>
#include <span>

#include "kernels/base/check.h"
#include "kernels/base/printable.h"
#include "kernels/rule_lookup.h"
#include "kernels/spec_text.h"

namespace gradmint {
namespace {

using nlohmann::json;

json rule_json(const kernels::NamedRule& rule, std::span<const kernels::RuleInfo> rules) {
  json parameters = json::object();
  const kernels::RuleInfo* info = kernels::find_rule(rules, rule.name);
  GRADMINT_CHECK(info != nullptr);
  for (const kernels::Parameter& each : rule.parameters) {
    const kernels::ParameterInfo* known = kernels::find_parameter(*info, each.name);
    GRADMINT_CHECK(known != nullptr);
    const std::string text = kernels::parameter_text(*known, each.value);
    parameters[each.name] = known->choices.empty() ? json::parse(text) : json(text);
  }
  return {{"name", rule.name}, {"parameters", parameters}};
}

template <class T>
json maybe(const std::optional<T>& value) {
  return value ? json(*value) : json();
}

json file_json(const ReportedFile& file) {
  return {{"file", file.file}, {"sha256", to_hex(file.sha256)}, {"size_bytes", file.size_bytes}};
}

std::string score_column(const ReportedInput& input) {
  if (!input.score) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", *input.score);
  return text;
}

std::string outside_column(const ReportedInput& input, std::uint64_t values) {
  if (!input.outside) return "-";
  char text[32];
  std::snprintf(text, sizeof text, "%.2f %%",
                100.0 * static_cast<double>(*input.outside) / static_cast<double>(values));
  return text;
}

}  // namespace

std::string pre_text(const kernels::AggregateSpec& spec) {
  std::string text;
  for (const kernels::NamedRule& pre : spec.pre) {
    text += (text.empty() ? "" : " ") + kernels::rule_text(pre, kernels::pre_rules());
  }
  return text;
}

std::string aggregator_text(const kernels::AggregateSpec& spec) {
  return kernels::rule_text(spec.aggregator, kernels::aggregator_rules());
}

std::string optimizer_text(const kernels::AggregateSpec& spec) {
  return kernels::rule_text(spec.optimizer, kernels::optimizer_rules());
}

std::string report_table(const AggregateReport& report) {
  char line[256];
  std::snprintf(line, sizeof line, "%-4s  %8s  %12s  %9s  %-64s  %s\n", "kept", "weight", "score",
                "outside", "sha256", "file");
  std::string text = line;
  for (const ReportedInput& input : report.inputs) {
    std::snprintf(line, sizeof line, "%-4s  %8u  %12s  %9s  %-64s  ", input.kept ? "yes" : "no",
                  input.coefficient, score_column(input).c_str(),
                  outside_column(input, report.values - report.buffers).c_str(),
                  to_hex(input.sha256).c_str());
    text += line + printable(input.file) + "\n";
  }
  const std::string pre = pre_text(report.spec);
  text += "aggregator  " + aggregator_text(report.spec) + (pre.empty() ? "" : " after " + pre) +
          ", optimizer " + optimizer_text(report.spec) + "\n";
  const std::string buffers =
      report.buffers == 0 ? "" : ", " + std::to_string(report.buffers) + " of them in buffers,";
  text += "computed    " + std::to_string(report.values) + " values in " +
          std::to_string(report.tensors) + (report.tensors == 1 ? " tensor" : " tensors") +
          buffers + " on " + report.backend + "\n";
  if (report.integer_tensors > 0)
    text += "integers    " + std::to_string(report.integer_tensors) +
            (report.integer_tensors == 1 ? " tensor" : " tensors") + ", not averaged: " +
            (report.integers == "max" ? "each element's largest"
                                      : "as the first file, or the model, has them") +
            " (--integers " + report.integers + ")\n";
  text += "output      " + printable(report.output.file) + "\nsha256      " +
          to_hex(report.output.sha256) + "\n";
  if (report.state) {
    text += "state       " + printable(report.state->file) + "\nsha256      " +
            to_hex(report.state->sha256) + "\n";
  }
  return text;
}

json report_json(const AggregateReport& report) {
  json pre = json::array();
  for (const kernels::NamedRule& each : report.spec.pre) {
    pre.push_back(rule_json(each, kernels::pre_rules()));
  }
  json inputs = json::array();
  for (const ReportedInput& input : report.inputs) {
    inputs.push_back({{"file", input.file},
                      {"sha256", to_hex(input.sha256)},
                      {"weight", input.weight},
                      {"staleness", maybe(input.staleness)},
                      {"kept", input.kept},
                      {"coefficient", input.coefficient},
                      {"score", maybe(input.score)},
                      {"clip_factor", maybe(input.clip_factor)},
                      {"outside", maybe(input.outside)}});
  }
  return {{"schema", "gradmint/aggregate/1"},
          {"pre", pre},
          {"aggregator", rule_json(report.spec.aggregator, kernels::aggregator_rules())},
          {"optimizer", rule_json(report.spec.optimizer, kernels::optimizer_rules())},
          {"backend", report.backend},
          {"values", report.values},
          {"tensors", report.tensors},
          {"buffers", report.buffers},
          {"integers", {{"tensors", report.integer_tensors}, {"rule", report.integers}}},
          {"warnings", report.warnings},
          {"round_exponent", report.round_exponent},
          {"shift", report.shift},
          {"inputs", inputs},
          {"output", file_json(report.output)},
          {"state", report.state ? file_json(*report.state) : json()}};
}

}  // namespace gradmint
