"""Statements about accounts, money and members: each rule from top to bottom, one check a name.

A rule gets the body, the sender and a Context; it raises Fault with the verdict's name, or changes the state.
"""

import state as keys
from codec import Fault
from hashes import dataset_id

MAX_U64 = (1 << 64) - 1


class Context:
    """What a statement is judged by: genesis, the hashes of blocks 0 ... height-1, the state, the receipt in the
    block, and of how many columns the contract wants sums."""

    def __init__(self, genesis, history, height, state, summed):
        self.genesis, self.history, self.height, self.state, self.summed = genesis, history, height, state, summed
        self.stated, self.receipt, self.derived = None, None, True

    @property
    def limits(self):
        return self.genesis["limits"]


def require(holds, verdict):
    if not holds:
        raise Fault(verdict)


def count_statement(context, record):
    """One more of those that serve no round. A validator, who orders the blocks, is not counted."""
    if record["is_validator"]:
        return
    newest = context.state.job()["round"]
    if record["counted_round"] != newest:
        record["counted_statements"] = 0
    require(record["counted_statements"] < context.limits["statements_per_round"], "too_many_statements")
    record["counted_round"] = newest
    record["counted_statements"] += 1


def check_enrolment(body, sender, context):
    genesis, state = context.genesis, context.state
    if genesis["enrolment"] == 0:
        most = context.limits["registrations_per_round"]
        require(state.job()["registrations"] < most, "too_many_registrations")
    elif genesis["enrolment"] == 2:
        require(sender in genesis["allowed"], "not_invited")
    else:
        require(any(body["invitation_hash"]), "not_invited")
        require(state.find(keys.invitation_key(body["invitation_hash"])) is None, "invitation_used")


def register_worker(body, sender, context):
    state = context.state
    require(any(body["curve_key"]), "wrong_key")
    require(state.find(keys.curve_key(body["curve_key"])) is None, "curve_key_taken")
    check_enrolment(body, sender, context)
    record = state.account(sender) or dict(keys.NEW_ACCOUNT)
    record.update(public_key=body["public_key"], curve_key=body["curve_key"], name=body["name"], is_worker=True,
                  registered_height=context.height)
    state.put_account(sender, record)
    state.put_raw(keys.curve_key(body["curve_key"]), sender)
    if context.genesis["enrolment"] == 0:
        job = state.job()
        job["registrations"] += 1
        state.put(keys.JOB, "job_record", job)
    if any(body["invitation_hash"]):
        state.put_raw(keys.invitation_key(body["invitation_hash"]), sender)


def register_dataset(body, sender, context):
    state = context.state
    require(body["sample_count"] > 0, "empty_dataset")
    record = state.worker(sender)
    require(record is not None, "unknown_worker")
    require(state.find(keys.suspension_key(sender)) is None, "suspended")
    key = keys.dataset_key(dataset_id(sender, body))
    require(state.find(key) is None, "dataset_exists")
    require(record["datasets"] < context.limits["datasets_per_worker"], "too_many_datasets")
    count_statement(context, record)
    state.put(key, "dataset_record", {"owner": sender, "height": context.height, "manifest": body})
    record["datasets"] += 1
    state.put_account(sender, record)
    state.index_member(sender, record)


def transfer(body, sender, context):
    state, amount = context.state, body["amount"]
    require(amount > 0, "zero_amount")
    payer = state.account(sender)
    require(payer["balance"] >= amount, "insufficient_balance")
    payee = state.account(body["to"])
    require(payee is not None or amount >= context.limits["least_new_balance"], "balance_too_small")
    payee = payee or dict(keys.NEW_ACCOUNT)
    moves = body["to"] != sender  # to oneself it moves nothing and costs a nonce
    require(not moves or payee["balance"] + amount <= MAX_U64, "overflow")
    count_statement(context, payer)
    if moves:
        payer["balance"] -= amount
        payee["balance"] += amount
        state.put_account(body["to"], payee)
    state.put_account(sender, payer)


# --- Members.


def suspend_member(body, sender, context):
    state, account = context.state, body["account"]
    require(state.is_validator(sender), "not_authorised")
    record = state.worker(account)
    require(record is not None, "unknown_worker")
    key = keys.suspension_key(account)
    before = state.get(key, "suspension_record")
    # The operator's word may follow an absence.
    require(before is None or (before["reason"] == 1 and body["reason"] == 2), "already_suspended")
    absent = record["rounds_missed"] >= context.limits["suspend_after_rounds"]
    require(body["reason"] != 1 or absent, "not_absent")
    state.put(key, "suspension_record", {"reason": body["reason"], "text": body["text"], "height": context.height})
    state.index_member(account, record)


def readmit_member(body, sender, context):
    state, account = context.state, body["account"]
    require(state.is_validator(sender), "not_authorised")
    record = state.worker(account)
    require(record is not None, "unknown_worker")
    require(state.find(keys.suspension_key(account)) is not None, "not_suspended")
    state.remove(keys.suspension_key(account))
    record["rounds_missed"] = 0
    state.put_account(account, record)
    state.index_member(account, record)


def replace_keys(state, body, record):
    state.remove(keys.curve_key(record["curve_key"]))
    record.update(public_key=body["public_key"], curve_key=body["curve_key"])
    state.put_raw(keys.curve_key(body["curve_key"]), body["account"])
    state.put_account(body["account"], record)


def rotate_key(body, sender, context):
    state, account = context.state, body["account"]
    own = sender == account
    require(own or state.is_validator(sender), "not_authorised")
    require(any(body["public_key"]) and any(body["curve_key"]), "wrong_key")
    record = state.worker(account)
    require(record is not None, "unknown_worker")
    taken = state.find(keys.curve_key(body["curve_key"])) is not None
    require(body["curve_key"] == record["curve_key"] or not taken, "curve_key_taken")
    key = keys.rotation_key(account)
    if own:
        count_statement(context, record)
        replace_keys(state, body, record)
        suspension = state.get(keys.suspension_key(account), "suspension_record")
        if suspension is None or suspension["reason"] != 2:
            state.remove(key)
        return
    asked = state.get(key, "rotation_record")
    wanted = (body["public_key"], body["curve_key"])
    if asked is None or (asked["public_key"], asked["curve_key"]) != wanted:
        due = context.height + context.limits["rotation_delay_blocks"]
        state.put(key, "rotation_record", {"public_key": wanted[0], "curve_key": wanted[1], "due_height": due})
        return
    require(context.height >= asked["due_height"], "rotation_pending")
    replace_keys(state, body, record)
    state.remove(key)
