"""Holds pure targets to their word. Usage: check_purity.py ROOT LIST

LIST names the sources of every PURE library, one absolute path a line, as CMake wrote it. They, and
every header of the project that they reach, may use no clock, randomness, unordered container,
socket, file or thread: those are arguments. Threads are excepted by name where work is divided and
the result does not depend on the division (exceptions.txt).
"""

import os
import re

import source_tree

FORBIDDEN = {
    "clock": r"\b(steady_clock|system_clock|high_resolution_clock|gettimeofday|clock_gettime|"
    r"localtime(_r)?|gmtime(_r)?|strftime)\b|(?<![\w.>])(std::)?(time|clock)\s*\(\s*(nullptr|NULL|0|&\w+)?\s*\)",
    "sleep": r"\b(sleep_for|sleep_until|usleep|nanosleep)\b",
    "randomness": r"\b(random_device|mt19937(_64)?|minstd_rand0?|default_random_engine)\b|<random>|"
    r"\b(s?rand|random|drand48|getrandom|RAND_bytes|RAND_priv_bytes)\s*\(|\bstd::(ranges::)?shuffle\b",
    "unordered container": r"\bunordered_(multi)?(map|set)\b",
    "socket": r"\bzmq_\w+|<zmq|<sys/socket\.h>|<netinet/|<arpa/|<netdb\.h>",
    "file": r"<(filesystem|fstream|dirent\.h|fcntl\.h|unistd\.h|sys/stat\.h)>|"
    r"\b(std::filesystem|ifstream|ofstream|fopen|leveldb)\b",
    "environment": r"\b(secure_)?getenv\b",
    "thread": r"\bstd::(thread|jthread|async|mutex|shared_mutex|condition_variable|atomic)\b|\bpthread_\w+",
}


def reached(root, sources):
    """The sources and every project header they include, directly or not."""
    seen = set()
    left = list(sources)
    while left:
        path = left.pop()
        if path in seen or not os.path.exists(os.path.join(root, path)):
            continue
        seen.add(path)
        left.extend(included for included, _ in source_tree.includes(source_tree.read(root, path)))
    return sorted(seen)


def check(root, listing):
    with open(listing, encoding="utf-8") as file:
        sources = [os.path.relpath(line.strip(), root) for line in file if line.strip()]
    complaints = []
    if not sources:
        complaints.append(("list", f"{listing}: names no source"))
    for path in sources:
        if not os.path.exists(os.path.join(root, path)):
            complaints.append((path, f"{path}: is listed and does not exist"))
    for path in reached(root, sources):
        code = source_tree.code_of(source_tree.read(root, path))
        for what, pattern in FORBIDDEN.items():
            for match in re.finditer(pattern, code):
                line = code.count("\n", 0, match.start()) + 1
                subject = f"{path}:{what.replace(' ', '-')}"
                text = f"{path}:{line}: {what} in a pure target: {match.group(0).strip()}"
                complaints.append((subject, text))
    return source_tree.without_exceptions(root, "purity", complaints)


if __name__ == "__main__":
    source_tree.main(check)
