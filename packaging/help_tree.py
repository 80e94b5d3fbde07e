"""What a program's --help says, for it and for every command below it, as a tree.

The form is CLI11's: description, usage, then sections of entries whose explanations begin at a fixed column, then
the program's own closing words. A line that is none of these raises Unreadable: nothing of a help may be lost.
"""

import dataclasses
import os
import re
import subprocess

COLUMN = 30  # where CLI11 begins explanations
# Commands of gradmint that are programs of their own (kSiblings in coordinator/cli/main.cc).
SIBLINGS = ("coordinator", "worker", "aggregate")

_VALUE = re.compile(
    r"(?P<kind>(?:\[[^\]]*\]|[^\s=\[\]])+?)"
    r"(?::\{(?P<choices>[^}]*)\}|:(?P<range>(?:INT|UINT|FLOAT) in \[[^\]]*\]))?"
    r"(?:=(?P<preset>\S+))?"
)


class Unreadable(Exception):
    pass


@dataclasses.dataclass
class Entry:
    """An option, a positional argument or a command."""
    names: list  # all spellings of an option, short ones first
    text: str
    kind: str = ""  # what a value is: FILE, DIR, TEXT, ...; empty where there is none
    choices: list = dataclasses.field(default_factory=list)
    limits: str = ""
    preset: str = ""
    required: bool = False
    repeated: bool = False
    needs: str = ""


@dataclasses.dataclass
class Command:
    words: list  # as typed: ["gradmint", "audit", "verify"]
    what: str = ""
    usage: str = ""
    positionals: list = dataclasses.field(default_factory=list)
    options: list = dataclasses.field(default_factory=list)  # [(section's title, entries)]
    commands: list = dataclasses.field(default_factory=list)  # entries of all, siblings included
    closing: str = ""
    below: list = dataclasses.field(default_factory=list)  # the Command of each that is no sibling


def entry_of(form, text, is_option):
    names, _, value = form.partition(" ")
    entry = Entry(names.split(",") if is_option else [names], text)
    value, _, entry.needs = value.partition("Needs: ")
    words = value.split()
    entry.required = "REQUIRED" in words
    entry.repeated = "..." in words
    value = " ".join(word for word in words if word not in ("REQUIRED", "..."))
    found = _VALUE.fullmatch(value)
    if value and not found:
        raise Unreadable(f"no value has the form '{value}'")
    if found:
        entry.kind, entry.limits, entry.preset = found["kind"], found["range"] or "", found["preset"] or ""
        entry.choices = found["choices"].split(",") if found["choices"] else []
    return entry


def entries_of(lines, is_option):
    found = []
    at = 0
    while at < len(lines):
        line = lines[at]
        if not re.match(r"  \S", line):
            raise Unreadable(f"no entry begins with '{line}'")
        at += 1
        if at < len(lines) and lines[at].startswith(" " * COLUMN):
            form, text = line.strip(), lines[at].strip()
            at += 1
        else:
            form, text = line[:COLUMN].strip(), line[COLUMN:].strip()
        found.append(entry_of(form, text, is_option))
    return found


def parse(words, said):
    """The Command that `said`, the text of its help, describes; nothing below it."""
    command = Command(words)
    lines = said.rstrip("\n").split("\n")
    usage = next((i for i, line in enumerate(lines) if line.startswith("Usage: ")), None)
    if usage is None:
        raise Unreadable("there is no line that begins with 'Usage: '")
    command.what = " ".join(lines[:usage])
    command.usage = lines[usage][len("Usage: "):]
    at = usage + 1
    while at < len(lines):
        if not lines[at]:
            at += 1
            continue
        title = lines[at]
        end = at + 1
        while end < len(lines) and lines[end].startswith("  "):
            end += 1
        is_option = end > at + 1 and lines[at + 1].startswith("  -")
        if not title.endswith(":") or not (is_option or title in ("Positionals:", "Subcommands:")):
            break  # the closing words
        entries = entries_of(lines[at + 1:end], is_option)
        if title == "Positionals:":
            command.positionals = entries
        elif title == "Subcommands:":
            command.commands = entries
        else:
            command.options.append((title[:-1], entries))
        at = end
    command.closing = "\n".join(lines[at:])
    return command


def read(program, words=()):
    """The tree of the program's help. Raises Unreadable, which names the command."""
    typed = [os.path.basename(program), *words]
    done = subprocess.run([program, *words, "--help"], capture_output=True, text=True, check=False, timeout=60)
    if done.returncode != 0:
        raise Unreadable(f"{' '.join(typed)} --help ended with status {done.returncode}: {done.stderr.strip()}")
    try:
        command = parse(typed, done.stdout)
    except Unreadable as fault:
        raise Unreadable(f"{' '.join(typed)} --help: {fault}") from fault
    for entry in command.commands:
        if typed != ["gradmint"] or entry.names[0] not in SIBLINGS:
            command.below.append(read(program, [*words, entry.names[0]]))
    return command
