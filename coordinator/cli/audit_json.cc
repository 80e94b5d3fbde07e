#include "coordinator/cli/audit_json.h"

#include <bit>

#include "contracts/amount.h"
#include "ledger/kernel_spec.h"

namespace gradmint {
namespace {

std::string amount(std::uint64_t units) { return contracts::format_amount(units); }

Json account_json(const LedgerHistory& history, const AccountId& account) {
  return {{"address", address_of(account)}, {"name", history.name_of(account)}};
}

Json seen_json(std::uint64_t height, const Hash& transaction) {
  return {{"height", height}, {"transaction", to_hex(transaction)}};
}

std::string verdict_text(const ResultEntry& entry) {
  return entry.verdict == Verdict::ok ? "accepted" : std::string(verdict_name(entry.verdict));
}

Json rule_json(const LedgerHistory& history, const RoundPayment& payment) {
  const auto manifest = contracts::parse_rule_manifest(history.genesis.rule_manifest);
  const auto* known = std::get_if<contracts::RuleManifest>(&manifest);
  return {{"id", to_hex(history.genesis.rule_id())},
          {"name", known != nullptr ? known->name : ""},
          {"version", known != nullptr ? known->version : 0},
          {"code", contracts::rule_code_name(static_cast<contracts::RuleCode>(payment.rule_code))}};
}

// One link of the chain from a payment back to the data.
Json explained_round(const LedgerHistory& history, const Contribution& row) {
  const Attempt& attempt = *row.attempt;
  Json out = {{"round", attempt.round()},
              {"attempt", attempt.open.body.attempt},
              {"minted", amount(row.minted)},
              {"settled", row.settled}};
  out["rule"] = row.settled ? rule_json(history, attempt.payment) : Json();
  out["settlement"] =
      row.settled ? seen_json(attempt.settled->height, attempt.settled->transaction) : Json();
  out["pool"] = amount(attempt.payment.pool);
  out["share"] = row.share;
  out["shares"] = row.shares;
  out["verdict"] = verdict_text(row.entry);
  out["weight"] = row.weight;
  out["score_ppm"] = row.entry.score_ppm;
  out["selected"] = row.entry.selected;
  out["coefficient"] = row.entry.coefficient;
  out["selection_score"] = std::bit_cast<double>(row.entry.selection_score_bits);
  out["result"] = seen_json(attempt.result->height, attempt.result->transaction);
  out["commitment"] = seen_json(row.commit.height, row.commit.transaction);
  out["commitment"]["hash"] = to_hex(row.commit.body.commitment);
  out["commitment"]["exponent"] = exponent_json(row.commit.body.exponent);
  out["commitment"]["examples"] = row.commit.body.examples;
  out["commitment"]["steps"] = row.commit.body.steps;
  out["opening"] = opening_json(row.entry.opening);
  const Hash& dataset = row.commit.body.dataset;
  out["dataset"] = dataset_json(dataset, history.datasets.at(dataset));
  return out;
}

Json fault_json(const Finding& fault) {
  if (!fault) return nullptr;
  return {{"height", fault->height},
          {"rule", fault->rule},
          {"expected", fault->expected},
          {"found", fault->found}};
}

}  // namespace

Json exponent_json(std::int16_t exponent) {
  return exponent == kNoExponent ? Json() : Json(exponent);
}

Json opening_json(const std::optional<Opening>& opening) {
  if (!opening) return nullptr;
  return {{"root", to_hex(opening->root)},
          {"size_bytes", opening->size_bytes},
          {"encoding", encoding_name(opening->encoding)},
          {"salt", to_hex(opening->salt)}};
}

Json verify_json(const AuditReport& report) {
  Json out = {{"schema", "gradmint/audit-verify/1"},
              {"ok", report.ok()},
              {"height", report.height},
              {"state_root", to_hex(report.state_root)}};
  out["rounds"] = Json::array();
  for (const AuditedRound& round : report.rounds) {
    out["rounds"].push_back({{"round", round.round},
                             {"model_root", to_hex(round.model_root)},
                             {"recomputed", round.recomputed}});
  }
  out["transactions"] = report.transactions;
  out["signatures"] = report.signatures;
  out["blobs"] = report.blobs;
  out["fault"] = fault_json(report.fault);
  return out;
}

Json export_json(const ExportReport& report) {
  return {{"schema", "gradmint/audit-export/1"},
          {"chain_id", to_hex(report.head.chain_id)},
          {"height", report.head.height},
          {"block_hash", to_hex(report.head.tip_hash)},
          {"blobs", report.blobs},
          {"bytes", report.bytes},
          {"digest", to_hex(report.digest)}};
}

Json receipt_json(const LedgerHistory& history, const ReceiptCheck& check, ByteView signature) {
  const bool pending = check.standing == ReceiptStanding::pending;
  const bool broken = check.standing == ReceiptStanding::not_honoured;
  Json out = {{"schema", "gradmint/audit-receipt/1"},
              {"honoured", pending ? Json() : Json(!broken)},
              {"standing", receipt_standing_name(check.standing)},
              {"round", check.key.round},
              {"attempt", check.key.attempt},
              {"root", to_hex(check.root)}};
  out["worker"] = check.worker ? Json(address_of(*check.worker)) : Json();
  out["name"] = check.worker ? Json(history.name_of(*check.worker)) : Json();
  out["signer"] = check.signer ? Json(address_of(*check.signer)) : Json();
  out["digest"] = check.signer ? Json(to_hex(check.digest)) : Json();
  out["signature"] = to_hex(signature);
  out["verdict"] = nullptr;
  if (check.verdict) {
    out["verdict"] =
        *check.verdict == Verdict::ok ? "accepted" : std::string(verdict_name(*check.verdict));
  }
  out["height"] = check.transaction ? Json(check.height) : Json();
  out["transaction"] = check.transaction ? Json(to_hex(*check.transaction)) : Json();
  out["fault"] = fault_json(check.fault);
  return out;
}

Json contributions_json(const LedgerHistory& history, const ContributionFilter& filter) {
  const auto rows = contributions_of(history, filter);
  Json out = {{"schema", "gradmint/audit-contributions/1"}};
  out["workers"] = Json::array();
  for (const WorkerTotal& total : totals_of(rows)) {
    Json worker = account_json(history, total.worker);
    worker["rounds_committed"] = total.rounds_committed;
    worker["rounds_accepted"] = total.rounds_accepted;
    worker["score_ppm"] =
        total.rounds_accepted == 0 ? 0 : total.score_sum_ppm / total.rounds_accepted;
    worker["minted"] = amount(total.minted);
    out["workers"].push_back(std::move(worker));
  }
  out["contributions"] = Json::array();
  for (const Contribution& row : rows) {
    Json contribution = {{"round", row.attempt->round()},
                         {"attempt", row.attempt->open.body.attempt}};
    contribution.update(account_json(history, row.worker));
    contribution["verdict"] = verdict_text(row.entry);
    contribution["weight"] = row.weight;
    contribution["score_ppm"] = row.entry.score_ppm;
    contribution["minted"] = amount(row.minted);
    contribution["settled"] = row.settled;
    contribution["root"] = row.entry.opening ? Json(to_hex(row.entry.opening->root)) : Json();
    contribution["dataset"] = to_hex(row.commit.body.dataset);
    out["contributions"].push_back(std::move(contribution));
  }
  return out;
}

Json explain_json(const LedgerHistory& history, const AccountId& account,
                  std::optional<std::uint64_t> round) {
  const BalanceStatement statement = balance_of(history, account);
  Json out = {{"schema", "gradmint/audit-explain/1"}};
  out.update(account_json(history, account));
  out["balance"] = amount(statement.balance());
  out["allocated"] = amount(statement.allocated);
  out["minted"] = amount(statement.minted);
  out["received"] = amount(statement.received);
  out["sent"] = amount(statement.sent);
  out["registration"] = nullptr;
  if (const auto worker = history.workers.find(account); worker != history.workers.end()) {
    out["registration"] = seen_json(worker->second.height, worker->second.transaction);
    out["registration"]["public_key"] = to_hex(worker->second.body.public_key);
    out["registration"]["curve_key"] = to_hex(worker->second.body.curve_key);
  }
  out["rounds"] = Json::array();
  for (const Contribution& row : contributions_of(history, {account, round})) {
    out["rounds"].push_back(explained_round(history, row));
  }
  out["transfers"] = Json::array();
  for (const Seen<Transfer>& transfer : statement.transfers) {
    if (round) break;
    Json line = seen_json(transfer.height, transfer.transaction);
    line["from"] = address_of(transfer.sender);
    line["to"] = address_of(transfer.body.to);
    line["amount"] = amount(transfer.body.amount);
    line["memo"] = transfer.body.memo;
    out["transfers"].push_back(std::move(line));
  }
  return out;
}

Json dataset_json(const Hash& id, const Seen<RegisterDataset>& dataset) {
  Json out = {{"id", to_hex(id)},
              {"name", dataset.body.name},
              {"owner", address_of(dataset.sender)},
              {"samples_root", to_hex(dataset.body.samples_root)},
              {"sample_count", dataset.body.sample_count},
              {"schema_text", dataset.body.schema},
              {"origin", dataset.body.origin},
              {"licence", dataset.body.licence}};
  out.update(seen_json(dataset.height, dataset.transaction));
  return out;
}

Json worker_json(const LedgerHistory& history, const AccountId& account, const State& state) {
  const auto record =
      get<AccountRecord>(state, state_key::account(account)).value_or(AccountRecord{});
  Json out = {{"schema", "gradmint/audit-worker/1"}};
  out.update(account_json(history, account));
  out["worker"] = record.is_worker;
  out["validator"] = record.is_validator;
  out["public_key"] = to_hex(record.public_key);
  out["curve_key"] = to_hex(record.curve_key);
  out["registered_height"] = record.registered_height;
  out["nonce"] = record.nonce;
  out["balance"] = amount(record.balance);
  out["minted"] = amount(record.minted);
  out["rounds_accepted"] = record.rounds_accepted;
  out["score_sum_ppm"] = record.score_sum_ppm;
  out["datasets"] = Json::array();
  for (const auto& [id, dataset] : history.datasets) {
    if (dataset.sender == account) out["datasets"].push_back(dataset_json(id, dataset));
  }
  const auto heights = history.heights.find(account);
  out["blocks"] = heights == history.heights.end() ? Json::array() : Json(heights->second);
  return out;
}

}  // namespace gradmint
