"""Manual pages (man 1) of a program, from the tree of its help."""

import re


def escaped(text):
    """Running text. Every hyphen is the ASCII one, so that options can be searched for and copied."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha").replace("`", "\\(ga")
    return re.sub(r"^([.'])", r"\\&\1", text, flags=re.MULTILINE)


def literal(text):
    """What is typed, character by character."""
    return re.sub(r"^'", r"\\&'", escaped(text), flags=re.MULTILINE).replace("'", "\\(aq")


def bold(text):
    return f"\\fB{literal(text)}\\fR"


def italic(text):
    return f"\\fI{literal(text)}\\fR"


def sentence(text):
    text = text.strip()
    return text if text.endswith((".", ":")) else text + "."


def value_of(entry):
    shown = "|".join(entry.choices) or entry.kind
    return italic(shown + (" ..." if entry.repeated else "")) if shown else ""


def remarks(entry):
    found = []
    if entry.required:
        found.append("required")
    if entry.limits:
        found.append(entry.limits)
    if entry.preset:
        found.append(f"preset: {entry.preset}")
    if entry.needs:
        found.append(f"needs {entry.needs}")
    return f" ({'; '.join(found)})" if found else ""


def entries(found, is_option):
    lines = []
    for entry in found:
        names = ", ".join(map(bold, entry.names)) if is_option else italic(entry.names[0])
        value = value_of(entry) if is_option or entry.choices or entry.repeated else ""
        lines += [".TP", f"{names} {value}".strip() + escaped(remarks(entry)), escaped(sentence(entry.text))]
    return lines


def closing(text):
    """The closing words: lines that are indented stand as they are."""
    lines = []
    for block in re.findall(r"(?:^  .*\n?)+|(?:^(?!  ).+\n?)+", text, flags=re.MULTILINE):
        if block.startswith("  "):
            lines += [".RS 4", ".nf", literal("\n".join(line[2:] for line in block.rstrip("\n").split("\n"))), ".fi", ".RE"]
        else:
            lines += [".PP", escaped(block.strip())]
    return lines


def typed(command):
    """As its usage has it: of gradmint-worker's commands that is gradmint worker COMMAND."""
    return command.usage.partition(" [OPTIONS]")[0]


def synopsis(command):
    words = typed(command)
    return f"{bold(words)}{escaped(command.usage.removeprefix(words))}"


def section(command):
    """A command of a page, and those below it."""
    lines = [f'.SS "{literal(typed(command))}"', escaped(sentence(command.what)), ".PP", synopsis(command)]
    lines += entries(command.positionals, False)
    for title, found in command.options:
        if title != "Options":
            lines += [".PP", escaped(title + ":")]
        lines += entries([entry for entry in found if "--help" not in entry.names], True)
    lines += closing(command.closing)
    for below in command.below:
        lines += section(below)
    return lines


def page(command, version, others):
    """The page of `command`, with all that is below it; `others` are the pages that it points to."""
    name = "-".join(command.words)
    what = command.what.removeprefix(f"{name}: ").rstrip(".")
    lines = [
        f'.TH "{literal(name.upper())}" 1 "" "gradmint {literal(version)}" "gradmint"',
        ".nh", ".ad l",  # an option is not divided
        ".SH NAME", f"{literal(name)} \\- {escaped(what)}",
        ".SH SYNOPSIS", synopsis(command),
    ]
    if command.positionals:
        lines += [".SH ARGUMENTS", *entries(command.positionals, False)]
    for title, found in command.options:
        lines += [f'.SH "{literal(title.upper())}"', *entries(found, True)]
    if command.commands:
        lines += [".SH COMMANDS"]
        for entry in command.commands:
            lines += [".TP", bold(entry.names[0]), escaped(sentence(entry.text))]
    if command.closing:
        lines += [".SH NOTES", *closing(command.closing)]
    if command.below:
        lines += [".SH THE COMMANDS IN FULL"]
        for below in command.below:
            lines += section(below)
    if others:
        lines += [".SH SEE ALSO", ",\n".join(f"{bold(other)}(1)" for other in others)]
    return "\n".join(lines) + "\n"


def pages(tree, version):
    """{page's name: its text}. gradmint's commands have pages of their own, as its siblings do."""
    top = tree.words[0]
    if top != "gradmint":
        return {top: page(tree, version, ["gradmint"])}
    below, tree.below = tree.below, []
    named = [f"gradmint-{entry.names[0]}" for entry in tree.commands]
    made = {top: page(tree, version, named)}
    for command in below:
        made["-".join(command.words)] = page(command, version, ["gradmint"])
    tree.below = below
    return made
