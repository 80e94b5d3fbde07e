#include "contracts/rule.h"

namespace gradmint::contracts {

const char* rule_code_name(RuleCode code) {
  switch (code) {
    case RuleCode::ok:
      return "ok";
    case RuleCode::out_of_gas:
      return "out_of_gas";
    case RuleCode::out_of_memory:
      return "out_of_memory";
    case RuleCode::runtime_error:
      return "runtime_error";
    case RuleCode::bad_argument:
      return "bad_argument";
    case RuleCode::overflow:
      return "overflow";
    case RuleCode::too_many_effects:
      return "too_many_effects";
    case RuleCode::over_budget:
      return "over_budget";
    case RuleCode::unknown_account:
      return "unknown_account";
    case RuleCode::missing_handler:
      return "missing_handler";
    case RuleCode::forbidden_bytecode:
      return "forbidden_bytecode";
    case RuleCode::syntax_error:
      return "syntax_error";
    case RuleCode::abi_mismatch:
      return "abi_mismatch";
    case RuleCode::bad_manifest:
      return "bad_manifest";
    case RuleCode::too_large:
      return "too_large";
    case RuleCode::bad_event:
      return "bad_event";
    case RuleCode::missing_capability:
      return "missing_capability";
  }
  return "unknown";
}

}  // namespace gradmint::contracts
