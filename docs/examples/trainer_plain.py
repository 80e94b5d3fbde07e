#!/usr/bin/env python3
"""A trainer for gradmint in plain Python: softmax regression on the digits, no third-party package.

    gradmint worker join INVITE --home DIR --trainer 'python3 docs/examples/trainer_plain.py'

The worker runs it once a round, in a directory with the round's files. It reads the global model and
the round's parameters, trains, and leaves new parameters and metrics. The model must have two tensors:
a weight of shape [10, 64] and a bias of shape [10]. Which data it trains on is its own affair; here it
is $GRADMINT_DIGITS, digits.csv.gz (64 pixels 0..16 and a label in each row).
"""
import csv
import gzip
import json
import math
import os
import random
import struct
import sys

CLASSES, PIXELS = 10, 64


def read_safetensors(path):
    """{name: (shape, [float, ...])}"""
    with open(path, "rb") as file:
        data = file.read()
    (header_bytes,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + header_bytes])
    tensors = {}
    for name, entry in header.items():
        if name == "__metadata__":
            continue
        begin, end = entry["data_offsets"]
        start = 8 + header_bytes + begin
        tensors[name] = (entry["shape"], list(struct.unpack_from(f"<{(end - begin) // 4}f", data, start)))
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


def read_digits(path):
    with gzip.open(path, "rt") as file:
        return [([float(x) / 16 for x in row[:PIXELS]], int(float(row[PIXELS]))) for row in csv.reader(file)]


def probabilities(weight, bias, pixels):
    scores = []
    for c in range(CLASSES):
        row = weight[c * PIXELS : (c + 1) * PIXELS]
        scores.append(bias[c] + sum(w * x for w, x in zip(row, pixels)))
    top = max(scores)
    exps = [math.exp(s - top) for s in scores]
    total = sum(exps)
    return [e / total for e in exps]


def train_epoch(weight, bias, samples, rate):
    loss, correct = 0.0, 0
    for pixels, label in samples:
        p = probabilities(weight, bias, pixels)
        loss -= math.log(max(p[label], 1e-12))
        correct += p.index(max(p)) == label
        for c in range(CLASSES):
            step = rate * (p[c] - (c == label))
            bias[c] -= step
            base = c * PIXELS
            for i, x in enumerate(pixels):
                if x:
                    weight[base + i] -= step * x
    return loss / len(samples), correct / len(samples)


def main():
    with open("round.json") as file:
        task = json.load(file)
    tensors = read_safetensors(task["global"])
    by_shape = {tuple(shape): name for name, (shape, _) in tensors.items()}
    try:
        weight_name, bias_name = by_shape[(CLASSES, PIXELS)], by_shape[(CLASSES,)]
    except KeyError:
        sys.exit(f"this model is no softmax regression: it has tensors of shapes {sorted(by_shape)}")
    weight, bias = tensors[weight_name][1], tensors[bias_name][1]
    samples = read_digits(os.environ["GRADMINT_DIGITS"])
    random.seed(task["seed"])
    for epoch in range(max(1, task["local_epochs"])):
        random.shuffle(samples)
        loss, accuracy = train_epoch(weight, bias, samples, task["learning_rate"])
        print(f"epoch {epoch + 1}: loss {loss:.4f}, accuracy {accuracy:.4f}", flush=True)
    write_safetensors(task["parameters"], tensors)
    with open(task["metrics"], "w") as file:
        json.dump({"examples": len(samples), "loss": loss, "accuracy": accuracy}, file)


if __name__ == "__main__":
    main()
