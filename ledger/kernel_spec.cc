#include "ledger/kernel_spec.h"

#include <bit>

#include "ledger/payload.h"

namespace gradmint {
namespace {

kernels::NamedRule kernel_step(const AggregationStep& step) {
  kernels::NamedRule rule{step.name, {}};
  for (const Parameter& p : step.parameters) {
    rule.parameters.push_back({p.name, std::bit_cast<float>(p.bits)});
  }
  return rule;
}
AggregationStep ledger_step(const kernels::NamedRule& rule) {
  AggregationStep step{rule.name, {}};
  for (const auto& p : rule.parameters) {
    step.parameters.push_back({p.name, std::bit_cast<std::uint32_t>(p.value)});
  }
  return step;
}

}  // namespace

kernels::AggregateSpec kernel_spec(const AggregationSpec& spec) {
  kernels::AggregateSpec out;
  for (const AggregationStep& step : spec.pre) out.pre.push_back(kernel_step(step));
  out.aggregator = kernel_step(spec.aggregator);
  out.optimizer = kernel_step(spec.optimizer);
  return out;
}

AggregationSpec ledger_spec(const kernels::AggregateSpec& spec) {
  AggregationSpec out;
  for (const auto& rule : spec.pre) out.pre.push_back(ledger_step(rule));
  out.aggregator = ledger_step(spec.aggregator);
  out.optimizer = ledger_step(spec.optimizer);
  return out;
}

kernels::Encoding kernel_encoding(const EncodingSpec& encoding) {
  return {static_cast<kernels::EncodingKind>(encoding.kind), encoding.keep};
}
EncodingSpec ledger_encoding(const kernels::Encoding& encoding) {
  return {static_cast<Encoding>(encoding.kind), encoding.keep};
}

std::string encoding_name(Encoding encoding) {
  const std::string name =
      kernels::name_of(kernels::Encoding{static_cast<kernels::EncodingKind>(encoding), 0});
  return name.substr(0, name.find(':'));
}

std::uint64_t payload_bytes(const OpenRound& open, const ModelSize& size) {
  return payload_bytes(kernel_encoding(open.encoding), size);
}

Verdict shape_verdict(const OpenRound& open, const Opening& opening, const ModelSize& size) {
  if (opening.encoding != open.encoding.kind) return Verdict::wrong_encoding;
  return opening.size_bytes == payload_bytes(open, size) ? Verdict::ok : Verdict::wrong_size;
}

bool specification_stands(const AggregationSpec& spec) {
  const auto complete = kernels::complete_spec(kernel_spec(spec));
  return complete.ok() && ledger_spec(*complete) == spec;
}

}  // namespace gradmint
