#include "coordinator/server/fixed_settings.h"

#include <optional>

#include "contracts/amount.h"
#include "kernels/base/printable.h"
#include "ledger/blobs.h"
#include "ledger/durable_file.h"
#include "ledger/model/buffers.h"
#include "ledger/model/data_contract.h"
#include "ledger/model/safetensors.h"

namespace gradmint {
namespace {

class Differences {
 public:
  void add(bool differs, const std::string& key, const std::string& in_genesis) {
    if (!differs) return;
    text_ += (text_.empty() ? "" : "; ") + key + " (the genesis has " + in_genesis + ")";
  }
  void number(const char* key, std::uint64_t here, std::uint64_t in_genesis) {
    add(here != in_genesis, key, std::to_string(in_genesis));
  }
  void amount(const char* key, std::uint64_t here, std::uint64_t in_genesis) {
    add(here != in_genesis, key, contracts::format_amount(in_genesis));
  }
  void word(const char* key, const std::string& here, const std::string& in_genesis) {
    add(here != in_genesis, key, "'" + in_genesis + "'");
  }
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

std::string enrolment_name(Enrolment mode) {
  return mode == Enrolment::open         ? "open"
         : mode == Enrolment::allow_list ? "allow_list"
                                         : "invitation";
}

// A file's text where it can still be read, else what the genesis has of it.
std::string text_of(const std::filesystem::path& file, const std::string& in_genesis) {
  const auto bytes = read_file(file, kMaxContractBytes + 1);
  return bytes.ok() ? std::string(bytes->begin(), bytes->end()) : in_genesis;
}

void compare_rule(const Settings& s, const GenesisRecord& genesis, Differences& found) {
  const bool own = !s.rule_file.empty();
  const std::string source = own ? text_of(s.rule_file, genesis.rule_source) : s.rule_source;
  const std::string manifest =
      own ? text_of(s.manifest_file, genesis.rule_manifest) : s.rule_manifest;
  found.add(source != genesis.rule_source, own ? "rewards.rule_file" : "rewards.rule",
            "another rule");
  found.add(manifest != genesis.rule_manifest && source == genesis.rule_source,
            own ? "rewards.manifest_file" : "rewards.rule", "another manifest");
}

void compare_task(const Settings& s, const TaskSpec& task, Differences& found) {
  found.word("task.model", s.model, task.model);
  if (!s.objective.empty()) found.word("task.objective", s.objective, task.objective);
  if (s.contract.empty()) return;
  const auto contract = DataContract::parse(text_of(s.contract, task.contract));
  found.add(!contract || contract->encode() != task.contract, "task.contract", "another contract");
}

// What the initial model and task.buffers say now, where the file still lies there.
std::optional<ModelLayout> layout_now(const Settings& s) {
  const auto file = MappedFile::open(s.initial);
  if (!file) return std::nullopt;
  const auto header = parse_safetensors(file->bytes());
  if (!header) return std::nullopt;
  const auto layout = layout_of(*header, s.buffers);
  return layout ? std::optional(*layout) : std::nullopt;
}

void compare_buffers(const Settings& s, const ModelLayout& layout, Differences& found) {
  if (const auto now = layout_now(s)) {
    found.add(*now != layout, "task.initial or task.buffers",
              "other tensors, or other ones of them as buffers");
    return;
  }
  std::vector<TensorSpec> tensors = layout.tensors();
  const bool stands = mark_buffers(s.buffers, tensors).ok();
  found.add(!stands || tensors != layout.tensors(), "task.buffers", "other tensors as buffers");
}

void compare_limits(const ChainLimits& here, const ChainLimits& there, Differences& found) {
  found.number("limits.datasets_per_worker", here.datasets_per_worker, there.datasets_per_worker);
  found.number("limits.statements_per_round", here.statements_per_round,
               there.statements_per_round);
  found.number("limits.registrations_per_round", here.registrations_per_round,
               there.registrations_per_round);
  found.number("limits.rotation_delay_blocks", here.rotation_delay_blocks,
               there.rotation_delay_blocks);
  found.amount("limits.least_new_balance", here.least_new_balance, there.least_new_balance);
  found.number("rounds.suspend_after", here.suspend_after_rounds, there.suspend_after_rounds);
}

}  // namespace

Status check_fixed_settings(const Settings& s, const GenesisRecord& genesis,
                            const ModelLayout& layout) {
  Differences found;
  compare_buffers(s, layout, found);
  found.word("chain.name", s.name, genesis.name);
  found.word("chain.enrolment", enrolment_name(s.enrolment), enrolment_name(genesis.enrolment));
  found.add(s.allowed != genesis.allowed, "chain.allowed",
            std::to_string(genesis.allowed.size()) + " addresses");
  compare_task(s, genesis.task, found);
  found.amount("rewards.initial_per_round", s.emission.initial_per_round,
               genesis.emission.initial_per_round);
  found.number("rewards.halving_rounds", s.emission.halving_rounds,
               genesis.emission.halving_rounds);
  found.amount("rewards.cap", s.emission.cap, genesis.emission.cap);
  compare_rule(s, genesis, found);
  compare_limits(s.chain_limits, genesis.limits, found);
  if (found.text().empty()) return {};
  return Error{ErrorCode::bad_input,
               s.file.string() + ": differs from what the genesis fixed, which no edit changes: " +
                   printable(found.text()) +
                   "; set it back, or begin another chain in another home with init"};
}

}  // namespace gradmint
