"""What a trainer or evaluator of one's own needs of gradmint.

A trainer in PyTorch:

    task = gradmint.task()                   # what this round asks for; seeds random, numpy and torch
    model = task.load(make_model())          # the global model's values, buffers among them
    for epoch in task.epochs():              # local_epochs of them, fewer where the deadline is near
        loss = train_one_epoch(model, task.learning_rate, task.batch_size)
        task.progress(f"epoch {epoch}: loss {loss:.4f}")
    task.save(model, examples, {"loss": loss})

An evaluator:

    task = gradmint.task()
    model = task.load(make_model()).eval()
    task.save_metrics(examples, {"loss": loss, "accuracy": accuracy})

Without torch, `task.load_arrays()` gives the tensors as numpy arrays, and `save` takes them. Whatever is wrong ends
the program with one line on standard error and status 1. docs/own-trainer.md is the contract that this stands on.
"""

from __future__ import annotations

import importlib
import json
import math
import os
import random
import sys
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO, Protocol, TypeVar, Union

import numpy as np

from ._error import Error
from ._metrics import metrics_json
from ._tensors import Array, as_state, check_tensors, read_header, write_tensors

__all__ = ["Error", "Module", "Task", "task"]

FORMAT = "gradmint/round/v2"
PROGRESS_INTERVAL_S = 1.0
IMPORTED_AT_S = time.monotonic()


class Module(Protocol):
    """A torch.nn.Module, as far as it is used here. torch is imported only when one is loaded."""

    def state_dict(self) -> Any: ...
    def load_state_dict(self, __state: Any) -> Any: ...


AnyModule = TypeVar("AnyModule", bound=Module)
State = Union[Module, Mapping[str, Any]]


@dataclass
class Task:
    """What one round asks for. `gradmint.task()` makes it; it is for one thread."""

    dir: Path  # the round's directory
    kind: str  # "train" or "evaluate"
    round: int  # from 1
    seed: int  # of this worker in this round, below 2^64
    # The federation's advice; a program may do as it likes.
    learning_rate: float
    momentum: float
    optimizer: str  # "sgd" or "adam"
    local_epochs: int  # 0 where local_steps counts
    local_steps: int  # 0 where local_epochs counts
    batch_size: int
    deadline_s: float  # seconds from the start until the program is ended; 0: none
    contract: dict[str, Any] | None  # the federation's data contract, where it has one
    _started_s: float = field(default=IMPORTED_AT_S, repr=False)  # on time.monotonic()'s clock
    _shown_s: float = field(default=-math.inf, repr=False)
    _held_back: str | None = field(default=None, repr=False)

    # --- the model ---

    def load(self, model: AnyModule) -> AnyModule:
        """Gives the module the global model's values, in the module's own types and on its devices; returns it.

        Its floating tensors, parameters and buffers, must be those of the global model, by name and shape.
        Integer buffers (num_batches_tracked) take no part in a federation: the module keeps its own.
        """
        if isinstance(model, Mapping):
            raise Error("load() takes a torch.nn.Module: load_arrays() gives the tensors as they are")
        state: Any = as_state(model)
        with self._global_file() as file:
            entries = read_header(file)
            check_tensors(state, {name: entry.shape for name, entry in entries.items()})
            torch = importlib.import_module("torch")
            for name, entry in entries.items():
                state[name] = torch.from_numpy(entry.read(file))
        model.load_state_dict(state)
        return model

    def load_arrays(self) -> dict[str, Array]:
        """The global model's tensors as numpy arrays, by name."""
        with self._global_file() as file:
            return {name: entry.read(file) for name, entry in read_header(file).items()}

    def save(self, model: State, examples: int, metrics: Mapping[str, Any], steps: int | None = None) -> None:
        """Leaves the trained parameters and the metrics: the last thing that a trainer does.

        model: the module, or arrays or tensors by name. They become fp32 on the CPU; each must have the name and
        shape it has in the global model, and finite values. Integer tensors of other names are left out.
        examples: how many samples it was trained on, from 1: the update's weight. metrics: as of `save_metrics`.
        steps: optimizer steps taken, where they were counted.
        """
        if self.kind != "train":
            raise Error(f"this round asks to {self.kind}, not to train: call save_metrics() instead of save()")
        text = metrics_json(examples, metrics, steps)
        state = as_state(model)
        with self._global_file() as file:
            expected = {name: entry.shape for name, entry in read_header(file).items()}
        check_tensors(state, expected)
        self._replace("parameters.safetensors", lambda file: write_tensors(file, state, expected))
        self._replace("metrics.json", lambda file: file.write(text))
        self._end_progress()

    def save_metrics(self, examples: int, metrics: Mapping[str, Any]) -> None:
        """Leaves the metrics alone: the last thing that an evaluator does.

        examples: how many samples were judged, from 1. metrics: up to 16 numbers (Python's, or scalars of numpy or
        torch), None where one was not measured. Names have 1 to 48 letters, digits and _ . : / @ + -
        """
        text = metrics_json(examples, metrics, None)
        self._replace("metrics.json", lambda file: file.write(text))
        self._end_progress()

    # --- time, chance, progress ---

    def seconds_left(self) -> float:
        """Seconds until the program is ended (SIGTERM, and SIGKILL five later); infinite without a deadline."""
        if self.deadline_s <= 0:
            return math.inf
        return max(0.0, self._started_s + self.deadline_s - time.monotonic())

    def is_urgent(self, margin_s: float = 10.0) -> bool:
        """Whether fewer than margin_s seconds are left: time to save."""
        return self.seconds_left() < margin_s

    def epochs(self, margin_s: float = 10.0) -> Iterator[int]:
        """Counts epochs from 1: as many as advised (one where local_steps counts), and at least one.

        Ends early where another epoch as long as the longest would not leave margin_s seconds to save in.
        """
        longest_s = 0.0
        for epoch in range(1, max(1, self.local_epochs) + 1):
            if epoch > 1 and self.is_urgent(longest_s + margin_s):
                self.progress(f"{epoch - 1} of {self.local_epochs} epochs: the deadline is near")
                return
            begun_s = time.monotonic()
            yield epoch
            longest_s = max(longest_s, time.monotonic() - begun_s)

    def seed_everything(self) -> None:
        """Seeds random, numpy and, where it is imported by now, torch. `gradmint.task()` has done so once."""
        random.seed(self.seed)
        np.random.seed(self.seed % 2**32)
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.manual_seed(self.seed)

    def progress(self, text: str) -> None:
        """Shows a line at worker and coordinator, at most one a second.

        A line that comes sooner waits for the next call, which may replace it; the last one is always shown.
        """
        self._held_back = " ".join(str(text).split())
        if time.monotonic() - self._shown_s >= PROGRESS_INTERVAL_S:
            self._end_progress()

    def _end_progress(self) -> None:
        if self._held_back is not None:
            print(self._held_back, flush=True)
            self._held_back, self._shown_s = None, time.monotonic()

    # --- files ---

    def _global_file(self) -> BinaryIO:
        path = self.dir / "global.safetensors"
        try:
            return open(path, "rb")
        except OSError as fault:
            raise Error(f"{path}: {fault.strerror}") from None

    def _replace(self, name: str, write: Any) -> None:
        """A file is there whole or not at all, whenever the program is ended."""
        path, partial = self.dir / name, self.dir / f".{name}.partial-{os.getpid()}"
        try:
            with open(partial, "wb") as file:
                write(file)
            os.replace(partial, path)
        except OSError as fault:
            raise Error(f"{path}: cannot be written: {fault.strerror}") from None
        finally:
            partial.unlink(missing_ok=True)


def task() -> Task:
    """Reads this round's task and seeds random, numpy and (where it is imported) torch with its seed.

    Workers that train alike leave the same update, of which the second is refused; and torch starts alike in every
    process. Hence the seed. Error where the program was not started by a worker.
    """
    named = os.environ.get("GRADMINT_ROUND_DIR")
    if not named:
        raise Error(
            "GRADMINT_ROUND_DIR is not set: a worker runs this program. To try it: gradmint dev --initial "
            f"MODEL.safetensors --trainer 'python3 {sys.argv[0] or 'trainer.py'}' --evaluator 'python3 evaluator.py'"
        )
    path = Path(named) / "round.json"
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as fault:
        raise Error(f"{path}: {fault.strerror}: GRADMINT_ROUND_DIR must be a round's directory") from None
    except ValueError as fault:
        raise Error(f"{path}: no JSON: {fault}") from None
    if not isinstance(found, dict) or found.get("format") != FORMAT:
        said = found.get("format") if isinstance(found, dict) else None
        raise Error(f"{path}: its format is {said!r}, and this module reads {FORMAT!r}")
    try:
        made = Task(
            dir=Path(named),
            kind=str(found["kind"]),
            round=int(found["round"]),
            seed=int(found["seed"]),
            learning_rate=float(found.get("learning_rate", 0.1)),
            momentum=float(found.get("momentum", 0.0)),
            optimizer=str(found.get("optimizer", "sgd")),
            local_epochs=int(found.get("local_epochs", 1)),
            local_steps=int(found.get("local_steps", 0)),
            batch_size=int(found.get("batch_size", 32)),
            deadline_s=float(found.get("deadline_s", 0.0)),
            contract=found.get("contract"),
            _started_s=_started_s(),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise Error(f"{path}: {type(fault).__name__}: {fault}") from None
    made.seed_everything()
    return made


def _started_s() -> float:
    """When the command was started, on time.monotonic()'s clock.

    The deadline counts from there, and imports may have taken a while. The command is the leader of this process
    group; where it has ended, this process must do.
    """
    for pid in (str(os.getpgrp()), "self"):
        try:
            with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as file:
                ticks = int(file.read().rpartition(")")[2].split()[19])
            age_s = time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
            return time.monotonic() - age_s
        except (OSError, ValueError, IndexError, AttributeError):
            continue
    return IMPORTED_AT_S
