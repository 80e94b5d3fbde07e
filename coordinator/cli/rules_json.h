// A round's rules with their parameters by name, as reports, status and audits show them. Pure.
#pragma once

#include <nlohmann/json.hpp>

#include "ledger/records.h"

namespace gradmint {

// {"pre": [{"name", "parameters": {…}}], "aggregator": {…}, "optimizer": {…}}. A choice is shown by
// its name, a number as the shortest decimal with the same fp32 bits.
nlohmann::ordered_json rules_json(const AggregationSpec& spec);

}  // namespace gradmint
