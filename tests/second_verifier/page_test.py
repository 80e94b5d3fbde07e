#!/usr/bin/env python3
"""docs/ledger-format.md says what the verifier reads by, and what the sources hash by.

Every record's table there has the fields of layouts.py, in their order and of their kinds, and no record is left out;
every number of a type, verdict, encoding, phase, reason, enrolment and rule code stands there and is the sources'; and
so does every tag that ledger/ gives to a hash, and its schema.
"""

import os
import re
import sys

import layouts

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
TABLE = re.compile(r"^`(\w+)`\n\n\| field \| kind \|[^\n]*\n\|[-|]+\|\n((?:\|[^\n]*\n)+)", re.MULTILINE)


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as file:
        return file.read()


def tables(page):
    """{record: [(field, kind), ...]} as the page has them."""
    found = {}
    for name, rows in TABLE.findall(page):
        cells = [[cell.strip() for cell in row.split("|")[1:3]] for row in rows.splitlines()]
        found[name] = [(field.strip("`"), kind) for field, kind in cells]
    return found


NO_HASH_OF_A_LEDGER = {"gradmint/layout/v1", "gradmint/keystore/v1"}


def tags_of_sources():
    found = set()
    for folder, _, names in os.walk(os.path.join(ROOT, "ledger")):
        for name in names:
            if name.endswith((".cc", ".h")):
                found |= set(re.findall(r'"(gradmint/(?:[a-z]+/v1|tx/))"', read(folder, name)))
    return found - NO_HASH_OF_A_LEDGER


def enumeration(path, name):
    """{number: enumerator} of an enum of the sources."""
    body = re.search(r"enum class " + name + r"\b[^{]*\{(.*?)\n?\};", read(*path), re.DOTALL).group(1)
    return {int(number): word for word, number in re.findall(r"^[^/\n]*?(\w+) = (\d+)", body.replace(", ", ",\n"),
                                                             re.MULTILINE)}


ENUMERATIONS = [(("ledger", "verdict.h"), "Verdict", layouts.VERDICTS),
                (("ledger", "records.h"), "TxType", layouts.TYPES),
                (("ledger", "records.h"), "Encoding", layouts.ENCODINGS),
                (("ledger", "state.h"), "RoundPhase", layouts.PHASES),
                (("ledger", "genesis.h"), "Enrolment", layouts.ENROLMENTS),
                (("contracts", "rule.h"), "RuleCode", layouts.RULE_CODES)]


def faults():
    page = read("docs", "ledger-format.md")
    said = tables(page)
    for name, fields in layouts.RECORDS.items():
        if name not in said:
            yield f"no table of {name}"
        elif said[name] != fields:
            yield f"{name}: the page has {said[name]}, the verifier {fields}"
    for name in said.keys() - layouts.RECORDS.keys():
        yield f"a table of {name}, which the verifier does not know"
    for numbers in (layouts.TYPES, layouts.VERDICTS, layouts.ENCODINGS, layouts.PHASES, layouts.REASONS,
                    layouts.ENROLMENTS, layouts.RULE_CODES):
        for number, name in numbers.items():
            if f"{number} `{name}`" not in page.replace("\n", " "):
                yield f"{number} `{name}` does not stand there"
    for path, name, ours in ENUMERATIONS:
        if enumeration(path, name) != ours:
            yield f"{name} of {'/'.join(path)} is {enumeration(path, name)}"
    for tag in sorted(tags_of_sources()):
        if tag not in page:
            yield f"the tag {tag} does not stand there"
    schema = re.search(r"kLedgerSchema = (\d+)", read("ledger", "schema.h")).group(1)
    if int(schema) != layouts.SCHEMA or f"schema is **{schema}**" not in page:
        yield f"the ledger's schema is {schema}"


def main():
    found = list(faults())
    for fault in found:
        print(f"docs/ledger-format.md: {fault}")
    print(f"docs/ledger-format.md: {len(layouts.RECORDS)} records, {len(tags_of_sources())} tags, {len(found)} faults")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
