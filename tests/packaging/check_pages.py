"""Has every command and option of every --help looked for in the manual page and in the completion.

Usage: check_pages.py BIN PAGES
The help is read here by two patterns alone, so that what packaging/help_tree.py overlooks is missed.
"""

import gzip
import os
import re
import shutil
import subprocess
import sys

PROGRAMS = ("gradmint", "gradmint-aggregate", "gradmint-coordinator", "gradmint-worker")
SIBLINGS = ("coordinator", "worker", "aggregate")


def helps(program, words=()):
    """(words, text) of the program's help and of that of every command below."""
    text = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=True, timeout=60).stdout
    yield words, text
    for command in commands(text):
        if os.path.basename(program) != "gradmint" or command not in SIBLINGS:
            yield from helps(program, (*words, command))


def commands(text):
    listed = re.search(r"^Subcommands:\n((?:  .*\n)+)", text, re.MULTILINE)
    return re.findall(r"^  (\S+)", listed[1], re.MULTILINE) if listed else []


def options(text):
    return {name for names in re.findall(r"^  (-\S+)", text, re.MULTILINE) for name in names.split(",")}


def rendered(page):
    """The page as text, and what groff and man have to say against it."""
    done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", "-Tutf8", page], capture_output=True, text=True,
                          check=False, env={**os.environ, "MANWIDTH": "200", "MAN_KEEP_FORMATTING": "", "LC_ALL": "C.UTF-8"})
    return re.sub(r".\x08|\x1b\[[0-9;]*m", "", done.stdout), done.stderr.splitlines()


def words_of(text):
    return set(re.findall(r"[\w-]+", text))


def check(program, pages):
    complaints = []
    name = os.path.basename(program)
    folder = os.path.join(pages, name, "man", "man1")
    texts = {}
    for file in os.listdir(folder):
        with gzip.open(os.path.join(folder, file), "rt", encoding="utf-8") as page:
            texts[file.removesuffix(".1.gz")] = page.read().replace("\\-", "-")
        if shutil.which("man"):
            text, said = rendered(os.path.join(folder, file))
            complaints += [f"{file}: {line}" for line in said]
            texts[file.removesuffix(".1.gz")] = text or texts[file.removesuffix(".1.gz")]
    with open(os.path.join(pages, name, "bash-completion", "completions", name), encoding="utf-8") as file:
        completed = file.read()
    for words, text in helps(program):
        typed = " ".join((name, *words))
        page = texts.get(f"gradmint-{words[0]}" if name == "gradmint" and words else name, "")
        path = " ".join(words)
        row = re.search(rf"^    '?{re.escape(path)}'?\) echo '(.*)' ;;" if path else r"^    ''\) echo '(.*)' ;;",
                        completed, re.MULTILINE)
        offered = words_of(row[1]) if row else set()
        for word in sorted(options(text)) + commands(text):
            if not re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", page):
                complaints.append(f"{typed}: {word} stands in no manual page")
            # Of an option with two names the long one is offered.
            if (word.startswith("--") or not word.startswith("-")) and word not in offered:
                complaints.append(f"{typed}: {word} is not completed")
    return complaints


def main(folder, pages):
    complaints = [line for name in PROGRAMS for line in check(os.path.join(folder, name), pages)]
    print("\n".join(complaints) or "every command and option has its place")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
