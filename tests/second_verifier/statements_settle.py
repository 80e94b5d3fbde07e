"""Attestations of a new model, the settlement that pays, and the scaler that comes from the sites."""

import math

import rewards
import state as keys
from codec import empty
from hashes import evaluation_commitment
from layouts import CODES, INTEGERS
from metrics import plan_settlement
from statements_accounts import require

MILLION, MAX_VALUE, MAX_ROWS, LEAST_ROWS = 10**6, 10**9, 10**8, 10


def find_evaluating(state, number):
    record = state.current_round()
    require(record is not None and record["round"] == number, "wrong_round")
    require(record["phase"] == 3, "wrong_phase")
    return record


def waited(record, height, spans):
    """Commitments have K blocks to come, reveals another K."""
    return height > record["result_height"] + spans * record["open"]["limits"]["evaluation_blocks"]


def evaluations_of(state, number):
    return [state.get(key, "evaluation_record") for key in state.scan(keys.evaluation_prefix(number))]


def commit_evaluation(body, sender, context):
    state = context.state
    record = find_evaluating(state, body["round"])
    require(sender in record["open"]["evaluators"], "not_evaluator")
    key = keys.evaluation_prefix(body["round"]) + sender
    require(state.find(key) is None, "duplicate")
    require(not waited(record, context.height, 1), "late")
    require(not any(other["revealed"] for other in evaluations_of(state, body["round"])), "late")
    evaluation = dict(empty("evaluation_record"), commitment=body["commitment"])
    state.put(key, "evaluation_record", evaluation)


def reveal_evaluation(body, sender, context):
    state = context.state
    record = find_evaluating(state, body["round"])
    key = keys.evaluation_prefix(body["round"]) + sender
    evaluation = state.get(key, "evaluation_record")
    require(evaluation is not None, "not_evaluator")
    require(not evaluation["revealed"], "duplicate")
    all_committed = len(evaluations_of(state, body["round"])) == len(record["open"]["evaluators"])
    require(all_committed or waited(record, context.height, 1), "wrong_phase")
    require(body["examples"] > 0, "no_examples")
    found = evaluation_commitment(sender, record["result"]["model_root"], body)
    require(found == evaluation["commitment"], "commitment_mismatch")
    evaluation.update(revealed=True, body=body)
    state.put(key, "evaluation_record", evaluation)


def settle_round(body, sender, context):
    state = context.state
    require(state.is_validator(sender), "not_authorised")
    record = find_evaluating(state, body["round"])
    evaluations = evaluations_of(state, body["round"])
    expected = plan_settlement(record, state.commits(record["round"], record["attempt"]), evaluations)
    all_committed = len(evaluations) == len(record["open"]["evaluators"]) or waited(record, context.height, 1)
    all_revealed = expected["attestations"] == len(evaluations) or waited(record, context.height, 2)
    require(all_committed and all_revealed, "evaluation_missing")
    require(body == expected, "wrong_metrics")
    payment = rewards.Payment(context.genesis, record, state.totals(), context.stated)
    context.receipt.update(rule_code=payment.code, gas_used=payment.gas, mints=payment.mints)
    context.derived = payment.derived
    for mint in payment.mints:
        account = state.account(mint["account"])
        account["balance"] += mint["amount"]
        account["minted"] += mint["amount"]
        state.put_account(mint["account"], account)
    count_round(record, state)
    state.put(keys.TOTALS, "totals_record", payment.totals)
    retire(record, body, state)


def count_round(record, state):
    """What a settled round adds to the accounts of those that took part, or missed it."""
    gave = set()
    for entry in record["result"]["entries"]:
        if entry["verdict"] != CODES["not_revealed"]:  # a refused update is one, too
            gave.add(entry["worker"])
        if entry["verdict"] == 0:
            account = state.account(entry["worker"])
            account["rounds_accepted"] += 1
            account["score_sum_ppm"] += entry["score_ppm"]
            state.put_account(entry["worker"], account)
    for member in record["open"]["members"]:
        account = state.account(member)
        account["rounds_missed"] = 0 if member in gave else account["rounds_missed"] + 1
        state.put_account(member, account)


def retire(record, body, state):
    """What later rounds need stays; who took part and how stands in the blocks."""
    for prefix in (keys.commit_prefix(record["round"], record["attempt"]), keys.evaluation_prefix(record["round"])):
        for key in state.scan(prefix):
            state.remove(key)
    record.update(phase=4, attestations=body["attestations"], metrics=body["metrics"], training=body["training"])
    record["open"].update(members=[], evaluators=[])
    record["close"]["entries"] = []
    record["result"]["entries"] = []
    state.put(keys.round_key(record["round"]), "round_record", record)


# --- The scaler from the sites.


def sums_are_possible(column, rows):
    most = MAX_VALUE * MILLION
    if abs(column["sum"]) > rows * most or column["squares"] > rows * most * most:
        return False
    return column["sum"] ** 2 <= column["squares"] * rows


def state_sums(body, sender, context):
    state = context.state
    require(context.summed > 0, "not_asked")
    require(state.find(keys.SCALER) is None, "late")
    require(state.find(keys.suspension_key(sender)) is None, "suspended")
    require(state.find(keys.sums_key(sender)) is None, "duplicate")
    dataset = state.get(keys.dataset_key(body["dataset"]), "dataset_record")
    require(dataset is not None and dataset["owner"] == sender, "unknown_dataset")
    require(body["rows"] >= LEAST_ROWS, "too_few_rows")
    require(body["rows"] <= min(dataset["manifest"]["sample_count"], MAX_ROWS), "too_many_examples")
    require(len(body["columns"]) == context.summed, "wrong_columns")
    for column in body["columns"]:
        require(sums_are_possible(column, body["rows"]), "impossible_sums")
    state.put(keys.sums_key(sender), "sums_record", {"body": body, "height": context.height})


def nearest_bits(is_at_most, estimate):
    """The bits of the fp32 nearest to an exact positive number x, ties to even. is_at_most(p, q) says whether
    p / q <= x; the estimate is near enough to begin from."""
    exponent = math.frexp(estimate)[1] - 24
    mantissa = 1 << 23  # the largest m with m * 2^exponent <= x
    while not at(is_at_most, mantissa, exponent):
        exponent -= 1
    while at(is_at_most, 1 << 24, exponent):
        exponent += 1
    for bit in range(22, -1, -1):
        if at(is_at_most, mantissa | 1 << bit, exponent):
            mantissa |= 1 << bit
    above = at(is_at_most, 2 * mantissa + 1, exponent - 1)
    tie = above and is_equal(is_at_most, 2 * mantissa + 1, exponent - 1)
    if above and (not tie or mantissa & 1):
        mantissa += 1
    if mantissa == 1 << 24:
        mantissa, exponent = mantissa >> 1, exponent + 1
    return (exponent + 150) << 23 | mantissa & 0x7FFFFF


def at(is_at_most, mantissa, exponent):
    return is_at_most(mantissa << max(exponent, 0), 1 << max(-exponent, 0))


def is_equal(is_at_most, mantissa, exponent):
    """Whether x is that number: nothing a little larger is at most x, far below what a sum could tell apart."""
    return not at(is_at_most, (mantissa << 400) + 1, exponent - 400)


def scaler_bits(total, squares, rows):
    """Mean and deviation of a column over all sites, as the bits of the nearest fp32; a constant one has scale 1."""
    below = rows * MILLION
    size, mean, scale = abs(total), 0, 0x3F800000
    if size:
        mean = nearest_bits(lambda p, q: p * below <= size * q, size / below)
        mean |= 1 << 31 if total < 0 else 0
    variance = rows * squares - total * total
    if variance:
        scale = nearest_bits(lambda p, q: (p * below) ** 2 <= variance * q * q, math.sqrt(variance) / below)
    return {"mean": mean, "scale": scale}


def fix_scaler(body, sender, context):
    state = context.state
    require(state.is_validator(sender), "not_authorised")
    require(context.summed > 0, "not_asked")
    require(state.find(keys.SCALER) is None, "duplicate")
    stated = [member for member in state.members() if state.find(keys.sums_key(member)) is not None]
    require(body["sites"] == stated, "wrong_members")
    require(len(stated) >= body["least_sites"], "too_few_sites")
    sums = [state.get(keys.sums_key(site), "sums_record")["body"] for site in stated]
    rows = sum(each["rows"] for each in sums)
    columns = []
    for c in range(context.summed):
        column = [each["columns"][c] for each in sums]
        columns.append(scaler_bits(sum(x["sum"] for x in column), sum(x["squares"] for x in column), rows))
    require(body["rows"] == rows and body["columns"] == columns, "wrong_scaler")
    for key in state.scan(b"x/"):
        state.remove(key)
    state.put(keys.SCALER, "scaler_record", {"height": context.height, "sites": len(stated), "rows": rows,
                                             "columns": columns})


assert INTEGERS["i128"] == (16, True)
