#include "ledger/verdict.h"

#include <algorithm>
#include <array>
#include <utility>

namespace gradmint {
namespace {

using Entry = std::pair<Verdict, std::string_view>;

constexpr Entry kNames[] = {
    {Verdict::ok, "ok"},
    {Verdict::malformed, "malformed"},
    {Verdict::unknown_version, "unknown_version"},
    {Verdict::unknown_type, "unknown_type"},
    {Verdict::unknown_algorithm, "unknown_algorithm"},
    {Verdict::wrong_chain, "wrong_chain"},
    {Verdict::expired, "expired"},
    {Verdict::unknown_sender, "unknown_sender"},
    {Verdict::wrong_key, "wrong_key"},
    {Verdict::bad_signature, "bad_signature"},
    {Verdict::wrong_nonce, "wrong_nonce"},
    {Verdict::unknown_anchor, "unknown_anchor"},
    {Verdict::not_authorised, "not_authorised"},
    {Verdict::malformed_text, "malformed_text"},
    {Verdict::zero_amount, "zero_amount"},
    {Verdict::insufficient_balance, "insufficient_balance"},
    {Verdict::overflow, "overflow"},
    {Verdict::already_registered, "already_registered"},
    {Verdict::curve_key_taken, "curve_key_taken"},
    {Verdict::not_invited, "not_invited"},
    {Verdict::invitation_used, "invitation_used"},
    {Verdict::empty_dataset, "empty_dataset"},
    {Verdict::dataset_exists, "dataset_exists"},
    {Verdict::unknown_dataset, "unknown_dataset"},
    {Verdict::too_many_datasets, "too_many_datasets"},
    {Verdict::too_many_statements, "too_many_statements"},
    {Verdict::balance_too_small, "balance_too_small"},
    {Verdict::too_many_registrations, "too_many_registrations"},
    {Verdict::suspended, "suspended"},
    {Verdict::already_suspended, "already_suspended"},
    {Verdict::not_suspended, "not_suspended"},
    {Verdict::not_absent, "not_absent"},
    {Verdict::rotation_pending, "rotation_pending"},
    {Verdict::unknown_worker, "unknown_worker"},
    {Verdict::not_member, "not_member"},
    {Verdict::wrong_round, "wrong_round"},
    {Verdict::late, "late"},
    {Verdict::duplicate, "duplicate"},
    {Verdict::root_seen_before, "root_seen_before"},
    {Verdict::too_many_examples, "too_many_examples"},
    {Verdict::no_examples, "no_examples"},
    {Verdict::exponent_out_of_bounds, "exponent_out_of_bounds"},
    {Verdict::unsupported_encoding, "unsupported_encoding"},
    {Verdict::wrong_size, "wrong_size"},
    {Verdict::commitment_mismatch, "commitment_mismatch"},
    {Verdict::hash_mismatch, "hash_mismatch"},
    {Verdict::non_finite, "non_finite"},
    {Verdict::exponent_mismatch, "exponent_mismatch"},
    {Verdict::out_of_range, "out_of_range"},
    {Verdict::not_revealed, "not_revealed"},
    {Verdict::malformed_payload, "malformed_payload"},
    {Verdict::wrong_encoding, "wrong_encoding"},
    {Verdict::not_asked, "not_asked"},
    {Verdict::wrong_columns, "wrong_columns"},
    {Verdict::too_few_rows, "too_few_rows"},
    {Verdict::impossible_sums, "impossible_sums"},
    {Verdict::wrong_phase, "wrong_phase"},
    {Verdict::wrong_attempt, "wrong_attempt"},
    {Verdict::wrong_model, "wrong_model"},
    {Verdict::wrong_specification, "wrong_specification"},
    {Verdict::wrong_members, "wrong_members"},
    {Verdict::wrong_seed, "wrong_seed"},
    {Verdict::wrong_order, "wrong_order"},
    {Verdict::wrong_weights, "wrong_weights"},
    {Verdict::wrong_scale, "wrong_scale"},
    {Verdict::incomplete_result, "incomplete_result"},
    {Verdict::wrong_rejection, "wrong_rejection"},
    {Verdict::too_few_updates, "too_few_updates"},
    {Verdict::wrong_scores, "wrong_scores"},
    {Verdict::not_evaluator, "not_evaluator"},
    {Verdict::evaluation_missing, "evaluation_missing"},
    {Verdict::wrong_metrics, "wrong_metrics"},
    {Verdict::conservation_broken, "conservation_broken"},
    {Verdict::wrong_clip_factors, "wrong_clip_factors"},
    {Verdict::wrong_selection, "wrong_selection"},
    {Verdict::aggregation_refused, "aggregation_refused"},
    {Verdict::non_finite_result, "non_finite_result"},
    {Verdict::scaler_missing, "scaler_missing"},
    {Verdict::wrong_scaler, "wrong_scaler"},
    {Verdict::too_few_sites, "too_few_sites"},
    {Verdict::wrong_height, "wrong_height"},
    {Verdict::wrong_parent, "wrong_parent"},
    {Verdict::wrong_time, "wrong_time"},
    {Verdict::wrong_proposer, "wrong_proposer"},
    {Verdict::wrong_epoch, "wrong_epoch"},
    {Verdict::wrong_transactions_root, "wrong_transactions_root"},
    {Verdict::wrong_receipts_root, "wrong_receipts_root"},
    {Verdict::wrong_state_root, "wrong_state_root"},
    {Verdict::wrong_history_root, "wrong_history_root"},
    {Verdict::wrong_validators, "wrong_validators"},
    {Verdict::wrong_params, "wrong_params"},
    {Verdict::bad_certificate, "bad_certificate"},
    {Verdict::no_quorum, "no_quorum"},
    {Verdict::too_many_transactions, "too_many_transactions"},
    {Verdict::oversized, "oversized"},
    {Verdict::unknown_message, "unknown_message"},
};

const Entry* find(std::uint16_t value) {
  const Entry* end = std::end(kNames);
  const Entry* found = std::find_if(std::begin(kNames), end, [&](const Entry& entry) {
    return static_cast<std::uint16_t>(entry.first) == value;
  });
  return found == end ? nullptr : found;
}

}  // namespace

std::string_view verdict_name(Verdict verdict) {
  const Entry* entry = find(static_cast<std::uint16_t>(verdict));
  return entry == nullptr ? std::string_view("unknown_verdict") : entry->second;
}

bool is_verdict(std::uint16_t value) { return find(value) != nullptr; }

}  // namespace gradmint
