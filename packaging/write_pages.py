"""Writes manual pages and bash completion of one program, from its --help.

Usage: write_pages.py PROGRAM VERSION FOLDER
Below FOLDER, which is made anew, come man/man1 and bash-completion/completions.
"""

import gzip
import os
import shutil
import sys

import completion
import help_tree
import manual


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(data)


def main(program, version, folder):
    try:
        tree = help_tree.read(program)
    except help_tree.Unreadable as fault:
        print(f"write_pages: {fault}", file=sys.stderr)
        return 1
    with open(os.path.join(os.path.dirname(__file__), "complete.bash"), encoding="utf-8") as file:
        engine = file.read()
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in manual.pages(tree, version).items():
        # Without a time, the same page is the same file.
        write(os.path.join(folder, "man", "man1", f"{name}.1.gz"), gzip.compress(text.encode(), 9, mtime=0))
    write(os.path.join(folder, "bash-completion", "completions", tree.words[0]),
          completion.script(tree, engine).encode())
    return 0


if __name__ == "__main__":
    if len(sys.argv) != 4:
        print(__doc__, file=sys.stderr)
        sys.exit(2)
    sys.exit(main(*sys.argv[1:]))
