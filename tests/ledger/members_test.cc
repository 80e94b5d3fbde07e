// Who is a member: the index, and what the statements about members do to it.
#include <doctest/doctest.h>

#include <algorithm>
#include <limits>

#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// A state whose reader counts what is read of it.
class Counted : public StateReader {
 public:
  explicit Counted(const StateReader& state) : state_(state) {}
  std::optional<Bytes> find(const std::string& key) const override {
    ++reads;
    return state_.find(key);
  }
  void scan_first(const std::string& prefix, std::size_t limit, const Visit& visit) const override {
    state_.scan_first(prefix, limit, [&](const std::string& key, const Bytes& value) {
      ++reads;
      visit(key, value);
    });
  }
  mutable std::size_t reads = 0;

 private:
  const StateReader& state_;
};

AccountId add_worker(State& state, std::uint32_t number, std::uint64_t height) {
  AccountRecord record;
  record.is_worker = true;
  record.datasets = 1;
  record.registered_height = height;
  const AccountId id = hash_of("worker " + std::to_string(number));
  StateDelta delta(state);
  put(delta, state_key::account(id), record);
  index_member(delta, id, record);
  for (const auto& [key, value] : delta.changes()) state.insert(key, *value);
  return id;
}

}  // namespace

TEST_CASE("members: at most kMaxMembers take part, those who registered first") {
  State state;
  const AccountId early = add_worker(state, 0, 1);
  for (std::uint32_t i = 1; i < kMaxMembers; ++i) add_worker(state, i, 2);
  const auto before = members_of(state);
  CHECK(before.size() == kMaxMembers);
  for (std::uint32_t i = 0; i < 50; ++i) add_worker(state, kMaxMembers + i, 3);
  const auto members = members_of(state);
  CHECK(members == before);
  CHECK(members == members_by_scan(state));
  CHECK(std::binary_search(members.begin(), members.end(), early));
}

TEST_CASE("members: finding them reads nothing of those who are none") {
  State state;
  for (std::uint32_t i = 0; i < 3; ++i) add_worker(state, i, 1);
  AccountRecord funded;
  funded.balance = 1;
  for (int i = 0; i < 2000; ++i) {
    state.insert(state_key::account(hash_of("funded " + std::to_string(i))), encode_record(funded));
  }
  const Counted counted(state);
  CHECK(members_of(counted).size() == 3);
  CHECK(counted.reads == 3);
}

TEST_CASE("members: the index says what the accounts say, block after block") {
  World w;
  CHECK(members_of(w.chain.state()).empty());
  for (int i = 0; i < 4; ++i) {
    const SecretKey& key = w.workers[static_cast<std::size_t>(i)];
    w.must(key, w.registration(i));
    CHECK(members_of(w.chain.state()) == members_by_scan(w.chain.state()));
    w.must(key, w.dataset(i));
    CHECK(members_of(w.chain.state()).size() == static_cast<std::size_t>(i + 1));
    CHECK(members_of(w.chain.state()) == members_by_scan(w.chain.state()));
  }
  // A registration that stands in the same block as its dataset is one already.
  World same;
  Transaction dataset = same.draft(same.workers[0], same.dataset(0));
  dataset.nonce = 1;
  same.play({same.say(same.workers[0], same.registration(0)),
             sign_transaction(dataset, same.workers[0])});
  CHECK(members_of(same.chain.state()).size() == 1);
}

TEST_CASE("state: the first entries of a delta are those of what it comes to") {
  State base;
  for (char c = 'a'; c <= 'f'; ++c) base.insert(std::string("m/") + c, {1});
  StateDelta delta(base);
  delta.remove("m/a");
  delta.remove("m/c");
  delta.put("m/bb", {2});
  delta.put("m/z", {3});
  delta.remove("m/never");
  const std::vector<std::string> all = {"m/b", "m/bb", "m/d", "m/e", "m/f", "m/z"};
  for (std::size_t limit = 0; limit <= all.size() + 1; ++limit) {
    std::vector<std::string> seen;
    delta.scan_first("m/", limit, [&](const std::string& k, const Bytes&) { seen.push_back(k); });
    const std::vector<std::string> expected(
        all.begin(), all.begin() + static_cast<std::ptrdiff_t>(std::min(limit, all.size())));
    CHECK(seen == expected);
  }
}

TEST_CASE("members: a settled round counts who gave no update, and an update ends the count") {
  World w;
  w.enrol();
  const auto missed = [&](int i) {
    const AccountId id = w.workers[static_cast<std::size_t>(i)].account();
    return get<AccountRecord>(w.chain.state(), state_key::account(id))->rounds_missed;
  };
  w.run_round_of({0, 1, 2});  // the fourth makes no commitment
  w.silent = {2};
  w.run_round_of({0, 1, 2});  // and the third reveals nothing
  CHECK(missed(0) == 0);
  CHECK(missed(2) == 1);
  CHECK(missed(3) == 2);
  w.silent = {};
  w.run_round_of({0, 1, 2});
  CHECK(missed(2) == 0);
  CHECK(missed(3) == 3);
  // A refused update is one.
  w.own_payloads[3] = std::vector<float>(8, std::numeric_limits<float>::quiet_NaN());
  w.own_exponents[3] = 0;
  w.run_round();
  CHECK(missed(3) == 0);
}

TEST_CASE("members: a suspended one is in no round, keeps its money, and comes back") {
  World w;
  w.enrol();
  w.run_round();
  const AccountId id = w.workers[1].account();
  const auto balance = [&] {
    return get<AccountRecord>(w.chain.state(), state_key::account(id))->balance;
  };
  const std::uint64_t before = balance();
  REQUIRE(before > 0);
  w.must(w.validator(), SuspendMember{id, SuspendReason::operator_decision, "left"});
  CHECK(members_of(w.chain.state()).size() == 3);
  CHECK(members_of(w.chain.state()) == members_by_scan(w.chain.state()));
  const auto record = get<SuspensionRecord>(w.chain.state(), state_key::suspension(id));
  REQUIRE(record.has_value());
  CHECK(record->text == "left");
  CHECK(record->height == w.chain.height());
  w.must(w.workers[1], Transfer{w.workers[0].account(), 1, ""});
  CHECK(balance() == before - 1);
  w.run_round_of({0, 2, 3});
  CHECK(w.round().phase == RoundPhase::settled);
  w.must(w.validator(), ReadmitMember{id});
  CHECK(members_of(w.chain.state()).size() == 4);
  CHECK(!w.chain.state().find(state_key::suspension(id)));
  w.run_round();
}

TEST_CASE("members: a suspended one leaves its place to the next, and takes it back") {
  State state;
  for (std::uint32_t i = 0; i < kMaxMembers + 1; ++i) add_worker(state, i, 1 + i);
  const AccountId first = hash_of("worker 0"), last = hash_of("worker 4095");
  const auto is_member = [](const StateReader& s, const AccountId& id) {
    const auto members = members_of(s);
    return std::binary_search(members.begin(), members.end(), id);
  };
  CHECK(is_member(state, first));
  CHECK_FALSE(is_member(state, last));
  StateDelta delta(state);
  put(delta, state_key::suspension(first), SuspensionRecord{});
  index_member(delta, first, *get<AccountRecord>(state, state_key::account(first)));
  CHECK_FALSE(is_member(delta, first));
  CHECK(is_member(delta, last));
  delta.remove(state_key::suspension(first));
  index_member(delta, first, *get<AccountRecord>(state, state_key::account(first)));
  CHECK(is_member(delta, first));
  CHECK_FALSE(is_member(delta, last));
}

namespace {

RotateKey new_keys_of(const World& w, int worker) {
  return {w.workers[static_cast<std::size_t>(worker)].account(), key_of("new key").public_key(),
          hash_of("new curve key")};
}

// A statement of an account, signed with whatever key.
SignedTransaction signed_with(const World& w, const SecretKey& account, const SecretKey& key,
                              TxType type, Bytes body) {
  return sign_transaction(w.draft(account, type, std::move(body)), key);
}

}  // namespace

TEST_CASE("members: a key changes at once by the old key's word, and the account stays") {
  World w;
  w.enrol();
  w.run_round();
  const SecretKey& old_key = w.workers[0];
  const RotateKey body = new_keys_of(w, 0);
  const auto before = get<AccountRecord>(w.chain.state(), state_key::account(body.account));
  w.must(old_key, body);
  const auto after = get<AccountRecord>(w.chain.state(), state_key::account(body.account));
  CHECK(after->public_key == body.public_key);
  CHECK(after->curve_key == body.curve_key);
  CHECK(after->balance == before->balance);
  CHECK(after->nonce == before->nonce + 1);
  CHECK(w.chain.state().find(state_key::curve_key(body.curve_key)).has_value());
  CHECK_FALSE(w.chain.state().find(state_key::curve_key(before->curve_key)).has_value());
  CHECK(members_of(w.chain.state()).size() == 4);

  const Bytes pay = encode_record(Transfer{w.workers[1].account(), 1, ""});
  CHECK(w.chain.check(signed_with(w, old_key, old_key, TxType::transfer, pay)) ==
        Verdict::bad_signature);
  CHECK(w.chain.check(signed_with(w, old_key, key_of("new key"), TxType::transfer, pay)) ==
        Verdict::ok);
}

TEST_CASE("members: the operator's change of a key waits, and the old key can end it") {
  World w;
  w.enrol();
  const RotateKey body = new_keys_of(w, 0);
  const AccountId& id = body.account;
  const auto public_key = [&] {
    return get<AccountRecord>(w.chain.state(), state_key::account(id))->public_key;
  };
  const Hash old_key = public_key();
  const auto asked = [&] { return get<RotationRecord>(w.chain.state(), state_key::rotation(id)); };
  w.must(w.validator(), body);
  REQUIRE(asked().has_value());
  CHECK(asked()->due_height == w.chain.height() + 4);
  CHECK(public_key() == old_key);
  while (w.chain.height() + 1 < asked()->due_height) {
    CHECK(w.ask(w.validator(), body) == Verdict::rotation_pending);
    w.empty_blocks(1);
  }

  // By naming its present keys.
  RotateKey keep{id, old_key, w.registration(0).curve_key};
  w.must(w.workers[0], keep);
  CHECK_FALSE(asked().has_value());
  CHECK(public_key() == old_key);

  // Said anew, the wait is the whole one again; and so it is for other keys.
  w.must(w.validator(), body);
  w.empty_blocks(3);
  RotateKey other = body;
  other.curve_key = hash_of("another curve key");
  w.must(w.validator(), other);
  CHECK(w.ask(w.validator(), body) == Verdict::ok);  // would begin anew as well
  CHECK(w.ask(w.validator(), other) == Verdict::rotation_pending);
  w.empty_blocks(3);
  w.must(w.validator(), other);
  CHECK_FALSE(asked().has_value());
  CHECK(public_key() == body.public_key);
  CHECK(w.chain.state().find(state_key::curve_key(other.curve_key)).has_value());
}

TEST_CASE("members: whoever holds a stolen key cannot keep a suspended account from its owner") {
  World w;
  w.enrol();
  const RotateKey body = new_keys_of(w, 0);
  const RotateKey keep{body.account, w.workers[0].public_key(), w.registration(0).curve_key};
  const auto public_key = [&] {
    return get<AccountRecord>(w.chain.state(), state_key::account(body.account))->public_key;
  };
  w.must(w.validator(), SuspendMember{body.account, SuspendReason::operator_decision, "stolen"});
  w.must(w.validator(), body);
  w.must(w.workers[0], keep);
  w.empty_blocks(3);
  w.must(w.validator(), body);
  CHECK(public_key() == body.public_key);
}
