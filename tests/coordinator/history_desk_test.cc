// What workers know of a chain's history, against the ledger that claims to be it.
#include "coordinator/server/history_desk.h"

#include <doctest/doctest.h>

#include "tests/coordinator/orderer_place.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

CertifiedHeader certified(const Header& header, const SecretKey& key) {
  return {encode_record(header), encode_record(certify(header, {{0, key}}))};
}

struct Desk {
  Desk() {
    place.extend_to(3);
    orderer = place.open();
    desk = std::make_unique<HistoryDesk>(*orderer, reporter, Home{place.root});
    inbound.address = "10.0.0.7";
  }
  const SecretKey& key() const { return place.world.validator(); }
  CertifiedHeader block(std::uint64_t height) const {
    const auto stored = orderer->store().block(height);
    REQUIRE(stored.ok());
    return {stored->header, stored->certificate};
  }
  Header header(std::uint64_t height) const {
    return decode_record<Header>(block(height).header).value();
  }
  // As another history of the same key would have it.
  CertifiedHeader other(std::uint64_t height) const {
    Header changed = header(std::min<std::uint64_t>(height, 3));
    changed.height = height;
    changed.time_ms += 1;
    return certified(changed, key());
  }
  std::optional<Refusal> hear(const CertifiedHeader& newest) {
    return desk->hear(Hello{orderer->chain().chain_id(), "test", newest}, inbound);
  }

  OrdererPlace place;
  std::unique_ptr<Orderer> orderer;
  std::vector<nlohmann::json> events;
  Reporter reporter{[this](const nlohmann::json& event) { events.push_back(event); }};
  std::unique_ptr<HistoryDesk> desk;
  Inbound inbound;
};

}  // namespace

TEST_CASE("what a worker's newest block says of this ledger") {
  Desk d;
  const Chain& chain = d.orderer->chain();
  CertifiedHeader forged = d.other(5);
  forged.certificate = d.block(3).certificate;
  Header foreign = d.header(3);
  foreign.chain_id = hash_of("x");
  struct Row {
    const char* what;
    CertifiedHeader header;
    Claim claim;
  };
  const Row rows[] = {
      {"nothing", {}, Claim::known},
      {"the tip", d.block(3), Claim::known},
      {"the tip, its certificate lost", {d.block(3).header, {}}, Claim::known},
      {"an old block", d.block(1), Claim::known},
      {"above the tip", d.other(5), Claim::ahead},
      {"another tip", d.other(3), Claim::other_block},
      {"another old block", d.other(1), Claim::other_block},
      {"not certified", forged, Claim::unproven},
      {"signed by another key", certified(d.header(3), key_of("stranger")), Claim::known},
      {"another block, signed by another key",
       {d.other(3).header, certified(d.header(3), key_of("stranger")).certificate},
       Claim::unproven},
      {"no header", {{1, 2, 3}, {4}}, Claim::unproven},
      {"another chain", certified(foreign, d.key()), Claim::unproven},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    CHECK(static_cast<int>(judge_claim(row.header, chain).claim) == static_cast<int>(row.claim));
  }
}

TEST_CASE("a worker that knows a newer block stops the signing, by name and heights") {
  Desk d;
  CHECK_FALSE(d.hear(d.block(3)));
  CHECK_FALSE(d.hear({}));
  CHECK(d.hear({{1, 2, 3}, {4}})->code == RefusalCode::malformed);
  CHECK_FALSE(d.desk->conflict());
  CHECK(d.events.empty());
  const auto refusal = d.hear(d.other(5));
  REQUIRE(refusal);
  CHECK(refusal->detail.find("ends with block 3") != std::string::npos);
  CHECK(refusal->detail.find("block 5") != std::string::npos);
  REQUIRE(d.desk->conflict());
  CHECK(d.desk->conflict()->code == ErrorCode::refused);
  for (const char* part : {"10.0.0.7", "block 5", "ends with block 3", "old copy", "restore"}) {
    CHECK(d.desk->conflict()->message.find(part) != std::string::npos);
  }
  REQUIRE(d.events.size() == 1);
  CHECK(d.events[0]["event"] == "warning");
  CHECK(d.events[0]["height"] == 5);
  CHECK(d.events[0]["tip"] == 3);
}

// Opened anew, as by a supervisor.
std::string refusal_of_restart(Desk& d) {
  d.desk.reset();
  d.orderer.reset();
  const auto orderer = d.place.try_open();
  return orderer.ok() ? "" : orderer.error().message;
}

TEST_CASE("an old copy that was shown a newer block does not sign after a restart either") {
  for (const std::uint64_t height : {4u, 5u, 9u}) {
    CAPTURE(height);
    Desk d;
    REQUIRE(d.hear(d.other(height)));
    const std::string refusal = refusal_of_restart(d);
    CHECK(refusal.find("ends with block 3") != std::string::npos);
    CHECK(refusal.find("has signed block " + std::to_string(height)) != std::string::npos);
    CHECK_FALSE(vouch_for(d.place.ledger(), d.place.guard(), 3).ok());
  }
}

TEST_CASE(
    "another block at a height of this ledger stops the signing, until its operator decides") {
  Desk d;
  CHECK_FALSE(d.hear(d.other(2)));  // welcome: so it finds the fork, and keeps both headers
  REQUIRE(d.desk->conflict());
  CHECK(d.desk->conflict()->message.find("two histories") != std::string::npos);
  CHECK(d.desk->conflict()->message.find("vouch --height 3") != std::string::npos);
  CHECK(refusal_of_restart(d).find("another history") != std::string::npos);

  REQUIRE(vouch_for(d.place.ledger(), d.place.guard(), 3).ok());
  d.orderer = d.place.open();
  d.desk = std::make_unique<HistoryDesk>(*d.orderer, d.reporter, Home{d.place.root});
  CHECK_FALSE(d.hear(d.other(2)));
  CHECK(std::holds_alternative<Pong>(d.desk->answer({d.block(2), d.other(2)}, d.inbound)));
  CHECK_FALSE(d.desk->conflict());
  CHECK(d.hear(d.other(4)));  // above what was vouched for
  CHECK(d.desk->conflict());
}

TEST_CASE("a fork that a worker reports is checked, and shown with both blocks") {
  Desk d;
  struct Row {
    const char* what;
    ReportFork report;
  };
  CertifiedHeader forged = d.other(2);
  forged.certificate = d.block(2).certificate;
  const Row idle[] = {{"nothing", {}},
                      {"one block", {d.block(2), d.block(2)}},
                      {"two heights", {d.block(2), d.other(3)}},
                      {"only one", {{}, d.other(2)}},
                      {"not certified", {d.block(2), forged}}};
  for (const Row& row : idle) {
    CAPTURE(row.what);
    CHECK(std::holds_alternative<Refusal>(d.desk->answer(row.report, d.inbound)));
    CHECK(d.events.empty());
    CHECK_FALSE(d.desk->conflict());
  }
  CHECK(std::holds_alternative<Pong>(d.desk->answer({d.block(2), d.other(2)}, d.inbound)));
  REQUIRE(d.events.size() == 2);
  CHECK(d.events[0]["event"] == "warning");
  CHECK(d.events[0]["height"] == 2);
  CHECK(d.events[0]["first"] == to_hex(d.header(2).hash()));
  CHECK(d.events[0]["text"].get<std::string>().find("10.0.0.7 has found a fork") !=
        std::string::npos);
  CHECK(d.desk->conflict());
}

TEST_CASE("a fork beside the genesis block needs no first header") {
  Desk d;
  CHECK(std::holds_alternative<Pong>(d.desk->answer({{}, d.other(0)}, d.inbound)));
  CHECK(d.desk->conflict());
}

TEST_CASE("a worker is named as the ledger knows it") {
  Desk d;
  World& world = d.place.world;
  REQUIRE(d.orderer->submit(world.say(world.workers[0], world.registration(0)), 1, {}));
  REQUIRE(make_block(*d.orderer, 0, false)->outcomes.at(0).verdict == Verdict::ok);
  d.inbound.curve_key = world.registration(0).curve_key;
  REQUIRE(d.hear(d.other(9)));
  CHECK(d.desk->conflict()->message.find(address_of(world.workers[0].account())) !=
        std::string::npos);
}

void enrol(Desk& d, int worker) {
  World& world = d.place.world;
  const SecretKey& key = world.workers[static_cast<std::size_t>(worker)];
  Transaction dataset = world.draft(key, world.dataset(worker));
  dataset.nonce = 1;  // behind the registration, of which world's own chain knows nothing
  REQUIRE(d.orderer->submit(world.say(key, world.registration(worker)), 1, {}));
  REQUIRE(d.orderer->submit(sign_transaction(dataset, key), 2, {}));
  const auto block = make_block(*d.orderer, static_cast<std::uint64_t>(worker), false);
  REQUIRE(block.ok());
  for (const Ordered& ordered : block->outcomes) CHECK(ordered.verdict == Verdict::ok);
}

TEST_CASE("nothing is signed before members could say what they hold, and no longer than that") {
  struct Row {
    const char* what;
    std::vector<int> heard;  // members, with blocks of this ledger
    std::uint64_t after_ms;  // since the first question
    bool expected;
  };
  const Row rows[] = {
      {"nobody", {}, 0, false},
      {"one of two", {0}, kHearMembersMs - 1, false},
      {"one twice", {0, 0}, kHearMembersMs - 1, false},
      {"both", {1, 0}, 1, true},
      {"nobody for so long", {}, kHearMembersMs, true},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    Desk d;
    enrol(d, 0);
    enrol(d, 1);
    REQUIRE(members_of(d.orderer->chain().state()).size() == 2);
    CHECK_FALSE(d.desk->members_heard(1000));
    for (const int member : row.heard) {
      d.inbound.curve_key = d.place.world.registration(member).curve_key;
      CHECK_FALSE(d.hear(d.block(3)));
    }
    CHECK(d.desk->members_heard(1000 + row.after_ms) == row.expected);
  }
  Desk d;
  CHECK(d.desk->members_heard(1000));  // where nobody is a member there is nobody to hear
  Desk stranger;
  enrol(stranger, 0);
  CHECK_FALSE(stranger.desk->members_heard(1000));
  CHECK_FALSE(stranger.hear(stranger.block(3)));
  CHECK_FALSE(stranger.desk->members_heard(1001));
}
