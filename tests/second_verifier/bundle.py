"""Reads and writes a bundle: a ledger as one file (docs/audit.md has the table)."""

import os

from codec import Fault, Reader
from hashes import blob_root, chain_id, header_hash, sha256

MAGIC = b"gradmint-bundle\n"
SCHEMA = 1
CAPS = (4096, 8 << 20, 1 << 20, 64 << 20)  # header, transactions, certificate, receipts
GENESIS_CAP = 4 << 20


class Bundle:
    """`genesis` bytes; `blocks`, four byte strings each; `blobs`, bytes by root."""

    def __init__(self, genesis, blocks, blobs):
        self.genesis, self.blocks, self.blobs = genesis, blocks, blobs
        self.folder = None  # where blobs lie that the bundle does not hold
        self.used = set()

    def blob(self, root, size=None):
        """A blob by its root, hashed; None where it is not there."""
        data = self.blobs.get(root)
        if data is None and self.folder is not None:
            name = root.hex()
            path = os.path.join(self.folder, name[:2], name)
            if os.path.isfile(path):
                with open(path, "rb") as file:
                    data = file.read()
        if data is None:
            return None
        if size is not None and len(data) != size:
            raise Fault("wrong_blob_size", f"{root.hex()} has {len(data)} bytes, not {size}")
        if root not in self.used and blob_root(data) != root:
            raise Fault("blob_corrupt", root.hex())
        self.used.add(root)
        return data


def read_head(reader):
    if reader.raw(len(MAGIC)) != MAGIC:
        raise Fault("no_bundle", "it does not begin with gradmint-bundle")
    if reader.integer(4) != SCHEMA:
        raise Fault("no_bundle", "a bundle of another schema")
    return reader.raw(32), reader.integer(8), reader.raw(32)


def read_blobs(reader, data, digested):
    """The blobs; `digested` gets the parts of the file that its digest is over."""
    blobs, before, begin = {}, b"", 0
    for _ in range(reader.integer(8)):
        root, size = reader.raw(32), reader.integer(8)
        padding = reader.raw(-reader.at % 64)
        if any(padding) or root <= before:
            raise Fault("store_corrupt", "padding that is not zero, or blobs out of order")
        digested.append(data[begin : reader.at])
        blobs[root], before, begin = reader.raw(size), root, reader.at
    digested.append(data[begin : reader.at])
    return blobs


def parse(data):
    try:
        reader = Reader(data[:-32])
        chain, height, tip = read_head(reader)
        genesis = reader.sized(GENESIS_CAP)
        blocks = []
        for _ in range(min(height, len(data) // 64) + 1):
            blocks.append(tuple(reader.sized(cap) for cap in CAPS))
            if len(blocks[-1][0]) < 64:
                raise Fault("store_corrupt", "a header of fewer than 64 bytes")
        digested = []
        blobs = read_blobs(reader, data, digested)
        reader.end()
    except Fault as fault:
        raise Fault("store_corrupt", str(fault)) from fault
    if sha256(*digested) != data[-32:]:
        raise Fault("store_corrupt", "its bytes do not come to its digest")
    newest = blocks[-1][0]  # its height stands behind version, chain and epoch
    if chain_id(genesis) != chain or len(blocks) != height + 1 or header_hash(newest) != tip \
            or int.from_bytes(newest[42:50], "little") != height:
        raise Fault("store_corrupt", "its head is of another chain, height or block")
    return Bundle(genesis, blocks, blobs)


def load(path, folder=None):
    with open(path, "rb") as file:
        bundle = parse(file.read())
    bundle.folder = folder
    return bundle


def sized(data):
    return len(data).to_bytes(4, "little") + data


def dump(bundle):
    """The bytes of a bundle: what `gradmint audit export` writes of the same blocks and blobs."""
    out = bytearray(MAGIC + SCHEMA.to_bytes(4, "little") + chain_id(bundle.genesis)
                    + (len(bundle.blocks) - 1).to_bytes(8, "little") + header_hash(bundle.blocks[-1][0])
                    + sized(bundle.genesis))
    for block in bundle.blocks:
        out += b"".join(sized(part) for part in block)
    out += len(bundle.blobs).to_bytes(8, "little")
    digested, begin = [], 0
    for root, data in sorted(bundle.blobs.items()):
        out += root + len(data).to_bytes(8, "little")
        out += bytes(-len(out) % 64)
        digested.append(bytes(out[begin:]))
        out += data
        begin = len(out)
    digested.append(bytes(out[begin:]))
    return bytes(out) + sha256(*digested)
