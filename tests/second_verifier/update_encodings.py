"""The six encodings of an update (docs/ledger-format.md, Encodings): sizes, decoding, and what is refused."""

import struct

from fixed_point import all_finite, from_bytes32

INTEGER_BLOCK, TOP_K_BLOCK, SECTION = 256, 4096, 4096


class BadPayload(Exception):
    """`verdict` is non_finite or malformed_payload."""

    def __init__(self, verdict):
        super().__init__(verdict)
        self.verdict = verdict


def section_bytes(count):
    """Of the exponents before int8 and int4 values."""
    return -(-(-(-count // INTEGER_BLOCK)) // SECTION) * SECTION


def record_bytes(kept):
    return (12 * kept + 7) // 8 + 4 * kept


def encoded_bytes(kind, keep, count):
    if kind in (0, 1, 2):
        return (4, 2, 2)[kind] * count
    if kind == 3:
        return section_bytes(count) + count
    if kind == 4:
        return section_bytes(count) + (count + 1) // 2
    whole, rest = divmod(count, TOP_K_BLOCK)
    return whole * record_bytes(keep) + record_bytes(min(keep, rest))


def payload_bytes(spec, parameters, buffers):
    """The parameters as encoded; buffers behind them as fp32 from a multiple of four on."""
    size = encoded_bytes(spec["kind"], spec["keep"], parameters)
    return size if buffers == 0 else (size + 3) // 4 * 4 + 4 * buffers


def decode_payload(data, spec, parameters, buffers):
    """(values of the parameters, of the buffers), or BadPayload. -0 is read as +0."""
    size = encoded_bytes(spec["kind"], spec["keep"], parameters)
    values = DECODERS[spec["kind"]](data[:size], parameters, spec["keep"])
    begin = len(data) - 4 * buffers
    if any(data[size:begin]):
        raise BadPayload("malformed_payload")
    return values, plain(data[begin:], buffers, 0)


def finite(values):
    if not all_finite(values):
        raise BadPayload("non_finite")
    return [x + 0.0 for x in values]


def plain(data, count, keep):
    del count, keep
    return finite(from_bytes32(data))


def brain_halves(data, count, keep):
    del keep
    halves = struct.unpack(f"<{count}H", data)
    return finite(struct.unpack(f"<{count}f", struct.pack(f"<{count}I", *(half << 16 for half in halves))))


def halves(data, count, keep):
    del keep
    return finite(struct.unpack(f"<{count}e", data))


def exponents_of(data, count):
    """Of each block of 256 values, checked; everything behind them in their section is zero."""
    blocks, section = -(-count // INTEGER_BLOCK), section_bytes(count)
    exponents = struct.unpack(f"<{blocks}b", data[:blocks])
    if any(data[blocks:section]) or any(not -126 <= k <= 121 for k in exponents):
        raise BadPayload("malformed_payload")
    return exponents, data[section:]


def scaled(integers, exponents, most):
    if any(abs(q) > most for q in integers):
        raise BadPayload("malformed_payload")
    return [q * 2.0 ** exponents[i // INTEGER_BLOCK] + 0.0 for i, q in enumerate(integers)]


def bytes_of_eight(data, count, keep):
    del keep
    exponents, rest = exponents_of(data, count)
    return scaled(struct.unpack(f"<{count}b", rest), exponents, 127)


def bytes_of_four(data, count, keep):
    del keep
    exponents, rest = exponents_of(data, count)
    nibbles = [n for byte in rest for n in (byte & 15, byte >> 4)]
    if any(nibbles[count:]):
        raise BadPayload("malformed_payload")
    return scaled([(n ^ 8) - 8 for n in nibbles[:count]], exponents, 7)


def largest_kept(data, count, keep):
    values, at = [0.0] * count, 0
    for first in range(0, count, TOP_K_BLOCK):
        inside = min(count - first, TOP_K_BLOCK)
        kept = min(keep, inside)
        size = (12 * kept + 7) // 8
        bits = int.from_bytes(data[at : at + size], "little")
        numbers = from_bytes32(data[at + size : at + record_bytes(kept)])
        before = -1
        for j, x in enumerate(numbers):
            index = bits >> 12 * j & 0xFFF
            if index >= inside or index <= before:
                raise BadPayload("malformed_payload")
            values[first + index], before = finite([x])[0], index
        if bits >> 12 * kept:
            raise BadPayload("malformed_payload")
        at += record_bytes(kept)
    return values


DECODERS = {0: plain, 1: brain_halves, 2: halves, 3: bytes_of_eight, 4: bytes_of_four, 5: largest_kept}
