// What waits for the next block, and how much of it one connection may take.
#include <doctest/doctest.h>

#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

struct Queue {
  // How many of `count` from one source are taken.
  int taken(const Source& source, int count) {
    SignedTransaction tx = world.say(world.validator(), Transfer{hash_of("x"), 1, ""});
    int all = 0;
    for (int i = 0; i < count; ++i) all += orderer->submit(tx, 1, source) ? 1 : 0;
    return all;
  }
  OrdererPlace place;
  World& world = place.world;
  std::unique_ptr<Orderer> orderer = place.open();
};

Source enrolled(int i) { return {hash_of("worker " + std::to_string(i)), true}; }
Source stranger(int i) { return {hash_of("stranger " + std::to_string(i)), false}; }

}  // namespace

TEST_CASE("queue: one connection has a small part of it, and the others the rest") {
  Queue queue;
  CHECK(queue.taken(enrolled(0), 1000) == 16);
  CHECK(queue.taken(enrolled(0), 1) == 0);
  CHECK(queue.taken(enrolled(1), 1000) == 16);
  CHECK(queue.taken(stranger(0), 1000) == 16);
}

TEST_CASE("queue: strangers with any number of keys leave room for those who are enrolled") {
  Queue queue;
  int strangers = 0, workers = 0;
  for (int i = 0; i < 5000; ++i) strangers += queue.taken(stranger(i), 1);
  CHECK(strangers == 1024);
  for (int i = 0; i < 5000; ++i) workers += queue.taken(enrolled(i), 1);
  CHECK(workers == 4096 - 1024);
}

TEST_CASE("queue: bytes are bounded too, and a block makes room again") {
  Queue queue;
  SignedTransaction large = queue.world.say(queue.world.validator(), Transfer{hash_of("x"), 1, ""});
  large.bytes.resize(200 * 1024);
  int all = 0;
  for (int i = 0; i < 10; ++i) all += queue.orderer->submit(large, 1, enrolled(0)) ? 1 : 0;
  CHECK(all == 2);  // of 512 KiB
  for (int i = 1; i < 1000; ++i) all += queue.orderer->submit(large, 1, enrolled(i)) ? 1 : 0;
  CHECK(all == 40);  // of 8 MiB
  REQUIRE(make_block(*queue.orderer, 1, true).ok());
  CHECK(queue.taken(enrolled(0), 1000) == 16);
}
