#!/usr/bin/env python3
"""Verifies ledgers by docs/ledger-format.md, docs/kernels.md and docs/rules.md, with nothing of gradmint's own code.

    python3 tests/second_verifier/verify.py LEDGER.bundle ... [--blobs DIR] [--trace FILE.json]

LEDGER.bundle is what `gradmint audit export --blobs` writes. One line for each; exit status 0 when all hold, 1 at a
fault: what, at which block. `--blobs DIR` names a folder (HOME/ledger/blobs) with updates that a bundle leaves out:
those of attempts that were given up. `--trace` writes every hash and state entry of every block.
"""

import argparse
import json
import math
import sys

import bundle as bundles
import execute
import hashes
from chain import Chain, read_statements
from codec import Fault, encode
from hashes import address_of
from layouts import SCHEMA
from statements_round import AGGREGATION_FAILURES, due_verdict, revealed_elsewhere


class Audit:
    """One ledger from the first block to the last."""

    def __init__(self, bundle, trace=None):
        self.bundle, self.trace = bundle, trace
        self.open, self.close, self.commits = None, None, {}  # of the attempt under way
        self.recompute = bool(bundle.blobs) or bundle.folder is not None
        self.rounds = self.abandoned = self.untried = self.statements = 0
        self.height, self.chain, self.kinds, self.before = 0, None, set(), {}

    def run(self):
        self.chain = Chain(self.bundle.genesis, self.bundle.blocks[0])
        self.note(self.chain.tip)
        if self.recompute:
            self.check_first_blobs()
        for self.height in range(1, len(self.bundle.blocks)):
            block = self.chain.process(self.bundle.blocks[self.height])
            self.statements += len(block.statements)
            for statement in block.statements:
                self.follow(statement)
            self.note(block)
        extra = len(self.bundle.blobs.keys() - self.bundle.used)
        if self.recompute and extra:
            raise Fault("unknown_blob", f"{extra} blobs that nobody needs")

    def check_first_blobs(self):
        task = self.chain.genesis["task"]
        execute.load(self.bundle, task["model_root"], 4 * (task["parameters"] + task["buffers"]))
        if any(task["layout_root"]):
            check_layout(execute.load(self.bundle, task["layout_root"], None), task)

    # --- What a statement that stands makes due.

    def follow(self, statement):
        body, kind = statement.body(), statement.type
        self.kinds.add(kind)
        if kind == "open_round":
            self.open, self.close, self.commits = body, None, {}
        elif kind == "commit_update":
            self.commits[statement.sender] = body
        elif kind == "close_commits":
            self.close = body
        elif kind == "round_result" and self.recompute:
            task = self.chain.genesis["task"]
            execute.check_result(self.bundle, self.open, self.close, self.commits, body, task)
            self.rounds += 1
        elif kind == "abandon_round":
            self.abandoned += 1
            self.check_abandoned(body)

    def check_abandoned(self, body):
        """An attempt that was given up because its updates have no aggregate must have none."""
        if body["reason"] not in AGGREGATION_FAILURES or not self.recompute:
            return
        openings = {each["worker"]: each["opening"] for each in body["revealed"]}
        record = {"open": self.open, "round": body["round"]}
        payloads = []
        for entry in self.close["entries"]:
            opening = openings.get(entry["worker"])
            verdict = due_verdict(entry, opening, record, self.chain.genesis["task"], Elsewhere(self.chain.state, body))
            payloads.append((opening, verdict))
        try:
            found = execute.execute(self.bundle, self.open, self.close, self.commits, payloads,
                                    self.chain.genesis["task"])
        except execute.Missing:
            self.untried += 1  # without the payloads nobody can tell
            return
        if found.failure is None or AGGREGATION_FAILURES[found.failure == "non_finite_result"] != body["reason"]:
            raise Fault("wrong_abandonment", f"the attempt comes to {found.failure or 'a result'}")

    # --- What is told.

    def note(self, block):
        if self.trace is None:
            return
        state, header = self.chain.state.entries, block.header
        changes = {name_of(key): state[key].hex() if key in state else None
                   for key in sorted(state.keys() | self.before.keys()) if state.get(key) != self.before.get(key)}
        self.before = dict(state)
        roots = {field: header[field].hex() for field in ("parent_hash", "transactions_root", "receipts_root",
                                                          "history_root", "state_root")}
        vote = hashes.vote_digest(header["chain_id"], header["epoch"], header["height"], block.hash)
        self.trace.append({"height": header["height"], "block_hash": block.hash.hex(), **roots,
                           "vote_digest": vote.hex(), "transactions": [self.told_of(s) for s in block.statements],
                           "receipts": [encode("receipt", receipt).hex() for receipt in block.receipts],
                           "state_changes": changes})

    def told_of(self, statement):
        told = {"type": statement.type, "sender": address_of(statement.sender), "id": statement.id.hex(),
                "signing_digest": statement.digest().hex(), "leaf": hashes.leaf(statement.data).hex()}
        body = statement.body()
        if statement.type == "register_dataset":
            told["dataset"] = hashes.dataset_id(statement.sender, body).hex()
        if statement.type == "close_commits":
            commitments = [commit["commitment"] for commit in self.commits.values()]
            seed = hashes.round_seed(body["round"], body["attempt"], body["seed_preimage"], commitments)
            told["seed"] = seed.hex()
            told["order_keys"] = [hashes.order_key(seed, entry["worker"]).hex() for entry in body["entries"]]
        return told

    def line(self):
        chain, what = self.chain, f"{self.rounds} results recomputed" if self.recompute else "no blobs: signatures only"
        text = (f"ok, schema {SCHEMA}, height {self.height}, {self.statements} statements, {chain.signatures} "
                f"signatures, {what}, {len(self.bundle.used)} blobs, state root {chain.state.root().hex()}")
        if self.abandoned:
            text += f"; {self.abandoned} attempts given up"
        if self.untried:
            text += f"; {self.untried} of them not tried again: their updates are not here (--blobs)"
        if chain.settlements_as_stated:
            text += f"; {chain.settlements_as_stated} settlements by another rule than linear: gas and mints as stated"
        return text


def name_of(key):
    """A key of the state as text: its letter, and the rest in hexadecimal."""
    return key.decode() if len(key) == 1 else key[:2].decode() + key[2:].hex()


class Elsewhere:
    """Whose a revealed root is, by the state after an attempt was given up."""

    def __init__(self, state, body):
        self.state, self.number = state, body["round"]

    def verdict(self, worker, root):
        return 45 if revealed_elsewhere(self.state, self.number, worker, root) else 0


def check_layout(data, task):
    """Canonical JSON, parameters by name and then buffers by name, and as many values as the genesis says."""
    layout = json.loads(data)
    tensors = layout["tensors"]
    canonical = json.dumps(layout, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    order = [(tensor["buffer"], tensor["name"].encode()) for tensor in tensors]
    counts = [sum(math.prod(t["shape"]) for t in tensors if t["buffer"] == kind) for kind in (False, True)]
    if layout["format"] != "gradmint/layout/v1" or canonical != data or order != sorted(set(order)):
        raise Fault("wrong_layout", "a text that is not canonical")
    if counts != [task["parameters"], task["buffers"]]:
        raise Fault("wrong_layout", f"{counts[0]} parameters and {counts[1]} values of buffers")


def verify(path, folder=None, trace=None):
    """(whether it holds, one line)."""
    audit = None
    try:
        audit = Audit(bundles.load(path, folder), trace)
        audit.run()
    except Fault as fault:
        return False, f"block {audit.height if audit else 0}: {fault}"
    except execute.Missing as missing:
        return False, f"block {audit.height}: blob_missing: {missing}"
    return True, audit.line()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("ledgers", nargs="+", metavar="LEDGER.bundle")
    parser.add_argument("--blobs", metavar="DIR", help="a folder of blobs beside the bundle's own")
    parser.add_argument("--trace", metavar="FILE.json", help="every hash and state entry of every block, of one ledger")
    arguments = parser.parse_args()
    if arguments.trace and len(arguments.ledgers) > 1:
        parser.error("--trace is of one ledger")
    status = 0
    for path in arguments.ledgers:
        trace = [] if arguments.trace else None
        holds, text = verify(path, arguments.blobs, trace)
        print(f"{path}: {text}")
        status = status if holds else 1
        if trace is not None:
            with open(arguments.trace, "w", encoding="utf-8") as file:
                json.dump(trace, file, indent=1)
                file.write("\n")
    return status


if __name__ == "__main__":
    sys.exit(main())
