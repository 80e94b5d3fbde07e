"""Has systemd read the coordinator's unit. Usage: check_unit.py ROOT PROGRAM

PROGRAM is the systemd-analyze to ask. The unit's program need not be installed here: it is replaced by one
that is, after a look at what it is told.
"""

import os
import re
import subprocess
import sys
import tempfile

import source_tree

UNIT = "scripts/gradmint-coordinator.service"


def complaints_of(text, program):
    # What systemd does not know it only warns about, with status 0: every line it says counts.
    start = re.search(r"^ExecStart=(\S+)", text, re.MULTILINE)
    if not start or os.path.basename(start.group(1)) != "gradmint-coordinator":
        return [f"{UNIT}: ExecStart does not start gradmint-coordinator"]
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, os.path.basename(UNIT))
        with open(path, "w", encoding="utf-8") as file:
            file.write(text[:start.start(1)] + sys.executable + text[start.end(1):])
        done = subprocess.run([program, "verify", "--man=no", path], capture_output=True, text=True, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if os.path.basename(UNIT) in line]
    return said or ([f"{UNIT}: {program} ended with status {done.returncode}"] if done.returncode else [])


def check(root, program):
    return complaints_of(source_tree.read(root, UNIT), program)


if __name__ == "__main__":
    source_tree.main(check)
