// What a genesis may not be. All that it can make others spend has a bound here.
#include <algorithm>

#include "contracts/amount.h"
#include "ledger/genesis.h"
#include "ledger/model/data_contract.h"

namespace gradmint {
namespace {

std::string too_much(const std::string& what, std::uint64_t value, std::uint64_t most) {
  if (value <= most) return {};
  return what + " is " + std::to_string(value) + ", more than the protocol's " +
         std::to_string(most);
}

// Each of one line, but for the rule's two.
std::string text_fault(const GenesisRecord& genesis) {
  const auto check = [](const char* what, const std::string& text, std::size_t cap, bool lines) {
    if (text.size() > cap) {
      return std::string(what) + " is longer than " + std::to_string(cap) + " bytes";
    }
    if (lines ? is_clean_lines(text) : is_clean_text(text)) return std::string();
    return std::string(what) +
           (lines
                ? " holds something other than UTF-8 text, line feeds and tabs (a carriage "
                  "return, a control character, an invisible mark)"
                : " is not one line of UTF-8 text without control characters and invisible marks");
  };
  const TaskSpec& task = genesis.task;
  const std::string faults[] = {
      check("the chain's name", genesis.name, kMaxRecordTextBytes, false),
      check("the task's model", task.model, kMaxRecordTextBytes, false),
      check("the task's objective", task.objective, kMaxRecordTextBytes, false),
      check("the reward rule's interpreter", genesis.rule_abi, kMaxRecordTextBytes, false),
      check("the reward rule's source", genesis.rule_source, contracts::kMaxRuleSourceBytes, true),
      check("the reward rule's manifest", genesis.rule_manifest, contracts::kMaxRuleManifestBytes,
            true),
  };
  for (const std::string& fault : faults) {
    if (!fault.empty()) return fault;
  }
  return {};
}

std::string cost_fault(const GenesisRecord& genesis) {
  const contracts::RuleLimits& rule = genesis.rule_limits;
  const std::string faults[] = {
      too_much("the number of validators", genesis.validators.size(), kMaxValidators),
      too_much("the number of allocations", genesis.allocations.size(), kMaxAllocations),
      too_much("the allow-list's length", genesis.allowed.size(), kMaxAllowed),
      too_much("the reward rule's gas", rule.gas, contracts::kMaxRuleGas),
      too_much("the reward rule's memory in bytes", rule.memory_bytes,
               contracts::kMaxRuleMemoryBytes),
      too_much("the reward rule's max_effects", rule.max_effects, contracts::kMaxEffects),
      too_much("the task's parameter count", genesis.task.size.parameters, kMaxTaskParameters),
      too_much("the task's buffer count", genesis.task.size.buffers, kMaxTaskParameters),
      too_much("the time of block 0 in ms", genesis.time_ms, kMaxGenesisTimeMs),
  };
  for (const std::string& fault : faults) {
    if (!fault.empty()) return fault;
  }
  if (genesis.task.size.parameters == 0) return "the task's model has no parameters";
  const std::string limit = chain_limits_fault(genesis.limits);
  return limit.empty() ? limit : "the limit " + limit;
}

std::string contract_fault(const TaskSpec& task) {
  if (task.contract.empty()) return {};
  const auto contract = DataContract::decode(task.contract);
  if (!contract) return contract.error().message;
  if (contract->task == task.objective) return {};
  return "the data contract is for " + contract->task + ", the task's objective is " +
         task.objective;
}

std::string validators_fault(const std::vector<Validator>& validators) {
  if (validators.empty()) return "the genesis names no validator";
  for (std::size_t i = 0; i < validators.size(); ++i) {
    for (std::size_t j = 0; j < i; ++j) {
      if (validators[i].public_key == validators[j].public_key) {
        return "the genesis names one validator twice";
      }
    }
  }
  return {};
}

std::string money_fault(const GenesisRecord& genesis) {
  std::uint64_t total = genesis.emission.cap;
  for (const Allocation& a : genesis.allocations) {
    const auto sum = contracts::checked_add(total, a.amount);
    if (!sum || *sum > contracts::kMaxAmount)
      return "allocations and cap exceed the largest amount";
    total = *sum;
  }
  const char* fault = contracts::emission_fault(genesis.emission);
  return fault == nullptr ? std::string() : fault;
}

std::string rule_fault(const GenesisRecord& genesis) {
  if (genesis.rule_abi != contracts::rule_abi()) {
    return "the reward rule was made for " + genesis.rule_abi + ", this program has " +
           contracts::rule_abi() + "; use a release built for that interpreter";
  }
  const auto compiled = contracts::compile_rule(genesis.rule_source, genesis.rule_manifest);
  if (const auto* refusal = std::get_if<contracts::RuleRefusal>(&compiled)) {
    return "the reward rule is refused: " + refusal->message;
  }
  return {};
}

}  // namespace

std::string genesis_fault(const GenesisRecord& genesis) {
  for (std::string fault : {cost_fault(genesis), text_fault(genesis)}) {
    if (!fault.empty()) return fault;
  }
  if (std::string fault = contract_fault(genesis.task); !fault.empty()) return fault;
  if (std::string fault = validators_fault(genesis.validators); !fault.empty()) return fault;
  if (!decode_record<GenesisRecord>(encode_record(genesis))) {
    return "the genesis breaks a limit of its own format, or a list in it is not in order";
  }
  if (std::string fault = money_fault(genesis); !fault.empty()) return fault;
  return rule_fault(genesis);
}

}  // namespace gradmint
