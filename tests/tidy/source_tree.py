"""What the tidy checks share: finding sources, reading C++ without its comments, exceptions."""

import os
import re
import sys

FOLDERS = ("kernels", "contracts", "ledger", "coordinator", "worker", "tests", "benchmarks", "packaging")
CPP = (".cc", ".h", ".cu", ".cuh")


def files(root, suffixes, folders=FOLDERS):
    """Paths under the folders that end in one of the suffixes, relative to root, sorted."""
    found = []
    for folder in folders:
        for directory, subfolders, names in os.walk(os.path.join(root, folder)):
            subfolders[:] = [name for name in subfolders if name != "__pycache__"]
            for name in names:
                if name.endswith(suffixes):
                    found.append(os.path.relpath(os.path.join(directory, name), root))
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


_TOKENS = re.compile(
    r'//[^\n]*|/\*.*?\*/|R"(?P<tag>[^(\s]*)\(.*?\)(?P=tag)"|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])+\'',
    re.DOTALL,
)


def code_of(text, keep_strings=False):
    """The text with comments (and string contents) blanked; every line keeps its number."""

    def blank(match):
        token = match.group(0)
        if keep_strings and not token.startswith("/"):
            return token
        # A digit separator (1'000'000) is not a character literal.
        if token[0] == "'" and match.start() > 0 and re.match(r"[0-9a-fA-F]", text[match.start() - 1]):
            return token
        filler = '""' if not token.startswith("/") else " "
        return filler + "\n" * token.count("\n")

    return _TOKENS.sub(blank, text)


def includes(text):
    """The paths of the quoted includes, each with its line number."""
    code = code_of(text, keep_strings=True)
    return [
        (match.group(1), code.count("\n", 0, match.start()) + 1)
        for match in re.finditer(r'^[ \t]*#[ \t]*include[ \t]*"([^"]+)"', code, re.MULTILINE)
    ]


def exceptions(root, kind):
    """{subject: reason} from tests/tidy/exceptions.txt, whose lines are: kind subject: reason."""
    path = os.path.join(root, "tests", "tidy", "exceptions.txt")
    found = {}
    if not os.path.exists(path):
        return found
    with open(path, encoding="utf-8") as file:
        for line in file:
            line = line.split("#")[0].strip()
            if not line:
                continue
            subject, _, reason = line.partition(": ")
            if not reason.strip():
                raise SystemExit(f"exceptions.txt: no reason given: {line}")
            words = subject.split()
            if words[0] == kind:
                found[words[1]] = reason
    return found


def without_exceptions(root, kind, complaints):
    """Drops the complaints that are excepted; an exception that excepts nothing is a complaint.

    complaints: list of (subject, text).
    """
    allowed = exceptions(root, kind)
    used = {subject for subject, _ in complaints}
    kept = [text for subject, text in complaints if subject not in allowed]
    for subject in sorted(set(allowed) - used):
        kept.append(f"tests/tidy/exceptions.txt: {kind} {subject} is no longer needed")
    return kept


def main(check):
    """Runs check(root, *arguments) as a program: complaints on standard error, status 1 on any."""
    complaints = check(*sys.argv[1:])
    for complaint in complaints:
        print(complaint, file=sys.stderr)
    print(f"{os.path.basename(sys.argv[0])}: {len(complaints)} complaints")
    sys.exit(1 if complaints else 0)
