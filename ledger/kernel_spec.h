// The ledger's specification of an aggregation and the kernels' own form of it. Pure.
#pragma once

#include "kernels/aggregate_spec.h"
#include "kernels/encoding.h"
#include "ledger/model/layout.h"
#include "ledger/records.h"

namespace gradmint {

kernels::AggregateSpec kernel_spec(const AggregationSpec& spec);
AggregationSpec ledger_spec(const kernels::AggregateSpec& spec);

kernels::Encoding kernel_encoding(const EncodingSpec& encoding);
EncodingSpec ledger_encoding(const kernels::Encoding& encoding);

// "int8", and "top_k" without its parameter.
std::string encoding_name(Encoding encoding);

// The bytes of every payload of the round.
std::uint64_t payload_bytes(const OpenRound& open, const ModelSize& size);

// Whether an opening is of what the round asked for: ok, wrong_encoding or wrong_size.
Verdict shape_verdict(const OpenRound& open, const Opening& opening, const ModelSize& size);

// Whether the kernels know every name, each parameter is within its range, and all of them are
// there in the kernels' order: what an OpenRound must say, so that every replay is one and the
// same.
bool specification_stands(const AggregationSpec& spec);

}  // namespace gradmint
