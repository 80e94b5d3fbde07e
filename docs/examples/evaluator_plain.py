#!/usr/bin/env python3
"""An evaluator for gradmint in plain Python: judges a round's model on the rows that trainer_plain.py, which lies
beside it and has the command to try both, never trains on. docs/own-trainer.md is the contract.
"""
import json
import math
import sys

from trainer_plain import forward, layers_of, read_safetensors, read_samples, read_task


def main():
    task = read_task()
    _, layers = layers_of(read_safetensors(task["global"]))
    samples = read_samples(layers, held_out=True)
    loss, correct = 0.0, 0
    for pixels, label in samples:
        _, p = forward(layers, pixels)
        loss -= math.log(max(p[label], 1e-12))
        correct += p.index(max(p)) == label
    metrics = {"loss": loss / len(samples), "accuracy": correct / len(samples)}
    with open(task["metrics"], "w") as file:
        json.dump({"examples": len(samples), "metrics": metrics}, file)


if __name__ == "__main__":
    try:
        main()
    except OSError as fault:  # the last line it prints is what the worker shows
        sys.exit(f"evaluator: {fault}")
