#include "tests/ledger/samples.h"

#include "ledger/block.h"
#include "ledger/receipt.h"
#include "ledger/scaler.h"
#include "ledger/state.h"
#include "tests/ledger/world.h"

namespace gradmint::test {
namespace {

template <class T>
Sample sample(std::string name, const T& record) {
  return {std::move(name), encode_record(record), [](ByteView bytes) -> std::optional<Bytes> {
            const auto decoded = decode_record<T>(bytes);
            if (!decoded) return std::nullopt;
            return encode_record(*decoded);
          }};
}

std::vector<AccountId> two_accounts() {
  std::vector<AccountId> accounts = {hash_of("a"), hash_of("b")};
  std::sort(accounts.begin(), accounts.end());
  return accounts;
}

AggregationSpec aggregation() {
  return {{{"clip", {{"tau", 0x40000000}}}},
          {"mean", {}},
          {"nesterov", {{"lr", 0x3f800000}, {"beta", 0x3f000000}}}};
}

Opening opening() { return {hash_of("root"), 32, Encoding::fp32, hash_of("salt")}; }

OpenRound open_round() {
  OpenRound record;
  record.round = 7;
  record.attempt = 1;
  record.model_root = hash_of("model");
  record.optimizer_root = hash_of("optimizer");
  record.aggregation = aggregation();
  record.training = {0, 20, 16, "sgd", 0x3dcccccd, 0x3f666666, 42};
  record.limits = {2, 1000, 60'000, 30'000, 5'000, 3};
  record.members = two_accounts();
  record.evaluators = {two_accounts()[0]};
  return record;
}

CommitUpdate commit_update() {
  return {7, 1, hash_of("commitment"), -3, 90, 45, hash_of("data"), {{"loss", 312'500}}};
}

CloseCommits close_commits() {
  return {7, 1,  hash_of("preimage"),
          2, 40, {{hash_of("b"), 90, Verdict::ok}, {hash_of("a"), 70, Verdict::out_of_range}}};
}

RoundResult round_result() {
  return {7,
          1,
          {{hash_of("b"), Verdict::ok, opening(), 0x3FE0000000000000, true, 3, 812'345, 90,
            0x3FF8000000000000},
           {hash_of("a"), Verdict::not_revealed, std::nullopt, 0, false, 0, 0, 0, 0}},
          hash_of("next model"),
          hash_of("next optimizer")};
}

RevealEvaluation reveal_evaluation() {
  return {
      7, {{"accuracy", 934'000}, {"dice", std::nullopt}, {"loss", -250'000}}, 360, hash_of("salt")};
}

MetricSummaries summaries() {
  return {{"accuracy", 3, 934'000, 930'001},
          {"dice", 0, std::nullopt, std::nullopt},
          {"loss", 2, kMaxMetricMicro, std::nullopt}};
}

RegisterDataset register_dataset() {
  return {"digits 0", hash_of("samples"), 360, "pixels:f32[64],label:class", "scanned", "CC0-1.0"};
}

GenesisRecord genesis() {
  GenesisRecord record;
  record.name = "sample";
  record.time_ms = 1'700'000'000'000;
  record.validators = {{hash_of("key 0"), hash_of("head 0")},
                       {hash_of("key 1"), hash_of("head 1")}};
  record.allocations = {{two_accounts()[0], 5}, {two_accounts()[1], 6}};
  record.emission = {100, 10, 2'000};
  record.rule_source = "function on_round_close(event) end";
  record.rule_manifest = "name = \"none\"";
  record.rule_abi = "an interpreter";
  record.rule_limits = {1000, 65536, 10};
  record.task = {"mlp",
                 "classification",
                 hash_of("program"),
                 hash_of("layout"),
                 {8, 3},
                 hash_of("m"),
                 R"({"classes":["ill","well"],"columns":[{"mean":"54.5","name":"age",)"
                 R"("scale":"0.1","type":"integer"}],"format":"gradmint/data-contract/v1",)"
                 R"("kind":"table","label":"state","task":"classification"})"};
  record.enrolment = Enrolment::allow_list;
  record.allowed = two_accounts();
  record.limits = {5, 6, 7, 8, 9, 10};
  record.nonce = hash_of("nonce");
  return record;
}

Header header() {
  Header record;
  record.chain_id = hash_of("chain");
  record.epoch = 1;
  record.height = 9;
  record.time_ms = 1'700'000'009'000;
  record.parent_hash = hash_of("parent");
  record.transactions_root = hash_of("transactions");
  record.receipts_root = hash_of("receipts");
  record.state_root = hash_of("state");
  record.history_root = hash_of("history");
  record.validators_hash = hash_of("validators");
  record.next_validators_hash = hash_of("next validators");
  record.params_hash = hash_of("params");
  record.proposer = hash_of("proposer");
  return record;
}

void add_bodies(std::vector<Sample>& all) {
  all.push_back(sample("register_worker", RegisterWorker{hash_of("key"), hash_of("curve"),
                                                         "gpu box", hash_of("code")}));
  all.push_back(sample("register_dataset", register_dataset()));
  all.push_back(sample("open_round", open_round()));
  all.push_back(sample("commit_update", commit_update()));
  all.push_back(sample("opening", opening()));
  all.push_back(sample("close_commits", close_commits()));
  all.push_back(sample("round_result", round_result()));
  all.push_back(sample("abandon_round", AbandonRound{7,
                                                     1,
                                                     Verdict::too_few_updates,
                                                     {{two_accounts()[0], opening()},
                                                      {two_accounts()[1], opening()}}}));
  all.push_back(sample("commit_evaluation", CommitEvaluation{7, hash_of("evaluation")}));
  all.push_back(sample("reveal_evaluation", reveal_evaluation()));
  all.push_back(sample("settle_round", SettleRound{7, 3, summaries(), {{"loss", 1, -1, -1}}}));
  all.push_back(sample("suspend_member",
                       SuspendMember{hash_of("member"), SuspendReason::operator_decision, "left"}));
  all.push_back(sample("readmit_member", ReadmitMember{hash_of("member")}));
  all.push_back(
      sample("rotate_key", RotateKey{hash_of("member"), hash_of("key"), hash_of("curve")}));
  all.push_back(sample("transfer", Transfer{hash_of("to"), 1'250'000'000, "thanks"}));
}

void add_blocks(std::vector<Sample>& all) {
  all.push_back(sample("genesis", genesis()));
  all.push_back(sample("header", header()));
  Signature signature;
  signature.bytes.fill(0x5a);
  all.push_back(
      sample("certificate", Certificate{1, 9, hash_of("block"), {{0, signature}, {3, signature}}}));
  TransactionReceipt receipt{hash_of("id"), 1, 4321, {}};
  receipt.mints = {{hash_of("a").bytes, 10}, {hash_of("b").bytes, 20}};
  all.push_back(sample("receipt", receipt));
}

void add_state(std::vector<Sample>& all) {
  AccountRecord account;
  account.public_key = hash_of("key");
  account.curve_key = hash_of("curve");
  account.name = "gpu box";
  account.is_worker = true;
  account.nonce = 1;
  account.balance = 2;
  account.registered_height = 3;
  account.datasets = 4;
  account.rounds_accepted = 5;
  account.score_sum_ppm = 6;
  account.minted = 7;
  account.rounds_missed = 8;
  account.counted_round = 9;
  account.counted_statements = 10;
  all.push_back(sample("account", account));
  all.push_back(sample("dataset", DatasetRecord{hash_of("owner"), 3, register_dataset()}));
  RoundRecord round;
  round.round = 7;
  round.attempt = 1;
  round.phase = RoundPhase::evaluating;
  round.open_height = 20;
  round.result_height = 24;
  round.open = open_round();
  round.close = close_commits();
  round.result = round_result();
  round.attestations = 2;
  round.metrics = summaries();
  round.training = {{"loss", 1, -1, -1}};
  all.push_back(sample("round", round));
  all.push_back(sample("commit", CommitRecord{commit_update(), 21, 1}));
  all.push_back(sample("root", RootRecord{7, hash_of("worker")}));
  all.push_back(
      sample("evaluation", EvaluationRecord{hash_of("evaluation"), true, reveal_evaluation()}));
  all.push_back(sample("job", JobRecord{7, hash_of("model"), hash_of("optimizer"), 8}));
  all.push_back(
      sample("suspension", SuspensionRecord{SuspendReason::operator_decision, "left", 5}));
  all.push_back(sample("rotation", RotationRecord{hash_of("key"), hash_of("curve"), 9}));
  all.push_back(sample("totals", TotalsRecord{11, 100, 90, 10}));
}

// The scaler from the sites.
void add_scaler(std::vector<Sample>& all) {
  const StateSums sums{hash_of("dataset"), 12, {{-5, 6}, {I128{1} << 100, U128{3} << 126}}};
  all.push_back(sample("state_sums", sums));
  all.push_back(sample("fix_scaler", FixScaler{2, two_accounts(), 31, {{1, 2}, {3, 0x3f800000}}}));
  all.push_back(sample("sums", SumsRecord{sums, 7}));
  all.push_back(sample("scaler", ScalerRecord{9, 2, 31, {{1, 2}, {3, 0x3f800000}}}));
}

// What a worker keeps, and shows to whoever audits its receipt.
void add_kept(std::vector<Sample>& all) {
  const Bytes receipt(kReceiptBytes, 9);
  all.push_back(sample(
      "kept_update",
      KeptUpdate{{7, 1}, hash_of("open"), hash_of("model"), commit_update(), opening(), receipt}));
}

}  // namespace

std::vector<Sample> record_samples() {
  std::vector<Sample> all;
  add_bodies(all);
  add_blocks(all);
  add_state(all);
  add_scaler(all);
  add_kept(all);
  return all;
}

}  // namespace gradmint::test
