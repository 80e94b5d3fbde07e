// Every set of signers of up to seven validators, with every set of them faulty.
#include <doctest/doctest.h>

#include <bit>

#include "ledger/block.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

struct Quorum {
  std::size_t validators;
  std::uint32_t needed;
};
constexpr Quorum kQuorums[] = {{1, 1}, {2, 2}, {3, 3}, {4, 3},  {5, 4},  {6, 5},
                               {7, 5}, {8, 6}, {9, 7}, {10, 7}, {64, 43}};

struct Signatures {
  std::vector<Validator> validators;
  Header header;
  std::vector<Signature> honest, forged;
};

Signatures signatures_of(std::size_t count) {
  Signatures s;
  s.header.height = count;
  const Hash digest = vote_digest({}, 0, count, s.header.hash());
  for (std::size_t i = 0; i < count; ++i) {
    const SecretKey key = key_of("validator " + std::to_string(i));
    s.validators.push_back({key.public_key(), {}});
    s.honest.push_back(key.sign(digest));
    s.forged.push_back(key.sign(hash_of("another block")));
  }
  return s;
}

Verdict expected(unsigned signers, unsigned faulty, std::size_t count) {
  if ((signers & faulty) != 0) return Verdict::bad_certificate;
  return static_cast<std::uint32_t>(std::popcount(signers)) >= quorum_of(count)
             ? Verdict::ok
             : Verdict::no_quorum;
}

}  // namespace

TEST_CASE("certificates: a quorum is more than two thirds") {
  for (const Quorum& each : kQuorums) {
    CHECK(quorum_of(each.validators) == each.needed);
    // Any two quorums share more validators than a third, so one honest one.
    CHECK(2 * each.needed - each.validators > (each.validators - 1) / 3);
  }
}

TEST_CASE("certificates: every signing set times every faulty set, for up to seven validators") {
  std::size_t cases = 0;
  for (std::size_t count = 1; count <= 7; ++count) {
    const Signatures s = signatures_of(count);
    const unsigned sets = 1U << count;
    for (unsigned signers = 0; signers < sets; ++signers) {
      for (unsigned faulty = 0; faulty < sets; ++faulty) {
        // Who is faulty and does not sign changes nothing.
        if ((faulty & ~signers) != 0) continue;
        Certificate certificate{0, count, s.header.hash(), {}};
        for (std::size_t i = 0; i < count; ++i) {
          if ((signers >> i & 1U) == 0) continue;
          const bool forge = (faulty >> i & 1U) != 0;
          certificate.votes.push_back(
              {static_cast<std::uint16_t>(i), forge ? s.forged[i] : s.honest[i]});
        }
        const Verdict found = verify_certificate(certificate, s.header, s.validators);
        if (found != expected(signers, faulty, count)) {
          FAIL_CHECK(count << " validators, signers " << signers << ", faulty " << faulty << ": "
                           << verdict_name(found));
        }
        ++cases;
      }
    }
  }
  MESSAGE(cases << " certificates");
}
