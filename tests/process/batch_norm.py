"""A model with BatchNorm, its trainer and its evaluator, with Python's standard library alone.

make FILE: writes the initial model as PyTorch's save_file would: no layout, an integer counter beside the statistics.
train, judge: what docs/own-trainer.md says. Two features of very different size; the label says on which side of a line
their standardised values lie.
"""
import json
import math
import os
import random
import struct
import sys

NAMES = {"bn.weight": 2, "bn.bias": 2, "fc.weight": 4, "fc.bias": 2, "bn.running_mean": 2, "bn.running_var": 2}
EPSILON, MOMENTUM, SHAPES = 1e-5, 0.1, {"fc.weight": [2, 2]}


def write(path, tensors, counter=None):
    header, data = {}, b""
    if counter is not None:
        header["bn.num_batches_tracked"] = {"dtype": "I64", "shape": [], "data_offsets": [0, 8]}
        data = struct.pack("<q", counter)
    for name, values in tensors.items():
        end = len(data) + 4 * len(values)
        header[name] = {"dtype": "F32", "shape": SHAPES.get(name, [len(values)]), "data_offsets": [len(data), end]}
        data += struct.pack(f"<{len(values)}f", *values)
    text = json.dumps(header).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def read(path):
    with open(path, "rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header, data = json.loads(file.read(size)), file.read()
    floats = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        floats[name] = list(struct.unpack(f"<{(end - begin) // 4}f", data[begin:end]))
    assert set(floats) == set(NAMES), sorted(floats)
    return floats


def draw_rows(count, draw):
    rows = []
    for _ in range(count):
        a, b = draw.gauss(0, 1), draw.gauss(0, 1)
        rows.append(([50 + 12 * a, 130000 + 20000 * b], 1 if a + 0.5 * b > 0 else 0))
    return rows


def probabilities(t, x):
    y = [t["bn.weight"][i] * x[i] + t["bn.bias"][i] for i in range(2)]
    z = [sum(t["fc.weight"][2 * k + i] * y[i] for i in range(2)) + t["fc.bias"][k] for k in range(2)]
    most = max(z)
    parts = [math.exp(v - most) for v in z]
    return y, [p / sum(parts) for p in parts]


def normalised(values, mean, var):
    return [(values[i] - mean[i]) / math.sqrt(var[i] + EPSILON) for i in range(2)]


def step(t, batch, rate):
    n = len(batch)
    mean = [sum(row[i] for row, _ in batch) / n for i in range(2)]
    var = [sum((row[i] - mean[i]) ** 2 for row, _ in batch) / n for i in range(2)]
    moved = {name: [0.0] * count for name, count in NAMES.items()}
    loss = 0.0
    for row, label in batch:
        x = normalised(row, mean, var)
        y, p = probabilities(t, x)
        loss -= math.log(max(p[label], 1e-30)) / n
        wrong = [(p[k] - (k == label)) / n for k in range(2)]
        for k in range(2):
            moved["fc.bias"][k] += wrong[k]
            for i in range(2):
                moved["fc.weight"][2 * k + i] += wrong[k] * y[i]
                back = wrong[k] * t["fc.weight"][2 * k + i]
                moved["bn.bias"][i] += back
                moved["bn.weight"][i] += back * x[i]
    for name in ("bn.weight", "bn.bias", "fc.weight", "fc.bias"):
        t[name] = [v - rate * m for v, m in zip(t[name], moved[name])]
    for name, batch_value in (("bn.running_mean", mean), ("bn.running_var", [v * n / (n - 1) for v in var])):
        t[name] = [(1 - MOMENTUM) * v + MOMENTUM * b for v, b in zip(t[name], batch_value)]
    return loss


def main():
    if sys.argv[1] == "make":
        write(sys.argv[2], {"bn.bias": [0, 0], "bn.running_mean": [0, 0], "bn.running_var": [1, 1],
                            "bn.weight": [1, 1], "fc.bias": [0, 0], "fc.weight": [0.1, -0.2, 0.2, -0.1]}, 0)
        return
    with open(os.path.join(os.environ["GRADMINT_ROUND_DIR"], "round.json"), encoding="utf-8") as file:
        task = json.load(file)
    t = read(task["global"])
    if sys.argv[1] == "train":
        assert task["kind"] == "train"
        draw = random.Random(task["seed"])
        rows = draw_rows(160, draw)
        for at in range(0, len(rows), 16):
            loss = step(t, rows[at:at + 16], 0.5)
        print(f"loss {loss:.4f}", flush=True)
        write(task["parameters"], t, 10)
        metrics = {"examples": len(rows), "steps": 10, "metrics": {"loss": loss, "calibration": None}}
    else:
        assert task["kind"] == "evaluate"
        rows = draw_rows(400, random.Random(1))
        loss, right = 0.0, 0
        for row, label in rows:
            p = probabilities(t, normalised(row, t["bn.running_mean"], t["bn.running_var"]))[1]
            loss -= math.log(max(p[label], 1e-30)) / len(rows)
            right += (p[1] > p[0]) == (label == 1)
        metrics = {"examples": len(rows), "metrics": {"loss": loss, "accuracy": right / len(rows)}}
    with open(task["metrics"], "w", encoding="utf-8") as file:
        json.dump(metrics, file)


main()
