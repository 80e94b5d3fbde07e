#!/usr/bin/env python3
"""Bodies that were changed at random and signed again: mutation_test.py PROGRAMS [EACH [SEED]].

Every statement of the golden ledger that its keys can sign, so often each. The second verifier and `gradmint audit
verify --recompute` must come to the same of it: the same rule, or that it holds.
"""

import collections
import random
import sys
import tempfile

import bundle as bundles
import chain as chains
import forge
import tamper_test
import vector_test


def mutated(body, rng):
    data = bytearray(body)
    at, kind = rng.randrange(len(data)), rng.randrange(6)
    if kind == 0:
        data[at] ^= 1 << rng.randrange(8)
    elif kind == 1:
        data[at] = rng.choice((0, 1, 2, 9, 10, 27, 127, 128, 0xE2, 255))
    elif kind == 2:
        del data[at:]
    elif kind == 3:
        data.append(rng.randrange(256))
    elif kind == 4:
        end = min(len(data), at + rng.choice((2, 4, 8)))
        data[at:end] = bytes([rng.choice((0, 255))]) * (end - at)
    else:
        other = rng.randrange(len(data))
        data[at], data[other] = data[other], data[at]
    return bytes(data)


class Comparison:
    def __init__(self, programs, each, rng):
        self.bundle, self.keys = bundles.load(vector_test.GOLDEN), forge.Keys(tamper_test.DEV_SEED, tamper_test.WORKERS)
        self.walk, self.programs, self.each, self.rng = tamper_test.Walk(self.bundle), programs, each, rng
        self.found, self.differ = collections.Counter(), []

    def try_body(self, height, place, statement):
        body = mutated(statement.parts["body"], self.rng)
        lie = forge.Lie(place, envelope=lambda parts: parts.update(body=body))
        parts = forge.forge(self.walk.audit.chain, self.bundle.blocks[height], lie, self.keys)
        ours, theirs = self.walk.finding(parts), self.programs.finding(self.bundle, height, parts)
        if ours is None and theirs == "unknown_blob":  # the ledger ends here, its blobs do not
            theirs = None
        self.found[ours] += 1
        if ours != theirs:
            self.differ.append(f"block {height}, {statement.type} {body.hex()}: {ours}, gradmint says {theirs}")

    def run(self):
        for height in range(1, len(self.bundle.blocks)):
            for place, statement in enumerate(chains.read_statements(self.bundle.blocks[height][1])):
                for _ in range(self.each if statement.sender in self.keys.of else 0):
                    self.try_body(height, place, statement)
            self.walk.go_on(height)


def main():
    each = int(sys.argv[2]) if len(sys.argv) > 2 else 3
    rng = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 8)
    with tempfile.TemporaryDirectory() as folder:
        comparison = Comparison(tamper_test.Programs(sys.argv[1], folder), each, rng)
        comparison.run()
    for each in comparison.differ:
        print(f"mutation: {each}")
    found = ", ".join(f"{count} {rule or 'hold'}" for rule, count in comparison.found.most_common())
    print(f"mutation: {sum(comparison.found.values())} bodies, {len(comparison.differ)} differ: {found}")
    return 1 if comparison.differ else 0


if __name__ == "__main__":
    sys.exit(main())
