"""Every hash of the ledger: tagged hashes, the trees of RFC 6962, blobs, the state's tree, and addresses."""

import hashlib

from codec import encode, write


def sha256(*parts):
    digest = hashlib.sha256()
    for part in parts:
        digest.update(part)
    return digest.digest()


def tagged(tag, *parts):
    """BIP-340's: SHA256(SHA256(tag) || SHA256(tag) || parts)."""
    prefix = sha256(tag.encode())
    return sha256(prefix, prefix, *parts)


# --- RFC 6962: leaf H(0 || data), node H(1 || left || right), split at the largest power of two below the size.


def leaf(data):
    return sha256(b"\x00", data)


def node(left, right):
    return sha256(b"\x01", left, right)


class Tree:
    """Leaves appended one by one; one hash for each set bit of their count."""

    def __init__(self, leaves=()):
        self.size, self.peaks = 0, []
        for each in leaves:
            self.append(each)

    def append(self, leaf_hash):
        carry = self.size
        while carry & 1:
            leaf_hash = node(self.peaks.pop(), leaf_hash)
            carry >>= 1
        self.peaks.append(leaf_hash)
        self.size += 1

    def root(self):
        if not self.peaks:
            return sha256()
        root = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            root = node(peak, root)
        return root


def list_root(items):
    return Tree(leaf(item) for item in items).root()


def blob_root(data):
    """The name of an update, a model or a layout: leaves of 4096 bytes, and the length."""
    root = list_root(data[at : at + 4096] for at in range(0, len(data), 4096))
    return tagged("gradmint/blob/v1", len(data).to_bytes(8, "little"), root)


# --- The state: a binary tree over the bits of SHA-256(key), the most significant first. A subtree with one entry
# is that entry's leaf; an empty one is 32 zero bytes.


def state_root(entries):
    """Of a dictionary from key to value."""
    leaves = sorted((sha256(key), sha256(value)) for key, value in entries.items())
    return subtree_root(leaves, 0)


def subtree_root(leaves, depth):
    if not leaves:
        return bytes(32)
    if len(leaves) == 1:
        return sha256(b"\x00", *leaves[0])
    # They ascend, so those with the bit set come last.
    split = next((i for i, (key, _) in enumerate(leaves) if key[depth // 8] >> (7 - depth % 8) & 1), len(leaves))
    return node(subtree_root(leaves[:split], depth + 1), subtree_root(leaves[split:], depth + 1))


# --- What is signed or committed to.


def signing_digest(type_name, signed_part):
    return tagged(f"gradmint/tx/{type_name}/v1", signed_part)


def transaction_id(signed_part):
    return tagged("gradmint/txid/v1", signed_part)


def header_hash(header_bytes):
    return tagged("gradmint/header/v1", header_bytes)


def vote_digest(chain_id, epoch, height, block_hash):
    return tagged("gradmint/vote/v1", chain_id, write(epoch, "u64"), write(height, "u64"), block_hash)


def chain_id(genesis_bytes):
    return tagged("gradmint/genesis/v1", genesis_bytes)


def params_hash(genesis_bytes):
    return tagged("gradmint/params/v1", genesis_bytes)


def validators_hash(validators):
    return tagged("gradmint/validators/v1", write(validators, "list validator 64"))


def account_of(public_key):
    return tagged("gradmint/account/v1", b"\x01", public_key)


def dataset_id(owner, body):
    return tagged("gradmint/dataset/v1", owner, encode("register_dataset", body))


def update_commitment(open_block, worker, opening):
    return tagged("gradmint/commitment/v1", open_block, worker, encode("opening", opening))


def evaluation_commitment(evaluator, model_root, body):
    return tagged("gradmint/evaluation/v1", evaluator, model_root, encode("reveal_evaluation", body))


def round_seed(number, attempt, preimage, commitments):
    return tagged("gradmint/seed/v1", write(number, "u64"), write(attempt, "u32"), preimage,
                  write(sorted(commitments), "list hash 4095"))


def order_key(seed, worker):
    return tagged("gradmint/order/v1", seed, worker)


# --- Addresses: bech32m (BIP-350) with the prefix "gm".

LETTERS = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
GENERATOR = [0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3]


def polymod(groups):
    remainder = 1
    for group in groups:
        top = remainder >> 25
        remainder = (remainder & 0x1FFFFFF) << 5 ^ group
        for i, generator in enumerate(GENERATOR):
            remainder ^= generator if top >> i & 1 else 0
    return remainder


def address_of(account):
    bits = "".join(f"{byte:08b}" for byte in account)
    bits += "0" * (-len(bits) % 5)
    groups = [int(bits[i : i + 5], 2) for i in range(0, len(bits), 5)]
    expanded = [ord(c) >> 5 for c in "gm"] + [0] + [ord(c) & 31 for c in "gm"]
    check = polymod(expanded + groups + [0] * 6) ^ 0x2BC830A3
    groups += [check >> 5 * (5 - i) & 31 for i in range(6)]
    return "gm1" + "".join(LETTERS[group] for group in groups)
