"""Refuses an include that points upward. Usage: check_includes.py ROOT

kernels and contracts are leaves; ledger stands on them (it re-executes rounds and rules),
coordinator on ledger, worker on all of them but only on coordinator/protocol and on the reader of
settings, coordinator/config. kernels/base is for everybody. libtorch is for worker alone.
"""

import re

import source_tree

BASE = "kernels/base/"
ALLOWED = [  # the first prefix that fits a file decides what it may include
    ("kernels/base/", (BASE,)),
    ("kernels/", ("kernels/",)),
    ("contracts/", ("contracts/", BASE)),
    ("ledger/", ("ledger/", "contracts/", "kernels/")),
    ("coordinator/", ("coordinator/", "ledger/", "contracts/", "kernels/")),
    ("worker/", ("worker/", "coordinator/config/", "coordinator/protocol/", "ledger/", "contracts/",
                 "kernels/")),
    ("tests/", ("",)),
    ("benchmarks/", ("benchmarks/", "worker/", "coordinator/", "ledger/", "contracts/", "kernels/")),
]
GENERATED = ("gradmint_revision.h", "gradmint_test_paths.h")
TORCH = re.compile(r"^[ \t]*#[ \t]*include[ \t]*[<\"](torch|ATen|c10)/", re.MULTILINE)


def check(root):
    complaints = []
    for path in source_tree.files(root, source_tree.CPP):
        text = source_tree.read(root, path)
        allowed = next(allowed for prefix, allowed in ALLOWED if path.startswith(prefix))
        for included, line in source_tree.includes(text):
            if included in GENERATED:
                continue
            if not included.startswith(tuple(folder + "/" for folder in source_tree.FOLDERS)):
                complaints.append(f'{path}:{line}: "{included}" is not a path from the root')
            elif not included.startswith(allowed):
                complaints.append(f"{path}:{line}: may not include {included}: that is upward")
        if TORCH.search(text) and not path.startswith(("worker/", "tests/", "benchmarks/")):
            complaints.append(f"{path}: libtorch is for worker/ alone")
    return complaints


if __name__ == "__main__":
    source_tree.main(check)
