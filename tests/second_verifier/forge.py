"""Lies that are signed: a block whose statement, header or receipts were changed and everything around it made anew.

The keys of a `gradmint dev` federation follow from its seed (they are for play), so a test can sign as its validator
and its workers. What is left to find is what the rules find, not what a hash or a signature finds.
"""

import copy

import hashes
import schnorr
from chain import Block, read_statements, read_whole
from codec import Fault, decode, encode, write
from layouts import TYPES
from state import State


def dev_secret(seed, purpose):
    """The first attempt; that it cannot be used is less likely than any error here."""
    said = write(seed, "u64") + write(purpose, "text 64") + write(0, "u32")
    return int.from_bytes(hashes.tagged("gradmint/dev-key/v1", said), "big")


def clone(chain):
    """A chain that may be changed without changing this one."""
    other = copy.copy(chain)
    other.state = State()
    other.state.entries, other.state.leaves = dict(chain.state.entries), dict(chain.state.leaves)
    other.history, other.tree = list(chain.history), copy.copy(chain.tree)
    other.tree.peaks = list(chain.tree.peaks)
    return other


class Keys:
    """Secrets by the account that signs with them."""

    def __init__(self, seed, workers):
        names = ["validator", *(f"worker-{i + 1}" for i in range(workers))]
        secrets = [dev_secret(seed, name) for name in names]
        self.of = {hashes.account_of(schnorr.public_key_of(secret)): secret for secret in secrets}
        self.validator = secrets[0]


class Lie:
    """What is changed. `place` is the statement's in its block; the functions change a record in place, or return
    another. `signer` signs the statement in place of its sender."""

    def __init__(self, place=0, body=None, envelope=None, receipts=None, header=None, votes=None, signer=None):
        self.place, self.body, self.envelope, self.receipts = place, body, envelope, receipts
        self.header, self.votes, self.signer = header, votes, signer


def changed(record, change):
    record = copy.deepcopy(record)
    return change(record) or record


def sign_statement(parts, secret):
    data = encode("transaction", dict(parts, signature=bytes(64)))[:-64]
    return data + schnorr.sign(secret, hashes.signing_digest(TYPES[parts["type"]], data))


def forged_statement(statement, lie, keys):
    parts = dict(statement.parts)
    if lie.body is not None:
        parts["body"] = encode(statement.type, changed(statement.body(), lie.body))
    if lie.envelope is not None:
        parts = changed(parts, lie.envelope)
    return sign_statement(parts, lie.signer or keys.of[parts["sender"]])


def consequences(chain, header, statements, stated):
    """(receipts, state root) that the statements come to, where they stand; else what the block said before."""
    after, block = clone(chain), Block((encode("header", header), b"", b"", b""))
    receipts = [after.apply(statement, block, said) for statement, said in zip(statements, stated)]
    return receipts, after.state.root()


def forge(chain, parts, lie, keys):
    """The four parts of a block with the lie in it, as good as who has the keys can make it. `chain` ends before it."""
    statements = read_statements(parts[1])
    stated = read_whole("list receipt 8192", parts[3], "wrong_receipts")
    if lie.body is not None or lie.envelope is not None or lie.signer is not None:
        data = [statement.data for statement in statements]
        data[lie.place] = forged_statement(statements[lie.place], lie, keys)
        statements = read_statements(sized_list(data))
        stated = [dict(said, transaction_id=s.id) for said, s in zip(stated, statements)]
    header = decode("header", parts[0])
    try:
        receipts, header["state_root"] = consequences(chain, header, statements, stated)
    except (Fault, AssertionError, KeyError, TypeError):
        receipts = stated
    if lie.receipts is not None:
        receipts = changed(receipts, lie.receipts)
    data = [statement.data for statement in statements]
    header["transactions_root"] = hashes.list_root(data)
    header["receipts_root"] = hashes.list_root([encode("receipt", receipt) for receipt in receipts])
    if lie.header is not None:
        header = changed(header, lie.header)
    certificate = certify(header, keys)
    if lie.votes is not None:
        certificate = changed(certificate, lie.votes)
    return (encode("header", header), sized_list(data), encode("certificate", certificate),
            write(receipts, "list receipt 8192"))


def certify(header, keys):
    block_hash = hashes.header_hash(encode("header", header))
    digest = hashes.vote_digest(header["chain_id"], header["epoch"], header["height"], block_hash)
    vote = {"validator": 0, "signature": schnorr.sign(keys.validator, digest)}
    return {"epoch": header["epoch"], "height": header["height"], "block_hash": block_hash, "votes": [vote]}


def sized_list(items):
    return len(items).to_bytes(4, "little") + b"".join(len(item).to_bytes(4, "little") + item for item in items)
