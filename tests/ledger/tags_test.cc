// What stands behind each tag of the ledger: the layouts of docs/ledger.md, put together by hand.
#include <doctest/doctest.h>

#include "ledger/close_plan.h"
#include "ledger/hash.h"
#include "ledger/merkle.h"
#include "ledger/receipt.h"
#include "ledger/salts.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

// Bytes one after the other.
class Joined {
 public:
  Joined& number(std::uint64_t value, int size) {
    for (int i = 0; i < size; ++i) bytes_.push_back(static_cast<std::uint8_t>(value >> (8 * i)));
    return *this;
  }
  Joined& with(ByteView bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
    return *this;
  }
  Joined& with(const Hash& hash) { return with(hash.view()); }
  Hash under(const std::string& tag) const { return tagged_hash(tag, bytes_); }

 private:
  Bytes bytes_;
};

const Hash kA = hash_of("a"), kB = hash_of("b"), kC = hash_of("c");
const Opening kOpening{kC, 77, Encoding::int8, kA};

}  // namespace

TEST_CASE("tags: what names something") {
  World w;
  w.enrol();
  CHECK(account_of(kA) == Joined().number(1, 1).with(kA).under("gradmint/account/v1"));
  const Bytes genesis = encode_record(w.genesis);
  CHECK(w.genesis.chain_id() == Joined().with(genesis).under("gradmint/genesis/v1"));
  CHECK(w.genesis.params_hash() == Joined().with(genesis).under("gradmint/params/v1"));
  CHECK(w.genesis.validators_hash() == Joined()
                                           .number(1, 4)
                                           .with(w.genesis.validators[0].public_key)
                                           .with(w.genesis.validators[0].seed_chain_head)
                                           .under("gradmint/validators/v1"));
  const Header& header = w.chain.tip();
  CHECK(header.hash() == Joined().with(encode_record(header)).under("gradmint/header/v1"));
  const Bytes blob(5000, 7);
  const Hash leaves[] = {merkle_leaf_hash(ByteView(blob).first(4096)),
                         merkle_leaf_hash(ByteView(blob).subspan(4096))};
  CHECK(blob_root(blob) == Joined()
                               .number(5000, 8)
                               .with(merkle_node_hash(leaves[0], leaves[1]))
                               .under("gradmint/blob/v1"));
  const RegisterDataset dataset = w.dataset(0);
  CHECK(dataset_id(kA, dataset) ==
        Joined().with(kA).with(encode_record(dataset)).under("gradmint/dataset/v1"));
}

TEST_CASE("tags: what is signed or committed to") {
  World w;
  const SignedTransaction tx = w.say(w.workers[0], w.registration(0));
  const ByteView unsigned_part = ByteView(tx.bytes).first(tx.bytes.size() - 64);
  CHECK(tx.id == Joined().with(unsigned_part).under("gradmint/txid/v1"));
  CHECK(signing_digest(tx) == Joined().with(unsigned_part).under("gradmint/tx/register_worker/v1"));
  CHECK(vote_digest(kA, 3, 4, kB) ==
        Joined().with(kA).number(3, 8).number(4, 8).with(kB).under("gradmint/vote/v1"));
  CHECK(receipt_digest(kA, {3, 4}, kB, kC) ==
        Joined().with(kA).number(3, 8).number(4, 4).with(kB).with(kC).under("gradmint/receipt/v1"));
  CHECK(update_commitment(kA, kB, kOpening) ==
        Joined().with(kA).with(kB).with(kC).number(77, 8).number(3, 1).with(kA).under(
            "gradmint/commitment/v1"));
  RevealEvaluation figures;
  figures.round = 9;
  figures.metrics = {{"loss", 5}};
  figures.examples = 6;
  figures.salt = kC;
  CHECK(evaluation_commitment(kA, kB, figures) ==
        Joined().with(kA).with(kB).with(encode_record(figures)).under("gradmint/evaluation/v1"));
}

TEST_CASE("tags: what follows, for everybody or for who knows a secret") {
  CommitRecord first, second;
  first.body.commitment = std::max(kA, kB);
  second.body.commitment = std::min(kA, kB);
  first.body.examples = second.body.examples = 1;
  const std::vector<std::pair<AccountId, CommitRecord>> commits = {{kA, first}, {kB, second}};
  const Hash seed = Joined()
                        .number(3, 8)
                        .number(1, 4)
                        .with(kC)
                        .number(2, 4)
                        .with(std::min(kA, kB))
                        .with(std::max(kA, kB))
                        .under("gradmint/seed/v1");
  CHECK(round_seed(3, 1, kC, commits) == seed);
  const auto rank = [&](const Hash& worker) {
    return Joined().with(seed).with(worker).under("gradmint/order/v1");
  };
  const CloseCommits close = plan_close(3, 1, kC, commits);
  CHECK(rank(close.entries[0].worker) < rank(close.entries[1].worker));
  CHECK(update_salt(kA, kB, kC) == Joined().with(kA).with(kB).with(kC).under("gradmint/salt/v1"));
  CHECK(evaluation_salt(kA, 3, kB) ==
        Joined().with(kA).number(3, 8).with(kB).under("gradmint/evaluation-salt/v1"));
}

TEST_CASE("a receipt names its root and is signed over all that it is for") {
  const SecretKey validator = key_of("v");
  const std::vector<Validator> validators = {{key_of("w").public_key(), kA},
                                             {validator.public_key(), kA}};
  const Bytes receipt = make_receipt(validator, kA, {3, 1}, kB, kC);
  CHECK(receipt.size() == kReceiptBytes);
  CHECK(receipt_signer(receipt, kA, {3, 1}, kB, kC, validators) == validator.account());
  CHECK_FALSE(receipt_signer(receipt, kB, {3, 1}, kB, kC, validators));
  CHECK_FALSE(receipt_signer(receipt, kA, {4, 1}, kB, kC, validators));
  CHECK_FALSE(receipt_signer(receipt, kA, {3, 2}, kB, kC, validators));
  CHECK_FALSE(receipt_signer(receipt, kA, {3, 1}, kA, kC, validators));
  CHECK_FALSE(receipt_signer(receipt, kA, {3, 1}, kB, kB, validators));
  CHECK_FALSE(receipt_signer(receipt, kA, {3, 1}, kB, kC, {validators[0]}));
  KeptUpdate kept;
  kept.key = {3, 1};
  kept.opening = kOpening;
  kept.receipt = receipt;
  const Bytes bytes = encode_record(kept);
  const auto again = decode_record<KeptUpdate>(bytes);
  REQUIRE(again.has_value());
  CHECK(encode_record(*again) == bytes);
}
