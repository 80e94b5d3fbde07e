#include "contracts/rule_host.h"

#include <algorithm>
#include <cstring>
#include <span>

#include "contracts/apportion.h"
#include "contracts/wide.h"

namespace gradmint::contracts {

namespace {

constexpr std::uint64_t kCallGas = 10;
constexpr std::uint64_t kMintGas = 30;       // a binary search among the participants
constexpr std::uint64_t kApportionGas = 30;  // for each share: two divisions and a part of a sort

RuleRun& run_of(lua_State* state) { return static_cast<RuleRun&>(meter_of(state)); }

// Host functions take exactly their number of arguments, and integers that are integers already.
void expect_arguments(lua_State* state, int count) {
  if (lua_gettop(state) != count) stop_run(state, RuleCode::bad_argument);
}
lua_Integer integer_at(lua_State* state, int index) {
  if (lua_isinteger(state, index) == 0) stop_run(state, RuleCode::bad_argument);
  return lua_tointegerx(state, index, nullptr);
}
int push_checked(lua_State* state, SignedWide value) {
  if (value < INT64_MIN || value > INT64_MAX) return stop_run(state, RuleCode::overflow);
  lua_pushinteger(state, static_cast<lua_Integer>(value));
  return 1;
}

// add(a, b), sub(a, b), mul(a, b): what + - * would wrap is an error here.
int host_add(lua_State* state) {
  charge_or_stop(state, kCallGas);
  expect_arguments(state, 2);
  return push_checked(state, SignedWide{integer_at(state, 1)} + integer_at(state, 2));
}
int host_sub(lua_State* state) {
  charge_or_stop(state, kCallGas);
  expect_arguments(state, 2);
  return push_checked(state, SignedWide{integer_at(state, 1)} - integer_at(state, 2));
}
int host_mul(lua_State* state) {
  charge_or_stop(state, kCallGas);
  expect_arguments(state, 2);
  return push_checked(state, SignedWide{integer_at(state, 1)} * integer_at(state, 2));
}

// muldiv(a, b, c): floor(a * b / c) with a 128-bit product; c is at least 1.
int host_muldiv(lua_State* state) {
  charge_or_stop(state, kCallGas);
  expect_arguments(state, 3);
  const SignedWide product = SignedWide{integer_at(state, 1)} * integer_at(state, 2);
  const SignedWide divisor = integer_at(state, 3);
  if (divisor < 1) return stop_run(state, RuleCode::bad_argument);
  SignedWide quotient = product / divisor;
  if (product < 0 && product % divisor != 0) --quotient;
  return push_checked(state, quotient);
}

// mint(account, amount): asks for `amount` >= 1 base units for a participant.
int host_mint(lua_State* state) {
  charge_or_stop(state, kMintGas);
  expect_arguments(state, 2);
  RuleRun& run = run_of(state);
  if (run.event == nullptr) return stop_run(state, RuleCode::bad_argument);
  if (!run.rule->manifest().may_mint) return stop_run(state, RuleCode::missing_capability);
  if (lua_type(state, 1) != LUA_TSTRING) return stop_run(state, RuleCode::bad_argument);
  const lua_Integer amount = integer_at(state, 2);
  if (amount < 1) return stop_run(state, RuleCode::bad_argument);
  std::size_t length = 0;
  const char* bytes = lua_tolstring(state, 1, &length);
  Mint mint;
  if (length != mint.account.size()) return stop_run(state, RuleCode::bad_argument);
  std::memcpy(mint.account.data(), bytes, length);
  mint.amount = static_cast<std::uint64_t>(amount);
  if (!std::ranges::binary_search(run.event->participants, mint.account, {},
                                  &Participant::account)) {
    return stop_run(state, RuleCode::unknown_account);
  }
  if (run.mints.size() >= run.max_effects) return stop_run(state, RuleCode::too_many_effects);
  run.mints.push_back(mint);
  return 0;
}

void apportion_in_place(std::uint64_t pool, std::span<std::uint64_t> shares) {
  const std::vector<std::uint64_t> amounts =
      apportion(pool, std::span<const std::uint64_t>(shares));
  std::ranges::copy(amounts, shares.begin());
}

// apportion(pool, shares): an array of amounts, one for each share, by largest remainder with ties
// to the smaller index. The scratch is a Lua block, so that an error on the way leaks nothing.
int host_apportion(lua_State* state) {
  charge_or_stop(state, kCallGas);
  expect_arguments(state, 2);
  const lua_Integer pool = integer_at(state, 1);
  if (pool < 0 || lua_type(state, 2) != LUA_TTABLE) return stop_run(state, RuleCode::bad_argument);
  const lua_Unsigned count = lua_rawlen(state, 2);
  if (count > kMaxParticipants) return stop_run(state, RuleCode::bad_argument);
  charge_or_stop(state, kApportionGas * count);
  auto* shares =
      static_cast<std::uint64_t*>(lua_newuserdatauv(state, count * sizeof(std::uint64_t), 0));
  for (lua_Unsigned i = 0; i < count; ++i) {
    lua_rawgeti(state, 2, static_cast<lua_Integer>(i) + 1);
    const lua_Integer share = integer_at(state, -1);
    if (share < 0) return stop_run(state, RuleCode::bad_argument);
    shares[i] = static_cast<std::uint64_t>(share);
    lua_pop(state, 1);
  }
  apportion_in_place(static_cast<std::uint64_t>(pool), {shares, count});
  lua_createtable(state, static_cast<int>(count), 0);
  for (lua_Unsigned i = 0; i < count; ++i) {
    lua_pushinteger(state, static_cast<lua_Integer>(shares[i]));
    lua_rawseti(state, -2, static_cast<lua_Integer>(i) + 1);
  }
  return 1;
}

// Sets field `name` of the table below the top to the integer.
void set_integer(lua_State* state, const char* name, std::uint64_t value) {
  lua_pushinteger(state, static_cast<lua_Integer>(value));
  lua_setfield(state, -2, name);
}

// Sets field `name` to an array of what `push` pushes for each participant.
template <class Push>
void set_array(lua_State* state, const char* name, const std::vector<Participant>& participants,
               Push push) {
  lua_createtable(state, static_cast<int>(participants.size()), 0);
  lua_Integer index = 0;
  for (const Participant& participant : participants) {
    push(participant);
    lua_rawseti(state, -2, ++index);
  }
  lua_setfield(state, -2, name);
}

}  // namespace

void register_host_functions(lua_State* state) {
  lua_register(state, "add", host_add);
  lua_register(state, "sub", host_sub);
  lua_register(state, "mul", host_mul);
  lua_register(state, "muldiv", host_muldiv);
  lua_register(state, "mint", host_mint);
  lua_register(state, "apportion", host_apportion);
}

void push_event(lua_State* state, const RoundCloseEvent& event) {
  const auto push_integer = [state](std::uint64_t value) {
    lua_pushinteger(state, static_cast<lua_Integer>(value));
  };
  lua_createtable(state, 0, 7);
  set_integer(state, "round", event.round);
  set_integer(state, "pool", event.pool);
  set_integer(state, "count", event.participants.size());
  set_array(state, "accounts", event.participants, [state](const Participant& participant) {
    lua_pushlstring(state, reinterpret_cast<const char*>(participant.account.data()),
                    participant.account.size());
  });
  set_array(state, "weights", event.participants,
            [&](const Participant& participant) { push_integer(participant.weight); });
  set_array(state, "scores_ppm", event.participants,
            [&](const Participant& participant) { push_integer(participant.score_ppm); });
  set_array(state, "accepted", event.participants, [state](const Participant& participant) {
    lua_pushboolean(state, participant.accepted ? 1 : 0);
  });
}

}  // namespace gradmint::contracts
