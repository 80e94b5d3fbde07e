#!/usr/bin/env python3
"""Nothing can be changed in a ledger unnoticed: tamper_test.py [PROGRAMS].

On the golden ledger of tests/vectors. Bits are flipped at many places of every part of every block, of the genesis and
of each blob, the bundle's digest mended each time; and lies are told that are signed with the validator's and the
workers' own keys (lies.py). Each must be found; a lie by the rule that it breaks. With a folder of programs, `gradmint
audit verify --recompute` must find every lie by the same name.
"""

import copy
import json
import os
import random
import subprocess
import sys
import tempfile

import bundle as bundles
import chain as chains
import execute
import forge
import lies
import vector_test
import verify
from codec import Fault

PARTS = ("header", "transactions", "certificate", "receipts")
FLIPS = 24  # in each part of each block
DEV_SEED, WORKERS = 1, 3  # of make_golden


def flipped(data, bit):
    out = bytearray(data)
    out[bit // 8] ^= 1 << bit % 8
    return bytes(out)


def finding_of(action):
    """The rule by which something is found; None where it is not."""
    try:
        action()
    except Fault as fault:
        return fault.rule
    except execute.Missing:
        return "blob_missing"
    return None


class Walk:
    """An audit of the golden ledger that can be asked at each height what a changed next block would come to."""

    def __init__(self, bundle):
        self.bundle, self.audit = bundle, verify.Audit(bundle)
        self.audit.chain = chains.Chain(bundle.genesis, bundle.blocks[0])

    def finding(self, parts):
        other = copy.copy(self.audit)
        other.chain, other.commits = forge.clone(self.audit.chain), dict(self.audit.commits)
        return finding_of(lambda: self.take(other, parts))

    @staticmethod
    def take(audit, parts):
        for statement in audit.chain.process(parts).statements:
            audit.follow(statement)

    def go_on(self, height):
        self.take(self.audit, self.bundle.blocks[height])


def flip_blocks(walk, height, rng):
    """(how many bits were flipped, the places that nobody noticed)."""
    parts, missed, count = walk.bundle.blocks[height], [], 0
    for place, name in enumerate(PARTS):
        for bit in rng.sample(range(8 * len(parts[place])), min(FLIPS, 8 * len(parts[place]))):
            changed = list(parts)
            changed[place] = flipped(parts[place], bit)
            count += 1
            if walk.finding(tuple(changed)) is None:
                missed.append(f"block {height}, {name}, bit {bit}")
    return count, missed


def flip_genesis_and_blobs(bundle, rng):
    missed, count = [], 0
    for bit in rng.sample(range(8 * len(bundle.genesis)), 200):
        count += 1
        if finding_of(lambda b=bit: chains.Chain(flipped(bundle.genesis, b), bundle.blocks[0])) is None:
            missed.append(f"genesis, bit {bit}")
    for root, data in bundle.blobs.items():
        for bit in rng.sample(range(8 * len(data)), min(FLIPS, 8 * len(data))):
            count += 1
            other = bundles.Bundle(bundle.genesis, bundle.blocks, {root: flipped(data, bit)})
            if finding_of(lambda o=other, r=root: o.blob(r)) != "blob_corrupt":
                missed.append(f"blob {root.hex()}, bit {bit}")
    return count, missed


def flip_file(data, rng):
    """Of the file as a whole: its digest, or a blob's root."""
    missed, count = [], 0
    for bit in rng.sample(range(8 * len(data)), 300):
        count += 1
        if finding_of(lambda b=bit: verify.Audit(bundles.parse(flipped(data, b))).run()) is None:
            missed.append(f"bit {bit} of the file")
    return count, missed


def place_of(bundle, kind):
    """(height, place) of the first statement of a type, or the last; of a block, the newest."""
    name, _, last = kind.partition("-")
    if name == "block":
        return len(bundle.blocks) - 1, 0
    found = [(height, place) for height, parts in enumerate(bundle.blocks)
             for place, statement in enumerate(chains.read_statements(parts[1])) if statement.type == name]
    return found[-1] if last else found[0]


class Programs:
    """What the product says of a ledger whose newest block is a lie."""

    def __init__(self, folder, temporary):
        self.gradmint, self.path = os.path.join(folder, "gradmint"), os.path.join(temporary, "lie.bundle")

    def finding(self, bundle, height, parts):
        lie = bundles.Bundle(bundle.genesis, bundle.blocks[:height] + [parts], bundle.blobs)
        with open(self.path, "wb") as file:
            file.write(bundles.dump(lie))
        done = subprocess.run([self.gradmint, "audit", "verify", "--recompute", "--format", "json", "--ledger",
                               self.path], capture_output=True, text=True, check=False)
        if done.returncode not in (0, 1):
            return done.stderr.strip()
        fault = json.loads(done.stdout).get("fault")
        return fault and fault["rule"]


def tell_lies(walk, height, table, keys, programs):
    """Those of a table that are about the next block: (how many, what was not found as it should)."""
    missed, count = [], 0
    for kind, what, lie, rule in table:
        at, place = place_of(walk.bundle, kind)
        if at != height:
            continue
        lie.place = place
        parts = forge.forge(walk.audit.chain, walk.bundle.blocks[height], lie, keys)
        count += 1
        found = walk.finding(parts)
        if found != rule:
            missed.append(f"{kind}, {what}: found as {found}, not as {rule}")
        said = None if programs is None else programs.finding(walk.bundle, height, parts)
        if programs is not None and said != lies.FOUND_BEFORE.get(rule, rule):
            missed.append(f"{kind}, {what}: gradmint says {said}, not {rule}")
    return count, missed


def try_lies(bundle, table, keys, programs, each_block=lambda walk, height: None):
    """Goes through a ledger and tells every lie where it belongs; what was missed."""
    walk, told, missed = Walk(bundle), 0, []
    for height in range(1, len(bundle.blocks)):
        each_block(walk, height)
        count, found = tell_lies(walk, height, table, keys, programs)
        told, missed = told + count, missed + found
        walk.go_on(height)
    print(f"tamper: {told} signed lies")
    return missed if told == len(table) else [*missed, f"of {len(table)} lies {told} were told"]


def report(missed):
    for each in missed:
        print(f"tamper: NOT FOUND: {each}")
    return 1 if missed else 0


def main():
    bundle, rng, flips, missed = bundles.load(vector_test.GOLDEN), random.Random(5), [], []
    with open(vector_test.GOLDEN, "rb") as file:
        flips.append(flip_file(file.read(), rng))
    flips.append(flip_genesis_and_blobs(bundle, rng))
    with tempfile.TemporaryDirectory() as temporary:
        programs = Programs(sys.argv[1], temporary) if len(sys.argv) > 1 else None
        missed = try_lies(bundle, lies.GOLDEN, forge.Keys(DEV_SEED, WORKERS), programs,
                          lambda walk, height: flips.append(flip_blocks(walk, height, rng)))
    print(f"tamper: {sum(count for count, _ in flips)} bits flipped")
    return report([each for _, found in flips for each in found] + missed)


if __name__ == "__main__":
    sys.exit(main())
