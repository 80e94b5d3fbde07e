// The audit's findings for people: aligned lines and tables instead of JSON. Pure.
#pragma once

#include <string>

#include "coordinator/cli/audit_json.h"

namespace gradmint {

// The verdict, what was checked and, when something does not hold, what it should be and what is
// there.
std::string verify_text(const AuditReport& report, bool recomputed);

// Any of the other outputs: members as aligned lines, lists of objects as tables, in the order of
// the JSON. Texts of peers are cleaned of control characters.
std::string table_text(const Json& value);

// explain_json's output: first a few sentences for whoever has never seen a ledger (who, how much,
// for what, on which evidence), then its members as table_text has them.
std::string explain_text(const Json& explained);

// receipt_json's output: first whether it is honoured, in a sentence.
std::string receipt_text(const Json& receipt);

}  // namespace gradmint
