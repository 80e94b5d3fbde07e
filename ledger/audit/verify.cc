#include "ledger/audit/verify.h"

#include <algorithm>

#include "ledger/audit/recompute.h"
#include "ledger/audit/stored.h"

namespace gradmint {
namespace {

// One audit from the first block to the last byte of the state.
class Verification {
 public:
  Verification(const LedgerSource& source, const AuditOptions& options, kernels::Backend& backend)
      : source_(source),
        ledger_(*source.ledger),
        options_(options),
        recomputation_(*source.blobs, backend) {}

  Result<AuditReport> run() {
    Status failed = replay();
    if (!failed.ok()) return failed.error();
    if (!report_.fault) failed = compare();
    if (!failed.ok()) return failed.error();
    report_.signatures = replay_.signatures();
    report_.blobs = recomputation_.blobs_hashed();
    return report_;
  }

 private:
  // Takes a finding in; true when the audit ends here. An Error is kept for the caller.
  bool ends(Result<Finding> finding, Status& failed) {
    if (!finding) {
      failed = store_error_as_fault(finding.error(), next_height(), report_.fault);
      return true;
    }
    report_.fault = *finding;
    return report_.fault.has_value();
  }
  std::uint64_t next_height() const { return replay_.begun() ? report_.height + 1 : 0; }

  Status replay() {
    const auto tip = ledger_.tip();
    if (!tip) return Error{ErrorCode::not_found, "the ledger holds no block yet"};
    if (options_.from_height > tip->height) {
      return Error{ErrorCode::bad_input,
                   "nothing would be verified from height " + std::to_string(options_.from_height) +
                       " on: the newest block is " + std::to_string(tip->height)};
    }
    Status failed;
    const StoreReader* const store = ledger_.store();
    if (store != nullptr && ends(check_checkpoint(*store, *tip), failed)) return failed;
    for (std::uint64_t height = 0; height <= tip->height; ++height) {
      if (ends(replay_block(height), failed)) return failed;
      report_.height = height;
      report_.state_root = replay_.chain().state().root();
      report_.transactions += replay_.last().block.transactions.size();
      history_->add(replay_.last());
      if (ends(after_block(height), failed)) return failed;
      if (options_.progress) options_.progress({height, tip->height, recomputed_});
    }
    return {};
  }

  Result<Finding> replay_block(std::uint64_t height) {
    auto stored = ledger_.block(height);
    if (!stored) return stored.error();
    const EncodedBlock block{stored->header, stored->transactions, stored->certificate,
                             stored->receipts};
    if (height > 0) return replay_.next(block, height >= options_.from_height);
    auto genesis = ledger_.genesis();
    if (!genesis) return genesis.error();
    auto begun = replay_.begin(*genesis, block);
    if (begun.ok() && !*begun) history_.emplace(replay_.chain().genesis());
    return begun;
  }

  // What a block makes due: conservation where money was made, and the arithmetic of a result.
  Result<Finding> after_block(std::uint64_t height) {
    const bool recompute = options_.recompute && height >= options_.from_height;
    if (height == 0) {
      return recompute ? recomputation_.genesis(replay_.chain().genesis()) : Finding();
    }
    for (const SignedTransaction& tx : replay_.last().block.transactions) {
      auto finding = after_statement(tx.transaction, recompute);
      if (!finding || *finding) return finding;
    }
    return Finding();
  }

  Result<Finding> after_statement(const Transaction& tx, bool recompute) {
    if (tx.type == TxType::settle_round) return check_conservation();
    if (tx.type == TxType::abandon_round && recompute) {
      return recomputation_.abandoned(abandoned_by(tx), replay_.chain().state(),
                                      replay_.chain().genesis().task.size);
    }
    if (tx.type != TxType::round_result) return Finding();
    const Attempt& attempt = *last_with_result();
    if (recompute) {
      const ModelSize& size = replay_.chain().genesis().task.size;
      auto finding = recomputation_.round(attempt, size);
      if (!finding || *finding) return finding;
      recomputed_ = attempt.round();
    }
    report_.rounds.push_back({attempt.round(), attempt.result->body.model_root, recompute});
    return Finding();
  }

  // By the full sum over all accounts.
  Result<Finding> check_conservation() const {
    const Chain& chain = replay_.chain();
    if (conservation_holds(chain.state(), chain.genesis())) return Finding();
    return Finding(AuditFault{chain.height(), "conservation_broken",
                              "allocated + minted = the sum of all balances", "another sum"});
  }

  const Attempt* last_with_result() const {
    const auto& attempts = history_->history().attempts;
    const auto found = std::find_if(attempts.rbegin(), attempts.rend(),
                                    [](const Attempt& a) { return a.result.has_value(); });
    GRADMINT_CHECK(found != attempts.rend());
    return &*found;
  }

  // Not simply the newest: the next attempt may open, and be given up, in the same block.
  const Attempt& abandoned_by(const Transaction& tx) const {
    const auto body = decode_record<AbandonRound>(tx.body);
    GRADMINT_CHECK(body.has_value());  // the block stands
    const auto& attempts = history_->history().attempts;
    const auto found = std::find_if(attempts.rbegin(), attempts.rend(), [&](const Attempt& a) {
      return a.abandoned && a.abandoned->body.round == body->round &&
             a.abandoned->body.attempt == body->attempt;
    });
    GRADMINT_CHECK(found != attempts.rend());
    return *found;
  }

  // What lies beside the blocks must be what they come to.
  Status compare() {
    Status failed;
    if (ends(check_conservation(), failed)) return failed;
    if (ends(check_tip(ledger_, replay_.chain()), failed)) return failed;
    if (ends(check_blob_count(), failed)) return failed;
    const StoreReader* const store = ledger_.store();
    if (store == nullptr) return {};
    if (ends(check_acknowledged(*store, replay_.chain()), failed)) return failed;
    if (ends(check_state(*store, replay_.chain()), failed)) return failed;
    ends(check_indexes(*store, replay_.chain(), history_->history()), failed);
    return failed;
  }

  // A bundle holds the blobs that are recomputed from and no others.
  Finding check_blob_count() const {
    const std::uint64_t hashed = recomputation_.blobs_hashed();
    if (!options_.recompute || options_.from_height > 0 || !source_.blob_count ||
        *source_.blob_count == hashed) {
      return std::nullopt;
    }
    return AuditFault{report_.height, "unknown_blob", std::to_string(hashed) + " blobs",
                      std::to_string(*source_.blob_count) + " blobs"};
  }

  const LedgerSource& source_;
  const LedgerReader& ledger_;
  const AuditOptions& options_;
  Recomputation recomputation_;
  Replay replay_;
  std::optional<HistoryBuilder> history_;
  std::uint64_t recomputed_ = 0;
  AuditReport report_;
};

}  // namespace

Result<AuditReport> verify_ledger(const Result<LedgerSource>& source, const AuditOptions& options) {
  if (!source) {
    AuditReport report;
    if (Status failed = store_error_as_fault(source.error(), 0, report.fault); !failed.ok()) {
      return failed.error();
    }
    return report;
  }
  if (options.recompute && source->blob_count == 0) {
    return Error{ErrorCode::bad_input,
                 "this bundle holds no blobs to recompute from: verify without --recompute, or "
                 "export it with --blobs"};
  }
  auto backend = kernels::open_backend("cpu", 1);
  if (!backend) return backend.error();
  return Verification(*source, options, **backend).run();
}

}  // namespace gradmint
