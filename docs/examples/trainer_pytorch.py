#!/usr/bin/env python3
r"""A trainer in PyTorch, on the digits and the model of digits_pytorch.py. docs/tutorial-pytorch.md explains it.

    python3 docs/examples/digits_pytorch.py model.safetensors
    gradmint dev --workers 3 --rounds 5 --initial model.safetensors \
        --trainer 'python3 docs/examples/trainer_pytorch.py' --evaluator 'python3 docs/examples/evaluator_pytorch.py'
"""
import gradmint
import torch
from digits_pytorch import load_digits, make_model

task = gradmint.task()
model = task.load(make_model())
images, labels = load_digits()
optimizer = torch.optim.Adam(model.parameters(), task.learning_rate)
for epoch in task.epochs():
    for batch in torch.randperm(len(labels)).split(task.batch_size):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(images[batch]), labels[batch])
        loss.backward()
        optimizer.step()
    task.progress(f"epoch {epoch}: loss {loss:.4f}")
task.save(model, len(labels), {"loss": loss})
