"""Bytes of the ledger: little-endian integers, a u32 before every text and list, nothing padded.

A record is decoded by its layout (layouts.py). Whatever is not in its one canonical form raises Fault, so
encode(decode(bytes)) == bytes for everything that is accepted.
"""

import layouts


class Fault(Exception):
    """Something on the ledger does not hold. `rule` is the product's own name for it where it has one."""

    def __init__(self, rule, detail=""):
        super().__init__(f"{rule}: {detail}" if detail else rule)
        self.rule = rule
        self.detail = detail


def is_unseen(code):
    """What a terminal obeys or a reader cannot see; the joiners U+200C and U+200D are allowed."""
    ranges = [(0x00, 0x1F), (0x7F, 0x9F), (0x61C, 0x61C), (0x200B, 0x200B), (0x200E, 0x200F), (0x2028, 0x202E),
              (0x2060, 0x2069), (0xFDD0, 0xFDEF), (0xFEFF, 0xFEFF), (0xFFF9, 0xFFFB), (0xE0000, 0xE007F)]
    return any(first <= code <= last for first, last in ranges) or code & 0xFFFE == 0xFFFE


def is_clean(raw, lines):
    """Whether bytes are UTF-8 (RFC 3629) of one line, or of several with line feeds and tabs."""
    try:
        text = raw.decode("utf-8", "strict")
    except UnicodeDecodeError:
        return False
    return all(not is_unseen(ord(c)) or (lines and c in "\n\t") for c in text)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def raw(self, size):
        if size > len(self.data) - self.at:
            raise Fault("malformed", f"{size} bytes at {self.at} are not there")
        self.at += size
        return self.data[self.at - size : self.at]

    def integer(self, size, signed=False):
        return int.from_bytes(self.raw(size), "little", signed=signed)

    def sized(self, cap):
        size = self.integer(4)
        if size > cap:
            raise Fault("malformed", f"{size} bytes where at most {cap} may stand")
        return self.raw(size)

    def end(self):
        if self.at != len(self.data):
            raise Fault("malformed", f"{len(self.data) - self.at} bytes too many")


def read(reader, kind):
    """One value of a layout's kind."""
    word, *rest = kind.split()
    if word in layouts.INTEGERS:
        size, signed = layouts.INTEGERS[word]
        return reader.integer(size, signed)
    if word == "bool":
        value = reader.integer(1)
        if value > 1:
            raise Fault("malformed", "a boolean that is neither 0 nor 1")
        return value == 1
    if word == "hash":
        return reader.raw(32)
    if word == "signature":
        return reader.raw(64)
    if word == "bytes":
        return reader.sized(int(rest[0]))
    if word in ("text", "lines"):
        raw = reader.sized(int(rest[0]))
        if not is_clean(raw, word == "lines"):
            raise Fault("malformed_text", repr(raw[:40]))
        return raw.decode("utf-8")
    if word == "optional":
        return read(reader, rest[0]) if read(reader, "bool") else None
    if word == "list":
        return [read(reader, rest[0]) for _ in range(counted(reader, int(rest[1])))]
    if word == "accounts":
        return ascending([reader.raw(32) for _ in range(counted(reader, int(rest[0])))], lambda account: account)
    if word == "by":  # a list that ascends by one of its fields: by FIELD RECORD CAP
        items = [read(reader, rest[1]) for _ in range(counted(reader, int(rest[2])))]
        return ascending(items, lambda item: in_order(item[rest[0]]))
    if word in layouts.CHOICES:
        value = reader.integer(layouts.CHOICES[word][0])
        if value not in layouts.CHOICES[word][1]:
            raise Fault("malformed", f"{value} is no {word}")
        return value
    return read_record(reader, word)


def read_record(reader, name):
    record = {field: read(reader, kind) for field, kind in layouts.RECORDS[name]}
    if name in layouts.CONDITIONS and not layouts.CONDITIONS[name](record):
        raise Fault("malformed", f"{name}: its fields contradict each other")
    return record


def counted(reader, cap):
    count = reader.integer(4)
    if count > min(cap, len(reader.data) - reader.at):  # every element has a byte at least
        raise Fault("malformed", f"a list of {count}")
    return count


def in_order(value):
    return value.encode() if isinstance(value, str) else value


def ascending(items, key):
    if any(key(a) >= key(b) for a, b in zip(items, items[1:])):
        raise Fault("malformed", "a list that does not ascend strictly")
    return items


def decode(name, data):
    """The whole of `data` as one record."""
    reader = Reader(data)
    record = read(reader, name)
    reader.end()
    return record


def write(value, kind):
    word, *rest = kind.split()
    if word in layouts.INTEGERS:
        size, signed = layouts.INTEGERS[word]
        return value.to_bytes(size, "little", signed=signed)
    if word == "bool":
        return b"\x01" if value else b"\x00"
    if word in ("hash", "signature"):
        return value
    if word in ("bytes", "text", "lines"):
        raw = value if word == "bytes" else value.encode()
        return len(raw).to_bytes(4, "little") + raw
    if word == "optional":
        return b"\x00" if value is None else b"\x01" + write(value, rest[0])
    if word in ("list", "by", "accounts"):
        element = {"list": rest[0], "by": rest[-2] if word == "by" else "", "accounts": "hash"}[word]
        return len(value).to_bytes(4, "little") + b"".join(write(item, element) for item in value)
    if word in layouts.CHOICES:
        return value.to_bytes(layouts.CHOICES[word][0], "little")
    return b"".join(write(value[field], kind) for field, kind in layouts.RECORDS[word])


def encode(name, record):
    return write(record, name)


def empty(kind):
    """The value that a field has before anybody gave it one."""
    word = kind.split()[0]
    if word in layouts.INTEGERS or word in layouts.CHOICES:
        return 0
    if word in layouts.RECORDS:
        return {field: empty(of) for field, of in layouts.RECORDS[word]}
    return {"bool": False, "hash": bytes(32), "text": "", "optional": None}.get(word, [])
