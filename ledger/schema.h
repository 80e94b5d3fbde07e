// The one number for the form of everything on a ledger: the genesis record, all other records and
// the store. A program reads exactly its own.
#pragma once

#include <cstdint>
#include <string>

namespace gradmint {

inline constexpr std::uint16_t kLedgerSchema = 6;

// Why something of `schema` cannot be read, and what can; empty where it can be. `what` begins the
// line: "the genesis".
inline std::string schema_fault(const std::string& what, std::uint64_t schema) {
  if (schema == kLedgerSchema) return {};
  return what + " has schema " + std::to_string(schema) + ", this gradmint reads " +
         std::to_string(kLedgerSchema) +
         (schema > kLedgerSchema ? " only; use a newer gradmint"
                                 : " only; use the gradmint that wrote it");
}

}  // namespace gradmint
