"""Refuses a pipe into a reader that may stop early, in a bash script with pipefail. Usage: check_pipes.py ROOT

Such a reader (head, grep -q, sed q, ...) closes the pipe once it has what it wants. A writer that has
more to say then ends with SIGPIPE, status 141, which pipefail makes the status of the whole: the script
fails, or not, with the machine and its load. Read the whole into a variable first, and look there:
said=$(command) && grep -q WORD <<<"$said".
"""

import os
import re

import source_tree

# Where bash scripts are; those of scripts/ and .ci have no suffix.
FOLDERS = source_tree.FOLDERS + ("scripts", ".ci", "cmake", "docs")
PIPEFAIL = re.compile(r"^[ \t]*set\s[^#\n]*\bpipefail\b", re.MULTILINE)
HEREDOC = re.compile(r"(?<!<)<<(-?)\s*(['\"]?)(\w+)\2(?!<)")
COMMENT = re.compile(r"(^|[\s;(])#[^\n]*")
# A pipe, words that only set the scene, the reader, and what it is told up to the next operator or line.
PIPE = re.compile(
    r"(?<![|>])\|&?(?!\|)\s*(?:(?:\w+=\S*|command|exec|env|nice|timeout\s+\S+|sudo)\s+)*(?:\S*/)?(\w+)"
    r"((?:'[^']*'|\"(?:\\.|[^\"\\])*\"|[^|;&\n)'\"])*)"
)


def short_options(told):
    """The letters of the options given behind one dash."""
    return "".join(re.findall(r"(?:^|\s)-([A-Za-z]+)", told))


def stops_early(reader, told):
    if reader in ("head", "read", "true", "false", "less", "more"):
        return True
    if reader in ("grep", "egrep", "fgrep", "zgrep"):
        long = re.search(r"(^|\s)--(quiet|silent|max-count|files-with|files-without)", told)
        return bool(long or set(short_options(told)) & set("qmlL"))
    if reader == "sed":
        return bool(re.search(r"(^|[\s\d$/{};'\"])[qQ]\s*\d*\s*($|[\s;}'\"])", told))
    if reader in ("awk", "gawk", "mawk"):  # in END everything has been read
        return bool(re.search(r"\bexit\b", told.split("END")[0]))
    return False


def shell_of(text):
    """The script without comments and without the documents it holds; every line keeps its number."""
    lines, end = [], None
    for line in text.splitlines():
        if end is not None:
            if line.strip() == end:
                end = None
            lines.append("")
            continue
        line = COMMENT.sub(r"\1", line)
        opened = HEREDOC.search(line)
        if opened:
            end = opened.group(3)
        lines.append(line)
    # A line that ends in a backslash goes on with the next; the form feed is a space that counts as a line.
    return "\n".join(lines).replace("\\\n", " \f")


def check(root):
    complaints = []
    for path in source_tree.files(root, ("",), FOLDERS):
        with open(os.path.join(root, path), "rb") as file:
            if not re.match(rb"#!.*\bbash\b", file.readline()):
                continue
        text = source_tree.read(root, path)
        if not PIPEFAIL.search(text):
            continue
        shell = shell_of(text)
        for match in PIPE.finditer(shell):
            if stops_early(match.group(1), match.group(2)):
                line = len(re.findall(r"[\n\f]", shell[: match.start(1)])) + 1
                complaints.append(f"{path}:{line}: '{match.group(1)}{match.group(2)}' may stop reading early")
    return complaints


if __name__ == "__main__":
    source_tree.main(check)
