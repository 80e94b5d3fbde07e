"""Opening a round, committing to it, closing it, its result, and giving it up."""

import state as keys
import specification
from codec import Fault, empty
from update_encodings import payload_bytes
from fixed_point import round_exponent, shift_of
from hashes import order_key, round_seed, sha256, update_commitment
from layouts import CODES, MAX_EXPONENT, NO_EXPONENT
from statements_accounts import require

ONE_BITS, INFINITY_BITS = 0x3FF0_0000_0000_0000, 0x7FF0_0000_0000_0000
MAX_WEIGHT = 1 << 24
OK = 0
AGGREGATION_FAILURES = (CODES["aggregation_refused"], CODES["non_finite_result"])


def check_turn(body, current, job):
    if current is None or current["phase"] == 4:
        require(body["round"] == job["round"] + 1, "wrong_round")
        require(body["attempt"] == 0, "wrong_attempt")
        return
    require(current["phase"] == 5, "wrong_phase")
    require(body["round"] == job["round"], "wrong_round")
    require(body["attempt"] == current["attempt"] + 1, "wrong_attempt")


def open_round(body, sender, context):
    state = context.state
    require(state.is_validator(sender), "not_authorised")
    require(context.summed == 0 or state.find(keys.SCALER) is not None, "scaler_missing")
    job = state.job()
    check_turn(body, state.current_round(), job)
    begins = (body["model_root"], body["optimizer_root"])
    require(begins == (job["model_root"], job["optimizer_root"]), "wrong_model")
    require(specification.stands(body["aggregation"]), "wrong_specification")
    require(body["members"] == state.members(), "wrong_members")
    require(body["limits"]["min_updates"] <= len(body["members"]), "too_few_updates")
    require(body["evaluators"] != [], "not_evaluator")
    for evaluator in body["evaluators"]:
        require(evaluator in body["members"] or state.is_validator(evaluator), "not_evaluator")
    record = empty("round_record")
    record.update(round=body["round"], attempt=body["attempt"], phase=1, open_height=context.height, open=body)
    state.put(keys.round_key(body["round"]), "round_record", record)
    if job["round"] != body["round"]:
        job["registrations"] = 0
    job["round"] = body["round"]
    state.put(keys.JOB, "job_record", job)


def find_round(state, body):
    """The current round, if the statement is about it and this attempt."""
    record = state.current_round()
    require(record is not None and record["round"] == body["round"], "wrong_round")
    require(record["attempt"] == body["attempt"], "wrong_attempt")
    return record


def commit_update(body, sender, context):
    state = context.state
    record = find_round(state, body)
    require(record["phase"] == 1, "late")
    # The commitment is bound to the block that opened the round, so that block must be final.
    require(record["open_height"] < context.height, "wrong_phase")
    require(sender in record["open"]["members"], "not_member")
    require(state.find(keys.suspension_key(sender)) is None, "suspended")
    prefix = keys.commit_prefix(body["round"], body["attempt"])
    require(state.find(prefix + sender) is None, "duplicate")
    dataset = state.get(keys.dataset_key(body["dataset"]), "dataset_record")
    require(dataset is not None and dataset["owner"] == sender, "unknown_dataset")
    require(body["examples"] > 0, "no_examples")
    most = min(dataset["manifest"]["sample_count"], record["open"]["limits"]["max_examples"])
    require(body["examples"] <= most, "too_many_examples")
    require(NO_EXPONENT <= body["exponent"] <= MAX_EXPONENT, "exponent_out_of_bounds")
    order = len(state.scan(prefix))
    state.put(prefix + sender, "commit_record", {"body": body, "height": context.height, "order": order})


def plan_close(body, commits):
    """(E, s, entries): all that a close must say, from its preimage and the commitments."""
    exponent = round_exponent([commit["body"]["exponent"] for _, commit in commits])
    seed = round_seed(body["round"], body["attempt"], body["seed_preimage"],
                      [commit["body"]["commitment"] for _, commit in commits])
    entries = []
    for worker, commit in commits:
        verdict = CODES["out_of_range"] if commit["body"]["exponent"] > exponent else OK
        entries.append({"worker": worker, "weight": commit["body"]["examples"], "verdict": verdict})
    largest = max((entry["weight"] for entry in entries if entry["verdict"] == OK), default=1)
    entries.sort(key=lambda entry: order_key(seed, entry["worker"]))
    return exponent, shift_of(exponent, largest), entries


def close_commits(body, sender, context):
    state = context.state
    require(state.is_validator(sender), "not_authorised")
    record = find_round(state, body)
    require(record["phase"] == 1, "wrong_phase")
    require(state.find(keys.seed_key(sender)) == sha256(body["seed_preimage"]), "wrong_seed")
    commits = state.commits(body["round"], body["attempt"])
    require(len(commits) >= record["open"]["limits"]["min_updates"], "too_few_updates")
    exponent, shift, entries = plan_close(body, commits)
    require((body["exponent"], body["shift"]) == (exponent, shift), "wrong_scale")
    order = [entry["worker"] for entry in entries]
    require([entry["worker"] for entry in body["entries"]] == order, "wrong_order")
    require(body["entries"] == entries, "wrong_weights")
    record.update(phase=2, close=body)
    state.put(keys.round_key(body["round"]), "round_record", record)
    state.put_raw(keys.seed_key(sender), body["seed_preimage"])


# --- Who may use which root.


class RootClaims:
    """Of those who reveal one root in an attempt the earliest commitment keeps it; a root of an earlier round is
    nobody's, and one that was revealed in an earlier attempt is still its worker's."""

    def __init__(self, state, record, openings):
        self.state, self.number, self.owners = state, record["round"], {}
        order = {worker: c["order"] for worker, c in state.commits(record["round"], record["attempt"])}
        for worker, opening in sorted(openings, key=lambda pair: order[pair[0]]):
            self.owners.setdefault(opening["root"], worker)
        for root in self.owners:
            seen = state.get(keys.root_key(root), "root_record")
            if seen is not None:
                self.owners[root] = seen["worker"] if seen["round"] == self.number else bytes(32)

    def verdict(self, worker, root):
        return OK if self.owners[root] == worker else CODES["root_seen_before"]

    def keep(self):
        for root, owner in self.owners.items():
            if self.state.find(keys.root_key(root)) is None:
                self.state.put(keys.root_key(root), "root_record", {"round": self.number, "worker": owner})


def shape_verdict(record, opening, task):
    if opening["encoding"] != record["open"]["encoding"]["kind"]:
        return CODES["wrong_encoding"]
    wanted = payload_bytes(record["open"]["encoding"], task["parameters"], task["buffers"])
    return OK if opening["size_bytes"] == wanted else CODES["wrong_size"]


def due_verdict(close_entry, opening, record, task, claims):
    """What the ledger alone says of a commitment; ok where only the payload could say otherwise."""
    if close_entry["verdict"] != OK:
        return close_entry["verdict"]
    if opening is None:
        return CODES["not_revealed"]
    shape = shape_verdict(record, opening, task)
    return shape if shape != OK else claims.verdict(close_entry["worker"], opening["root"])


def check_refused(entry):
    require(entry["clip_factor_bits"] == 0, "wrong_clip_factors")
    said = (entry["selected"], entry["outside_count"], entry["coefficient"], entry["selection_score_bits"])
    require(said == (False, 0, 0, 0), "wrong_selection")
    require(entry["score_ppm"] == 0, "wrong_scores")


def check_accepted(entry, clips, parameters):
    bits = entry["clip_factor_bits"]
    require(bits <= ONE_BITS and (clips or bits == ONE_BITS), "wrong_clip_factors")
    require(entry["outside_count"] <= parameters and entry["coefficient"] <= MAX_WEIGHT, "wrong_selection")
    require(entry["selected"] == (entry["coefficient"] > 0), "wrong_selection")
    require(entry["selection_score_bits"] < INFINITY_BITS, "wrong_selection")
    require(entry["score_ppm"] <= 1_000_000, "wrong_scores")


FACTS_OF_PAYLOADS = (CODES["non_finite"], CODES["malformed_payload"], CODES["exponent_mismatch"])


def check_opening(record, worker, opening, context, otherwise):
    """An opening opens its commitment."""
    prefix = keys.commit_prefix(record["round"], record["attempt"])
    commit = context.state.get(prefix + worker, "commit_record")
    require(commit is not None, otherwise)
    found = update_commitment(context.history[record["open_height"]], worker, opening)
    require(found == commit["body"]["commitment"], "commitment_mismatch")


def round_result(body, sender, context):
    state, task = context.state, context.genesis["task"]
    require(state.is_validator(sender), "not_authorised")
    record = find_round(state, body)
    require(record["phase"] == 2, "wrong_phase")
    closed = record["close"]["entries"]
    require(len(body["entries"]) == len(closed), "incomplete_result")
    for entry, close_entry in zip(body["entries"], closed):
        require(entry["worker"] == close_entry["worker"], "wrong_order")
        if entry["opening"] is not None:
            check_opening(record, entry["worker"], entry["opening"], context, "commitment_mismatch")
    openings = [(entry["worker"], entry["opening"]) for entry in body["entries"] if entry["opening"] is not None]
    claims = RootClaims(state, record, openings)
    accepted = 0
    for entry, close_entry in zip(body["entries"], closed):
        due = due_verdict(close_entry, entry["opening"], record, task, claims)
        if due != OK or entry["verdict"] in FACTS_OF_PAYLOADS:
            require(due == OK or entry["verdict"] == due, "wrong_rejection")
            check_refused(entry)
            continue
        require(entry["verdict"] == OK, "wrong_rejection")
        check_accepted(entry, record["open"]["aggregation"]["pre"] != [], task["parameters"])
        accepted += 1
    require(accepted >= record["open"]["limits"]["min_updates"], "too_few_updates")
    require(any(body["model_root"]), "wrong_model")
    claims.keep()
    record.update(phase=3, result=body, result_height=context.height)
    state.put(keys.round_key(body["round"]), "round_record", record)
    job = state.job()
    job.update(model_root=body["model_root"], optimizer_root=body["optimizer_root"])
    state.put(keys.JOB, "job_record", job)


def abandon_round(body, sender, context):
    state = context.state
    require(state.is_validator(sender), "not_authorised")
    record = find_round(state, body)
    require(record["phase"] in (1, 2), "wrong_phase")
    require(record["phase"] == 2 or body["revealed"] == [], "wrong_phase")
    require(body["reason"] != OK, "wrong_rejection")
    require(record["phase"] == 2 or body["reason"] not in AGGREGATION_FAILURES, "wrong_phase")
    openings = []
    for revealed in body["revealed"]:
        check_opening(record, revealed["worker"], revealed["opening"], context, "commitment_mismatch")
        openings.append((revealed["worker"], revealed["opening"]))
    RootClaims(state, record, openings).keep()
    for key in state.scan(keys.commit_prefix(body["round"], body["attempt"])):
        state.remove(key)
    record["phase"] = 5
    record["open"].update(members=[], evaluators=[])
    record["close"] = empty("close_commits")
    state.put(keys.round_key(body["round"]), "round_record", record)


def revealed_elsewhere(state, number, worker, root):
    """Whether a root that an abandoned attempt revealed is another's (of the state after it)."""
    seen = state.get(keys.root_key(root), "root_record")
    if seen is None:
        raise Fault("root_seen_before", root.hex())
    return (seen["round"], seen["worker"]) != (number, worker)
