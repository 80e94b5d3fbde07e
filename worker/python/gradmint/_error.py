"""How users are told what they have to put right."""

from __future__ import annotations

from typing import Any


class Error(SystemExit):
    """What the user has to put right. Uncaught it ends the program: its line on standard error, status 1."""

    def __init__(self, message: str) -> None:
        super().__init__("gradmint: " + " ".join(message.split()))


def short(value: Any) -> str:
    """A value as part of a line."""
    text = " ".join(repr(value).split())
    return text if len(text) <= 60 else text[:57] + "..."
