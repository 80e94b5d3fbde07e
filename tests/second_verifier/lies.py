"""The lies that tamper_test.py tells, and the rule by which each must be found.

A row: (type of the statement that is changed, or "block"; what is said; the lie; the rule). Where a type is given the
first statement of it that fits is changed, or the last where the name ends in "-last".
"""

from forge import Lie
from layouts import CODES


def put(**fields):
    return lambda record: record.update(fields)


def more(field, by=1):
    return lambda record: record.update({field: record[field] + by})


def entry(change, accepted=True):
    """Changes the first entry of a result that was accepted, or that was refused."""
    def with_entry(record):
        change(next(e for e in record["entries"] if (e["verdict"] == 0) == accepted))
    return with_entry


def swap(record):
    record["entries"] = record["entries"][1:] + record["entries"][:1]


def drop(record):
    record["entries"].pop()


def refuse(record):
    record.update(verdict=CODES["non_finite"], clip_factor_bits=0, selected=False, outside_count=0, score_ppm=0,
                  coefficient=0, selection_score_bits=0)


def median(record):
    record["metrics"][0]["median"] = (record["metrics"][0]["median"] or 0) + 1
    record["metrics"][0]["measured"] = max(1, record["metrics"][0]["measured"])


def first(change):
    return lambda record: change(record[0])


def own_mint(receipts):
    """The whole pool to the first that is paid."""
    mints = receipts[0]["mints"]
    mints[0]["amount"] += mints[1]["amount"] - 1
    mints[1]["amount"] = 1


def salt(record):
    record["opening"]["salt"] = bytes(32)


def learning_rate(record):
    record["aggregation"]["optimizer"]["parameters"][0]["bits"] ^= 1 << 31


def step_name(record):
    record["aggregation"]["aggregator"]["name"] = "average"


OTHER = bytes(range(32))
DATASET = CODES["exponent_mismatch"]

ENVELOPES = [
    ("commit_update", "a nonce that was used", Lie(envelope=more("nonce", -1)), "wrong_nonce"),
    ("commit_update", "a nonce too far", Lie(envelope=more("nonce")), "wrong_nonce"),
    ("commit_update", "another block seen", Lie(envelope=put(seen_hash=OTHER)), "unknown_anchor"),
    ("commit_update", "a block of the future seen", Lie(envelope=more("seen_height", 1000)), "unknown_anchor"),
    ("commit_update", "no longer valid", Lie(envelope=put(valid_until=1)), "expired"),
    ("commit_update", "of another chain", Lie(envelope=put(chain_id=OTHER)), "wrong_chain"),
    ("commit_update", "signed by nobody", Lie(signer=12345), "bad_signature"),
    ("register_worker", "a key of another account", Lie(body=put(public_key=OTHER)), "wrong_key"),
]
ACCOUNTS = [
    ("register_worker", "no key to connect with", Lie(body=put(curve_key=bytes(32))), "wrong_key"),
    ("register_worker", "without an invitation", Lie(body=put(invitation_hash=bytes(32))), "not_invited"),
    ("register_worker", "a name that is obeyed", Lie(body=put(name="\x1b[2J")), "malformed_text"),
    ("register_dataset", "no samples", Lie(body=put(sample_count=0)), "empty_dataset"),
    ("transfer", "more than there is", Lie(body=put(amount=1 << 62)), "insufficient_balance"),
    ("transfer", "nothing", Lie(body=put(amount=0)), "zero_amount"),
    ("transfer", "too little for a new account", Lie(body=put(amount=1, to=OTHER)), "balance_too_small"),
    ("suspend_member", "a worker that there is not", Lie(body=put(account=OTHER)), "unknown_worker"),
    ("suspend_member", "an absence that there was not", Lie(body=put(reason=1, text="")), "not_absent"),
    ("readmit_member", "a worker that there is not", Lie(body=put(account=OTHER)), "unknown_worker"),
]
ROUNDS = [
    ("open_round", "a round too far", Lie(body=more("round")), "wrong_round"),
    ("open_round", "an attempt that was not", Lie(body=more("attempt")), "wrong_attempt"),
    ("open_round", "another model", Lie(body=put(model_root=OTHER)), "wrong_model"),
    ("open_round", "an unknown rule", Lie(body=step_name), "wrong_specification"),
    ("open_round", "a step backwards", Lie(body=learning_rate), "wrong_specification"),
    ("open_round", "a member left out", Lie(body=lambda r: r["members"].pop() and None), "wrong_members"),
    ("open_round", "nobody to judge", Lie(body=put(evaluators=[])), "not_evaluator"),
    ("open_round", "a stranger to judge", Lie(body=put(evaluators=[OTHER])), "not_evaluator"),
    ("commit_update", "no examples", Lie(body=put(examples=0)), "no_examples"),
    ("commit_update", "too many examples", Lie(body=put(examples=1 << 40)), "too_many_examples"),
    ("commit_update", "another's data", Lie(body=put(dataset=OTHER)), "unknown_dataset"),
    ("commit_update", "an exponent that fp32 has not", Lie(body=put(exponent=129)), "exponent_out_of_bounds"),
    ("commit_update", "another attempt", Lie(body=more("attempt", 7)), "wrong_attempt"),
    ("close_commits", "another E", Lie(body=more("exponent")), "wrong_scale"),
    ("close_commits", "another s", Lie(body=more("shift", -1)), "wrong_scale"),
    ("close_commits", "another order", Lie(body=swap), "wrong_order"),
    ("close_commits", "an update left out", Lie(body=drop), "wrong_order"),
    ("close_commits", "another weight", Lie(body=lambda r: more("weight")(r["entries"][0])), "wrong_weights"),
    ("close_commits", "out of range", Lie(body=lambda r: r["entries"][0].update(verdict=56)), "wrong_weights"),
    ("close_commits", "a seed of one's own", Lie(body=put(seed_preimage=OTHER)), "wrong_seed"),
    ("abandon_round", "no reason", Lie(body=put(reason=0)), "wrong_rejection"),
    ("abandon_round", "a reason of later", Lie(body=put(reason=CODES["non_finite_result"])), "wrong_phase"),
]
RESULTS = [
    ("round_result", "a score", Lie(body=entry(more("score_ppm", -1))), "wrong_scores"),
    ("round_result", "a score above 1", Lie(body=entry(put(score_ppm=1_000_001))), "wrong_scores"),
    ("round_result", "a coefficient", Lie(body=entry(more("coefficient"))), "wrong_coefficients"),
    ("round_result", "selected without a coefficient", Lie(body=entry(put(coefficient=0))), "wrong_selection"),
    ("round_result", "a clip factor", Lie(body=entry(more("clip_factor_bits", -1))), "wrong_clip_factors"),
    ("round_result", "a clip factor above 1", Lie(body=entry(put(clip_factor_bits=1 << 62))), "wrong_clip_factors"),
    ("round_result", "evidence", Lie(body=entry(more("outside_count"))), "wrong_outside_counts"),
    ("round_result", "a selection score", Lie(body=entry(more("selection_score_bits"))), "wrong_selection_scores"),
    ("round_result", "another model", Lie(body=put(model_root=OTHER)), "wrong_model_root"),
    ("round_result", "no model", Lie(body=put(model_root=bytes(32))), "wrong_model"),
    ("round_result", "another optimizer state", Lie(body=put(optimizer_root=OTHER)), "wrong_optimizer_root"),
    ("round_result", "an honest update refused", Lie(body=entry(refuse)), "wrong_rejection"),
    ("round_result", "refused for what the ledger decides",
     Lie(body=entry(lambda e: refuse(e) or e.update(verdict=45))), "wrong_rejection"),
    ("round_result", "an update that was not revealed", Lie(body=entry(put(opening=None))), "wrong_rejection"),
    ("round_result", "another salt", Lie(body=entry(salt)), "commitment_mismatch"),
    ("round_result", "an entry less", Lie(body=drop), "incomplete_result"),
    ("round_result", "another order", Lie(body=swap), "wrong_order"),
    ("round_result-last", "refused for another reason", Lie(body=entry(put(verdict=DATASET), False)),
     "wrong_rejection"),
    ("round_result-last", "a score for a refused update", Lie(body=entry(put(score_ppm=5), False)), "wrong_scores"),
]
SETTLEMENTS = [
    ("commit_evaluation", "another round", Lie(body=more("round")), "wrong_round"),
    ("reveal_evaluation", "other figures", Lie(body=more("examples")), "commitment_mismatch"),
    ("reveal_evaluation", "on no examples", Lie(body=put(examples=0)), "no_examples"),
    ("settle_round", "a median", Lie(body=median), "wrong_metrics"),
    ("settle_round", "an attestation more", Lie(body=more("attestations")), "wrong_metrics"),
    ("settle_round", "another round", Lie(body=more("round")), "wrong_round"),
    ("settle_round", "other payments", Lie(receipts=own_mint), "wrong_receipts_root"),
    ("settle_round", "less gas", Lie(receipts=first(more("gas_used", -1))), "wrong_receipts_root"),
    ("settle_round", "a rule that failed", Lie(receipts=first(put(rule_code=3, mints=[]))), "wrong_receipts_root"),
    ("transfer", "a mint beside a transfer",
     Lie(receipts=first(put(mints=[{"account": OTHER, "amount": 1}]))), "wrong_receipts_root"),
]
KEYS = [
    ("rotate_key", "another's key", Lie(body=put(account=OTHER)), "not_authorised"),
    ("rotate_key", "no key", Lie(body=put(public_key=bytes(32))), "wrong_key"),
]
SCALER = [
    ("state_sums", "of nobody's data", Lie(body=put(dataset=OTHER)), "unknown_dataset"),
    ("state_sums", "of too few rows", Lie(body=put(rows=9)), "too_few_rows"),
    ("state_sums", "of more rows than there are", Lie(body=put(rows=10**8)), "too_many_examples"),
    ("state_sums", "of a column less", Lie(body=lambda r: r["columns"].pop() and None), "wrong_columns"),
    ("state_sums", "that no rows have", Lie(body=lambda r: r["columns"][0].update(squares=1)), "impossible_sums"),
    ("fix_scaler", "of other rows", Lie(body=more("rows")), "wrong_scaler"),
    ("fix_scaler", "with another mean", Lie(body=lambda r: more("mean")(r["columns"][0])), "wrong_scaler"),
    ("fix_scaler", "with another scale", Lie(body=lambda r: more("scale", -1)(r["columns"][-1])), "wrong_scaler"),
    ("fix_scaler", "without a site", Lie(body=lambda r: r["sites"].pop() and None), "wrong_members"),
    ("fix_scaler", "of fewer than it wants", Lie(body=put(least_sites=4095)), "too_few_sites"),
]
BLOCKS = [
    ("block", "another state", Lie(header=put(state_root=OTHER)), "wrong_state_root"),
    ("block", "another history", Lie(header=put(history_root=OTHER)), "wrong_history_root"),
    ("block", "other receipts", Lie(header=put(receipts_root=OTHER)), "wrong_receipts_root"),
    ("block", "other transactions", Lie(header=put(transactions_root=OTHER)), "wrong_transactions_root"),
    ("block", "another parent", Lie(header=put(parent_hash=OTHER)), "wrong_parent"),
    ("block", "another height", Lie(header=more("height")), "wrong_height"),
    ("block", "another epoch", Lie(header=more("epoch")), "wrong_epoch"),
    ("block", "a time that is past", Lie(header=put(time_ms=1)), "wrong_time"),
    ("block", "other validators", Lie(header=put(validators_hash=OTHER)), "wrong_validators"),
    ("block", "other validators next", Lie(header=put(next_validators_hash=OTHER)), "wrong_validators"),
    ("block", "other parameters", Lie(header=put(params_hash=OTHER)), "wrong_params"),
    ("block", "a proposer that is none", Lie(header=put(proposer=OTHER)), "wrong_proposer"),
    ("block", "no signature", Lie(votes=put(votes=[])), "no_quorum"),
    ("block", "one signature twice", Lie(votes=lambda c: c["votes"].append(c["votes"][0])), "bad_certificate"),
    ("block", "a validator that is none", Lie(votes=lambda c: c["votes"][0].update(validator=1)), "bad_certificate"),
    ("block", "a signature over another block", Lie(votes=put(block_hash=OTHER)), "bad_certificate"),
]
GOLDEN = ENVELOPES + ACCOUNTS + KEYS + ROUNDS + RESULTS + SETTLEMENTS + BLOCKS
# A bundle says its height itself, so the product finds this one before it looks at the block.
FOUND_BEFORE = {"wrong_height": "store_corrupt"}
