"""Recomputes what a round's payloads come to, and compares it with what its result says."""

import aggregate
import specification
from codec import Fault
from fixed_point import bits64, exponent_of, from_bytes32, to_bytes32
from geometry import gram_matrix
from hashes import address_of, blob_root
from layouts import CODES, VERDICTS
from update_encodings import BadPayload, decode_payload

NONE = bytes(32)


class Missing(Exception):
    """A blob that is not there. `root` is its name."""

    def __init__(self, root):
        super().__init__(root.hex())
        self.root = root


class Execution:
    """Entries as a result has them, roots, and the name of the failure where there is no result."""

    def __init__(self):
        self.entries, self.model_root, self.optimizer_root, self.failure = [], NONE, NONE, None
        self.made = []  # the values of model and state


def load(bundle, root, size):
    data = bundle.blob(root, size)
    if data is None:
        raise Missing(root)
    return data


def root_of(values):
    return blob_root(to_bytes32(values)) if values else NONE


def judge(data, commit, open_body, task):
    """(verdict, values, buffers) of a payload that hashes to its root."""
    try:
        values, buffers = decode_payload(data, open_body["encoding"], task["parameters"], task["buffers"])
    except BadPayload as bad:
        return CODES[bad.verdict], None, None
    if exponent_of(values) != commit["exponent"]:
        return CODES["exponent_mismatch"], None, None
    return 0, values, buffers


def start_of(bundle, open_body, task):
    """Model and optimizer state that a round begins with; a state that is none is one of zeros."""
    model = from_bytes32(load(bundle, open_body["model_root"], 4 * (task["parameters"] + task["buffers"])))
    moments = specification.MOMENTS[open_body["aggregation"]["optimizer"]["name"]] * task["parameters"]
    if open_body["optimizer_root"] == NONE:
        return model, [0.0] * moments
    return model, from_bytes32(load(bundle, open_body["optimizer_root"], 4 * moments))


def refused(worker, verdict, opening):
    return {"worker": worker, "verdict": verdict, "opening": opening, "clip_factor_bits": 0, "selected": False,
            "outside_count": 0, "score_ppm": 0, "coefficient": 0, "selection_score_bits": 0}


def execute(bundle, open_body, close, commits, payloads, task):
    """`payloads` are (opening, verdict that the ledger alone gives) for each entry of the close, `commits` the bodies
    of the commitments by worker."""
    execution, accepted = Execution(), []
    for close_entry, (opening, verdict) in zip(close["entries"], payloads):
        worker = close_entry["worker"]
        if verdict == 0:
            data = load(bundle, opening["root"], opening["size_bytes"])
            verdict, values, buffers = judge(data, commits[worker], open_body, task)
        if verdict == 0:
            accepted.append((len(execution.entries), values, buffers, close_entry["weight"]))
        execution.entries.append(refused(worker, verdict, opening))
    if accepted:
        run(bundle, open_body, close, accepted, task, execution)
    return execution


def run(bundle, open_body, close, accepted, task, execution):
    aggregation = open_body["aggregation"]
    model, state = start_of(bundle, open_body, task)
    if not specification.can_be_done(aggregation, len(accepted)):
        execution.failure = "aggregation_refused"
        return
    updates, weights = [each[1] for each in accepted], [each[3] for each in accepted]
    gram = gram_matrix(updates)
    count = task["parameters"]
    try:
        outcome = aggregate.combine(aggregation, updates, weights, (close["exponent"], close["shift"]), gram)
        parameters, state = aggregate.next_model(aggregation, outcome, model[:count], state)
        buffers = aggregate.next_buffers(aggregation["aggregator"]["name"], [each[2] for each in accepted], weights,
                                         model[count:])
    except aggregate.NotFinite:
        execution.failure = "non_finite_result"
        return
    scores = aggregate.scores_of(gram, outcome)
    for k, (place, _, _, _) in enumerate(accepted):
        execution.entries[place].update(
            clip_factor_bits=bits64(outcome.clips[k]), coefficient=outcome.coefficients[k],
            selected=outcome.coefficients[k] > 0, outside_count=outcome.outside[k],
            selection_score_bits=bits64(outcome.scores[k] + 0.0), score_ppm=scores[k])
    execution.made = [parameters + buffers, state]
    execution.model_root, execution.optimizer_root = map(root_of, execution.made)


FIELDS = [("verdict", "wrong_rejection"), ("clip_factor_bits", "wrong_clip_factors"),
          ("selected", "wrong_selection"), ("coefficient", "wrong_coefficients"),
          ("selection_score_bits", "wrong_selection_scores"), ("outside_count", "wrong_outside_counts"),
          ("score_ppm", "wrong_scores")]
FROM_PAYLOADS = ("ok", "non_finite", "malformed_payload", "exponent_mismatch")


def check_result(bundle, open_body, close, commits, result, task):
    """The whole arithmetic of a result."""
    payloads = []
    for entry in result["entries"]:
        judged = VERDICTS[entry["verdict"]] in FROM_PAYLOADS
        payloads.append((entry["opening"], 0 if judged else entry["verdict"]))
    found = execute(bundle, open_body, close, commits, payloads, task)
    if found.failure is not None:
        raise Fault("round_fails", found.failure)
    for field, rule in FIELDS:
        for ours, theirs in zip(found.entries, result["entries"]):
            if ours[field] != theirs[field]:
                who = address_of(theirs["worker"])
                raise Fault(rule, f"{field} of {who} is {theirs[field]}, it comes to {ours[field]}")
    for field, rule in [("model_root", "wrong_model_root"), ("optimizer_root", "wrong_optimizer_root")]:
        if getattr(found, field) != result[field]:
            raise Fault(rule, f"{result[field].hex()}, it comes to {getattr(found, field).hex()}")
    moments = specification.MOMENTS[open_body["aggregation"]["optimizer"]["name"]]
    load(bundle, result["model_root"], 4 * (task["parameters"] + task["buffers"]))
    if result["optimizer_root"] != NONE:
        load(bundle, result["optimizer_root"], 4 * moments * task["parameters"])
