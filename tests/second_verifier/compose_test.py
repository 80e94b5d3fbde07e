#!/usr/bin/env python3
"""Ledgers of our own (compose.py), for what the product's workers never send: compose_test.py [PROGRAMS].

Every encoding with every aggregator, on random bits: values of -0, denormal ones, steep exponents. Every refusal.
Several validators, an allow-list, first money. Rewards that end by gas or by budget, and the gas of many participants.
The second verifier verifies each; with a folder of programs `gradmint audit verify --recompute` must, too.
"""

import itertools
import os
import struct
import subprocess
import sys
import tempfile

import bundle as bundles
import compose
import specification
import verify
from chain import read_whole
from codec import Fault
from compose import Author, Update
from layouts import RULE_CODES, VERDICTS
from page_test import read
from update_encodings import section_bytes

RULE = (read("contracts", "rules", "linear.lua"), read("contracts", "rules", "linear.toml"))
PRESETS = {"beta": 0.9, "lr": 0.5, "beta1": 0.9, "beta2": 0.99, "eps": 0.001, "tau": 2.0, "f": 1, "nu": 0.25,
           "steps": 3, "m": 0, "convention": 0, "scale": 0}
KEEP = 9


def step(rules, name, **values):
    parameters = []
    for parameter, _ in rules[name]:
        value = values.get(parameter, PRESETS[parameter])
        if name == "trimmed_mean" and parameter == "beta":
            value = values.get("beta", 0)
        bits = int.from_bytes(struct.pack("<f", value), "little")
        parameters.append({"name": parameter, "bits": bits})
    return {"name": name, "parameters": parameters}


def aggregation(aggregator, optimizer="plain", pre=(), **values):
    return {"pre": [step(specification.PRE, name) for name in pre],
            "aggregator": step(specification.AGGREGATORS, aggregator, **values),
            "optimizer": step(specification.OPTIMIZERS, optimizer)}


def encoding_spec(kind):
    return {"kind": kind, "keep": KEEP if kind == 5 else 0}


# --- Payloads of random bits.


def some_float(rng):
    """Mostly near 1; now and then a zero of either sign, a denormal, or what is far smaller."""
    kind = rng.randrange(12)
    if kind < 2:
        return (0.0, -0.0)[kind]
    if kind == 2:
        return struct.unpack("<f", struct.pack("<I", rng.randrange(1, 1 << 23) | rng.getrandbits(1) << 31))[0]
    return rng.gauss(0, 1) * 2.0 ** -rng.choice((0, 0, 0, 1, 3, 20, 60))


def payload(rng, kind, count, buffers=0):
    if kind == 0:
        data = struct.pack(f"<{count}f", *(some_float(rng) for _ in range(count)))
    elif kind == 1:
        data = b"".join(struct.pack("<f", some_float(rng))[2:] for _ in range(count))
    elif kind == 2:
        data = struct.pack(f"<{count}e", *(some_float(rng) for _ in range(count)))
    elif kind in (3, 4):
        blocks = -(-count // 256)
        exponents = struct.pack(f"<{blocks}b", *(rng.randrange(-9, -5) for _ in range(blocks)))
        data = exponents + bytes(section_bytes(count) - blocks)
        data += struct.pack(f"<{count}b", *(rng.randrange(-127, 128) for _ in range(count))) if kind == 3 else bytes(
            (rng.randrange(-7, 8) & 15) | (rng.randrange(-7, 8) & 15) << 4 * (2 * i + 1 < count)
            if 2 * i + 1 < count else rng.randrange(-7, 8) & 15 for i in range((count + 1) // 2))
    else:
        data = b""
        for first in range(0, count, 4096):
            inside = min(4096, count - first)
            kept = sorted(rng.sample(range(inside), min(KEEP, inside)))
            bits = sum(place << 12 * j for j, place in enumerate(kept))
            data += bits.to_bytes((12 * len(kept) + 7) // 8, "little")
            data += struct.pack(f"<{len(kept)}f", *(some_float(rng) for _ in kept))
    if buffers:
        data += bytes(-len(data) % 4) + struct.pack(f"<{buffers}f", *(rng.gauss(0, 9) for _ in range(buffers)))
    return data


def payloads(author, kind, many=None):
    task = author.genesis["task"]
    return [Update(worker, payload(author.rng, kind, task["parameters"], task["buffers"]))
            for worker in author.workers[:many]]


# --- Ledgers.


def one_round(author, spec, kind, updates=None):
    author.open(spec, encoding_spec(kind))
    updates = payloads(author, kind) if updates is None else updates
    author.commit(updates)
    found = author.result(updates)
    author.settle()
    return found


def every_rule():
    """One ledger: every encoding with every aggregator, pre-aggregations and optimizers in turn."""
    author = Author(RULE, workers=7, parameters=301, buffers=3)
    author.enrol()
    pres = itertools.cycle([(), ("clip",), ("nnm",), ("arc", "nnm"), ("clip", "arc")])
    for kind, aggregator in itertools.product(range(6), specification.AGGREGATORS):
        one_round(author, aggregation(aggregator, pre=next(pres)), kind)
    for choice in ({"convention": 1}, {"convention": 2}, {"convention": 1, "m": 2}, {"convention": 2, "m": 3}):
        one_round(author, aggregation("multi_krum", **choice), 0)
    one_round(author, aggregation("geometric_median", scale=1, steps=1), 0)
    one_round(author, aggregation("trimmed_mean", f=0, beta=0.3), 0)
    one_round(author, aggregation("bulyan", convention=1, pre=("nnm",)), 0)
    return author


def every_optimizer(name):
    author = Author(RULE, workers=3, parameters=130)
    author.enrol()
    for kind in (0, 1, 3):
        one_round(author, aggregation("mean", name), kind)
    return author


def many_blocks():
    """Values of two blocks and a half, and of three leaves."""
    author = Author(RULE, workers=5, parameters=9001, buffers=2)
    author.enrol()
    for kind, name in ((0, "krum"), (5, "geometric_median"), (4, "mean"), (3, "centered_clipping")):
        one_round(author, aggregation(name), kind)
    return author


def refusals():
    """Every verdict that an update can meet, of four validators and an allow-list."""
    people = [compose.Person(f"worker {i}").account for i in range(9)]
    rich = [{"account": account, "amount": 100 + i} for i, account in enumerate(sorted(people))]
    author = Author(RULE, validators=4, workers=9, parameters=600, buffers=2, enrolment=2, allowed=sorted(people),
                    allocations=rich)
    author.enrol()
    author.say(author.workers[1], "transfer", to=author.workers[0].account, amount=7, memo="for lunch")
    author.say(author.workers[1], "transfer", to=hashes_of("nobody"), amount=5, memo="")
    author.block()
    honest = payload(author.rng, 3, 600, 2)
    bad_exponent, bad_padding = bytes([0x80]) + honest[1:], honest[:100] + b"\x01" + honest[101:]
    bad_buffer = honest[:-4] + struct.pack("<f", float("nan"))
    w, make = author.workers, lambda: payload(author.rng, 3, 600, 2)
    updates = [Update(w[0], make()), Update(w[1], make()), Update(w[2], bad_exponent), Update(w[3], bad_buffer),
               Update(w[4], make(), exponent_off=-1), Update(w[5], make(), encoding=0),
               Update(w[6], make(), reveals=False), Update(w[7], make()), Update(w[8], bad_padding)]
    updates[7].payload = updates[0].payload
    found = one_round(author, aggregation("mean"), 3, updates)
    again = [Update(w[0], make()), Update(w[1], make(), size_bytes=5), Update(w[2], updates[0].payload),
             Update(w[3], make(), exponent_off=60)]
    second = one_round(author, aggregation("median", pre=("clip",)), 3, again)
    author.met = {VERDICTS[entry["verdict"]] for entry in found.entries + second.entries}
    return author


def given_up():
    """Attempts that have no aggregate; and a root that was revealed in one."""
    author = Author(RULE, workers=4, parameters=30)
    author.enrol()
    author.open(aggregation("krum"), encoding_spec(0))  # f = 1 needs five
    updates = payloads(author, 0)
    author.commit(updates)
    assert author.abandon(updates, "aggregation_refused").failure == "aggregation_refused"
    author.open(aggregation("mean"), encoding_spec(0))
    stolen = [Update(author.workers[0], updates[0].payload), Update(author.workers[1], updates[3].payload),
              Update(author.workers[2], payload(author.rng, 0, 30))]
    author.commit(stolen)
    found = author.result(stolen)
    author.settle()
    author.met = {VERDICTS[entry["verdict"]] for entry in found.entries}
    author.open(aggregation("mean"), encoding_spec(0))
    author.say(author.validators[0], "abandon_round", round=2, attempt=0, reason=81, revealed=[])
    author.block()
    return author


def members():
    """Absence, a word of the operator, keys asked for, and statements that are counted."""
    author = Author(RULE, validators=2, workers=3, parameters=5)
    author.enrol()
    first, second, third = author.workers
    for _ in range(2):
        updates = [Update(worker, payload(author.rng, 0, 5)) for worker in (first, second)]
        one_round(author, aggregation("mean"), 0, updates)
    judge = author.validators[1]
    author.say(judge, "suspend_member", account=third.account, reason=1, text="")
    author.say(judge, "suspend_member", account=third.account, reason=2, text="a word")
    author.block()
    keys = {"public_key": compose.Person("another").key, "curve_key": hashes_of("curve")}
    author.say(judge, "rotate_key", account=third.account, **keys)
    author.say(judge, "readmit_member", account=third.account)
    author.block()
    for _ in range(2):
        author.say(first, "transfer", to=first.account, amount=1, memo="to oneself")
        author.block()
    author.say(judge, "rotate_key", account=third.account, **keys)
    author.say(first, "rotate_key", account=first.account, public_key=first.key, curve_key=hashes_of("other curve"))
    author.block()
    third.secret = compose.secret_of("another")
    one_round(author, aggregation("mean"), 0)
    return author


def hashes_of(name):
    return compose.hashes.sha256(name.encode())


def rewards_of(manifest=RULE[1], workers=3, **changes):
    author = Author((RULE[0], manifest), workers=workers, parameters=3, **changes)
    author.enrol()
    for _ in range(3):  # all agree, so all are paid
        values = [[author.rng.uniform(1, 2) for _ in range(3)] for _ in author.workers]
        updates = [Update(worker, struct.pack("<3f", *each)) for worker, each in zip(author.workers, values)]
        one_round(author, aggregation("mean"), 0, updates)
    author.met = {RULE_CODES[receipt["rule_code"]] for receipt in settlements(author)}
    return author


def settlements(author):
    """The receipts that have gas."""
    receipts = [each for parts in author.blocks for each in read_whole("list receipt 8192", parts[3], "wrong_receipts")]
    return [receipt for receipt in receipts if receipt["gas_used"] > 0]


def limited(less):
    """With so much less gas than the rounds take."""
    taken, = {receipt["gas_used"] for receipt in settlements(rewards_of())}
    return rewards_of(rule_gas=taken - less)


# A genesis with one field that cannot be, each `unusable_genesis`.
def of_task(**changes):
    return {"task": {**Author(RULE).genesis["task"], **changes}}


def of_limits(**changes):
    return {"limits": {**compose.LIMITS, **changes}}


UNUSABLE = [
    {"cap": 1 << 63}, {"cap": 4001}, {"cap": 0}, {"initial_per_round": 0}, {"initial_per_round": 3501},
    {"halving_rounds": 0}, {"rule_gas": 200_000_001}, {"rule_memory_bytes": (256 << 20) + 1},
    {"rule_max_effects": 4096}, {"time_ms": 253_402_300_800_000}, {"validators": []},
    {"allocations": [{"account": bytes(32), "amount": (1 << 63) - 1}]}, of_task(parameters=0),
    of_task(parameters=(1 << 40) + 1), of_task(buffers=(1 << 40) + 1), of_task(contract="{}"),
    of_task(contract='{"format": "gradmint/data-contract/v1"}'), of_limits(datasets_per_worker=0),
    of_limits(datasets_per_worker=257), of_limits(statements_per_round=65537), of_limits(least_new_balance=0),
    of_limits(registrations_per_round=4096), of_limits(suspend_after_rounds=0),
    of_limits(rotation_delay_blocks=1_000_001),
]


LEDGERS = {
    "every rule with every encoding": every_rule, "many blocks": many_blocks, "refusals": refusals,
    "attempts given up": given_up, "members": members,
    "out of gas": lambda: limited(1), "just enough gas": lambda: limited(0),
    "over budget": lambda: rewards_of(RULE[1].replace("1000000", "999999")),
    "58 participants": lambda: rewards_of(workers=58), "59 participants": lambda: rewards_of(workers=59),
    "an emission that ends": lambda: rewards_of(cap=2000, halving_rounds=1),
    **{f"optimizer {name}": lambda name=name: every_optimizer(name) for name in specification.OPTIMIZERS},
}
MET = {"refusals": {"ok", "malformed_payload", "non_finite", "exponent_mismatch", "wrong_encoding", "not_revealed",
                    "root_seen_before", "wrong_size", "out_of_range"},
       "attempts given up": {"ok", "root_seen_before"}, "out of gas": {"out_of_gas"}, "just enough gas": {"ok"},
       "over budget": {"over_budget"}}


def written(author, folder):
    path = os.path.join(folder, "composed.bundle")
    with open(path, "wb") as file:
        file.write(bundles.dump(author.bundle()))
    return path


def audited(programs, path, *more):
    return subprocess.run([os.path.join(programs, "gradmint"), "audit", "verify", *more, "--ledger", path],
                          capture_output=True, text=True, check=False)


def check_unusable(changes, folder, programs):
    """Both must refuse a genesis by the same name."""
    author = Author(RULE)
    author.genesis.update(changes)
    author.write_genesis()
    path = written(author, folder)
    _, text = verify.verify(path)
    said = "unusable_genesis" if programs is None else audited(programs, path).stdout
    return None if "unusable_genesis" in text and "unusable_genesis" in said else f"{changes}: {text}; gradmint: {said}"


def check(name, folder, programs):
    """What is wrong with a ledger; None where nothing is."""
    author = LEDGERS[name]()
    path = written(author, folder)
    holds, text = verify.verify(path)
    print(f"{name}: {text}", flush=True)
    if not holds:
        return "the second verifier refuses it"
    if author.others:
        whole = bundles.Bundle(author.genesis_bytes, author.blocks, {**author.others, **author.blobs})
        try:
            verify.Audit(whole).run()
        except Fault as fault:
            return f"with the payloads of its attempts: {fault}"
    if MET.get(name, set()) - getattr(author, "met", set()):
        return f"it lacks {MET[name] - author.met}"
    if programs is None:
        return None
    done = audited(programs, path, "--recompute")
    return None if done.returncode == 0 else f"gradmint audit: {done.stdout}{done.stderr}"


def main():
    programs = sys.argv[1] if len(sys.argv) > 1 else None
    with tempfile.TemporaryDirectory() as folder:
        faults = [f"{name}: {fault}" for name in LEDGERS if (fault := check(name, folder, programs)) is not None]
        faults += filter(None, [check_unusable(changes, folder, programs) for changes in UNUSABLE])
    for fault in faults:
        print(f"composed: FAILED: {fault}")
    print(f"composed: {len(LEDGERS)} ledgers, {len(UNUSABLE)} geneses that cannot be, {len(faults)} faults"
          + ("" if programs is None else "; gradmint says the same"))
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
