#!/usr/bin/env python3
r"""A trainer for gradmint in plain Python: no third-party package. docs/own-trainer.md is the contract.

    gradmint dev --workers 3 --rounds 3 --trainer 'python3 docs/examples/trainer_plain.py' \
        --evaluator 'python3 docs/examples/evaluator_plain.py'

It trains whatever of the two it is given: a softmax regression (one weight matrix, one bias) or a
perceptron with one hidden ReLU layer (`hidden.weight`, `hidden.bias`, `output.weight`, `output.bias`, as
`--model mlp` has them). Which data it trains on is its own affair; here it is digits.csv.gz (64 pixels
0..16 and a label in each row): the first argument, else $GRADMINT_DIGITS, else what scripts/fetch_digits
left in build/data. The last fifth of the rows is left to evaluator_plain.py.
Plain Python is slow, so each round draws SAMPLES of the rows with the round's seed.
"""
import csv
import gzip
import json
import math
import os
import random
import struct
import sys

SAMPLES = 400
DEFAULT_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/data/digits.csv.gz")


def read_safetensors(path):
    """{name: (shape, [float, ...])}: 8 bytes of header length, a JSON header, then the raw tensors."""
    with open(path, "rb") as file:
        data = file.read()
    (header_bytes,) = struct.unpack_from("<Q", data)
    tensors = {}
    for name, entry in json.loads(data[8 : 8 + header_bytes]).items():
        if name != "__metadata__":
            begin, end = entry["data_offsets"]
            values = struct.unpack_from(f"<{(end - begin) // 4}f", data, 8 + header_bytes + begin)
            tensors[name] = (entry["shape"], list(values))
    return tensors


def write_safetensors(path, tensors):
    header, blobs, at = {}, [], 0
    for name, (shape, values) in sorted(tensors.items()):
        blob = struct.pack(f"<{len(values)}f", *values)
        header[name] = {"dtype": "F32", "shape": shape, "data_offsets": [at, at + len(blob)]}
        blobs.append(blob)
        at += len(blob)
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + b"".join(blobs))


def layers_of(tensors):
    """[(rows of the weight matrix, bias), ...] from input to output, with the names to save them under."""
    names = ["hidden", "output"] if "hidden.weight" in tensors else [""]
    keys = [(f"{name}.weight".strip("."), f"{name}.bias".strip(".")) for name in names]
    if sorted(key for pair in keys for key in pair) != sorted(tensors):
        sys.exit(f"no model that this trainer knows: it has the tensors {', '.join(sorted(tensors))}")
    layers = []
    for weight, bias in keys:
        (outputs, inputs), values = tensors[weight]
        rows = [values[i * inputs : (i + 1) * inputs] for i in range(outputs)]
        layers.append((rows, tensors[bias][1]))
    return keys, layers


def read_samples(layers, held_out):
    """[(pixels, label), ...] of the last fifth of the rows, or of the others; refuses what the model cannot take."""
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GRADMINT_DIGITS", DEFAULT_DATA)
    inputs, classes = len(layers[0][0][0]), len(layers[-1][1])
    samples = []
    with gzip.open(path, "rt") as file:
        for row in csv.reader(file):
            pixels, label = [float(x) / 16 for x in row[:-1]], int(float(row[-1]))
            if len(pixels) != inputs or not 0 <= label < classes:
                sys.exit(f"{path}: this model takes {inputs} values and {classes} classes")
            samples.append((pixels, label))
    kept = len(samples) - len(samples) // 5
    return samples[kept:] if held_out else samples[:kept]


def read_task():
    """The program runs where its worker was started; the round's files are in a directory of their own."""
    if "GRADMINT_ROUND_DIR" not in os.environ:
        sys.exit("GRADMINT_ROUND_DIR is not set: a worker runs this program (docs/own-trainer.md)")
    with open(os.path.join(os.environ["GRADMINT_ROUND_DIR"], "round.json")) as file:
        return json.load(file)


def forward(layers, values):
    """What goes into each layer, and the class probabilities at the end."""
    entering = []
    for depth, (rows, bias) in enumerate(layers):
        entering.append(values)
        values = [b + sum(map(float.__mul__, row, values)) for row, b in zip(rows, bias)]
        if depth + 1 < len(layers):
            values = [max(v, 0.0) for v in values]  # ReLU
    top = max(values)
    exps = [math.exp(v - top) for v in values]
    total = sum(exps)
    return entering, [e / total for e in exps]


def backward(layers, entering, slope, rate):
    """One step of gradient descent, from the last layer to the first; `slope` is d loss / d scores."""
    for (rows, bias), values in zip(reversed(layers), reversed(entering)):
        active = [i for i, v in enumerate(values) if v]  # ReLU passes a slope back where it was not 0
        below = [0.0] * len(values)
        for r, s in enumerate(slope):
            if s:
                row, step = rows[r], rate * s
                bias[r] -= step
                for i in active:
                    below[i] += s * row[i]
                    row[i] -= step * values[i]
        slope = below


def train_epoch(layers, samples, rate):
    loss, correct = 0.0, 0
    for pixels, label in samples:
        entering, p = forward(layers, pixels)
        loss -= math.log(max(p[label], 1e-12))
        correct += p.index(max(p)) == label
        backward(layers, entering, [q - (c == label) for c, q in enumerate(p)], rate)
    return loss / len(samples), correct / len(samples)


def main():
    task = read_task()
    tensors = read_safetensors(task["global"])
    keys, layers = layers_of(tensors)
    samples = read_samples(layers, held_out=False)

    # Each worker has a seed of its own in each round, so that no two of them draw the same rows.
    random.seed(task["seed"])
    samples = random.sample(samples, min(SAMPLES, len(samples)))
    # The federation's learning rate is meant for its optimizer; plain descent wants a larger one than Adam.
    rate = task["learning_rate"] * (20 if task["optimizer"] == "adam" else 1)
    epochs = max(1, task["local_epochs"])
    for epoch in range(epochs):
        random.shuffle(samples)
        loss, accuracy = train_epoch(layers, samples, rate)
        print(f"epoch {epoch + 1}: loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)

    for (weight, bias), (rows, biases) in zip(keys, layers):
        tensors[weight] = (tensors[weight][0], [value for row in rows for value in row])
        tensors[bias] = (tensors[bias][0], biases)
    write_safetensors(task["parameters"], tensors)
    with open(task["metrics"], "w") as file:
        metrics = {"loss": loss, "accuracy": accuracy}
        json.dump({"examples": len(samples), "steps": epochs * len(samples), "metrics": metrics}, file)


if __name__ == "__main__":
    try:
        main()
    except OSError as fault:  # the last line it prints is what the worker shows
        sys.exit(f"trainer: {fault}")
