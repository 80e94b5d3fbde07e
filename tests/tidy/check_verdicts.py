"""Every verdict has a producer and a line in the documentation. Usage: check_verdicts.py ROOT

Refuses a verdict of ledger/verdict.h that no program gives (one that is only compared with is not given), one that
lacks its name in ledger/verdict.cc, a number given twice, and a difference from the table in docs/verdicts.md.
"""

import re

import source_tree

HEADER, NAMES, PAGE = "ledger/verdict.h", "ledger/verdict.cc", "docs/verdicts.md"
PRODUCT = ("kernels", "contracts", "ledger", "coordinator", "worker")
USE = re.compile(r"(?P<before>(?:==|!=|\bcase\b)\s*)?\bVerdict::(?P<name>\w+)(?P<after>\s*(?:==|!=))?")
ROW = re.compile(r"^\| (\d+) \| `(\w+)` \| \S", re.MULTILINE)
NO_REFUSAL = "ok"


def enumerators(header):
    body = re.search(r"enum class Verdict[^{]*\{(.*?)\};", source_tree.code_of(header), re.DOTALL)
    return [(name, int(number)) for name, number in re.findall(r"(\w+)\s*=\s*(\d+)", body.group(1))]


def given_in(root):
    """The verdicts that some code does more with than compare."""
    given = set()
    for path in source_tree.files(root, source_tree.CPP, PRODUCT):
        if path in (HEADER, NAMES):
            continue
        for match in USE.finditer(source_tree.code_of(source_tree.read(root, path))):
            if not match.group("before") and not match.group("after"):
                given.add(match.group("name"))
    return given


def check(root):
    verdicts = enumerators(source_tree.read(root, HEADER))
    complaints = []
    numbers = [number for _, number in verdicts]
    for name, number in verdicts:
        if numbers.count(number) > 1:
            complaints.append(f"{HEADER}: {name}: the number {number} is given twice")
    given, names = given_in(root), source_tree.read(root, NAMES)
    for name, _ in verdicts:
        if name not in given:
            complaints.append(f"{HEADER}: {name}: nothing gives this verdict")
        if f'{{Verdict::{name}, "{name}"}}' not in names:
            complaints.append(f"{NAMES}: {name} has no name, or another")
    rows = [(name, int(number)) for number, name in ROW.findall(source_tree.read(root, PAGE))]
    for verdict in verdicts:
        if verdict[0] != NO_REFUSAL and rows.count(verdict) != 1:
            complaints.append(f"{PAGE}: must have {verdict[1]} {verdict[0]} once, has it {rows.count(verdict)} times")
    for row in rows:
        if row not in verdicts:
            complaints.append(f"{PAGE}: {row[1]} {row[0]} is no verdict of {HEADER}")
    if rows != sorted(rows, key=lambda row: row[1]):
        complaints.append(f"{PAGE}: the table does not ascend by number")
    return complaints


if __name__ == "__main__":
    source_tree.main(check)
