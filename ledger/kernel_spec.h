// The ledger's specification of an aggregation and the kernels' own form of it. Pure.
#pragma once

#include "kernels/aggregate_spec.h"
#include "ledger/records.h"

namespace gradmint {

kernels::AggregateSpec kernel_spec(const AggregationSpec& spec);
AggregationSpec ledger_spec(const kernels::AggregateSpec& spec);

// Whether the kernels know every name, each parameter is within its range, and all of them are
// there in the kernels' order: what an OpenRound must say, so that every replay is one and the
// same.
bool specification_stands(const AggregationSpec& spec);

}  // namespace gradmint
