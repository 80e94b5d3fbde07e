// What a validator's key has signed last, against ledgers that are old, of another history, or
// whose writer died between the two.
#include <doctest/doctest.h>

#include "coordinator/server/home.h"
#include "ledger/durable_file.h"
#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// Refused with a line that has each of these in it; and nothing was changed.
void check_refused(const OrdererPlace& place, ErrorCode code,
                   const std::vector<std::string>& parts) {
  const auto orderer = place.try_open();
  REQUIRE_FALSE(orderer.ok());
  CHECK(orderer.error().code == code);
  CHECK(orderer.error().message.find('\n') == std::string::npos);
  for (const std::string& part : parts) {
    CAPTURE(orderer.error().message);
    CHECK(orderer.error().message.find(part) != std::string::npos);
  }
}

Bytes bytes_of_guard(const OrdererPlace& place) {
  return read_file(place.guard().file(), std::size_t{1} << 24).value();
}

void write_guard(const OrdererPlace& place, ByteView bytes) {
  REQUIRE(replace_file(place.guard().file(), bytes, 0600).ok());
}

}  // namespace

TEST_CASE("guard: a key goes on where it was, and its guard names the newest block") {
  const OrdererPlace place;
  CHECK(place.guard().read()->height == 0);
  place.extend_to(3);
  CHECK(place.guard().read()->height == 3);
  const auto orderer = place.open();
  CHECK(orderer->chain().height() == 3);
  CHECK(place.guard().read()->block_hash == orderer->chain().tip_hash());
  CHECK(place.guard().read()->chain_id == orderer->chain().chain_id());
}

TEST_CASE("guard: an old ledger is given no second history") {
  const OrdererPlace place;
  place.extend_to(3);
  place.keep("old");
  place.extend_to(6);
  place.keep("newest");
  place.put_back("old");
  check_refused(place, ErrorCode::corrupt,
                {"ends with block 3", "has signed block 6", "second history", "Restore"});
  check_refused(place, ErrorCode::corrupt, {"second history"});  // nor the second time
  place.put_back("newest");
  CHECK(place.open()->chain().height() == 6);
}

TEST_CASE("guard: a block that was signed and not stored is stored at the next start, as it was") {
  const OrdererPlace place;
  place.extend_to(3);
  place.keep("before");
  Hash signed_then;
  {
    const auto orderer = place.open();
    const World& world = place.world;
    REQUIRE(orderer->submit(world.say(world.workers[0], world.registration(0)), 7, {}));
    const auto block = make_block(*orderer, 0, false);
    REQUIRE(block.ok());
    REQUIRE(block->outcomes.at(0).verdict == Verdict::ok);
    signed_then = orderer->chain().tip_hash();
  }
  place.keep("after");
  place.put_back("before");  // what a kill between guard and store leaves
  {
    const auto orderer = place.open();
    CHECK(orderer->chain().height() == 4);
    CHECK(orderer->chain().tip_hash() == signed_then);
    const auto worker = get<AccountRecord>(orderer->chain().state(),
                                           state_key::account(place.world.workers[0].account()));
    REQUIRE(worker.has_value());
    CHECK(worker->is_worker);
    const auto block = orderer->store().block(4);
    REQUIRE(block.ok());
    REQUIRE(make_block(*orderer, 0, true).ok());
  }
  CHECK(place.open()->chain().height() == 5);
}

TEST_CASE("guard: without it, or with a damaged one, nothing is signed") {
  const OrdererPlace place;
  place.extend_to(2);
  const Bytes whole = bytes_of_guard(place);
  for (std::size_t byte = 0; byte < whole.size(); byte += 7) {
    Bytes flipped = whole;
    flipped[byte] ^= 1;
    write_guard(place, flipped);
    check_refused(place, ErrorCode::corrupt, {"is damaged", "signed"});
  }
  write_guard(place, ByteView(whole).first(whole.size() / 2));
  check_refused(place, ErrorCode::corrupt, {"is damaged"});
  std::filesystem::remove(place.guard().file());
  check_refused(place, ErrorCode::not_found, {"is gone", "vouch --height 2"});
  write_guard(place, whole);
  CHECK(place.open()->chain().height() == 2);
}

TEST_CASE("guard: another history, and another chain") {
  const OrdererPlace place;
  place.extend_to(3);
  place.keep("fork point");
  const Bytes guard = bytes_of_guard(place);
  place.extend_to(5);
  const Bytes guard_of_first = bytes_of_guard(place);
  place.put_back("fork point");
  write_guard(place, guard);
  place.extend_to(6, 1'900'000'000'000);  // what only somebody who restores the guard too can do
  write_guard(place, guard_of_first);
  check_refused(place, ErrorCode::corrupt, {"another history", "block 5"});

  // One above the tip, but not on it.
  place.put_back("fork point");
  write_guard(place, guard);
  place.extend_to(4, 1'900'000'000'000);
  write_guard(place, guard_of_first);
  check_refused(place, ErrorCode::corrupt, {"another history", "block 5"});

  const OrdererPlace other("another name, so another chain");
  write_guard(place, bytes_of_guard(other));
  check_refused(place, ErrorCode::corrupt, {"another chain"});
}

TEST_CASE("guard: one that is older than the ledger is brought up") {
  const OrdererPlace place;
  place.extend_to(3);
  const Bytes guard = bytes_of_guard(place);
  place.extend_to(5);
  write_guard(place, guard);
  place.extend_to(6);
  CHECK(place.guard().read()->height == 6);
}

TEST_CASE("guard: no new federation where the key has signed for another") {
  const OrdererPlace place;
  place.extend_to(2);
  std::filesystem::remove_all(place.ledger());
  const Bytes guard = bytes_of_guard(place);
  const Status made =
      create_ledger(place.ledger(), place.files(), place.world.validator(), place.world.genesis);
  REQUIRE_FALSE(made.ok());
  CHECK(made.error().code == ErrorCode::bad_input);
  CHECK(made.error().message.find("has signed block 2") != std::string::npos);
  CHECK(bytes_of_guard(place) == guard);
}

TEST_CASE("vouch: only for the newest block, and never against what the guard knows") {
  const OrdererPlace place;
  place.extend_to(3);
  place.keep("old");
  place.extend_to(5);
  place.keep("newest");
  const Bytes guard = bytes_of_guard(place);
  place.put_back("old");
  const Status worse = vouch_for(place.ledger(), place.guard(), 3);
  REQUIRE_FALSE(worse.ok());
  CHECK(worse.error().code == ErrorCode::refused);
  CHECK(worse.error().message.find("knows better") != std::string::npos);
  CHECK(bytes_of_guard(place) == guard);

  place.put_back("newest");
  std::filesystem::remove(place.guard().file());
  for (const std::uint64_t height : {0u, 3u, 4u, 6u}) {
    CHECK_FALSE(vouch_for(place.ledger(), place.guard(), height).ok());
    check_refused(place, ErrorCode::not_found, {"is gone"});
  }
  REQUIRE(vouch_for(place.ledger(), place.guard(), 5).ok());
  CHECK(place.open()->chain().height() == 5);
  CHECK(place.guard().read()->block_hash == place.open()->chain().tip_hash());
  CHECK(place.guard().read()->vouched_height == 5);
}

TEST_CASE("vouch: of two signed histories the operator says which one holds") {
  const OrdererPlace place;
  place.extend_to(3);
  place.keep("fork point");
  const Bytes guard = bytes_of_guard(place);
  place.extend_to(5);
  const Bytes guard_of_first = bytes_of_guard(place);
  place.put_back("fork point");
  write_guard(place, guard);
  place.extend_to(4, 1'900'000'000'000);
  const Bytes guard_of_second = bytes_of_guard(place);
  // The first has a block 5, which this one would get a second of.
  write_guard(place, guard_of_first);
  CHECK(vouch_for(place.ledger(), place.guard(), 4).error().code == ErrorCode::refused);
  write_guard(place, guard_of_second);
  place.extend_to(6, 1'900'000'000'001);
  write_guard(place, guard_of_first);
  check_refused(place, ErrorCode::corrupt, {"another history", "block 5", "vouch --height 6"});
  REQUIRE(vouch_for(place.ledger(), place.guard(), 6).ok());
  CHECK(place.open()->signer().vouched_height() == 6);
  place.extend_to(8);
  CHECK(place.open()->signer().vouched_height() == 6);
}

TEST_CASE("home: one coordinator, whatever is deleted; what a killed one left is removed") {
  const TemporaryDirectory folder;
  const Home home{folder.path()};
  CHECK(lock_home(Home{folder.path() / "nothing"}).error().code == ErrorCode::not_found);
  std::filesystem::create_directories(home.keys());
  const auto left = home.keys() / "signed.partial-12-0";
  REQUIRE(replace_file(left, as_bytes("half")).ok());
  {
    const auto lock = lock_home(home);
    REQUIRE(lock.ok());
    CHECK_FALSE(std::filesystem::exists(left));
    std::filesystem::remove_all(home.run());
    const auto second = lock_home(home);
    REQUIRE_FALSE(second.ok());
    CHECK(second.error().code == ErrorCode::busy);
    CHECK(second.error().message.find("another coordinator is running in") != std::string::npos);
  }
  CHECK(lock_home(home).ok());
}
