"""One tag, one layout, one place. Usage: check_tags.py ROOT

Refuses a tagged hash whose tag does not stand in ledger/tags.h, a tag that is used in another number of places than
one, and a difference between the comments in that header and the table of tags in docs/ledger.md.
"""

import os
import re

import source_tree

HEADER = "ledger/tags.h"
PAGE = "docs/ledger.md"
PRODUCT = ("kernels", "contracts", "ledger", "coordinator", "worker")
TAG = re.compile(r'((?:^//[^\n]*\n)+)inline constexpr std::string_view (k\w+) =\s+"([^"]*)";', re.MULTILINE)
CALL = re.compile(r"\btagged_hash\(\s*([^,()]*(?:\([^()]*\))?[^,()]*)")
DECLARATION = re.compile(r"std::string_view \w+")
# Of transactions, whose tags have the names of their types in them.
MADE = re.compile(r"transaction_tag\(")


def tags_of(header):
    """{constant: (tag, layout, who, what for)} and what is wrong with the header."""
    tags, complaints = {}, []
    for comment, name, tag in TAG.findall(header):
        text = " ".join(line.lstrip("/").strip() for line in comment.strip().splitlines())
        parts = tuple(part.strip() for part in text.split(";"))
        if len(parts) != 3 or not all(parts):
            complaints.append(f"{HEADER}: {name}: its comment is not 'layout; who; what for': '{text}'")
        tags[name] = (tag,) + parts
    if len(tags) != header.count("std::string_view k"):
        complaints.append(f"{HEADER}: not every tag has its comment")
    return tags, complaints


def rows_of(page):
    """The rows of the table of tags, cells as in the header's comments."""
    rows = []
    for line in page.splitlines():
        if line.startswith("| `gradmint/"):
            cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
            rows.append((cells[0].strip("`"),) + tuple(cells[1:]))
    return rows


def check_uses(root, tags):
    complaints, uses = [], {name: [] for name in tags}
    for path in source_tree.files(root, source_tree.CPP, PRODUCT):
        if path == HEADER:
            continue
        code = source_tree.code_of(source_tree.read(root, path), keep_strings=True)
        for name in re.findall(r"\btag::(k\w+)", code):
            if name in uses:
                uses[name].append(path)
        for match in CALL.finditer(code):
            first = match.group(1).strip()
            if DECLARATION.fullmatch(first) or re.fullmatch(r"tag::k\w+", first) or MADE.match(first):
                continue
            line = code.count("\n", 0, match.start()) + 1
            complaints.append(f"{path}:{line}: tagged_hash({first}: its tag belongs into {HEADER}")
    for name, paths in uses.items():
        if len(paths) != 1:
            complaints.append(f"{HEADER}: {name} is used in {len(paths)} places, not in one: {', '.join(paths)}")
    return complaints


def check(root):
    tags, complaints = tags_of(source_tree.read(root, HEADER))
    complaints += check_uses(root, tags)
    said = [row for row in tags.values()]
    written = rows_of(source_tree.read(root, PAGE)) if os.path.exists(os.path.join(root, PAGE)) else []
    for row in said:
        if written.count(row) != 1:
            complaints.append(f"{PAGE}: must have this row once: | `{row[0]}` | {' | '.join(row[1:])} |")
    for row in written:
        if row not in said:
            complaints.append(f"{PAGE}: {row[0]} is not as {HEADER} says")
    return complaints


if __name__ == "__main__":
    source_tree.main(check)
