"""Writes ledgers without the product: a genesis, statements, blocks and rounds of our own, signed with keys of our own.

What the product says of them (compose_test.py) shows that a ledger written by docs/ledger-format.md alone is one; and
payloads may be what no worker of the product's sends.
"""

import random

import bundle as bundles
import forge
import hashes
import schnorr
from chain import Block, Chain, genesis_header
from codec import encode
from execute import execute, root_of
from fixed_point import exponent_of, to_bytes32
from layouts import CODES, TYPES
from metrics import plan_settlement
from state import commit_prefix, evaluation_prefix, genesis_state
from statements_round import RootClaims, due_verdict, plan_close
from update_encodings import BadPayload, decode_payload

NONE = bytes(32)
NUMBERS = {name: number for number, name in TYPES.items()}
SEED_LENGTH = 200
LIMITS = {"datasets_per_worker": 4, "statements_per_round": 8, "least_new_balance": 5, "registrations_per_round": 100,
          "suspend_after_rounds": 2, "rotation_delay_blocks": 3}


def secret_of(name):
    return int.from_bytes(hashes.sha256(name.encode()), "big")


class Person:
    """Somebody with a key and an account."""

    def __init__(self, name):
        self.name, self.secret = name, secret_of(name)
        self.key = schnorr.public_key_of(self.secret)
        self.account = hashes.account_of(self.key)


def seed_chain(name):
    """The preimages of a validator, the one shown first at the end, and the head that the genesis names."""
    chain = [hashes.sha256(name.encode())]
    for _ in range(SEED_LENGTH):
        chain.append(hashes.sha256(chain[-1]))
    return chain[:-1], chain[-1]


class Author:
    """A chain that is being written. `say` gathers statements, `block` makes a block of them."""

    def __init__(self, rule, validators=1, workers=3, parameters=40, buffers=0, **changes):
        self.rng = random.Random(11)
        self.validators = [Person(f"validator {i}") for i in range(validators)]
        self.workers = [Person(f"worker {i}") for i in range(workers)]
        self.seeds, head = seed_chain("seeds")
        model = [self.rng.gauss(0, 1) for _ in range(parameters + buffers)]
        self.blobs, self.others = {root_of(model): to_bytes32(model)}, {}  # of a bundle; of given-up attempts
        task = {"model": "external", "objective": "classification", "program_hash": NONE, "layout_root": NONE,
                "parameters": parameters, "buffers": buffers, "model_root": root_of(model), "contract": ""}
        listed = [{"public_key": v.key, "seed_chain_head": head} for v in self.validators]
        self.genesis = {
            "schema": 6, "name": "composed", "time_ms": 1, "validators": listed, "allocations": [],
            "initial_per_round": 1000, "halving_rounds": 2, "cap": 3500, "rule_source": rule[0],
            "rule_manifest": rule[1], "rule_abi": "Lua 5.4.4/int64/ptr8/abi1", "rule_gas": 20_000_000,
            "rule_memory_bytes": 16 << 20, "rule_max_effects": 4095, "task": task, "enrolment": 0, "allowed": [],
            "limits": LIMITS, "nonce": hashes.sha256(b"nonce"), **changes}
        self.write_genesis()
        self.chain, self.waiting = None, []

    def write_genesis(self):
        self.genesis_bytes = encode("genesis", self.genesis)
        header = genesis_header(self.genesis, self.genesis_bytes, genesis_state(self.genesis).root())
        self.blocks = [(encode("header", header), bytes(4), self.certificate(header), bytes(4))]

    def start(self):
        self.chain = Chain(self.genesis_bytes, self.blocks[0])

    def certificate(self, header):
        """Of as few validators as may be: the last of them."""
        block_hash = hashes.header_hash(encode("header", header))
        digest = hashes.vote_digest(header["chain_id"], header["epoch"], header["height"], block_hash)
        count = 2 * len(self.validators) // 3 + 1
        votes = [{"validator": i, "signature": schnorr.sign(person.secret, digest)}
                 for i, person in list(enumerate(self.validators))[-count:]]
        return encode("certificate", {"epoch": 0, "height": header["height"], "block_hash": block_hash, "votes": votes})

    def say(self, person, kind, **body):
        nonce = sum(who.account == person.account for who, _ in self.waiting)
        record = self.chain.state.account(person.account)
        height = len(self.chain.history) - 1
        parts = {"version": 1, "type": NUMBERS[kind], "algorithm": 1, "chain_id": self.chain.id,
                 "sender": person.account, "nonce": nonce + (record["nonce"] if record else 0),
                 "valid_until": (1 << 64) - 1, "seen_height": height, "seen_hash": self.chain.history[height],
                 "body": encode(kind, body)}
        self.waiting.append((person, forge.sign_statement(parts, person.secret)))

    def block(self):
        """The statements that wait, as the next block; every one must stand."""
        data, height = [statement for _, statement in self.waiting], len(self.blocks)
        self.waiting, tip = [], self.chain.tip
        transactions = forge.sized_list(data)
        header = dict(tip.header, height=height, time_ms=tip.header["time_ms"] + 5, parent_hash=tip.hash,
                      transactions_root=hashes.list_root(data), history_root=self.chain.tree.root(),
                      proposer=self.validators[height % len(self.validators)].account)
        draft = Block((encode("header", header), transactions, b"", b""))
        draft.statements = forge.read_statements(transactions)
        after, nothing = forge.clone(self.chain), {"rule_code": 0, "gas_used": 0, "mints": []}
        receipts = [encode("receipt", after.apply(statement, draft, nothing)) for statement in draft.statements]
        header.update(receipts_root=hashes.list_root(receipts), state_root=after.state.root())
        parts = (encode("header", header), transactions, self.certificate(header),
                 len(receipts).to_bytes(4, "little") + b"".join(receipts))
        self.blocks.append(parts)
        self.chain.process(parts)

    def bundle(self):
        """With the blobs that an export has: those of attempts that have a result."""
        return bundles.Bundle(self.genesis_bytes, self.blocks, self.blobs)

    # --- What a federation does.

    def enrol(self, samples=500):
        self.start()
        for worker in self.workers:
            self.say(worker, "register_worker", public_key=worker.key, curve_key=hashes.sha256(worker.key),
                     name=worker.name, invitation_hash=NONE)
        self.block()
        for worker in self.workers:
            manifest = {"name": "data", "samples_root": hashes.sha256(b"samples"), "sample_count": samples,
                        "schema": "", "origin": "", "licence": ""}
            worker.dataset = hashes.dataset_id(worker.account, manifest)
            self.say(worker, "register_dataset", **manifest)
        self.block()

    def open(self, aggregation, encoding, min_updates=1):
        state = self.chain.state
        job, current = state.job(), state.current_round()
        again = current is not None and current["phase"] == 5
        limits = {"min_updates": min_updates, "max_examples": 1 << 24, "train_deadline_ms": 1,
                  "reveal_deadline_ms": 1, "stall_deadline_ms": 1, "evaluation_blocks": 1}
        training = {"local_epochs": 1, "local_steps": 0, "batch_size": 1, "optimizer": "sgd", "learning_rate_bits": 0,
                    "momentum_bits": 0, "seed": 0}
        self.say(self.validators[0], "open_round", round=job["round"] + (not again),
                 attempt=current["attempt"] + 1 if again else 0, privacy=0, model_root=job["model_root"],
                 optimizer_root=job["optimizer_root"], aggregation=aggregation, training=training, encoding=encoding,
                 limits=limits, members=state.members(), evaluators=[self.validators[0].account])
        self.block()

    def exponent(self, payload, encoding):
        task = self.genesis["task"]
        try:
            return exponent_of(decode_payload(payload, encoding, task["parameters"], task["buffers"])[0])
        except (BadPayload, ValueError, ArithmeticError):
            return 0

    def commit(self, updates):
        """`updates` are Update objects, a commitment each; and the close."""
        record = self.chain.state.current_round()
        opened = self.chain.history[record["open_height"]]
        for update in updates:
            exponent = self.exponent(update.payload, record["open"]["encoding"])
            self.say(update.worker, "commit_update", round=record["round"], attempt=record["attempt"],
                     commitment=hashes.update_commitment(opened, update.worker.account, update.opening(record)),
                     exponent=exponent + update.exponent_off, examples=self.rng.randrange(1, 500), steps=1,
                     dataset=update.worker.dataset, metrics=[{"name": "loss", "micro": self.rng.randrange(10**6)}])
        self.block()
        body = {"round": record["round"], "attempt": record["attempt"], "seed_preimage": self.seeds.pop()}
        commits = self.chain.state.commits(record["round"], record["attempt"])
        exponent, shift, entries = plan_close(body, commits)
        self.say(self.validators[0], "close_commits", **body, exponent=exponent, shift=shift, entries=entries)
        self.block()

    def executed(self, updates):
        """(the openings by worker, what they come to). The payloads that are read become blobs."""
        state, task = self.chain.state, self.genesis["task"]
        record = state.current_round()
        openings = {u.worker.account: u.opening(record) for u in updates if u.reveals}
        claims, payloads = RootClaims(state, record, list(openings.items())), []
        of_worker = {u.worker.account: u.payload for u in updates}
        for entry in record["close"]["entries"]:
            opening = openings.get(entry["worker"])
            payloads.append((opening, due_verdict(entry, opening, record, task, claims)))
            if payloads[-1][1] == 0:
                self.blobs[opening["root"]] = of_worker[entry["worker"]]
        commits = {key[-32:]: state.get(key, "commit_record")["body"]
                   for key in state.scan(commit_prefix(record["round"], record["attempt"]))}
        return openings, execute(self.bundle(), record["open"], record["close"], commits, payloads, task)

    def result(self, updates):
        _, found = self.executed(updates)
        record = self.chain.state.current_round()
        for values in found.made:
            if values:
                self.blobs[root_of(values)] = to_bytes32(values)
        self.say(self.validators[0], "round_result", round=record["round"], attempt=record["attempt"],
                 entries=found.entries, model_root=found.model_root, optimizer_root=found.optimizer_root)
        self.block()
        return found

    def abandon(self, updates, reason):
        exported = dict(self.blobs)
        openings, found = self.executed(updates)
        self.others.update(self.blobs)
        self.blobs = exported
        record = self.chain.state.current_round()
        revealed = [{"worker": worker, "opening": opening} for worker, opening in sorted(openings.items())]
        self.say(self.validators[0], "abandon_round", round=record["round"], attempt=record["attempt"],
                 reason=CODES[reason], revealed=revealed)
        self.block()
        return found

    def settle(self):
        record, judge = self.chain.state.current_round(), self.validators[0]
        body = {"round": record["round"], "metrics": [{"name": "acc", "micro": 5}, {"name": "loss", "micro": None}],
                "examples": 9, "salt": hashes.sha256(b"salt")}
        commitment = hashes.evaluation_commitment(judge.account, record["result"]["model_root"], body)
        self.say(judge, "commit_evaluation", round=record["round"], commitment=commitment)
        self.block()
        self.say(judge, "reveal_evaluation", **body)
        self.block()
        state = self.chain.state
        commits = state.commits(record["round"], record["attempt"])
        evaluations = [state.get(key, "evaluation_record") for key in state.scan(evaluation_prefix(record["round"]))]
        self.say(judge, "settle_round", **plan_settlement(record, commits, evaluations))
        self.block()


class Update:
    """What a worker commits to and reveals. `claims` changes the opening: another encoding or size."""

    def __init__(self, worker, payload, reveals=True, exponent_off=0, **claims):
        self.worker, self.payload, self.reveals, self.claims = worker, payload, reveals, claims
        self.exponent_off = exponent_off

    def opening(self, record):
        return {"root": hashes.blob_root(self.payload), "size_bytes": len(self.payload),
                "encoding": record["open"]["encoding"]["kind"], "salt": hashes.sha256(self.worker.key), **self.claims}
