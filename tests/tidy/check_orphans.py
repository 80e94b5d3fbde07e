"""Refuses files that nothing uses. Usage: check_orphans.py ROOT

Every .cc and .cu stands in a CMake source list of its folder or one above it, every header is
included by something, and every test is registered by gradmint_test.
"""

import os
import re

import source_tree


CALL = re.compile(r"(\w+)\s*\(((?:[^()]|\([^()]*\))*)\)")
LOOP = re.compile(r"foreach\s*\(\s*(\w+)\s+(?:IN\s+(?:ITEMS\s+)?)?([^)]*)\)(.*?)endforeach\s*\([^)]*\)", re.DOTALL)


def expanded(text):
    """CMake text with comments dropped and each loop over plain words written out."""
    text = re.sub(r"#[^\n]*", "", text)

    def write_out(loop):
        variable, words, body = loop.groups()
        return "\n".join(body.replace("${" + variable + "}", word) for word in words.split())

    return LOOP.sub(write_out, text)


def listed(root):
    """{source path: the CMake functions it is listed under}."""
    found = {}
    for path in source_tree.files(root, ("CMakeLists.txt", ".cmake")):
        folder = os.path.dirname(path)
        calls = CALL.findall(expanded(source_tree.read(root, path)))
        # Sources compiled once as objects belong to the tests that link them.
        tested = {name for call, words in calls if call == "gradmint_test"
                  for name in re.findall(r"\$<TARGET_OBJECTS:(\w+)>", words)}
        for call, words in calls:
            for word in re.findall(r"[^\s\"()]+\.(?:cc|cu)\b", words):
                word = word.replace("${CMAKE_CURRENT_SOURCE_DIR}/", "")
                from_root = re.sub(r"^\$\{(PROJECT|CMAKE)_SOURCE_DIR\}/", "", word)
                source = from_root if from_root != word else os.path.join(folder, word)
                by = found.setdefault(os.path.normpath(source), set())
                by.add(call)
                if words.split()[0] in tested:
                    by.add("gradmint_test")
    return found


def check(root):
    complaints = []
    sources = listed(root)
    for path in source_tree.files(root, (".cc", ".cu")):
        if path not in sources:
            complaints.append(f"{path}: stands in no CMake source list")
        elif path.endswith(("_test.cc", "_test.cu")) and "gradmint_test" not in sources[path]:
            complaints.append(f"{path}: is not registered by gradmint_test")
    included = set()
    for path in source_tree.files(root, source_tree.CPP):
        included.update(name for name, _ in source_tree.includes(source_tree.read(root, path)))
    for path in source_tree.files(root, (".h", ".cuh")):
        if path not in included:
            complaints.append(f"{path}: is included by nothing")
    return complaints


if __name__ == "__main__":
    source_tree.main(check)
