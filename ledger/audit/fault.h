// What an audit finds wrong: where, which rule, what it should be and what is there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace gradmint {

// `rule` is a verdict's name where the ledger itself refuses, or one of those in docs/audit.md.
struct AuditFault {
  std::uint64_t height = 0;
  std::string rule, expected, found;
};
using Finding = std::optional<AuditFault>;  // nothing: it holds

}  // namespace gradmint
