#!/usr/bin/env python3
"""A trainer for gradmint in PyTorch, with the model of `--model mlp`. Needs torch, numpy and safetensors.
docs/own-trainer.md is the contract.

    gradmint dev --workers 3 --rounds 3 --trainer 'python3 docs/examples/trainer_pytorch.py'

Put your own model and data in place of `make_model` and `read_data`; here the data is digits.csv.gz: the
first argument, else $GRADMINT_DIGITS, else what scripts/fetch_digits left in build/data. The tensors'
names and shapes must be those of the global model.
"""
import gzip
import json
import os
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn

DEFAULT_DATA = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../build/data/digits.csv.gz")


def make_model(tensors):
    hidden, inputs = tensors["hidden.weight"].shape
    outputs = tensors["output.weight"].shape[0]
    model = nn.Sequential()
    model.add_module("hidden", nn.Linear(inputs, hidden))
    model.add_module("relu", nn.ReLU())
    model.add_module("output", nn.Linear(hidden, outputs))
    return model


def read_data():
    path = sys.argv[1] if len(sys.argv) > 1 else os.environ.get("GRADMINT_DIGITS", DEFAULT_DATA)
    with gzip.open(path, "rt") as file:
        rows = torch.tensor([[float(x) for x in line.split(",")] for line in file])
    return rows[:, :64] / 16, rows[:, 64].long()


def main():
    # The program runs where its worker was started; the round's files are in a directory of their own.
    with open(os.path.join(os.environ["GRADMINT_ROUND_DIR"], "round.json")) as file:
        task = json.load(file)
    torch.manual_seed(task["seed"])
    device = "cuda" if torch.cuda.is_available() else "cpu"
    tensors = load_file(task["global"])
    model = make_model(tensors).to(device)
    model.load_state_dict(tensors)
    inputs, labels = (t.to(device) for t in read_data())
    if task["optimizer"] == "adam":
        optimizer = torch.optim.Adam(model.parameters(), lr=task["learning_rate"])
    else:
        optimizer = torch.optim.SGD(model.parameters(), lr=task["learning_rate"], momentum=task["momentum"])
    for epoch in range(max(1, task["local_epochs"])):
        total, correct = 0.0, 0
        for batch in torch.randperm(len(labels)).to(device).split(task["batch_size"]):
            optimizer.zero_grad()
            output = model(inputs[batch])
            loss = nn.functional.cross_entropy(output, labels[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
            correct += (output.argmax(1) == labels[batch]).sum().item()
        mean, accuracy = total / len(labels), correct / len(labels)
        print(f"epoch {epoch + 1}: loss {mean:.4f}, accuracy {accuracy:.4f}", flush=True)
    save_file({name: t.cpu().contiguous() for name, t in model.state_dict().items()}, task["parameters"])
    with open(task["metrics"], "w") as file:
        json.dump({"examples": len(labels), "loss": mean, "accuracy": accuracy}, file)


if __name__ == "__main__":
    main()
