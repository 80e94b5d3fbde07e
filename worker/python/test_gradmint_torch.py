"""Tests of gradmint with modules of torch, and of the examples in PyTorch."""

import math
import random
import unittest

import numpy as np
import torch
from torch import nn

import test_gradmint
from test_gradmint import EXAMPLES, gradmint, read_safetensors


def make_model():
    return nn.Sequential(nn.Linear(3, 4), nn.BatchNorm1d(4))


class ModuleTest(test_gradmint.RoundTest):
    GLOBAL = {
        "0.weight": np.arange(12).reshape(4, 3) / 8, "0.bias": np.ones(4), "1.weight": np.full(4, 2.0),
        "1.bias": np.zeros(4), "1.running_mean": np.array([0.5, 1, 2, 4]), "1.running_var": np.array([1.0, 2, 3, 4]),
    }

    def test_load(self):
        for dtype in (torch.float32, torch.float64, torch.bfloat16, torch.float16):
            model = make_model().to(dtype)
            model[1].num_batches_tracked += 5
            parameter = model[0].weight
            self.assertIs(gradmint.task().load(model), model)
            state = model.state_dict()
            for name, array in self.GLOBAL.items():
                self.assertEqual(state[name].dtype, dtype)
                np.testing.assert_array_equal(state[name].double().numpy(), array)
            self.assertEqual(state["1.num_batches_tracked"], 5)
            self.assertIs(model[0].weight, parameter)  # which an optimizer may know already
            self.assertTrue(parameter.requires_grad)

    def test_models_that_do_not_fit(self):
        task = gradmint.task()
        for model, words in (
            (nn.Sequential(nn.Linear(3, 4)), ["'1.weight' (and 3 more)", "this model has none"]),
            (nn.Sequential(*make_model(), nn.Linear(4, 1, bias=False)), ["'2.weight'", "the global model has none"]),
            (nn.Sequential(nn.Linear(2, 4), nn.BatchNorm1d(4)), ["'0.weight'", "[4, 2]", "[4, 3]"]),
        ):
            before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
            self.refused(lambda: task.load(model), "tensor", *words)
            self.refused(lambda: task.save(model, 1, {}), "tensor", *words)
            for name, tensor in model.state_dict().items():
                self.assertTrue(torch.equal(tensor, before[name]))
        self.refused(lambda: task.load({}), "load_arrays")
        self.refused(lambda: task.load(3), "int")

    def test_save(self):
        for dtype in (torch.float32, torch.float64, torch.bfloat16):
            model = gradmint.task().load(make_model().to(dtype))
            model[0].weight = nn.Parameter(model[0].weight.detach().t().contiguous().t())  # other strides, same values
            gradmint.task().save(model, torch.tensor(8), {"loss": (model[0].bias ** 2).sum()}, steps=3)
            found = read_safetensors(self.dir / "parameters.safetensors")
            self.assertEqual(set(found), set(self.GLOBAL))  # no num_batches_tracked
            for name, array in self.GLOBAL.items():
                self.assertEqual(found[name], ("F32", list(array.shape), array.ravel().tolist()))
            self.assertEqual(self.metrics(), {"examples": 8, "steps": 3, "metrics": {"loss": 4.0}})

    def test_save_a_state_dict(self):
        model = gradmint.task().load(make_model())
        gradmint.task().save(model.state_dict(), 8, {})
        self.assertEqual(set(read_safetensors(self.dir / "parameters.safetensors")), set(self.GLOBAL))

    def test_not_finite(self):
        model = gradmint.task().load(make_model())
        model[1].running_var[2] = math.inf
        self.refused(lambda: gradmint.task().save(model, 1, {}), "'1.running_var'", "1 of 4", "inf")
        self.refused(lambda: gradmint.task().save_metrics(1, {"loss": torch.tensor(math.nan)}), "'loss'", "nan")
        self.refused(lambda: gradmint.task().save_metrics(1, {"loss": torch.zeros(2)}), "'loss'", "tensor")

    def test_seed(self):
        def draw(seed):
            self.begin(seed=seed)
            gradmint.task()
            return torch.rand(1).item()

        self.assertEqual(draw(2**64 - 1), draw(2**64 - 1))
        self.assertNotEqual(draw(2**64 - 1), draw(2**64 - 2))


class ExamplesTest(test_gradmint.RoundTest):
    def run_example(self, name, digits):
        ended = self.run_program(EXAMPLES / name, GRADMINT_DIGITS=digits)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return ended.stdout

    def test_trainer_and_evaluator(self):
        random.seed(1)
        torch.manual_seed(1)
        first = {"0": nn.Conv2d(1, 16, 3), "1": nn.BatchNorm2d(16), "4": nn.Conv2d(16, 32, 3), "5": nn.BatchNorm2d(32),
                 "9": nn.Linear(128, 10)}
        tensors = {f"{place}.{name}": tensor.numpy() for place, layer in first.items()
                   for name, tensor in layer.state_dict().items() if tensor.is_floating_point()}
        self.begin(tensors, learning_rate=0.01, local_epochs=4, batch_size=8)
        digits = self.write_digits()
        shown = self.run_example("trainer_pytorch.py", digits)
        self.assertIn("epoch 4: loss ", shown)
        self.assertEqual(self.metrics()["examples"], 48)
        trained = read_safetensors(self.dir / "parameters.safetensors")
        self.assertNotEqual(trained["1.running_mean"][2], [0.0] * 16)

        (self.dir / "parameters.safetensors").rename(self.dir / "global.safetensors")
        (self.dir / "metrics.json").unlink()
        self.run_example("evaluator_pytorch.py", digits)
        judged = self.metrics()
        self.assertEqual(judged["examples"], 12)
        self.assertGreater(judged["metrics"]["accuracy"], 0.8)

    def test_they_are_as_short_as_the_tutorial_says_and_shows(self):
        tutorial = (EXAMPLES.parent / "tutorial-pytorch.md").read_text()
        for name in ("trainer_pytorch.py", "evaluator_pytorch.py"):
            code = (EXAMPLES / name).read_text().split('"""\n', 1)[1]
            self.assertLessEqual(sum(bool(line.strip()) for line in code.splitlines()), 15, name)
            self.assertIn(f"```python\n{code}```\n", tutorial, name)


if __name__ == "__main__":
    unittest.main()
