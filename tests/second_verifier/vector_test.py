#!/usr/bin/env python3
"""The golden ledger of tests/vectors: it verifies, comes to the trace that lies beside it, and every record in it is
written back as the same bytes. With a folder of programs, the product verifies it too, and exports it as it is.

    vector_test.py [PROGRAMS]
"""

import json
import os
import subprocess
import sys
import tempfile

import bundle as bundles
import chain
import codec
import verify

HERE = os.path.dirname(os.path.abspath(__file__))
VECTORS = os.path.join(os.path.dirname(HERE), "vectors")
GOLDEN = os.path.join(VECTORS, "golden.bundle")


def first_difference(ours, theirs):
    for height, (a, b) in enumerate(zip(ours, theirs)):
        for field in a:
            if a[field] != b.get(field):
                return f"block {height}: {field} is {a[field]}, the trace says {b.get(field)}"
    return f"{len(ours)} blocks, the trace has {len(theirs)}"


def check_trace():
    trace = []
    holds, text = verify.verify(GOLDEN, trace=trace)
    if not holds:
        return text
    with open(os.path.join(VECTORS, "trace.json"), encoding="utf-8") as file:
        stored = json.load(file)
    return None if trace == stored else first_difference(trace, stored)


def check_records():
    """Every record is written as it was read."""
    golden = bundles.load(GOLDEN)
    if codec.encode("genesis", codec.decode("genesis", golden.genesis)) != golden.genesis:
        return "the genesis is written otherwise"
    for parts in golden.blocks:
        for kind, part in (("header", parts[0]), ("certificate", parts[2])):
            if codec.encode(kind, codec.decode(kind, part)) != part:
                return f"a {kind} is written otherwise"
        for statement in chain.read_statements(parts[1]):
            if codec.encode(statement.type, statement.body()) != statement.parts["body"]:
                return f"{statement.type} is written otherwise"
    with open(GOLDEN, "rb") as file:
        return None if bundles.dump(golden) == file.read() else "the bundle is written otherwise"


def check_programs(folder):
    gradmint = os.path.join(folder, "gradmint")
    with tempfile.TemporaryDirectory() as temporary:
        again = os.path.join(temporary, "again.bundle")
        for words in (["verify", "--recompute"], ["export", "--blobs", "-o", again]):
            done = subprocess.run([gradmint, "audit", *words, "--ledger", GOLDEN], capture_output=True, text=True,
                                  check=False)
            if done.returncode != 0:
                return f"gradmint audit {words[0]}: {done.stdout}{done.stderr}"
        with open(again, "rb") as made, open(GOLDEN, "rb") as kept:
            return None if made.read() == kept.read() else "gradmint exports other bytes"


def main():
    checks = [check_trace(), check_records()]
    if len(sys.argv) > 1:
        checks.append(check_programs(sys.argv[1]))
    faults = [fault for fault in checks if fault]
    for fault in faults:
        print(f"golden ledger: {fault}\nAfter a change of format: tests/vectors/make_golden makes it anew, and "
              "docs/ledger-format.md must say what changed.")
    print(f"golden ledger: {len(checks)} checks, {len(faults)} faults")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
