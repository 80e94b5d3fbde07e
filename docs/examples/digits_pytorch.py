#!/usr/bin/env python3
"""The model and data of trainer_pytorch.py and evaluator_pytorch.py: put your own in their place.

As a program it saves the model's initial state:

    python3 docs/examples/digits_pytorch.py model.safetensors

The data is digits.csv.gz (64 pixels 0..16 and a label in each row): $GRADMINT_DIGITS, else what
scripts/fetch_digits left in build/data. The last fifth of the rows is held out for the evaluator.
"""
import gzip
import os
import sys

import torch
from torch import nn

DEFAULT_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/data/digits.csv.gz")


def make_model():
    return nn.Sequential(
        nn.Conv2d(1, 16, 3, padding=1), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(128, 10),
    )


def load_digits(held_out=False):
    """Images (N, 1, 8, 8) with values 0..1, and their labels."""
    with gzip.open(os.environ.get("GRADMINT_DIGITS", DEFAULT_DATA), "rt") as file:
        rows = torch.tensor([[float(x) for x in line.split(",")] for line in file])
    kept = len(rows) - len(rows) // 5
    rows = rows[kept:] if held_out else rows[:kept]
    return rows[:, :64].reshape(-1, 1, 8, 8) / 16, rows[:, 64].long()


if __name__ == "__main__":
    from safetensors.torch import save_file

    if len(sys.argv) != 2:
        sys.exit("give the file to write: digits_pytorch.py model.safetensors")
    torch.manual_seed(1)
    save_file(make_model().state_dict(), sys.argv[1])
