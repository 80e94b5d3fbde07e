// Every refusal that a peer's message, transaction or block can meet, one name for each rule;
// docs/verdicts.md lists them. The values are on the ledger (rejections, receipts): append only,
// never renumber, never use one again that is left out here: names that nothing gave were taken
// away.
#pragma once

#include <cstdint>
#include <string_view>

namespace gradmint {

enum class Verdict : std::uint16_t {
  ok = 0,

  // The transaction itself, in the order in which it is checked.
  malformed = 1,
  unknown_version = 2,
  unknown_type = 3,
  unknown_algorithm = 4,
  wrong_chain = 5,
  expired = 6,
  unknown_sender = 7,
  wrong_key = 8,
  bad_signature = 9,
  wrong_nonce = 10,
  unknown_anchor = 11,
  not_authorised = 12,
  malformed_text = 13,  // not UTF-8, or with what a terminal obeys or nobody sees

  // Accounts, money, enrolment, datasets.
  zero_amount = 20,
  insufficient_balance = 21,
  overflow = 22,
  already_registered = 23,
  curve_key_taken = 24,
  not_invited = 25,
  invitation_used = 26,
  empty_dataset = 27,
  dataset_exists = 28,
  unknown_dataset = 29,
  too_many_datasets = 31,
  too_many_statements = 32,     // of this account while this round is the newest
  balance_too_small = 33,       // to open an account with
  too_many_registrations = 34,  // of strangers while this round is the newest

  // Members.
  suspended = 35,
  already_suspended = 36,
  not_suspended = 37,
  not_absent = 38,  // it gave an update in one of the last rounds
  rotation_pending = 39,

  // A round, as its workers meet it (the fixed order of intake).
  unknown_worker = 40,
  not_member = 41,
  wrong_round = 42,
  late = 43,
  duplicate = 44,
  root_seen_before = 45,
  too_many_examples = 46,
  no_examples = 47,
  exponent_out_of_bounds = 48,
  unsupported_encoding = 49,
  wrong_size = 51,
  commitment_mismatch = 52,
  hash_mismatch = 53,
  non_finite = 54,
  exponent_mismatch = 55,
  out_of_range = 56,
  not_revealed = 57,
  malformed_payload = 59,
  wrong_encoding = 60,

  // Sums for a scaler.
  not_asked = 64,        // the chain's contract has its scaler
  wrong_columns = 65,    // more or fewer than the contract's
  too_few_rows = 66,     // sums over so few would give them away
  impossible_sums = 67,  // no rows have these

  // What a coordinator may claim about a round.
  wrong_phase = 70,
  wrong_attempt = 71,
  wrong_model = 72,
  wrong_specification = 73,
  wrong_members = 74,
  wrong_seed = 75,
  wrong_order = 76,
  wrong_weights = 77,
  wrong_scale = 78,
  incomplete_result = 79,
  wrong_rejection = 80,
  too_few_updates = 81,
  wrong_scores = 82,
  not_evaluator = 83,
  evaluation_missing = 84,
  wrong_metrics = 85,
  conservation_broken = 87,
  wrong_clip_factors = 88,
  wrong_selection = 89,
  aggregation_refused = 90,  // by the rules of the round: too few updates for f, ...
  non_finite_result = 91,
  scaler_missing = 95,  // no round before it is fixed
  wrong_scaler = 96,    // not the one that follows from the statements
  too_few_sites = 97,   // fewer than the statement itself wants

  // Blocks and certificates.
  wrong_height = 100,
  wrong_parent = 101,
  wrong_time = 102,
  wrong_proposer = 103,
  wrong_epoch = 104,
  wrong_transactions_root = 105,
  wrong_receipts_root = 106,
  wrong_state_root = 107,
  wrong_history_root = 108,
  wrong_validators = 109,
  wrong_params = 110,
  bad_certificate = 111,
  no_quorum = 112,
  too_many_transactions = 113,

  // Transport.
  oversized = 122,
  unknown_message = 123,
};

// Why an aggregation has no result: reasons that an audit checks by trying it again.
constexpr bool is_aggregation_failure(Verdict verdict) {
  return verdict == Verdict::aggregation_refused || verdict == Verdict::non_finite_result;
}

// The enumerator's own spelling, or "unknown_verdict" for a number that is none of them.
std::string_view verdict_name(Verdict verdict);
// True when `value` is one of the enumerators above.
bool is_verdict(std::uint16_t value);

}  // namespace gradmint
