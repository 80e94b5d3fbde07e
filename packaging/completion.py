"""Bash completion of a program, from the tree of its help."""

import re
import shlex

import help_tree

# A list of words in an explanation: 'auto, cpu or cuda:N', 'digits, mnist:DIR or csv:FILE'.
_WORD = r"[a-z][a-z0-9_]*(?::[A-Z]+)?"
_LIST = re.compile(rf"(?:^|: )({_WORD}(?:, {_WORD})*),? or ({_WORD}|an? \w+ FILE[.\w]*)(?=$|;| \()")
_NAMES = re.compile(r": ((?:\w+, )*\w+)$")


def values_of(entry):
    """What may stand for an option's value: words, FILE, DIR. Nothing said is '-': anything."""
    if entry.choices:
        return entry.choices
    if entry.kind.startswith("NAME["):  # the names of rules
        found = _NAMES.search(entry.text)
        return found[1].split(", ") if found else ["-"]
    if "FILE" in entry.kind or entry.kind.endswith(".safetensors"):
        return ["FILE"]
    if entry.kind == "DIR":
        return ["DIR"]
    found = _LIST.search(entry.text)
    if not found:
        return ["-"]
    words = found[1].split(", ")
    return words + (["FILE"] if " " in found[2] else [found[2]])


def tables(program, tree):
    """Two functions: what may follow a command, and what may be the value of an option or argument."""
    follow, value = [], []

    def visit(command):
        path = " ".join(command.words[1:])
        options = [entry for _, found in command.options for entry in found]
        words = [entry.names[0] for entry in command.commands] + [entry.names[-1] for entry in options]
        follow.append(f"    {shlex.quote(path)}) echo {shlex.quote(' '.join(words))} ;;")
        for entry in options:
            if entry.kind:
                cases = "|".join(shlex.quote(f"{path} {name}".lstrip()) for name in entry.names)
                value.append(f"    {cases}) echo {shlex.quote(' '.join(values_of(entry)))} ;;")
        for number, entry in enumerate(command.positionals, 1):
            case = shlex.quote(f"{path} @{'' if entry.repeated else number}".lstrip())
            value.append(f"    {case}) echo {shlex.quote(' '.join(values_of(entry)))} ;;")
        for below in command.below:
            visit(below)

    visit(tree)
    name = program.replace("-", "_")
    return "\n".join([
        f"_{name}_follow() {{", "  case $1 in", *follow, "  esac", "}", "",
        f"_{name}_value() {{", "  case $1 in", *value, "    *) return 1 ;;", "  esac", "}"])


def script(tree, engine):
    """The file that bash-completion reads. `engine` is the text of complete.bash, the same in each."""
    program = tree.words[0]
    name = program.replace("-", "_")
    siblings = help_tree.SIBLINGS if program == "gradmint" else ()
    return (f"# bash completion of {program}, made from its --help.\n\n{tables(program, tree)}\n\n"
            f"_{name}_siblings={shlex.quote(' '.join(siblings))}\n"
            f"_{name}_folder=${{BASH_SOURCE[0]%/*}}\n\n{engine}\n"
            f"complete -F _gradmint_complete {program}\n")
