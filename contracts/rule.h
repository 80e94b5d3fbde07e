// Reward rules: Lua 5.4 that turns a flat event into mints, hardened so that every machine gets the
// same result, the same gas and the same peak memory, whatever the rule tries.
//
// A rule is two texts: source and manifest (docs/rules.md has the language and the hazards each
// restriction answers). compile_rule checks both once; run_on_round_close gives each event a fresh
// interpreter. A rule that fails has no effects: the caller records the code and carries the pool.
// Nothing here reads a clock, the environment, the locale or a file. Every function is thread safe;
// a CompiledRule may be run by many threads at once.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace gradmint::contracts {

using Account = std::array<std::uint8_t, 32>;

inline constexpr std::uint32_t kMaxParticipants = 4095;
inline constexpr std::uint32_t kMaxEffects = kMaxParticipants;
inline constexpr std::uint32_t kMaxRuleSourceBytes = 64 * 1024;
inline constexpr std::uint32_t kMaxRuleManifestBytes = 4 * 1024;

// The numbers are on the ledger: append, never renumber.
enum class RuleCode : std::uint16_t {
  ok = 0,
  out_of_gas = 1,
  out_of_memory = 2,
  runtime_error = 3,     // the interpreter stopped it: nil indexed, wrong operand type, stack depth
  bad_argument = 4,      // a host function was called with what it does not take
  overflow = 5,          // a host function's result does not fit int64
  too_many_effects = 6,  // more mint calls than the manifest or the limits allow
  over_budget = 7,       // minted more than the manifest's part of the pool
  unknown_account = 8,   // mint to an account that took no part in the round
  missing_handler = 9,   // no function on_round_close
  forbidden_bytecode = 10,  // a float, '/', '^', '..', '...', a numeral in a string, a long string
  syntax_error = 11,
  abi_mismatch = 12,  // written for another host ABI
  bad_manifest = 13,
  too_large = 14,           // source or manifest over its size limit
  bad_event = 15,           // the caller's event breaks its contract (see RoundCloseEvent)
  missing_capability = 16,  // an effect that the manifest does not declare
};
const char* rule_code_name(RuleCode code);  // "out_of_gas"; "unknown" for a number not listed

struct Participant {
  Account account{};
  std::uint64_t weight = 0;     // at most 2^24
  std::uint64_t score_ppm = 0;  // at most kMaxScorePpm
  bool accepted = false;
};
inline constexpr std::uint64_t kMaxWeight = 1U << 24;
inline constexpr std::uint64_t kMaxScorePpm = 1'000'000;

struct RoundCloseEvent {
  std::uint64_t round = 0;
  std::uint64_t pool = 0;                 // base units, at most kMaxAmount
  std::vector<Participant> participants;  // strictly ascending by account, at most kMaxParticipants
};

struct Mint {
  Account account{};
  std::uint64_t amount = 0;
  friend bool operator==(const Mint&, const Mint&) = default;
};

// What one event may cost. A unit of gas is one interpreter instruction, 16 bytes allocated, or a
// step of a host function. The defaults let the built-in rule pay kMaxParticipants with room.
struct RuleLimits {
  std::uint64_t gas = 20'000'000;
  std::uint64_t memory_bytes = 16U << 20;
  std::uint32_t max_effects = kMaxEffects;
};

// What a chain may allow its rule for one event: about two seconds, and so much memory, of everyone
// who re-executes it.
inline constexpr std::uint64_t kMaxRuleGas = 200'000'000;
inline constexpr std::uint64_t kMaxRuleMemoryBytes = 256U << 20;

struct RuleManifest {
  std::string name;  // [a-z][a-z0-9_]*, at most 32 characters
  std::uint32_t version = 0;
  std::uint32_t abi = 0;
  bool may_mint = false;              // capabilities = ["mint"]
  std::uint64_t mint_budget_ppm = 0;  // the part of a round's pool that the rule may mint
  std::uint32_t max_effects = 0;
};

// A refusal: the code, and one line for a person (never for the ledger).
struct RuleRefusal {
  RuleCode code = RuleCode::ok;
  std::string message;
};

// The manifest's text (docs/rules.md has the grammar, a strict part of TOML).
std::variant<RuleManifest, RuleRefusal> parse_rule_manifest(std::string_view text);

// A rule that passed every check, with its bytecode. Copyable and movable; made by compile_rule.
class CompiledRule {
 public:
  const RuleManifest& manifest() const { return manifest_; }
  const std::string& bytecode() const { return bytecode_; }  // host's own cache, not to be stored

 private:
  friend std::variant<CompiledRule, RuleRefusal> compile_rule(std::string_view, std::string_view);
  CompiledRule(RuleManifest manifest, std::string bytecode)
      : manifest_(std::move(manifest)), bytecode_(std::move(bytecode)) {}

  RuleManifest manifest_;
  std::string bytecode_;
};

std::variant<CompiledRule, RuleRefusal> compile_rule(std::string_view source,
                                                     std::string_view manifest);

struct RuleOutcome {
  RuleCode code = RuleCode::ok;
  std::uint64_t gas_used = 0;
  std::uint64_t peak_memory_bytes = 0;
  std::uint32_t line =
      0;  // of the source where it failed, 0 if unknown; for people, not the ledger
  std::vector<Mint> mints;  // ascending by account, one per account, amounts >= 1; empty on failure
};

// Runs the rule's on_round_close. Post-condition when code is ok: every mint goes to a participant
// and the amounts sum to at most the manifest's part of the pool.
RuleOutcome run_on_round_close(const CompiledRule& rule, const RoundCloseEvent& event,
                               const RuleLimits& limits);

// What results depend on beside the two texts: interpreter release, integer and pointer size, host
// ABI. Genesis names it; a node whose own differs must refuse to run rules.
std::string rule_abi();

// The exact bytes whose SHA-256 is the rule's id: a length before each of source, manifest and ABI.
std::string rule_id_preimage(std::string_view source, std::string_view manifest);

// A rule that ships in the program. Null texts when there is none of that name.
struct BuiltinRule {
  std::string_view source;
  std::string_view manifest;
};
BuiltinRule builtin_rule(std::string_view name);  // "linear"

}  // namespace gradmint::contracts
