#include "contracts/interpreter.h"

#include <algorithm>
#include <clocale>
#include <cstdlib>

#include "kernels/base/check.h"

namespace gradmint::contracts {

namespace {

// String comparison and numeral parsing in Lua go through the C library's locale. This thread uses
// the C locale while a rule runs, whatever the process or its environment chose.
class CLocale {
 public:
  CLocale() : before_(uselocale(c_locale())) {}
  ~CLocale() { uselocale(before_); }
  CLocale(const CLocale&) = delete;
  CLocale& operator=(const CLocale&) = delete;

 private:
  static locale_t c_locale() {
    static const locale_t locale = newlocale(LC_ALL_MASK, "C", nullptr);
    GRADMINT_CHECK(locale != nullptr);
    return locale;
  }
  locale_t before_;
};

// Lua's allocator. For a new block `old_size` is a type tag, not a size.
void* allocate(void* user, void* block, std::size_t old_size, std::size_t new_size) {
  Meter& meter = *static_cast<Meter*>(user);
  const std::size_t held = block == nullptr ? 0 : old_size;
  if (new_size == 0) {
    meter.shrink(held);
    std::free(block);
    return nullptr;
  }
  if (new_size > held) {
    if (!meter.grow(held, new_size)) return nullptr;
  } else {
    meter.shrink(held - new_size);  // Lua takes it for granted that shrinking succeeds
  }
  void* moved = std::realloc(block, new_size);
  // The machine's own memory must not decide what a rule does: all nodes see the same result.
  GRADMINT_CHECK(moved != nullptr);
  return moved;
}

void on_instruction(lua_State* state, lua_Debug*) {
  if (!meter_of(state).charge(1)) stop_run(state, RuleCode::out_of_gas);
}

// Notes the source line for people. Allocates nothing, so it works with every limit used up.
void note_line(lua_State* state) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(state, level, &frame) != 0; ++level) {
    lua_getinfo(state, "l", &frame);
    if (frame.currentline > 0) {
      meter_of(state).set_line(static_cast<std::uint32_t>(frame.currentline));
      return;
    }
  }
}

// Message handler, for errors that Lua itself raises.
int on_error(lua_State* state) {
  if (meter_of(state).line() == 0) note_line(state);
  return 1;
}

}  // namespace

bool Meter::charge(std::uint64_t gas) {
  if (stop_ != RuleCode::ok) return false;
  if (gas > gas_limit_ - gas_used_) {
    gas_used_ = gas_limit_;
    stop_ = RuleCode::out_of_gas;
    return false;
  }
  gas_used_ += gas;
  return true;
}

bool Meter::grow(std::uint64_t old_bytes, std::uint64_t new_bytes) {
  // The whole new block is charged: growing copies it.
  if (!charge(new_bytes / kBytesPerGas + (new_bytes % kBytesPerGas != 0 ? 1 : 0))) return false;
  const std::uint64_t grown = bytes_ + (new_bytes - old_bytes);
  if (grown > memory_limit_) {
    stop_ = RuleCode::out_of_memory;
    return false;
  }
  bytes_ = grown;
  peak_ = std::max(peak_, bytes_);
  return true;
}

RuleCode run_metered(Meter& meter, lua_CFunction body) {
  const CLocale c_locale;
  lua_State* state = lua_newstate(allocate, &meter);
  if (state == nullptr) return meter.stop();
  *static_cast<Meter**>(lua_getextraspace(state)) = &meter;
  // Without a collector no hook-free finalizer runs, and peak memory does not depend on its pace.
  lua_gc(state, LUA_GCSTOP);
  lua_pushcfunction(state, on_error);
  lua_pushcfunction(state, body);
  const int status = lua_pcall(state, 0, 0, 1);
  if (status != LUA_OK) meter.stop_with(RuleCode::runtime_error);
  lua_close(state);
  return meter.stop();
}

Meter& meter_of(lua_State* state) { return **static_cast<Meter**>(lua_getextraspace(state)); }

void start_counting(lua_State* state) { lua_sethook(state, on_instruction, LUA_MASKCOUNT, 1); }

int stop_run(lua_State* state, RuleCode code) {
  note_line(state);
  meter_of(state).stop_with(code);
  lua_pushnil(state);
  return lua_error(state);
}

void charge_or_stop(lua_State* state, std::uint64_t gas) {
  if (!meter_of(state).charge(gas)) stop_run(state, RuleCode::out_of_gas);
}

}  // namespace gradmint::contracts
