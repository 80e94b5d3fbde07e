#include "ledger/records.h"

#include <doctest/doctest.h>

#include "ledger/block.h"
#include "ledger/close_plan.h"
#include "ledger/hash.h"
#include "ledger/state.h"
#include "tests/ledger/samples.h"
#include "tests/ledger/world.h"

using namespace gradmint;
using namespace gradmint::test;

namespace {

struct Golden {
  std::string_view name;
  std::size_t size_bytes;
  std::string_view sha256_hex;
};

// A line that changes means another format: a new version number, never an edit of this table
// alone.
constexpr Golden kGolden[] = {
    {"register_worker", 107, "21feac460d4f1c30e92ef8b5edfeef744b027fd2d6090d5f534506d21ccdc748"},
    {"register_dataset", 104, "7d518717798cd9a4beeaee117e581d01c6211ddcae433948d068a003fef2e4d6"},
    {"open_round", 324, "3f554f63c1486c8aaa6a8227dc064775dfdc897e0bc80b699125be7fbc1aeebb"},
    {"commit_update", 115, "02a060d2ddfd186ae1457e0fecbd617e1fe2ee8017eacb35c551817fef770b56"},
    {"opening", 73, "b4f9a160d73e4a7503f215677cb11162546195521e1833f5feaca89c0ff7d098"},
    {"close_commits", 128, "edd98a4f0af4451dbaf18f8e2f602fcea073a26490c2f351972f43f9218a442b"},
    {"round_result", 289, "6ae41767f7477388b7921f3a449bc33078a1595934d64f513b333dd4677ce272"},
    {"abandon_round", 228, "a9ea2bb581fa1826261cf139b24d06e7e3c210f97bc1c48fe1e84d656a596e1a"},
    {"commit_evaluation", 40, "83136c31da3ee71ac76720aac54332478b1bec037f9b08b5c27f998cf7a01c59"},
    {"reveal_evaluation", 99, "c1faa2f97bb49838a71ed7b80322ca84f73b1be71828ec2432172e48f2d3e4a0"},
    {"settle_round", 120, "81452975207cb0127c6195828f0476c55913fc1f4176f8fef97167c5eff36d63"},
    {"suspend_member", 41, "15ee334af22ac80ef020db43617b2a91fd7a9279f8c4b0f9ac5b5c772623142f"},
    {"readmit_member", 32, "637e35cff9b9205b888806de3c6629a1f7cdb115afe43bf8dfe5f239ca6e522e"},
    {"rotate_key", 96, "3fb4e0c16ae382a391127e78771e9a051e28a53c8969f8f70bedab43fe27b8b7"},
    {"transfer", 50, "d8aa83655c6924135721efa9c7ae36679348e0362995c122b99bb28713ba5693"},
    {"genesis", 813, "59abc3ffaeed50371230cbc0b604979c11e5faee12134744334b518ba7fc9220"},
    {"header", 346, "4ddd7385e4ae6165ca2145718a6d41910d26f42d9fdbb9c900f43f0ea20697d5"},
    {"certificate", 184, "d5b698398dbfe2217daf62d915a2ef46b6eb461add9904158af36c50c12c11bd"},
    {"receipt", 126, "a2a14481d997a26414fa16112f7c6e7b4f65534de180cd98a4a0aafb4a478709"},
    {"account", 157, "bfc712315f4b186c704de7cf873b3c82a1772e39a66b91221db2fd3d9cd904e0"},
    {"dataset", 144, "73daae1907ee6b69dd829956a6f8cdbfb80607d4fd07765b506e6c265b42b7e3"},
    {"round", 882, "90f8ca4d28c9a24febc40644ba192a002cee804e066dc54eab756c80ebb4d089"},
    {"commit", 131, "6de0c86faf29c2ab0312580b9e962ba1484d7c7a6c368241829990e1d57e060d"},
    {"root", 40, "74dc0e7a6734c76f8053eb5c167e98df2845f39586eed062e0f266a6dbe30828"},
    {"evaluation", 132, "ba9e4b1f8d955d103dd561bd6b0f70a4b5fd3cb4bddff7fbce992c185de39f69"},
    {"job", 76, "51c7a7a771dd5f451d77f0ffd9663f4f9761c9ea6b6cfeec2d6374dd74b3d335"},
    {"suspension", 17, "098a0ebb5363c53fffc6fc0061e9fe3636d5233f63ab85b073a14510f97283b8"},
    {"rotation", 72, "7976f77bdbcef9340f131bf7f05947c8f94504facfffe3227c9a0f27750c43b5"},
    {"totals", 32, "d5f6653f9c4f771c861982484e25662ae5c748a5fb29ca3f4d7760107901f8c9"},
    {"state_sums", 108, "5615c18d6dc5c3a83ee83985685e39d37f1919b790fa8bb76f8479eadff32166"},
    {"fix_scaler", 100, "0e6bc5984f4b82bf57ac15f613f4c7eae5598fd05301b53a9d42312a7bcf3be4"},
    {"sums", 116, "b91dcdcfeffce4dd562b16e427b4c4f3da83d775bd649ef19daf1ded882d87bb"},
    {"scaler", 40, "4b8505a18a91fe02ba8f808a7c949a8d0b12d55cb5640e353e68bd636fffb27c"},
    {"kept_update", 364, "90b2fac19e951d194bcf722f6e7c5a9a30574f82578468d0100250a8bc25b6e4"},
};

struct GoldenHash {
  std::string_view what;
  Hash hash;
  std::string_view hex;
};

}  // namespace

TEST_CASE("records: the bytes of every record are the published ones") {
  const auto samples = record_samples();
  CHECK(samples.size() == std::size(kGolden));
  for (const Sample& sample : samples) {
    const auto row = std::find_if(std::begin(kGolden), std::end(kGolden),
                                  [&](const Golden& g) { return g.name == sample.name; });
    const std::string found = to_hex(sha256(sample.bytes));
    if (row == std::end(kGolden) || row->size_bytes != sample.bytes.size() ||
        row->sha256_hex != found) {
      FAIL_CHECK("{\"" << sample.name << "\", " << sample.bytes.size() << ", \"" << found
                       << "\"},");
    }
  }
}

TEST_CASE("records: a few bytes written out, for whoever writes another decoder") {
  Transfer transfer;
  transfer.to.bytes.fill(0xab);
  transfer.amount = 0x0102030405060708;
  transfer.memo = "hi";
  std::string expected;
  for (int i = 0; i < 32; ++i) expected += "ab";
  expected += "0807060504030201";
  expected += "02000000";
  expected += "6869";
  CHECK(to_hex(encode_record(transfer)) == expected);
  const SettleRound settle{1, 2, {{"f1", 2, -1, std::nullopt}}, {}};
  CHECK(to_hex(encode_record(settle)) ==
        "0100000000000000"
        "02000000"
        "01000000"
        "020000006631"
        "02000000"
        "01ffffffffffffffff"
        "00"
        "00000000");
  CHECK(to_hex(encode_record(Metric{"f1", 3})) == "020000006631010300000000000000");
  CHECK(to_hex(encode_record(Metric{"f1", std::nullopt})) == "02000000663100");
  const RoundLimits limits{1, 2, 3, 4, 5, 6};
  CHECK(to_hex(encode_record(limits)) ==
        "01000000"
        "0200000000000000"
        "03000000"
        "04000000"
        "05000000"
        "06000000");
}

TEST_CASE("records: every derived hash is the published one") {
  const Opening opening{hash_of("root"), 32, Encoding::fp32, hash_of("salt")};
  const RegisterDataset dataset{"d", hash_of("samples"), 3, "s", "o", "l"};
  const RevealEvaluation evaluation{1, {{"loss", 2}}, 4, hash_of("salt")};
  CommitRecord commit;
  commit.body.commitment = hash_of("commitment");
  GenesisRecord genesis;
  genesis.validators = {{hash_of("key"), hash_of("head")}};
  genesis.rule_limits = {1, 2, 3};
  Header header;
  header.height = 5;
  const GoldenHash hashes[] = {
      {"update commitment", update_commitment(hash_of("open"), hash_of("worker"), opening),
       "19dd031213b37d34e411e406ec62f3cf5726df9fb554f71907a4c75740886f75"},
      {"evaluation commitment", evaluation_commitment(hash_of("e"), hash_of("model"), evaluation),
       "b208b4e21cfad7aa584df805ff524e330f68433b1eb1034a194c5d5f316c4c5b"},
      {"dataset id", dataset_id(hash_of("owner"), dataset),
       "c3805ce14786d23285a635bf4c17b8efe9d1de18acb5732f8d66caf4a542e3ee"},
      {"round seed", round_seed(1, 2, hash_of("preimage"), {{hash_of("w"), commit}}),
       "a50fbdb21bc6d50666d53922eeb1023bc3c1734909884d2cce32c5c8988c5e0c"},
      {"vote", vote_digest(hash_of("chain"), 1, 2, hash_of("block")),
       "f30a3a602c8df634d6da57ac8b2bba9e7a3e6dedfcdce92a1bce867a7c785937"},
      {"header", header.hash(), "6a824c42edf77420e3194c5f885a087e04a1e61e6fe4bb9bd537aceb58176f29"},
      {"chain id", genesis.chain_id(),
       "1ee70be5576baf566444baf1e939ad35ea92f2583571ab594de7da1f90a7a8be"},
      {"params", genesis.params_hash(),
       "0cca1de2b98b5b81e630d70764e92b6977686c9f3670f3b339d92185c9d4ad0f"},
      {"validators", genesis.validators_hash(),
       "db6cdd985d3fb35db14e33639f061a3a484e04c7447458623a588e913789d674"},
      {"account", account_of(key_of("worker 0").public_key()),
       "10afb5ab4e835efae72ca98bcb10ca4d2086589be2228255ad024c9e21f8df8f"},
      {"no transactions", transactions_root({}),
       "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
      {"one receipt", receipts_root({TransactionReceipt{}}),
       "140eda45fe001c0fe47edd7fc509ff1882d46fbcb7c7437d893c1fb83012e433"},
  };
  for (const GoldenHash& each : hashes) {
    CAPTURE(each.what);
    CHECK(to_hex(each.hash) == each.hex);
  }
}

TEST_CASE("records: what was encoded decodes, and to the same bytes") {
  for (const Sample& sample : record_samples()) {
    CAPTURE(sample.name);
    const auto again = sample.again(sample.bytes);
    REQUIRE(again.has_value());
    CHECK(*again == sample.bytes);
  }
}

TEST_CASE("records: no truncation and no trailing byte is accepted") {
  for (const Sample& sample : record_samples()) {
    CAPTURE(sample.name);
    for (std::size_t size = 0; size < sample.bytes.size(); ++size) {
      CAPTURE(size);
      CHECK_FALSE(sample.again(ByteView(sample.bytes).first(size)).has_value());
    }
    Bytes longer = sample.bytes;
    longer.push_back(0);
    CHECK_FALSE(sample.again(longer).has_value());
  }
}

TEST_CASE("records: whatever a decoder accepts encodes to the same bytes") {
  std::size_t accepted = 0, refused = 0;
  for (const Sample& sample : record_samples()) {
    for (std::size_t bit = 0; bit < sample.bytes.size() * 8; ++bit) {
      Bytes changed = sample.bytes;
      changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << (bit % 8)));
      const auto again = sample.again(changed);
      ++(again ? accepted : refused);
      if (!again || *again == changed) continue;
      FAIL_CHECK(sample.name << ": bit " << bit << " is accepted and not kept");
    }
  }
  MESSAGE(accepted << " changed records accepted as others, " << refused << " refused");
  CHECK(refused > 1000);
}

TEST_CASE("records: a length that the bytes cannot hold is refused before anything is allocated") {
  Writer w;
  w.u64(1);
  w.u32(0);
  w.hash(Hash{});
  w.i16(0);
  w.i16(0);
  w.u32(4095);  // entries, and none of them there
  CHECK_FALSE(decode_record<CloseCommits>(w.view()).has_value());
}

TEST_CASE("records: what is not canonical is refused") {
  const AccountId a = std::min(hash_of("a"), hash_of("b")),
                  b = std::max(hash_of("a"), hash_of("b"));
  OpenRound open;
  open.members = {a, b};
  const auto accepts = [](const auto& record) {
    return decode_record<std::decay_t<decltype(record)>>(encode_record(record)).has_value();
  };
  CHECK(accepts(open));
  open.members = {b, a};
  CHECK_FALSE(accepts(open));
  open.members = {a, a};
  CHECK_FALSE(accepts(open));
  open.members = {};
  open.training.local_steps = 3;  // beside local_epochs
  CHECK_FALSE(accepts(open));
  open.training.local_epochs = 0;
  CHECK(accepts(open));
  open.training.batch_size = 0;
  CHECK_FALSE(accepts(open));

  CHECK_FALSE(accepts(RoundLimits{0, 1, 1, 1, 1, 1}));
  CHECK_FALSE(accepts(RoundLimits{1, 0, 1, 1, 1, 1}));
  CHECK_FALSE(accepts(RoundLimits{1, kMaxExamples + 1, 1, 1, 1, 1}));
  CHECK_FALSE(accepts(AbandonRound{1, 0, Verdict::not_revealed, {{b, {}}, {a, {}}}}));
  CHECK_FALSE(accepts(RevealEvaluation{1, {{"loss", kMaxMetricMicro + 1}}, 1, {}}));
  CHECK_FALSE(accepts(Transfer{a, 1, std::string(kMaxMemoBytes + 1, 'x')}));
  CHECK_FALSE(accepts(AbandonRound{1, 0, static_cast<Verdict>(9999), {}}));
}

TEST_CASE("records: verdict names are unique and numbers known") {
  std::set<std::string_view> names;
  for (std::uint32_t value = 0; value <= 0xFFFF; ++value) {
    if (!is_verdict(static_cast<std::uint16_t>(value))) continue;
    const auto name = verdict_name(static_cast<Verdict>(value));
    CHECK(name != "unknown_verdict");
    CHECK(names.insert(name).second);
  }
  CHECK(names.contains("ok"));
  CHECK(verdict_name(static_cast<Verdict>(9999)) == "unknown_verdict");
}
