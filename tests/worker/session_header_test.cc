#include <doctest/doctest.h>

#include <functional>

#include "tests/ledger/world.h"
#include "worker/session/header_chain.h"

namespace gradmint::test {
namespace {

using session::HeaderChain;
using session::HeaderOutcome;

CertifiedHeader certified(const PlayedBlock& block) {
  return {encode_record(block.draft.block.header), encode_record(block.certificate)};
}

// A header of this world with something changed, certified again by its validator.
CertifiedHeader changed(const World& world, std::size_t block,
                        const std::function<void(Header&)>& change) {
  Header header = world.played[block].draft.block.header;
  change(header);
  return {encode_record(header), encode_record(world.certify(header, {0}))};
}

TEST_CASE("a chain starts from its own genesis alone") {
  World world;
  const Bytes genesis = encode_record(world.genesis);
  const auto chain = HeaderChain::start(genesis, world.chain.chain_id());
  REQUIRE(chain.ok());
  CHECK(chain->tip_hash() == world.chain.tip_hash());
  CHECK_FALSE(HeaderChain::start(genesis, hash_of("another")).ok());
  CHECK_FALSE(HeaderChain::start(ByteView(genesis).first(20), world.chain.chain_id()).ok());
  GenesisRecord other = world.genesis;
  other.rule_abi = "lua-9";
  const auto refused = HeaderChain::start(encode_record(other), other.chain_id());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().message.find("interpreter") != std::string::npos);
}

TEST_CASE("what becomes of a header") {
  World world;
  world.empty_blocks(4);
  auto start = HeaderChain::start(encode_record(world.genesis), world.chain.chain_id());
  REQUIRE(start.ok());
  HeaderChain chain = *std::move(start);
  REQUIRE(chain.offer(certified(world.played[0])).outcome == HeaderOutcome::appended);
  REQUIRE(chain.offer(certified(world.played[1])).outcome == HeaderOutcome::appended);

  const auto third = [&](const std::function<void(Header&)>& change) {
    return changed(world, 2, change);
  };
  CertifiedHeader uncertified = certified(world.played[2]);
  uncertified.certificate = encode_record(world.played[1].certificate);
  struct Row {
    const char* what;
    CertifiedHeader header;
    HeaderOutcome outcome;
    Verdict verdict;
  };
  const Row rows[] = {
      {"known", certified(world.played[1]), HeaderOutcome::known, Verdict::ok},
      {"one missing", certified(world.played[3]), HeaderOutcome::gap, Verdict::ok},
      {"another block 1", changed(world, 0, [](Header& h) { h.time_ms += 1; }), HeaderOutcome::fork,
       Verdict::ok},
      {"another parent", third([](Header& h) { h.parent_hash = hash_of("x"); }),
       HeaderOutcome::fork_below, Verdict::ok},
      {"no header", {Bytes{1, 2, 3}, {}}, HeaderOutcome::broken, Verdict::malformed},
      {"no certificate",
       {certified(world.played[2]).header, {}},
       HeaderOutcome::broken,
       Verdict::bad_certificate},
      {"another's certificate", uncertified, HeaderOutcome::broken, Verdict::bad_certificate},
      {"chain", third([](Header& h) { h.chain_id = hash_of("x"); }), HeaderOutcome::broken,
       Verdict::wrong_chain},
      {"time", third([](Header& h) { h.time_ms = 0; }), HeaderOutcome::broken, Verdict::wrong_time},
      {"history", third([](Header& h) { h.history_root = hash_of("x"); }), HeaderOutcome::broken,
       Verdict::wrong_history_root},
      {"validators", third([](Header& h) { h.validators_hash = hash_of("x"); }),
       HeaderOutcome::broken, Verdict::wrong_validators},
      {"parameters", third([](Header& h) { h.params_hash = hash_of("x"); }), HeaderOutcome::broken,
       Verdict::wrong_params},
  };
  for (const Row& row : rows) {
    CAPTURE(row.what);
    const auto judged = chain.offer(row.header);
    CHECK(static_cast<int>(judged.outcome) == static_cast<int>(row.outcome));
    CHECK(verdict_name(judged.verdict) == verdict_name(row.verdict));
    CHECK(chain.height() == 2);  // none of them is taken
  }
  CHECK(chain.offer(certified(world.played[2])).outcome == HeaderOutcome::appended);
  CHECK(chain.contains(world.chain.history()[3]));
  CHECK_FALSE(chain.contains(world.chain.history()[4]));
}

}  // namespace
}  // namespace gradmint::test
