#include "contracts/rule.h"

#include <algorithm>

#include "contracts/bytecode_scan.h"
#include "contracts/effects.h"
#include "contracts/interpreter.h"
#include "contracts/rule_host.h"
#include "kernels/base/check.h"

namespace gradmint::contracts {

namespace {

constexpr std::uint32_t kHostAbi = 1;
constexpr const char* kHandler = "on_round_close";
constexpr const char* kChunkName = "=rule";
constexpr std::uint64_t kCompileMemoryBytes = 16U << 20;
// What the part outside the handler may cost: it runs before each event, and should define
// functions and little else.
constexpr std::uint64_t kTopLevelGas = 200'000;

static_assert(LUA_VERSION_NUM == 504 && sizeof(lua_Integer) == 8,
              "the bytecode scan and the gas numbers belong to Lua 5.4 with 64-bit integers");

// A failed text is one line whatever the source put into it.
std::string one_line(const char* text) {
  std::string line = text == nullptr ? "no message" : text;
  std::ranges::replace_if(
      line, [](char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7F; }, '?');
  return line;
}

struct Compilation : Meter {
  using Meter::Meter;
  std::string_view source;
  std::string bytecode;
  std::string message;
};

int append_bytecode(lua_State*, const void* bytes, std::size_t size, void* to) {
  static_cast<std::string*>(to)->append(static_cast<const char*>(bytes), size);
  return 0;
}

int compile_source(lua_State* state) {
  auto& job = static_cast<Compilation&>(meter_of(state));
  const int status = luaL_loadbufferx(state, job.source.data(), job.source.size(), kChunkName, "t");
  if (status == LUA_ERRMEM) return stop_run(state, RuleCode::out_of_memory);
  if (status != LUA_OK) {
    job.message = one_line(lua_tolstring(state, -1, nullptr));
    return stop_run(state, RuleCode::syntax_error);
  }
  lua_dump(state, append_bytecode, &job.bytecode, 0);
  return 0;
}

// The whole of a run: load, run the top level, find the handler, call it with the event.
int run_rule(lua_State* state) {
  auto& run = static_cast<RuleRun&>(meter_of(state));
  register_host_functions(state);
  const std::string& bytecode = run.rule->bytecode();
  if (luaL_loadbufferx(state, bytecode.data(), bytecode.size(), kChunkName, "b") != LUA_OK) {
    return stop_run(state, RuleCode::out_of_memory);  // nothing else can fail: it was scanned
  }
  start_counting(state);
  lua_call(state, 0, 0);
  if (lua_getglobal(state, kHandler) != LUA_TFUNCTION || lua_iscfunction(state, -1) != 0) {
    return stop_run(state, RuleCode::missing_handler);
  }
  if (run.event == nullptr) return 0;
  push_event(state, *run.event);
  lua_call(state, 1, 0);
  return 0;
}

RuleRefusal refused(RuleCode code, std::uint32_t line, std::string_view what) {
  std::string message = "rule";
  if (line > 0) message += ":" + std::to_string(line);
  return {code, message + ": " + std::string(what)};
}

void append_sized(std::string& to, std::string_view text) {
  for (int shift = 0; shift < 32; shift += 8) {
    to.push_back(static_cast<char>(text.size() >> shift & 0xFFU));
  }
  to.append(text);
}

}  // namespace

std::variant<CompiledRule, RuleRefusal> compile_rule(std::string_view source,
                                                     std::string_view manifest) {
  if (source.size() > kMaxRuleSourceBytes) {
    return refused(RuleCode::too_large, 0, "source over 65536 bytes");
  }
  auto parsed = parse_rule_manifest(manifest);
  if (auto* refusal = std::get_if<RuleRefusal>(&parsed)) return std::move(*refusal);
  auto& declared = std::get<RuleManifest>(parsed);
  if (declared.abi != kHostAbi) {
    return refused(RuleCode::abi_mismatch, 0,
                   "manifest says abi = " + std::to_string(declared.abi) +
                       ", this program runs abi = " + std::to_string(kHostAbi));
  }

  Compilation job(UINT64_MAX, kCompileMemoryBytes);
  job.source = source;
  switch (const RuleCode code = run_metered(job, compile_source)) {
    case RuleCode::ok:
      break;
    case RuleCode::syntax_error:
      return RuleRefusal{code, job.message};
    default:
      return refused(code, 0, "the source needs too much memory to compile");
  }
  const ScanResult scan = scan_bytecode(job.bytecode);
  if (scan.code != RuleCode::ok) {
    const bool main = scan.line == 0;
    return refused(scan.code, scan.line,
                   std::string(main ? "contains " : "this function contains ") + scan.what);
  }

  CompiledRule rule(std::move(declared), std::move(job.bytecode));
  RuleRun check(kTopLevelGas, kCompileMemoryBytes);
  check.rule = &rule;
  const RuleCode code = run_metered(check, run_rule);
  if (code == RuleCode::missing_handler) {
    return refused(code, 0, "defines no function on_round_close");
  }
  if (code != RuleCode::ok) {
    return refused(code, check.line(),
                   std::string("fails outside on_round_close: ") + rule_code_name(code));
  }
  return rule;
}

RuleOutcome run_on_round_close(const CompiledRule& rule, const RoundCloseEvent& event,
                               const RuleLimits& limits) {
  RuleOutcome outcome;
  outcome.code = check_event(event);
  if (outcome.code != RuleCode::ok) return outcome;

  RuleRun run(limits.gas, limits.memory_bytes);
  run.rule = &rule;
  run.event = &event;
  run.max_effects = std::min({limits.max_effects, rule.manifest().max_effects, kMaxEffects});
  outcome.code = run_metered(run, run_rule);
  outcome.gas_used = run.gas_used();
  outcome.peak_memory_bytes = run.peak_memory_bytes();
  if (outcome.code == RuleCode::ok) outcome.code = merge_mints(run.mints);
  if (outcome.code == RuleCode::ok) {
    outcome.code = check_mints(rule.manifest(), event, run.mints);
  }
  if (outcome.code == RuleCode::ok) {
    outcome.mints = std::move(run.mints);
  } else {
    outcome.line = run.line();
  }
  return outcome;
}

std::string rule_abi() {
  // lua_version names the library that is linked, LUA_RELEASE the headers it was built with.
  GRADMINT_CHECK(lua_version(nullptr) == LUA_VERSION_NUM);
  return std::string(LUA_RELEASE) + "/int" + std::to_string(8 * sizeof(lua_Integer)) + "/ptr" +
         std::to_string(sizeof(void*)) + "/abi" + std::to_string(kHostAbi);
}

std::string rule_id_preimage(std::string_view source, std::string_view manifest) {
  std::string bytes;
  append_sized(bytes, source);
  append_sized(bytes, manifest);
  append_sized(bytes, rule_abi());
  return bytes;
}

}  // namespace gradmint::contracts
