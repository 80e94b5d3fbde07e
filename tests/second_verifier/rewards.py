"""Who is paid what at a settlement: emission, the built-in rule, and what a rule of one's own may not do.

A reward rule is a Lua program. The built-in one, `linear`, is written here a second time, its gas too. Of any other
rule this verifier takes code, gas and mints as the receipt states them (and says so), and holds the mints to the
manifest: to members of the round, ascending, and within the budget.
"""

import re

from codec import Fault
from hashes import sha256

MAX_AMOUNT = (1 << 63) - 1
# SHA-256 of contracts/rules/linear.lua as the program embeds it.
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


def is_derived(genesis, receipt):
    """Whether a settlement's receipt was derived here, rather than read."""
    return is_linear(genesis) and receipt["rule_code"] == 0


def linear_mints(pool, participants):
    shares = [weight * score if accepted else 0 for _, weight, score, accepted in participants]
    amounts = apportion(pool, shares)
    return [{"account": p[0], "amount": amount} for p, amount in zip(participants, amounts) if amount > 0]


def check_mints(genesis, pool, participants, receipt):
    """What holds of every rule's payments."""
    manifest, mints = manifest_of(genesis["rule_manifest"]), receipt["mints"]
    if receipt["rule_code"] != 0 and mints:
        raise Fault("wrong_receipts_root", "a rule that failed minted")
    accounts = [mint["account"] for mint in mints]
    known = {p[0] for p in participants}
    most = min(genesis["rule_max_effects"], int(manifest["max_effects"]))
    budget = pool * int(manifest["mint_budget_ppm"]) // 1_000_000
    if accounts != sorted(set(accounts)) or not set(accounts) <= known or len(mints) > most:
        raise Fault("wrong_receipts_root", "mints to nobody of the round, twice, or too many of them")
    if any(mint["amount"] < 1 for mint in mints) or sum(mint["amount"] for mint in mints) > budget:
        raise Fault("wrong_receipts_root", "mints of nothing, or of more than the manifest's part of the pool")
    if mints and manifest["capabilities"].replace(" ", "").replace("\t", "") != '["mint"]':
        raise Fault("wrong_receipts_root", "mints without the capability")


def pay(genesis, record, totals, stated):
    """(receipt's code, gas and mints, the new totals). `stated` is the receipt in the block."""
    emission = emission_at(genesis, record["round"], totals["issued"])
    pool = totals["carry"] + emission
    if totals["issued"] + emission >= 1 << 64 or pool > MAX_AMOUNT:
        raise Fault("overflow", "more money than there can be")
    participants = participants_of(record)
    check_mints(genesis, pool, participants, stated)
    code, gas, mints = stated["rule_code"], stated["gas_used"], stated["mints"]
    if is_linear(genesis) and code == 0:
        mints = linear_mints(pool, participants)
    paid = sum(mint["amount"] for mint in mints)
    totals = {"allocated": totals["allocated"], "issued": totals["issued"] + emission,
              "minted": totals["minted"] + paid, "carry": pool - paid}
    return code, gas, mints, totals
