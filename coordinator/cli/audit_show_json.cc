// Blocks, transactions and rounds, member by member.
#include <bit>

#include "contracts/amount.h"
#include "coordinator/cli/audit_json.h"
#include "coordinator/cli/rules_json.h"
#include "kernels/base/number_text.h"
#include "ledger/kernel_spec.h"
#include "ledger/model/metrics_json.h"

namespace gradmint {
namespace {

double real(std::uint32_t bits) { return as_written(std::bit_cast<float>(bits)); }

Json addresses(const std::vector<AccountId>& accounts) {
  Json out = Json::array();
  for (const AccountId& account : accounts) out.push_back(address_of(account));
  return out;
}

Json json_of(const RegisterWorker& b) {
  return {{"public_key", to_hex(b.public_key)},
          {"curve_key", to_hex(b.curve_key)},
          {"name", b.name},
          {"invitation_hash", to_hex(b.invitation_hash)}};
}
Json json_of(const RegisterDataset& b) {
  return {{"name", b.name},
          {"samples_root", to_hex(b.samples_root)},
          {"sample_count", b.sample_count},
          {"schema_text", b.schema},
          {"origin", b.origin},
          {"licence", b.licence}};
}
Json json_of(const OpenRound& b) {
  const TrainingSpec& t = b.training;
  const RoundLimits& l = b.limits;
  return {{"round", b.round},
          {"attempt", b.attempt},
          {"model_root", to_hex(b.model_root)},
          {"optimizer_root", to_hex(b.optimizer_root)},
          {"aggregation", rules_json(b.aggregation)},
          {"training",
           {{"local_epochs", t.local_epochs},
            {"local_steps", t.local_steps},
            {"batch_size", t.batch_size},
            {"optimizer", t.optimizer},
            {"learning_rate", real(t.learning_rate_bits)},
            {"momentum", real(t.momentum_bits)},
            {"seed", t.seed}}},
          {"encoding", kernels::name_of(kernel_encoding(b.encoding))},
          {"limits",
           {{"min_updates", l.min_updates},
            {"max_examples", l.max_examples},
            {"train_deadline_ms", l.train_deadline_ms},
            {"reveal_deadline_ms", l.reveal_deadline_ms},
            {"stall_deadline_ms", l.stall_deadline_ms},
            {"evaluation_blocks", l.evaluation_blocks}}},
          {"members", addresses(b.members)},
          {"evaluators", addresses(b.evaluators)}};
}
Json json_of(const CommitUpdate& b) {
  return {{"round", b.round},
          {"attempt", b.attempt},
          {"commitment", to_hex(b.commitment)},
          {"exponent", exponent_json(b.exponent)},
          {"examples", b.examples},
          {"steps", b.steps},
          {"metrics", micro_json(b.metrics)},
          {"dataset", to_hex(b.dataset)}};
}
Json json_of(const CloseCommits& b) {
  Json entries = Json::array();
  for (const CloseEntry& e : b.entries) {
    entries.push_back({{"worker", address_of(e.worker)},
                       {"weight", e.weight},
                       {"verdict", verdict_name(e.verdict)}});
  }
  return {
      {"round", b.round},       {"attempt", b.attempt}, {"seed_preimage", to_hex(b.seed_preimage)},
      {"exponent", b.exponent}, {"shift", b.shift},     {"entries", std::move(entries)}};
}
Json json_of(const RoundResult& b) {
  Json entries = Json::array();
  for (const ResultEntry& e : b.entries) {
    entries.push_back({{"worker", address_of(e.worker)},
                       {"verdict", verdict_name(e.verdict)},
                       {"score_ppm", e.score_ppm},
                       {"selected", e.selected},
                       {"coefficient", e.coefficient},
                       {"selection_score", std::bit_cast<double>(e.selection_score_bits)},
                       {"outside_count", e.outside_count},
                       {"clip_factor", std::bit_cast<double>(e.clip_factor_bits)},
                       {"opening", opening_json(e.opening)}});
  }
  return {{"round", b.round},
          {"attempt", b.attempt},
          {"entries", std::move(entries)},
          {"model_root", to_hex(b.model_root)},
          {"optimizer_root", to_hex(b.optimizer_root)}};
}
Json json_of(const AbandonRound& b) {
  Json revealed = Json::array();
  for (const RevealedRoot& r : b.revealed) {
    revealed.push_back({{"worker", address_of(r.worker)}, {"opening", opening_json(r.opening)}});
  }
  return {{"round", b.round},
          {"attempt", b.attempt},
          {"reason", verdict_name(b.reason)},
          {"revealed", std::move(revealed)}};
}
Json json_of(const CommitEvaluation& b) {
  return {{"round", b.round}, {"commitment", to_hex(b.commitment)}};
}
Json json_of(const RevealEvaluation& b) {
  return {{"round", b.round},
          {"metrics", micro_json(b.metrics)},
          {"examples", b.examples},
          {"salt", to_hex(b.salt)}};
}
Json json_of(const SettleRound& b) {
  return {{"round", b.round},
          {"attestations", b.attestations},
          {"metrics", micro_json(b.metrics)},
          {"training", micro_json(b.training)}};
}
Json json_of(const Transfer& b) {
  return {
      {"to", address_of(b.to)}, {"amount", contracts::format_amount(b.amount)}, {"memo", b.memo}};
}

Json json_of(const SuspendMember& b) {
  return {{"account", address_of(b.account)},
          {"reason", suspend_reason_name(b.reason)},
          {"text", b.text}};
}
Json json_of(const ReadmitMember& b) { return {{"account", address_of(b.account)}}; }
Json json_of(const RotateKey& b) {
  return {{"account", address_of(b.account)},
          {"public_key", to_hex(b.public_key)},
          {"curve_key", to_hex(b.curve_key)}};
}

// Numbers beyond 64 bits, as texts.
std::string decimal(U128 value) {
  std::string digits;
  for (; value != 0; value /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
  return digits.empty() ? "0" : digits;
}
std::string decimal(I128 value) { return (value < 0 ? "-" : "") + decimal(magnitude(value)); }

Json json_of(const StateSums& b) {
  Json columns = Json::array();
  for (const ColumnSums& column : b.columns)
    columns.push_back(
        {{"sum_micro", decimal(column.sum)}, {"squares_micro2", decimal(column.squares)}});
  return {{"dataset", to_hex(b.dataset)}, {"rows", b.rows}, {"columns", std::move(columns)}};
}
Json json_of(const FixScaler& b) {
  Json sites = Json::array(), columns = Json::array();
  for (const AccountId& site : b.sites) sites.push_back(address_of(site));
  for (const ScalerBits& column : b.columns)
    columns.push_back({{"mean", shortest_text(std::bit_cast<float>(column.mean))},
                       {"scale", shortest_text(std::bit_cast<float>(column.scale))}});
  return {{"least_sites", b.least_sites},
          {"sites", std::move(sites)},
          {"rows", b.rows},
          {"columns", std::move(columns)}};
}

template <class Body>
Json decoded(const Transaction& t) {
  const auto body = decode_record<Body>(t.body);
  return body ? json_of(*body) : Json();
}

template <class Body>
Json seen_body(const Seen<Body>& seen) {
  Json out = {{"height", seen.height}, {"transaction", to_hex(seen.transaction)}};
  out.update(json_of(seen.body));
  return out;
}
template <class Body>
Json seen_body(const std::optional<Seen<Body>>& seen) {
  return seen ? seen_body(*seen) : Json();
}

}  // namespace

Json body_json(const Transaction& t) {
  switch (t.type) {
    case TxType::register_worker:
      return decoded<RegisterWorker>(t);
    case TxType::register_dataset:
      return decoded<RegisterDataset>(t);
    case TxType::open_round:
      return decoded<OpenRound>(t);
    case TxType::commit_update:
      return decoded<CommitUpdate>(t);
    case TxType::close_commits:
      return decoded<CloseCommits>(t);
    case TxType::round_result:
      return decoded<RoundResult>(t);
    case TxType::abandon_round:
      return decoded<AbandonRound>(t);
    case TxType::commit_evaluation:
      return decoded<CommitEvaluation>(t);
    case TxType::reveal_evaluation:
      return decoded<RevealEvaluation>(t);
    case TxType::settle_round:
      return decoded<SettleRound>(t);
    case TxType::transfer:
      return decoded<Transfer>(t);
    case TxType::suspend_member:
      return decoded<SuspendMember>(t);
    case TxType::readmit_member:
      return decoded<ReadmitMember>(t);
    case TxType::rotate_key:
      return decoded<RotateKey>(t);
    case TxType::state_sums:
      return decoded<StateSums>(t);
    case TxType::fix_scaler:
      return decoded<FixScaler>(t);
  }
  return nullptr;
}

Json transaction_json(const SignedTransaction& tx, std::uint64_t height, std::uint64_t index) {
  const Transaction& t = tx.transaction;
  Json out = {{"schema", "gradmint/audit-tx/1"},
              {"id", to_hex(tx.id)},
              {"height", height},
              {"index", index},
              {"type", tx_type_name(t.type)},
              {"sender", address_of(t.sender)},
              {"nonce", t.nonce}};
  out["valid_until"] = t.valid_until == kNeverExpires ? Json() : Json(t.valid_until);
  out["seen"] = {{"height", t.seen_height}, {"block", to_hex(t.seen_hash)}};
  out["signature"] = to_hex(tx.signature.bytes);
  out["body"] = body_json(t);
  return out;
}

Json block_json(const StoredBlock& stored) {
  const auto header = decode_record<Header>(stored.header);
  const auto certificate = decode_record<Certificate>(stored.certificate);
  const auto receipts = decode_receipts(stored.receipts);
  std::vector<SignedTransaction> transactions;
  GRADMINT_CHECK(header && receipts &&
                 decode_transactions(stored.transactions, transactions) == Verdict::ok);
  Json out = {{"schema", "gradmint/audit-block/1"},
              {"height", header->height},
              {"hash", to_hex(header->hash())},
              {"time_ms", header->time_ms},
              {"epoch", header->epoch},
              {"proposer", address_of(header->proposer)},
              {"chain_id", to_hex(header->chain_id)},
              {"parent_hash", to_hex(header->parent_hash)},
              {"transactions_root", to_hex(header->transactions_root)},
              {"receipts_root", to_hex(header->receipts_root)},
              {"state_root", to_hex(header->state_root)},
              {"history_root", to_hex(header->history_root)},
              {"signers", Json::array()},
              {"transactions", Json::array()}};
  for (const auto& vote : certificate.value_or(Certificate{}).votes) {
    out["signers"].push_back(vote.validator);
  }
  for (std::size_t i = 0; i < transactions.size(); ++i) {
    const SignedTransaction& tx = transactions[i];
    Json mints = Json::array();
    for (const contracts::Mint& mint : (*receipts)[i].mints) {
      mints.push_back({{"address", address_of(AccountId{mint.account})},
                       {"amount", contracts::format_amount(mint.amount)}});
    }
    out["transactions"].push_back({{"id", to_hex(tx.id)},
                                   {"type", tx_type_name(tx.transaction.type)},
                                   {"sender", address_of(tx.transaction.sender)},
                                   {"mints", std::move(mints)}});
  }
  return out;
}

Json round_json(const LedgerHistory& history, const Attempt& attempt) {
  Json out = {{"schema", "gradmint/audit-round/1"},
              {"round", attempt.round()},
              {"attempt", attempt.open.body.attempt},
              {"phase", attempt.standing()}};
  out["open"] = seen_body(attempt.open);
  out["commits"] = Json::array();
  for (const auto& [worker, commit] : attempt.commits) {
    Json line = {{"worker", address_of(worker)}, {"name", history.name_of(worker)}};
    line.update(seen_body(commit));
    out["commits"].push_back(std::move(line));
  }
  out["close"] = seen_body(attempt.close);
  out["result"] = seen_body(attempt.result);
  out["abandoned"] = seen_body(attempt.abandoned);
  out["evaluations"] = Json::array();
  for (const auto& [evaluator, evaluation] : attempt.evaluations) {
    Json line = {{"evaluator", address_of(evaluator)}};
    line.update(seen_body(evaluation));
    out["evaluations"].push_back(std::move(line));
  }
  out["settled"] = seen_body(attempt.settled);
  out["pool"] = contracts::format_amount(attempt.payment.pool);
  out["paid"] = contracts::format_amount(attempt.payment.paid);
  return out;
}

}  // namespace gradmint
