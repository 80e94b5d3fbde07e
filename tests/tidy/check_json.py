"""Refuses a JSON value turned into text by its library's own dump(). Usage: check_json.py ROOT

dump() throws where a string is no UTF-8, and a coordinator that threw on a worker's name died at every start;
it also hands on what a terminal obeys. json_text() (ledger/json_text.h) does neither.
"""

import re

import source_tree

THE_ONE = "ledger/json_text.h"
DUMP = re.compile(r"(?:\.|->)\s*dump\s*\(")


def check(root):
    complaints = []
    for path in source_tree.files(root, source_tree.CPP):
        if path == THE_ONE:
            continue
        code = source_tree.code_of(source_tree.read(root, path))
        for match in DUMP.finditer(code):
            line = code.count("\n", 0, match.start()) + 1
            complaints.append(f"{path}:{line}: '{match.group(0).strip()}': call json_text() of {THE_ONE}")
    return complaints


if __name__ == "__main__":
    source_tree.main(check)
