"""Refuses words that say a thing is not finished, and paths of one machine. Usage: check_words.py ROOT"""

import os
import re

import source_tree

TEXT = source_tree.CPP + (".py", ".cmake", ".txt", ".lua", ".toml", ".md", ".json")
FOLDERS = source_tree.FOLDERS + ("cmake", "scripts", "docs", ".ci")
# This folder names the words it refuses.
OWN = os.path.join("tests", "tidy") + os.sep
UNFINISHED = re.compile(r"\b(TODO|FIXME|XXX|HACK|stub(s|bed)?|mock(s|ed)?|place-?holders?)\b", re.IGNORECASE)
MACHINE = re.compile(r"(?<![\w.$}/-])/(work|root|home/\w+|Users/\w+|mnt)/\w")


def check(root):
    complaints = []
    paths = source_tree.files(root, TEXT, FOLDERS)
    paths += [path for path in source_tree.files(root, ("",), ("scripts", ".ci")) if path not in paths]
    paths += [name for name in ("CMakeLists.txt", "CMakePresets.json", "README.md")
              if os.path.exists(os.path.join(root, name))]
    for path in paths:
        if path.startswith(OWN):
            continue
        for number, line in enumerate(source_tree.read(root, path).splitlines(), 1):
            for pattern, why in ((UNFINISHED, "says it is not finished"), (MACHINE, "is a path of one machine")):
                match = pattern.search(line)
                if match:
                    complaints.append(f"{path}:{number}: '{match.group(0)}' {why}")
    return complaints


if __name__ == "__main__":
    source_tree.main(check)
