"""The state: what all statements so far come to. Entries by key, typed records over them."""

from codec import Fault, decode, encode
from hashes import account_of, sha256, subtree_root
from layouts import MAX_MEMBERS


def big(value, size):
    return value.to_bytes(size, "big")


JOB, TOTALS, SCALER = b"j", b"t", b"f"


def account_key(account):
    return b"a/" + account


def dataset_key(dataset):
    return b"d/" + dataset


def round_key(number):
    return b"r/" + big(number, 8)


def commit_prefix(number, attempt):
    return b"c/" + big(number, 8) + big(attempt, 4)


def evaluation_prefix(number):
    return b"e/" + big(number, 8)


def root_key(root):
    return b"u/" + root


def invitation_key(code_hash):
    return b"i/" + code_hash


def curve_key(key):
    return b"k/" + key


def seed_key(validator):
    return b"v/" + validator


def suspension_key(worker):
    return b"s/" + worker


def rotation_key(worker):
    return b"o/" + worker


def sums_key(worker):
    return b"x/" + worker


def member_key(registered_height, worker):
    return b"m/" + big(registered_height, 8) + worker


class State:
    def __init__(self):
        self.entries, self.leaves = {}, {}

    def put_raw(self, key, value):
        self.entries[key] = value
        self.leaves[key] = (sha256(key), sha256(value))

    def put(self, key, name, record):
        self.put_raw(key, encode(name, record))

    def remove(self, key):
        self.entries.pop(key, None)
        self.leaves.pop(key, None)

    def find(self, key):
        return self.entries.get(key)

    def get(self, key, name):
        value = self.entries.get(key)
        return None if value is None else decode(name, value)

    def scan(self, prefix):
        """Keys that begin so, ascending."""
        return sorted(key for key in self.entries if key.startswith(prefix))

    def root(self):
        return subtree_root(sorted(self.leaves.values()), 0)

    # --- What several statements ask.

    def account(self, account):
        return self.get(account_key(account), "account_record")

    def put_account(self, account, record):
        self.put(account_key(account), "account_record", record)

    def is_validator(self, account):
        record = self.account(account)
        return record is not None and record["is_validator"]

    def worker(self, account):
        record = self.account(account)
        return record if record is not None and record["is_worker"] else None

    def job(self):
        return self.get(JOB, "job_record")

    def totals(self):
        return self.get(TOTALS, "totals_record")

    def current_round(self):
        return self.get(round_key(self.job()["round"]), "round_record")

    def members(self):
        """Those who registered first, at most 4095; ascending."""
        return sorted(key[-32:] for key in self.scan(b"m/")[:MAX_MEMBERS])

    def index_member(self, worker, record):
        """Call it after whatever may change that a worker is a member."""
        key = member_key(record["registered_height"], worker)
        if record["is_worker"] and record["datasets"] > 0 and self.find(suspension_key(worker)) is None:
            self.put_raw(key, b"\x01")
        else:
            self.remove(key)

    def commits(self, number, attempt):
        """(worker, record) of an attempt, in the order in which they came to stand."""
        found = [(key[-32:], self.get(key, "commit_record")) for key in self.scan(commit_prefix(number, attempt))]
        return sorted(found, key=lambda pair: pair[1]["order"])

    def check_conservation(self, cap):
        totals = self.totals()
        balances = sum(self.get(key, "account_record")["balance"] for key in self.scan(b"a/"))
        if balances != totals["allocated"] + totals["minted"]:
            raise Fault("conservation_broken", "allocated + minted is not the sum of all balances")
        if totals["issued"] != totals["minted"] + totals["carry"] or totals["issued"] > cap:
            raise Fault("conservation_broken", "issued is not minted + carried, or above the cap")


NEW_ACCOUNT = {"public_key": bytes(32), "curve_key": bytes(32), "name": "", "is_worker": False, "is_validator": False,
               "nonce": 0, "balance": 0, "registered_height": 0, "datasets": 0, "rounds_accepted": 0,
               "score_sum_ppm": 0, "minted": 0, "rounds_missed": 0, "counted_round": 0, "counted_statements": 0}


def genesis_state(genesis):
    state, accounts, allocated = State(), {}, 0
    for each in genesis["allocations"]:
        accounts[each["account"]] = dict(NEW_ACCOUNT, balance=each["amount"])
        allocated += each["amount"]
    for each in genesis["validators"]:
        account = account_of(each["public_key"])
        record = accounts.setdefault(account, dict(NEW_ACCOUNT))
        record.update(public_key=each["public_key"], is_validator=True, name="validator")
        state.put_raw(seed_key(account), each["seed_chain_head"])
    for account, record in accounts.items():
        state.put_account(account, record)
    state.put(TOTALS, "totals_record", {"allocated": allocated, "issued": 0, "minted": 0, "carry": 0})
    state.put(JOB, "job_record", {"round": 0, "model_root": genesis["task"]["model_root"],
                                  "optimizer_root": bytes(32), "registrations": 0})
    return state
