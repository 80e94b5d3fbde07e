"""Files of at most 400 lines, functions of at most 70. Usage: check_length.py ROOT

A test's table, a function whose name ends in _cases, is data and may be as long as its file.
Longer ones are named in exceptions.txt, with the reason.
"""

import re

import source_tree

MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 70
CONTAINER = re.compile(r"\b(namespace|class|struct|union|enum|extern)\b")


def functions(text):
    """(name, first line, lines) of each function body, by counting braces.

    A brace outside every function opens a container (namespace, class, enum) or, when a parameter
    list stands before it, a function; lambdas and initialisers inside belong to their function.
    """
    code = source_tree.code_of(text)
    code = re.sub(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", lambda m: "\n" * m.group(0).count("\n"), code,
                  flags=re.MULTILINE)
    found = []
    stack = []  # True for a function's own brace
    inside = 0  # braces open within a function, its own included
    begin = 0  # where the declaration that the next brace belongs to begins
    line = 1
    for position, character in enumerate(code):
        if character == "\n":
            line += 1
        elif character == "{":
            head = code[begin:position]
            # A class's head has no parameter list, except in a template's or attribute's brackets.
            is_function = "(" in head and not re.match(r"\s*(template\s*<[^{]*>\s*)?" + CONTAINER.pattern, head)
            if inside:
                inside += 1
                stack.append(None)
            elif is_function:
                name = re.search(r"([\w:~]+)\s*\(", head)
                stack.append((name.group(1) if name else "?", line))
                inside = 1
            else:
                stack.append(None)
            if not inside:
                begin = position + 1
        elif character == "}":
            opened = stack.pop() if stack else None
            if inside:
                inside -= 1
            if opened is not None:
                found.append((opened[0], opened[1], line - opened[1] + 1))
            if not inside:
                begin = position + 1
        elif character == ";" and not inside:
            begin = position + 1
    return found


def check(root):
    complaints = []
    for path in source_tree.files(root, source_tree.CPP + (".py", ".cmake", "CMakeLists.txt")):
        text = source_tree.read(root, path)
        lines = text.count("\n")
        if lines > MAX_FILE_LINES:
            complaints.append((path, f"{path}: {lines} lines, more than {MAX_FILE_LINES}"))
        if not path.endswith(source_tree.CPP):
            continue
        for name, line, count in functions(text):
            is_table = path.startswith("tests/") and name.endswith("_cases")
            if count > MAX_FUNCTION_LINES and not is_table:
                subject = f"{path}:{name}" if name != "TEST_CASE" else f"{path}:{name}:{line}"
                complaints.append((subject, f"{path}:{line}: {name} has {count} lines, more than {MAX_FUNCTION_LINES}"))
    return source_tree.without_exceptions(root, "length", complaints)


if __name__ == "__main__":
    source_tree.main(check)
