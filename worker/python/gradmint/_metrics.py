"""metrics.json."""

from __future__ import annotations

import json
import math
import operator
import re
from collections.abc import Mapping
from typing import Any

from ._error import Error, short

MAX_METRICS = 16
METRIC_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.:/@+-]{0,47}")


def metrics_json(examples: Any, metrics: Mapping[str, Any], steps: Any) -> bytes:
    found: dict[str, Any] = {"examples": _whole("examples", examples, 1)}
    if steps is not None:
        found["steps"] = _whole("steps", steps, 0)
    if not isinstance(metrics, Mapping):
        raise Error(f"metrics: {type(metrics).__name__} is no dictionary of names and numbers")
    if len(metrics) > MAX_METRICS:
        raise Error(f"metrics: {len(metrics)} of them, and {MAX_METRICS} is the most")
    found["metrics"] = {_name(name): _value(name, value) for name, value in metrics.items()}
    return (json.dumps(found, allow_nan=False) + "\n").encode()


def _whole(what: str, value: Any, least: int) -> int:
    try:
        whole = operator.index(value)
    except TypeError:
        raise Error(f"{what} must be a whole number, not {short(value)}") from None
    if not least <= whole < 2**63:
        raise Error(f"{what} is {whole}: it must be a whole number from {least}")
    return whole


def _name(name: Any) -> str:
    if not isinstance(name, str) or not METRIC_NAME.fullmatch(name):
        raise Error(
            f"metrics: {short(name)} is no name of 1 to 48 letters, digits and _ . : / @ + - "
            "that begins with a letter, a digit or _"
        )
    return name


def _value(name: str, value: Any) -> float | None:
    if value is None:
        return None
    try:
        if isinstance(value, (str, bytes)):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError, RuntimeError):
        raise Error(f"metric '{name}' must be a number or None, not {short(value)}") from None
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise Error(f"metric '{name}' is {number}: give None where it was not measured")
    return number
