"""Blocks: genesis, links, roots, every statement, certificate and receipts (docs/ledger-format.md, Blocks)."""

import hashes
import schnorr
import statements_accounts as accounts
import statements_round as rounds
import statements_settle as settle
from codec import Fault, Reader, decode, encode, read
from genesis import decode_genesis, quorum, summed_columns
from layouts import TYPES
from state import genesis_state

MAX_TRANSACTIONS, MAX_BLOCK_BYTES, MAX_TRANSACTION_BYTES = 8192, 8 << 20, 1 << 20
SIGNATURE_BYTES = 64

RULES = {
    "register_worker": accounts.register_worker, "register_dataset": accounts.register_dataset,
    "transfer": accounts.transfer, "suspend_member": accounts.suspend_member,
    "readmit_member": accounts.readmit_member, "rotate_key": accounts.rotate_key,
    "open_round": rounds.open_round, "commit_update": rounds.commit_update, "close_commits": rounds.close_commits,
    "round_result": rounds.round_result, "abandon_round": rounds.abandon_round,
    "commit_evaluation": settle.commit_evaluation, "reveal_evaluation": settle.reveal_evaluation,
    "settle_round": settle.settle_round, "state_sums": settle.state_sums, "fix_scaler": settle.fix_scaler,
}


class Statement:
    """A transaction as it was received, and what its parts are."""

    def __init__(self, data):
        if len(data) > MAX_TRANSACTION_BYTES:
            raise Fault("oversized")
        head = Reader(data)
        version, number, algorithm = head.integer(2), head.integer(2), head.integer(1)
        for holds, verdict in [(version == 1, "unknown_version"), (number in TYPES, "unknown_type"),
                               (algorithm == 1, "unknown_algorithm")]:
            if not holds:
                raise Fault(verdict)
        self.data, self.type, self.parts = data, TYPES[number], decode("transaction", data)
        self.id = hashes.transaction_id(data[:-SIGNATURE_BYTES])
        self.sender = self.parts["sender"]

    def digest(self):
        return hashes.signing_digest(self.type, self.data[:-SIGNATURE_BYTES])

    def body(self):
        return decode(self.type, self.parts["body"])


def read_statements(data):
    try:
        reader = Reader(data)
        count = reader.integer(4)
        if count > MAX_TRANSACTIONS:
            raise Fault("malformed", f"{count} transactions")
        statements = [Statement(reader.sized(MAX_TRANSACTION_BYTES)) for _ in range(count)]
        reader.end()
    except Fault as fault:
        raise Fault("malformed_transactions", str(fault)) from fault
    return statements


def read_whole(kind, data, rule):
    try:
        reader = Reader(data)
        value = read(reader, kind)
        reader.end()
    except Fault as fault:
        raise Fault(rule, str(fault)) from fault
    return value


class Block:
    """The four parts of a block as bytes and as records."""

    def __init__(self, parts):
        self.header_bytes, self.transactions_bytes, self.certificate_bytes, self.receipts_bytes = parts
        self.header = read_whole("header", self.header_bytes, "malformed_header")
        self.hash = hashes.header_hash(self.header_bytes)
        self.statements, self.receipts, self.stated = [], [], []


def genesis_header(genesis, genesis_bytes, state_root):
    """The header of block 0: all of it follows from the genesis."""
    empty, validators = hashes.list_root([]), hashes.validators_hash(genesis["validators"])
    first = genesis["validators"][0]["public_key"] if genesis["validators"] else bytes(32)
    return {"version": 1, "chain_id": hashes.chain_id(genesis_bytes), "epoch": 0, "height": 0,
            "time_ms": genesis["time_ms"], "parent_hash": bytes(32), "transactions_root": empty,
            "receipts_root": empty, "state_root": state_root, "history_root": empty, "validators_hash": validators,
            "next_validators_hash": validators, "params_hash": hashes.params_hash(genesis_bytes),
            "proposer": hashes.account_of(first)}


class Chain:
    def __init__(self, genesis_bytes, block_0):
        block = Block(block_0)
        self.id = hashes.chain_id(genesis_bytes)
        if block.header["chain_id"] != self.id:
            raise Fault("wrong_genesis", self.id.hex())
        self.genesis = decode_genesis(genesis_bytes)
        self.params, self.validators = hashes.params_hash(genesis_bytes), self.genesis["validators"]
        self.validators_hash = hashes.validators_hash(self.validators)
        self.summed = summed_columns(self.genesis["task"])
        self.state, self.history, self.tree = genesis_state(self.genesis), [], hashes.Tree()
        self.signatures = self.settlements_as_stated = 0
        header = genesis_header(self.genesis, genesis_bytes, self.state.root())
        if encode("header", header) != block.header_bytes or block.transactions_bytes != bytes(4):
            raise Fault("wrong_genesis_block", block.hash.hex())
        self.check_certificate(block)
        if block.receipts_bytes != bytes(4):
            raise Fault("wrong_receipts", "block 0 has none")
        self.append(block)

    def append(self, block):
        self.tip = block
        self.history.append(block.hash)
        self.tree.append(hashes.leaf(block.hash))

    # --- One block.

    def process(self, parts):
        """Takes in the next block, or raises the first rule that it breaks."""
        block = Block(parts)
        block.statements = read_statements(block.transactions_bytes)
        self.check_header(block)
        found = hashes.list_root([statement.data for statement in block.statements])
        self.equal("wrong_transactions_root", found, block.header["transactions_root"])
        block.stated = stated_receipts(block)
        for place, statement in enumerate(block.statements):
            try:
                block.receipts.append(self.apply(statement, block, block.stated[place]))
            except Fault as fault:
                detail = f"transaction {place} ({statement.type} {statement.id.hex()[:16]})"
                raise Fault(fault.rule, f"{detail} {fault.detail}".strip()) from fault
        self.state.check_conservation(self.genesis["cap"])
        leaves = [encode("receipt", receipt) for receipt in block.receipts]
        self.equal("wrong_receipts_root", hashes.list_root(leaves), block.header["receipts_root"])
        self.equal("wrong_state_root", self.state.root(), block.header["state_root"])
        self.check_certificate(block)
        if block.receipts_bytes != len(leaves).to_bytes(4, "little") + b"".join(leaves):
            raise Fault("wrong_receipts", "the stored receipts are not what the block does")
        self.append(block)
        return block

    @staticmethod
    def equal(rule, found, said):
        if found != said:
            raise Fault(rule, f"the header says {said.hex()}, it comes to {found.hex()}")

    def check_header(self, block):
        header, tip = block.header, self.tip.header
        proposer = self.state.account(header["proposer"])
        size = len(block.transactions_bytes)
        for holds, rule in [
            (header["chain_id"] == self.id, "wrong_chain"),
            (header["height"] == tip["height"] + 1, "wrong_height"),
            (header["parent_hash"] == self.tip.hash, "wrong_parent"),
            (header["epoch"] == tip["epoch"], "wrong_epoch"),
            (header["time_ms"] > tip["time_ms"], "wrong_time"),
            (header["history_root"] == self.tree.root(), "wrong_history_root"),
            (header["validators_hash"] == self.validators_hash, "wrong_validators"),
            (header["next_validators_hash"] == self.validators_hash, "wrong_validators"),
            (header["params_hash"] == self.params, "wrong_params"),
            (proposer is not None and proposer["is_validator"], "wrong_proposer"),
            (size <= MAX_BLOCK_BYTES, "oversized"),
        ]:
            if not holds:
                raise Fault(rule)

    def check_certificate(self, block):
        certificate = read_whole("certificate", block.certificate_bytes, "malformed_certificate")
        header, votes = block.header, certificate["votes"]
        about = (certificate["epoch"], certificate["height"], certificate["block_hash"])
        indexes = [vote["validator"] for vote in votes]
        if about != (header["epoch"], header["height"], block.hash) or indexes != sorted(set(indexes)):
            raise Fault("bad_certificate")
        digest = hashes.vote_digest(header["chain_id"], header["epoch"], header["height"], block.hash)
        for vote in votes:
            if vote["validator"] >= len(self.validators):
                raise Fault("bad_certificate", f"there is no validator {vote['validator']}")
            key = self.validators[vote["validator"]]["public_key"]
            if not schnorr.verify(key, digest, vote["signature"]):
                raise Fault("bad_certificate", f"the signature of validator {vote['validator']}")
        if len(votes) < quorum(self.validators):
            raise Fault("no_quorum", f"{len(votes)} signatures")
        self.signatures += len(votes)

    # --- One statement.

    def signing_key(self, statement, record):
        known = record is not None and any(record["public_key"])
        if statement.type == "register_worker":
            key = statement.body()["public_key"]
            if known:
                raise Fault("already_registered")
            if hashes.account_of(key) != statement.sender:
                raise Fault("wrong_key")
            return key
        if not known:
            raise Fault("unknown_sender")
        return record["public_key"]

    def check_envelope(self, statement, height):
        parts, record = statement.parts, self.state.account(statement.sender)
        if parts["chain_id"] != self.id:
            raise Fault("wrong_chain")
        if parts["valid_until"] < height:
            raise Fault("expired")
        key = self.signing_key(statement, record)
        if not schnorr.verify(key, statement.digest(), parts["signature"]):
            raise Fault("bad_signature")
        self.signatures += 1
        if parts["nonce"] != (record["nonce"] if record is not None else 0):
            raise Fault("wrong_nonce")
        seen = parts["seen_height"]
        if seen >= len(self.history) or self.history[seen] != parts["seen_hash"]:
            raise Fault("unknown_anchor")

    def apply(self, statement, block, stated):
        """The receipt of a statement that stands."""
        height = block.header["height"]
        self.check_envelope(statement, height)
        context = accounts.Context(self.genesis, self.history, height, self.state, self.summed)
        context.stated = stated
        context.receipt = {"transaction_id": statement.id, "rule_code": 0, "gas_used": 0, "mints": []}
        RULES[statement.type](statement.body(), statement.sender, context)
        self.settlements_as_stated += not context.derived
        record = self.state.account(statement.sender)
        record["nonce"] += 1
        self.state.put_account(statement.sender, record)
        return context.receipt


def stated_receipts(block):
    """As many as there are statements: what a rule of one's own came to is read from them."""
    receipts = read_whole("list receipt 8192", block.receipts_bytes, "wrong_receipts")
    if len(receipts) != len(block.statements):
        raise Fault("wrong_receipts", f"{len(receipts)} for {len(block.statements)} transactions")
    return receipts
