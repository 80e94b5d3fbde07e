"""Who is paid what at a settlement: emission, the built-in rule, and what a rule of one's own may not do.

A reward rule is a Lua program. The built-in one, `linear`, is written here a second time, its gas too. Of any other
rule this verifier takes code, gas and mints as the receipt states them (and says so), and holds the mints to the
manifest: to members of the round, ascending, and within the budget.
"""

import re

from codec import Fault
from hashes import sha256

MAX_AMOUNT = (1 << 63) - 1
ABI = "Lua 5.4.4/int64/ptr8/abi1"  # whose gas is counted here
# SHA-256 of contracts/rules/linear.lua, the source that a genesis holds.
LINEAR = "dfadec56f284f713831900643c05c93f7af748067f152062a6ec4ff201a44eb5"


def emission_at(genesis, number, issued):
    cap = genesis["cap"]
    if issued >= cap:
        return 0
    return min(genesis["initial_per_round"] >> (number - 1) // genesis["halving_rounds"], cap - issued)


def apportion(pool, shares):
    """Largest remainder; what is left over goes to the largest remainders, ties to the smaller index."""
    total = sum(shares)
    if total == 0:
        return [0] * len(shares)
    amounts = [pool * share // total for share in shares]
    order = sorted(range(len(shares)), key=lambda i: -(pool * shares[i] % total))
    for i in order[: pool - sum(amounts)]:
        amounts[i] += 1
    return amounts


def manifest_of(text):
    """The keys of a manifest: a strict part of TOML (docs/rules.md)."""
    found = {}
    for line in text.split("\n"):
        line = re.sub(r'^((?:[^"#]|"[^"]*")*)#.*$', r"\1", line).strip(" \t")
        if line:
            key, _, value = line.partition("=")
            found[key.strip(" \t")] = value.strip(" \t")
    return found


def participants_of(record):
    """(account, weight, score, accepted) of each commitment, ascending by account."""
    pairs = zip(record["result"]["entries"], record["close"]["entries"])
    return sorted((e["worker"], c["weight"], e["score_ppm"], e["verdict"] == 0) for e, c in pairs)


def is_linear(genesis):
    return sha256(genesis["rule_source"].encode()).hex() == LINEAR


def linear_mints(pool, participants):
    shares = [weight * score if accepted else 0 for _, weight, score, accepted in participants]
    amounts = apportion(pool, shares)
    return [{"account": p[0], "amount": amount} for p, amount in zip(participants, amounts) if amount > 0]


def linear_gas(n, accepted, paid):
    """Of the built-in rule, counted by hand: instructions, host functions, and 16 bytes allocated a unit.

    540 for what every event costs; 48 for each participant, and one more for every second (eight bytes of scratch);
    17 for each that was accepted; 35 for each that is paid. The array of shares doubles when it is full, and so does
    the interpreter's table of strings, which has 70 before the accounts come.
    """
    gas = 540 + 48 * n + (n + 1) // 2 + 17 * accepted + 35 * paid
    size = 1
    while size < 2 * n:
        gas, size = gas + size, 2 * size
    strings = 128
    while n >= strings - 69:
        gas, strings = gas + strings, 2 * strings
    return gas


def linear_outcome(genesis, pool, participants):
    """(code, gas, mints) of the built-in rule; None where it meets a limit before its end, or runs elsewhere."""
    manifest, mints = manifest_of(genesis["rule_manifest"]), linear_mints(pool, participants)
    gas = linear_gas(len(participants), sum(p[3] for p in participants), len(mints))
    most = min(genesis["rule_max_effects"], int(manifest["max_effects"]))
    if genesis["rule_abi"] != ABI or genesis["rule_memory_bytes"] < 1 << 20 or len(mints) > most:
        return None
    if mints and not may_mint(manifest):
        return None
    if gas > genesis["rule_gas"]:
        return 1, genesis["rule_gas"], []
    if sum(mint["amount"] for mint in mints) > budget_of(manifest, pool):
        return 7, gas, []
    return 0, gas, mints


def may_mint(manifest):
    return re.fullmatch(r'\[[ \t]*"mint"[ \t]*\]', manifest["capabilities"]) is not None


def budget_of(manifest, pool):
    return pool * int(manifest["mint_budget_ppm"]) // 1_000_000


def check_mints(genesis, pool, participants, receipt):
    """What holds of every rule's payments."""
    manifest, mints = manifest_of(genesis["rule_manifest"]), receipt["mints"]
    if receipt["rule_code"] != 0 and mints:
        raise Fault("wrong_receipts_root", "a rule that failed minted")
    accounts = [mint["account"] for mint in mints]
    known = {p[0] for p in participants}
    most = min(genesis["rule_max_effects"], int(manifest["max_effects"]))
    if accounts != sorted(set(accounts)) or not set(accounts) <= known or len(mints) > most:
        raise Fault("wrong_receipts_root", "mints to nobody of the round, twice, or too many of them")
    if any(mint["amount"] < 1 for mint in mints) or sum(mint["amount"] for mint in mints) > budget_of(manifest, pool):
        raise Fault("wrong_receipts_root", "mints of nothing, or of more than the manifest's part of the pool")
    if mints and not may_mint(manifest):
        raise Fault("wrong_receipts_root", "mints without the capability")


class Payment:
    """What a settlement pays. `derived` says whether code, gas and mints were derived here, or read."""

    def __init__(self, genesis, record, totals, stated):
        emission = emission_at(genesis, record["round"], totals["issued"])
        self.pool = totals["carry"] + emission
        if self.pool > MAX_AMOUNT:
            raise Fault("overflow", "more money than there can be")
        participants = participants_of(record)
        outcome = linear_outcome(genesis, self.pool, participants) if is_linear(genesis) else None
        self.derived = outcome is not None
        self.code, self.gas, self.mints = outcome or (stated["rule_code"], stated["gas_used"], stated["mints"])
        if not self.derived:
            check_mints(genesis, self.pool, participants, stated)
        paid = sum(mint["amount"] for mint in self.mints)
        self.totals = {"allocated": totals["allocated"], "issued": totals["issued"] + emission,
                       "minted": totals["minted"] + paid, "carry": self.pool - paid}
