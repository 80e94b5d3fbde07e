"""Named tensors, those of a module or arrays, and their files.

A safetensors file is 8 bytes of header length, a JSON header and the tensors' bytes: no package is needed for fp32.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from ._error import Error

Array = npt.NDArray[np.float32]
Shape = tuple[int, ...]


def _is_floating(value: Any) -> bool:
    if hasattr(value, "is_floating_point"):  # torch's
        return bool(value.is_floating_point())
    return hasattr(value, "dtype") and np.issubdtype(value.dtype, np.floating)


def _shape_of(name: str, value: Any) -> Shape:
    if not hasattr(value, "shape"):
        raise Error(f"tensor '{name}': {type(value).__name__} is no array")
    return tuple(int(size) for size in value.shape)


def as_state(model: Any) -> Mapping[str, Any]:
    """Tensors by name: what is given so, or a module's."""
    if isinstance(model, Mapping):
        return model
    if not hasattr(model, "state_dict"):
        raise Error(f"{type(model).__name__} is neither a torch.nn.Module nor a dictionary of arrays")
    state: Mapping[str, Any] = model.state_dict()
    return state


def check_tensors(state: Mapping[str, Any], expected: Mapping[str, Shape]) -> None:
    """The floating tensors, and whatever else has a name of the global model's, must be that model's."""
    own = {
        name: _shape_of(name, value) for name, value in state.items() if name in expected or _is_floating(value)
    }

    def refuse(names: list[str], what: str) -> None:
        if names:
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise Error(what.format(name=names[0], more=more))

    refuse([n for n in expected if n not in own], "tensor '{name}'{more} of the global model: this model has none")
    refuse([n for n in own if n not in expected], "tensor '{name}'{more} of this model: the global model has none")
    for name, shape in expected.items():
        if own[name] != shape:
            raise Error(f"tensor '{name}' has the shape {list(own[name])}, in the global model {list(shape)}")


def _as_array(name: str, value: Any) -> Array:
    if hasattr(value, "detach"):  # torch's, of any type and on any device
        value = value.detach().cpu().float().numpy()
    with np.errstate(over="ignore"):  # what fp32 cannot hold is refused below
        array: Array = np.asarray(value, dtype="<f4", order="C")
    if not np.isfinite(array).all():
        wrong = array[~np.isfinite(array)]
        raise Error(f"tensor '{name}' has {wrong.size} of {array.size} values that are not finite, as {wrong.flat[0]}")
    return array


@dataclass
class Entry:
    name: str
    shape: Shape
    at: int  # in the file

    def read(self, file: BinaryIO) -> Array:
        file.seek(self.at)
        array = np.fromfile(file, dtype="<f4", count=math.prod(self.shape))
        if array.size != math.prod(self.shape):
            raise Error(f"global.safetensors ends within tensor '{self.name}'")
        return array.astype(np.float32, copy=False).reshape(self.shape)


def read_header(file: BinaryIO) -> dict[str, Entry]:
    try:
        header_bytes = int.from_bytes(file.read(8), "little")
        entries = {}
        for name, entry in json.loads(file.read(header_bytes)).items():
            if name == "__metadata__":
                continue
            if entry["dtype"] != "F32":
                raise Error(f"global.safetensors: tensor '{name}' is {entry['dtype']}, not F32")
            entries[name] = Entry(name, tuple(entry["shape"]), 8 + header_bytes + entry["data_offsets"][0])
        return entries
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError, MemoryError):
        raise Error("global.safetensors is no safetensors file") from None


def write_tensors(file: BinaryIO, state: Mapping[str, Any], shapes: Mapping[str, Shape]) -> None:
    header: dict[str, Any] = {}
    end = 0
    for name, shape in shapes.items():
        begin, end = end, end + 4 * math.prod(shape)
        header[name] = {"dtype": "F32", "shape": list(shape), "data_offsets": [begin, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    file.write(len(text).to_bytes(8, "little") + text)
    for name in shapes:
        file.write(_as_array(name, state[name]).data)
