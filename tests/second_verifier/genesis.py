"""The genesis record: decoded, and held to the limits that the protocol sets."""

import json

from codec import Fault, decode
from layouts import MAX_MEMBERS

MAX_AMOUNT = (1 << 63) - 1
ABI_BEGIN, ABI_END = "Lua 5.4.", "/int64/ptr8/abi1"

# field: (least, most)
LIMITS = {"datasets_per_worker": (1, 256), "statements_per_round": (1, 65536), "least_new_balance": (1, MAX_AMOUNT),
          "registrations_per_round": (1, 4095), "suspend_after_rounds": (1, 1_000_000),
          "rotation_delay_blocks": (1, 1_000_000)}
MOST = {"rule_gas": 200_000_000, "rule_memory_bytes": 256 << 20, "rule_max_effects": MAX_MEMBERS,
        "time_ms": 253_402_300_799_999}


def decode_genesis(data):
    if int.from_bytes(data[:2], "little") != 6:
        raise Fault("unknown_schema", "this verifier reads schema 6 alone")
    try:
        genesis = decode("genesis", data)
    except Fault as fault:
        raise Fault("malformed_genesis", str(fault)) from fault
    for what, ok in checks(genesis):
        if not ok:
            raise Fault("unusable_genesis", what)
    return genesis


def checks(genesis):
    task, limits = genesis["task"], genesis["limits"]
    for field, most in MOST.items():
        yield field, genesis[field] <= most
    for field in ("parameters", "buffers"):
        yield field, task[field] <= 1 << 40
    yield "parameters", task["parameters"] > 0
    for field, (least, most) in LIMITS.items():
        yield field, least <= limits[field] <= most
    keys = [validator["public_key"] for validator in genesis["validators"]]
    yield "validators", keys != [] and len(set(keys)) == len(keys)
    yield "allocations and cap", genesis["cap"] + sum(a["amount"] for a in genesis["allocations"]) <= MAX_AMOUNT
    first, halving, cap = genesis["initial_per_round"], genesis["halving_rounds"], genesis["cap"]
    yield "emission", 1 <= first <= cap and halving >= 1 and cap <= 2 * halving * first
    abi = genesis["rule_abi"]
    yield "the rule's interpreter", abi.startswith(ABI_BEGIN) and abi.endswith(ABI_END)
    yield "the data contract", contract_stands(task)


def contract_of(task):
    return json.loads(task["contract"]) if task["contract"] else None


def contract_stands(task):
    """Canonical JSON of this task's objective. What its columns mean, nothing on the ledger depends on."""
    try:
        contract = contract_of(task)
    except ValueError:
        return False
    if contract is None:
        return True
    if not isinstance(contract, dict) or contract.get("task") != task["objective"]:
        return False
    canonical = json.dumps(contract, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return canonical == task["contract"] and contract.get("format") == "gradmint/data-contract/v1"


def summed_columns(task):
    """Of how many columns each worker states its sums before the first round; 0: of none."""
    contract = contract_of(task)
    if contract is None or contract.get("scaler") != "sites":
        return 0
    return len(contract["columns"]) + (1 if contract["task"] == "regression" else 0)


def quorum(validators):
    return 2 * len(validators) // 3 + 1
