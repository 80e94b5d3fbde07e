#include "worker/session/scaler_work.h"

#include "ledger/merkle.h"
#include "ledger/scaler.h"

namespace gradmint::session {
namespace {

constexpr std::uint64_t kAgainMs = 300;  // its header may be on the way
constexpr std::uint64_t kSuspendedAgainMs = 5000;

std::string count_of(std::uint64_t rows) { return std::to_string(rows) + " rows"; }

}  // namespace

std::optional<ProvenScaler> prove_scaler(const FixedScaler& message, ByteView transaction,
                                         const GenesisRecord& genesis) {
  const auto header = decode_record<Header>(message.block.header);
  const auto certificate = decode_record<Certificate>(message.block.certificate);
  if (!header || !certificate || header->chain_id != genesis.chain_id()) return std::nullopt;
  if (verify_certificate(*certificate, *header, genesis.validators) != Verdict::ok)
    return std::nullopt;
  if (message.index >= message.transactions ||
      !verify_inclusion(merkle_leaf_hash(transaction), message.index, message.transactions,
                        message.path, header->transactions_root))
    return std::nullopt;
  SignedTransaction tx;
  if (decode_transaction(transaction, tx) != Verdict::ok ||
      tx.transaction.type != TxType::fix_scaler)
    return std::nullopt;
  auto body = decode_record<FixScaler>(tx.transaction.body);
  auto contract = DataContract::decode(genesis.task.contract);
  if (!body || !contract || !with_scaler(*std::move(contract), body->columns)) return std::nullopt;
  return ProvenScaler{header->hash(), header->height, *std::move(body)};
}

bool ScalerWork::ready(const HeaderChain& chain) {
  if (!asked_columns_) asked_columns_ = summed_columns(chain.genesis().task);
  return *asked_columns_ == 0 || !scaler_.empty();
}

void ScalerWork::advance(std::uint64_t round, bool dataset_stands, const Stations& stations) {
  Outgoing& out = stations.out;
  if (round > 0) {
    stations.desk.clear();  // too late for a statement
    out.ask(Ask::scaler, GetScaler{});
    return;
  }
  if (!std::exchange(sum_asked_, true)) out.effect(SumData{stations.chain.genesis()});
  if (!summed_ || !dataset_stands || stated_ || out.now_ms() < again_ms_) return;
  if (!sums_) {
    sums_ = fresh_;
    sums_->dataset = dataset_id(config_.key.account(), dataset_);
    out.effect(SaveSums{*sums_});
  }
  stations.desk.want(TxType::state_sums, encode_record(*sums_));
}

Verdict ScalerWork::take(const FixedScaler& message, ByteView transaction, const HeaderChain& chain,
                         Outgoing& out) {
  if (ready(chain)) return Verdict::ok;
  out.hold_back(Ask::scaler, kAgainMs);
  const auto proven = prove_scaler(message, transaction, chain.genesis());
  if (!proven) return Verdict::malformed;
  if (proven->height > chain.height()) return Verdict::ok;  // asked again when it has come
  if (chain.hash_at(proven->height) != proven->block_hash) return Verdict::unknown_anchor;
  scaler_ = proven->statement.columns;
  out.say("scaler fixed from " + std::to_string(proven->statement.sites.size()) + " sites with " +
          count_of(proven->statement.rows));
  return Verdict::ok;
}

std::optional<std::string> ScalerWork::take(const Settled& settled, Outgoing& out) {
  stated_ = true;
  switch (settled.verdict) {
    case Verdict::ok:
      out.say("stated the sums of " + count_of(sums_->rows) + " for the scaler");
      return std::nullopt;
    case Verdict::duplicate:
      return std::nullopt;
    case Verdict::late:
      out.say(
          "the scaler was fixed before this site had stated its sums: it comes from the others");
      return std::nullopt;
    case Verdict::suspended:  // the coordinator says so, with the way back
      stated_ = false;
      again_ms_ = out.now_ms() + kSuspendedAgainMs;
      return std::nullopt;
    default:
      return "the sums of this site's rows were refused: " +
             std::string(verdict_name(settled.verdict));
  }
}

}  // namespace gradmint::session
