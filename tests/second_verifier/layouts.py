"""Every record of the ledger as a table: the fields in their order and the kind of each.

docs/ledger-format.md has the same tables; page_test.py compares the two. Kinds: u8 ... i128, bool, hash (32 bytes),
signature (64), `bytes CAP`, `text CAP` (one clean line), `lines CAP`, `optional RECORD`, `list RECORD CAP`,
`by FIELD RECORD CAP` (ascending by that field), `accounts CAP` (ascending hashes), a choice, or a record's name.
"""

SCHEMA = 6
MAX_MEMBERS = 4095
NO_EXPONENT, MIN_EXPONENT, MAX_EXPONENT = -150, -149, 128

INTEGERS = {"u8": (1, False), "u16": (2, False), "u32": (4, False), "u64": (8, False), "u128": (16, False),
            "i16": (2, True), "i64": (8, True), "i128": (16, True)}

TYPES = {1: "register_worker", 2: "register_dataset", 3: "open_round", 4: "commit_update", 5: "close_commits",
         6: "round_result", 7: "abandon_round", 8: "commit_evaluation", 9: "reveal_evaluation", 10: "settle_round",
         11: "transfer", 12: "suspend_member", 13: "readmit_member", 14: "rotate_key", 15: "state_sums",
         16: "fix_scaler"}
ENCODINGS = {0: "fp32", 1: "bf16", 2: "fp16", 3: "int8", 4: "int4", 5: "top_k"}
PHASES = {1: "training", 2: "revealing", 3: "evaluating", 4: "settled", 5: "abandoned"}
REASONS = {1: "absent", 2: "operator"}
ENROLMENTS = {0: "open", 1: "invitation", 2: "allow_list"}
RULE_CODES = {0: "ok", 1: "out_of_gas", 2: "out_of_memory", 3: "runtime_error", 4: "bad_argument", 5: "overflow",
              6: "too_many_effects", 7: "over_budget", 8: "unknown_account", 9: "missing_handler",
              10: "forbidden_bytecode", 11: "syntax_error", 12: "abi_mismatch", 13: "bad_manifest", 14: "too_large",
              15: "bad_event", 16: "missing_capability"}
VERDICTS = {
    0: "ok", 1: "malformed", 2: "unknown_version", 3: "unknown_type", 4: "unknown_algorithm", 5: "wrong_chain",
    6: "expired", 7: "unknown_sender", 8: "wrong_key", 9: "bad_signature", 10: "wrong_nonce", 11: "unknown_anchor",
    12: "not_authorised", 13: "malformed_text", 20: "zero_amount", 21: "insufficient_balance", 22: "overflow",
    23: "already_registered", 24: "curve_key_taken", 25: "not_invited", 26: "invitation_used", 27: "empty_dataset",
    28: "dataset_exists", 29: "unknown_dataset", 31: "too_many_datasets",
    32: "too_many_statements", 33: "balance_too_small", 34: "too_many_registrations", 35: "suspended",
    36: "already_suspended", 37: "not_suspended", 38: "not_absent", 39: "rotation_pending", 40: "unknown_worker",
    41: "not_member", 42: "wrong_round", 43: "late", 44: "duplicate", 45: "root_seen_before",
    46: "too_many_examples", 47: "no_examples", 48: "exponent_out_of_bounds", 49: "unsupported_encoding",
    51: "wrong_size", 52: "commitment_mismatch", 53: "hash_mismatch", 54: "non_finite",
    55: "exponent_mismatch", 56: "out_of_range", 57: "not_revealed", 59: "malformed_payload",
    60: "wrong_encoding", 64: "not_asked", 65: "wrong_columns", 66: "too_few_rows", 67: "impossible_sums",
    70: "wrong_phase", 71: "wrong_attempt", 72: "wrong_model", 73: "wrong_specification", 74: "wrong_members",
    75: "wrong_seed", 76: "wrong_order", 77: "wrong_weights", 78: "wrong_scale", 79: "incomplete_result",
    80: "wrong_rejection", 81: "too_few_updates", 82: "wrong_scores", 83: "not_evaluator", 84: "evaluation_missing",
    85: "wrong_metrics", 87: "conservation_broken", 88: "wrong_clip_factors",
    89: "wrong_selection", 90: "aggregation_refused", 91: "non_finite_result", 95: "scaler_missing",
    96: "wrong_scaler", 97: "too_few_sites", 100: "wrong_height", 101: "wrong_parent", 102: "wrong_time",
    103: "wrong_proposer", 104: "wrong_epoch", 105: "wrong_transactions_root", 106: "wrong_receipts_root",
    107: "wrong_state_root", 108: "wrong_history_root", 109: "wrong_validators", 110: "wrong_params",
    111: "bad_certificate", 112: "no_quorum", 113: "too_many_transactions", 122: "oversized", 123: "unknown_message",
    }
CODES = {name: number for number, name in VERDICTS.items()}

CHOICES = {"verdict": (2, VERDICTS), "encoding": (1, ENCODINGS), "phase": (1, PHASES), "reason": (1, REASONS),
           "enrolment": (1, ENROLMENTS), "privacy": (1, {0: "plain"})}

RECORDS = {
    # Blocks.
    "transaction": [("version", "u16"), ("type", "u16"), ("algorithm", "u8"), ("chain_id", "hash"),
                    ("sender", "hash"), ("nonce", "u64"), ("valid_until", "u64"), ("seen_height", "u64"),
                    ("seen_hash", "hash"), ("body", "bytes 1048576"), ("signature", "signature")],
    "header": [("version", "u16"), ("chain_id", "hash"), ("epoch", "u64"), ("height", "u64"), ("time_ms", "u64"),
               ("parent_hash", "hash"), ("transactions_root", "hash"), ("receipts_root", "hash"),
               ("state_root", "hash"), ("history_root", "hash"), ("validators_hash", "hash"),
               ("next_validators_hash", "hash"), ("params_hash", "hash"), ("proposer", "hash")],
    "vote": [("validator", "u16"), ("signature", "signature")],
    "certificate": [("epoch", "u64"), ("height", "u64"), ("block_hash", "hash"), ("votes", "list vote 64")],
    "mint": [("account", "hash"), ("amount", "u64")],
    "receipt": [("transaction_id", "hash"), ("rule_code", "u16"), ("gas_used", "u64"), ("mints", "list mint 4095")],
    # The genesis.
    "validator": [("public_key", "hash"), ("seed_chain_head", "hash")],
    "allocation": [("account", "hash"), ("amount", "u64")],
    "task": [("model", "text 1024"), ("objective", "text 1024"), ("program_hash", "hash"), ("layout_root", "hash"),
             ("parameters", "u64"), ("buffers", "u64"), ("model_root", "hash"), ("contract", "text 2097152")],
    "chain_limits": [("datasets_per_worker", "u32"), ("statements_per_round", "u32"), ("least_new_balance", "u64"),
                     ("registrations_per_round", "u32"), ("suspend_after_rounds", "u32"),
                     ("rotation_delay_blocks", "u32")],
    "genesis": [("schema", "u16"), ("name", "text 1024"), ("time_ms", "u64"), ("validators", "list validator 64"),
                ("allocations", "by account allocation 16384"), ("initial_per_round", "u64"),
                ("halving_rounds", "u64"), ("cap", "u64"), ("rule_source", "lines 65536"),
                ("rule_manifest", "lines 4096"), ("rule_abi", "text 1024"), ("rule_gas", "u64"),
                ("rule_memory_bytes", "u64"), ("rule_max_effects", "u32"), ("task", "task"),
                ("enrolment", "enrolment"), ("allowed", "accounts 16384"), ("limits", "chain_limits"),
                ("nonce", "hash")],
    # Parts of statements.
    "metric": [("name", "text 48"), ("micro", "optional i64")],
    "summary": [("name", "text 48"), ("measured", "u32"), ("median", "optional i64"), ("mean", "optional i64")],
    "parameter": [("name", "text 64"), ("bits", "u32")],
    "step": [("name", "text 64"), ("parameters", "list parameter 32")],
    "aggregation": [("pre", "list step 8"), ("aggregator", "step"), ("optimizer", "step")],
    "training": [("local_epochs", "u32"), ("local_steps", "u32"), ("batch_size", "u32"), ("optimizer", "text 64"),
                 ("learning_rate_bits", "u32"), ("momentum_bits", "u32"), ("seed", "u64")],
    "encoding_spec": [("kind", "encoding"), ("keep", "u16")],
    "round_limits": [("min_updates", "u32"), ("max_examples", "u64"), ("train_deadline_ms", "u32"),
                     ("reveal_deadline_ms", "u32"), ("stall_deadline_ms", "u32"), ("evaluation_blocks", "u32")],
    "opening": [("root", "hash"), ("size_bytes", "u64"), ("encoding", "encoding"), ("salt", "hash")],
    "close_entry": [("worker", "hash"), ("weight", "u32"), ("verdict", "verdict")],
    "result_entry": [("worker", "hash"), ("verdict", "verdict"), ("opening", "optional opening"),
                     ("clip_factor_bits", "u64"), ("selected", "bool"), ("outside_count", "u64"),
                     ("score_ppm", "u32"), ("coefficient", "u32"), ("selection_score_bits", "u64")],
    "revealed_root": [("worker", "hash"), ("opening", "opening")],
    "column_sums": [("sum", "i128"), ("squares", "u128")],
    "scaler_bits": [("mean", "u32"), ("scale", "u32")],
    # Statements, by the name of their type.
    "register_worker": [("public_key", "hash"), ("curve_key", "hash"), ("name", "text 64"),
                        ("invitation_hash", "hash")],
    "register_dataset": [("name", "text 64"), ("samples_root", "hash"), ("sample_count", "u64"),
                         ("schema", "text 4096"), ("origin", "text 1024"), ("licence", "text 1024")],
    "open_round": [("round", "u64"), ("attempt", "u32"), ("privacy", "privacy"), ("model_root", "hash"),
                   ("optimizer_root", "hash"), ("aggregation", "aggregation"), ("training", "training"),
                   ("encoding", "encoding_spec"), ("limits", "round_limits"), ("members", "accounts 4095"),
                   ("evaluators", "accounts 4095")],
    "commit_update": [("round", "u64"), ("attempt", "u32"), ("commitment", "hash"), ("exponent", "i16"),
                      ("examples", "u64"), ("steps", "u64"), ("dataset", "hash"), ("metrics", "by name metric 16")],
    "close_commits": [("round", "u64"), ("attempt", "u32"), ("seed_preimage", "hash"), ("exponent", "i16"),
                      ("shift", "i16"), ("entries", "list close_entry 4095")],
    "round_result": [("round", "u64"), ("attempt", "u32"), ("entries", "list result_entry 4095"),
                     ("model_root", "hash"), ("optimizer_root", "hash")],
    "abandon_round": [("round", "u64"), ("attempt", "u32"), ("reason", "verdict"),
                      ("revealed", "by worker revealed_root 4095")],
    "commit_evaluation": [("round", "u64"), ("commitment", "hash")],
    "reveal_evaluation": [("round", "u64"), ("metrics", "by name metric 16"), ("examples", "u64"), ("salt", "hash")],
    "settle_round": [("round", "u64"), ("attestations", "u32"), ("metrics", "by name summary 16"),
                     ("training", "by name summary 16")],
    "transfer": [("to", "hash"), ("amount", "u64"), ("memo", "text 256")],
    "suspend_member": [("account", "hash"), ("reason", "reason"), ("text", "text 256")],
    "readmit_member": [("account", "hash")],
    "rotate_key": [("account", "hash"), ("public_key", "hash"), ("curve_key", "hash")],
    "state_sums": [("dataset", "hash"), ("rows", "u64"), ("columns", "list column_sums 4097")],
    "fix_scaler": [("least_sites", "u32"), ("sites", "accounts 4095"), ("rows", "u64"),
                   ("columns", "list scaler_bits 4097")],
    # Values of the state.
    "account_record": [("public_key", "hash"), ("curve_key", "hash"), ("name", "text 64"), ("is_worker", "bool"),
                       ("is_validator", "bool"), ("nonce", "u64"), ("balance", "u64"), ("registered_height", "u64"),
                       ("datasets", "u64"), ("rounds_accepted", "u64"), ("score_sum_ppm", "u64"), ("minted", "u64"),
                       ("rounds_missed", "u64"), ("counted_round", "u64"), ("counted_statements", "u64")],
    "dataset_record": [("owner", "hash"), ("height", "u64"), ("manifest", "register_dataset")],
    "round_record": [("round", "u64"), ("attempt", "u32"), ("phase", "phase"), ("open_height", "u64"),
                     ("result_height", "u64"), ("open", "open_round"), ("close", "close_commits"),
                     ("result", "round_result"), ("attestations", "u32"), ("metrics", "by name summary 16"),
                     ("training", "by name summary 16")],
    "commit_record": [("body", "commit_update"), ("height", "u64"), ("order", "u64")],
    "root_record": [("round", "u64"), ("worker", "hash")],
    "evaluation_record": [("commitment", "hash"), ("revealed", "bool"), ("body", "reveal_evaluation")],
    "suspension_record": [("reason", "reason"), ("text", "text 256"), ("height", "u64")],
    "rotation_record": [("public_key", "hash"), ("curve_key", "hash"), ("due_height", "u64")],
    "sums_record": [("body", "state_sums"), ("height", "u64")],
    "scaler_record": [("height", "u64"), ("sites", "u32"), ("rows", "u64"), ("columns", "list scaler_bits 4097")],
    "job_record": [("round", "u64"), ("model_root", "hash"), ("optimizer_root", "hash"), ("registrations", "u32")],
    "totals_record": [("allocated", "u64"), ("issued", "u64"), ("minted", "u64"), ("carry", "u64")],
}

PLAIN = set("_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
MAX_MICRO = 10**15


def is_metric_name(name):
    return name != "" and name[0] in PLAIN and set(name) <= PLAIN | set(".:/@+-")


def is_micro(value):
    return value is None or -MAX_MICRO <= value <= MAX_MICRO


def is_summary(s):
    return (is_metric_name(s["name"]) and is_micro(s["median"]) and is_micro(s["mean"])
            and s["measured"] <= MAX_MEMBERS and (s["median"] is not None) == (s["measured"] > 0)
            and (s["mean"] is None or s["median"] is not None))


def is_encoding(e):
    return 1 <= e["keep"] <= 4096 if e["kind"] == 5 else e["keep"] == 0


# What a record's fields must agree in, beside their kinds.
CONDITIONS = {
    "header": lambda r: r["version"] == 1,
    "genesis": lambda r: r["schema"] == SCHEMA,
    "metric": lambda r: is_metric_name(r["name"]) and is_micro(r["micro"]),
    "summary": is_summary,
    "training": lambda r: (r["local_epochs"] == 0) != (r["local_steps"] == 0) and r["batch_size"] > 0,
    "encoding_spec": is_encoding,
    "round_limits": lambda r: r["min_updates"] > 0 and 0 < r["max_examples"] <= 1 << 24,
    "suspend_member": lambda r: (r["text"] == "") == (r["reason"] == 1),
    "fix_scaler": lambda r: r["least_sites"] > 0,
}
