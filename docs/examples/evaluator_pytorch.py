#!/usr/bin/env python3
"""An evaluator in PyTorch: judges the model of a round on the rows that trainer_pytorch.py never sees.

docs/tutorial-pytorch.md explains it; trainer_pytorch.py has a command to try both.
"""
import gradmint
import torch
from digits_pytorch import load_digits, make_model

task = gradmint.task()
model = task.load(make_model()).eval()
images, labels = load_digits(held_out=True)
with torch.no_grad():
    scores = model(images)
loss = torch.nn.functional.cross_entropy(scores, labels)
accuracy = (scores.argmax(1) == labels).float().mean()
task.save_metrics(len(labels), {"loss": loss, "accuracy": accuracy})
