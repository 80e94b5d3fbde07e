"""A trainer and an evaluator for tests: made-up updates of a small model, different for each worker and round.

    toy_site.py train [SPEC] | toy_site.py evaluate

SPEC says who does what, as WORKER:WHAT[@ROUND[.ATTEMPT]] with commas between, workers from 1. WHAT is `zeros`, `huge`
(2^20 times as large), `far` (so large that a step of 12 leaves fp32), `large_buffers`, `sleep` (until the round ends
without it), or `fail`.
"""

import json
import os
import random
import re
import struct
import sys
import time
from array import array


def read_model(path):
    """[(name, shape, values), ...] of a safetensors file of F32."""
    with open(path, "rb") as file:
        data = file.read()
    size = struct.unpack_from("<Q", data)[0]
    tensors = []
    for name, entry in json.loads(data[8 : 8 + size]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = array("f")
            values.frombytes(data[8 + size + begin : 8 + size + end])
            tensors.append((name, entry["shape"], list(values)))
    return tensors


def write_model(path, tensors):
    header, parts, at = {}, [], 0
    for name, shape, values in sorted(tensors):
        parts.append(array("f", values).tobytes())
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(parts[-1])]}
        at += len(parts[-1])
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(parts))


def worker_number(folder):
    return int(re.search(r"worker-(\d+)", folder).group(1))


def attempt_number(folder, task):
    """How often this worker has been asked for this round before: a file beside its home counts."""
    home = folder[: re.search(r"worker-\d+", folder).end()]
    path = os.path.join(home, f"attempts-{task['round']}")
    before = os.path.getsize(path) if os.path.exists(path) else 0
    with open(path, "ab") as file:
        file.write(b"x")
    return before


def told(spec, worker, number, attempt):
    """What this worker is to do now."""
    for each in filter(None, spec.split(",")):
        who, what, at, of = re.fullmatch(r"(\d+):(\w+)(?:@(\d+)(?:\.(\d+))?)?", each).groups()
        if int(who) == worker and at in (None, str(number)) and of in (None, str(attempt)):
            return what
    return ""


def changed(name, values, task, what, rng):
    """A common direction, and noise of the worker's own; some of the values are left as they are."""
    common = random.Random(f"{name} {task['round']}")
    if what == "zeros":
        return values
    if name.startswith("running"):
        large = 1e30 if what == "large_buffers" else 1.0
        return [v + large * rng.uniform(0.0, 1.0) for v in values]
    if what == "far":
        return [3e37 + rng.uniform(0.0, 1e36) for _ in values]
    scale = 2.0**20 if what == "huge" else 1.0
    out = []
    for i, v in enumerate(values):
        step = 0.1 * common.gauss(0, 1) + 0.05 * rng.gauss(0, 1)
        out.append(v if i % 11 == 0 else v + scale * step * (10.0 if i % 101 == 0 else 1.0))
    return out


def train(spec):
    folder = os.environ["GRADMINT_ROUND_DIR"]
    with open(os.path.join(folder, "round.json"), encoding="utf-8") as file:
        task = json.load(file)
    what = told(spec, worker_number(folder), task["round"], attempt_number(folder, task))
    if what == "fail":
        sys.exit("told to fail")
    if what == "sleep":
        time.sleep(600)
    rng = random.Random(task["seed"])
    tensors = [(n, s, changed(n, v, task, what, rng)) for n, s, v in read_model(task["global"])]
    write_model(task["parameters"], tensors)
    metrics = {"loss": rng.uniform(0, 2), "accuracy": rng.uniform(0, 1), f"own_{rng.randrange(3)}": rng.gauss(0, 50)}
    if rng.random() < 0.3:
        metrics["auc"] = None
    save(task, {"examples": rng.randrange(50, 500), "steps": 7, "metrics": metrics})


def evaluate():
    with open(os.path.join(os.environ["GRADMINT_ROUND_DIR"], "round.json"), encoding="utf-8") as file:
        task = json.load(file)
    total = sum(abs(v) for _, _, values in read_model(task["global"]) for v in values[:50])
    save(task, {"examples": 120, "metrics": {"loss": min(total, 1e6), "accuracy": 0.5, "dice": None}})


def save(task, metrics):
    with open(task["metrics"], "w", encoding="utf-8") as file:
        json.dump(metrics, file)


if __name__ == "__main__":
    if sys.argv[1] == "train":
        train(sys.argv[2] if len(sys.argv) > 2 else "")
    else:
        evaluate()
