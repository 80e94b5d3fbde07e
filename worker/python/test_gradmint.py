"""Tests of gradmint with numpy alone; those with torch are in test_gradmint_torch.py."""

import contextlib
import gzip
import io
import json
import math
import os
import random
import struct
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parent
EXAMPLES = HERE.parent.parent / "docs" / "examples"
sys.path.insert(0, str(HERE))
import gradmint  # noqa: E402


def write_safetensors(path, arrays):
    """Not the module's own writer. The values lie in the file in the reverse of the header's order."""
    header, blob = {}, b""
    for name, array in reversed(list(arrays.items())):
        data = np.asarray(array, dtype="<f4").tobytes()
        header[name] = {"dtype": "F32", "shape": list(np.shape(array)), "data_offsets": [len(blob), len(blob) + len(data)]}
        blob += data
    text = json.dumps({"__metadata__": {"from": "a test"}, **dict(reversed(list(header.items())))}).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text + blob)


def read_safetensors(path):
    """{name: (dtype, shape, values)}"""
    data = path.read_bytes()
    (size,) = struct.unpack_from("<Q", data)
    assert size % 8 == 0, "tensors are aligned"
    found = {}
    for name, entry in json.loads(data[8 : 8 + size]).items():
        begin, end = entry["data_offsets"]
        values = np.frombuffer(data[8 + size + begin : 8 + size + end], dtype="<f4")
        found[name] = (entry["dtype"], entry["shape"], values.tolist())
    return found


class RoundTest(unittest.TestCase):
    """A round's directory for each test."""

    GLOBAL = {"b": np.array([1.5, -2.0]), "a.weight": np.arange(6).reshape(2, 3), "a.scale": np.array(0.5)}
    ROUND = {"format": "gradmint/round/v2", "kind": "train", "round": 7, "seed": 2**64 - 1, "learning_rate": 0.05,
             "momentum": 0.9, "optimizer": "adam", "local_epochs": 3, "local_steps": 0, "batch_size": 16, "deadline_s": 0}

    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = Path(folder.name)
        before = os.environ.get("GRADMINT_ROUND_DIR")
        self.addCleanup(lambda: os.environ.update(GRADMINT_ROUND_DIR=before) if before is not None
                        else os.environ.pop("GRADMINT_ROUND_DIR", None))
        os.environ["GRADMINT_ROUND_DIR"] = str(self.dir)
        self.begin()

    def begin(self, tensors=None, **fields):
        names = {"global": "global.safetensors", "parameters": "parameters.safetensors", "metrics": "metrics.json"}
        paths = {key: str(self.dir / name) for key, name in names.items()}
        (self.dir / "round.json").write_text(json.dumps({**self.ROUND, **paths, **fields}))
        write_safetensors(self.dir / "global.safetensors", self.GLOBAL if tensors is None else tensors)

    def refused(self, call, *words):
        with self.assertRaises(gradmint.Error) as raised:
            call()
        line = str(raised.exception)
        self.assertNotIn("\n", line)
        for word in words:
            self.assertIn(word, line)

    def files(self):
        return sorted(path.name for path in self.dir.iterdir())

    def metrics(self):
        return json.loads((self.dir / "metrics.json").read_text())

    def run_program(self, *arguments, **environment):
        path = os.pathsep.join(filter(None, [str(HERE), os.environ.get("PYTHONPATH")]))
        return subprocess.run([sys.executable, "-B", *map(str, arguments)], capture_output=True, text=True, timeout=240,
                              start_new_session=True, env={**os.environ, "PYTHONPATH": path, **environment})

    def write_digits(self):
        """Sixty rows, in which the pixels of the label are bright."""
        draw = random.Random(1)
        with gzip.open(self.dir / "digits.csv.gz", "wt") as file:
            for row in range(60):
                pixels = [16 if pixel % 10 == row % 10 else draw.randrange(6) for pixel in range(64)]
                print(*pixels, row % 10, sep=",", file=file)
        return str(self.dir / "digits.csv.gz")


class TaskTest(RoundTest):
    def test_fields(self):
        self.begin(contract={"label": "outcome"}, deadline_s=2.5)
        task = gradmint.task()
        found = {name: getattr(task, name) for name in self.ROUND if name != "format"}
        self.assertEqual(found, {**{k: v for k, v in self.ROUND.items() if k != "format"}, "deadline_s": 2.5})
        self.assertEqual(task.contract, {"label": "outcome"})
        self.begin()
        self.assertIsNone(gradmint.task().contract)

    def test_by_hand(self):
        del os.environ["GRADMINT_ROUND_DIR"]
        ended = self.run_program("-c", "import gradmint; gradmint.task()")
        self.assertEqual((ended.returncode, ended.stdout, ended.stderr.count("\n")), (1, "", 1))
        self.assertIn("gradmint dev --initial", ended.stderr)

    def test_unusable_round(self):
        self.begin(format="gradmint/round/v1")
        self.refused(gradmint.task, "gradmint/round/v1", "gradmint/round/v2")
        self.begin(seed="many")
        self.refused(gradmint.task, "round.json", "many")
        (self.dir / "round.json").write_text("{")
        self.refused(gradmint.task, "round.json", "no JSON")
        (self.dir / "round.json").write_text("[]")
        self.refused(gradmint.task, "round.json", "format")
        (self.dir / "round.json").unlink()
        self.refused(gradmint.task, "round.json", "No such file")

    def test_seed(self):
        def draws(seed):
            self.begin(seed=seed)
            gradmint.task()
            return random.random(), np.random.random()

        self.assertEqual(draws(2**64 - 1), draws(2**64 - 1))
        for one, other in zip(draws(2**64 - 1), draws(2**64 - 2)):
            self.assertNotEqual(one, other)

    def test_torch_is_not_imported(self):
        said = "import sys, gradmint; gradmint.task().load_arrays(); print('torch' in sys.modules)"
        self.assertEqual(self.run_program("-c", said).stdout, "False\n")


class TensorTest(RoundTest):
    def test_load_arrays(self):
        arrays = gradmint.task().load_arrays()
        self.assertEqual(set(arrays), set(self.GLOBAL))
        for name, array in arrays.items():
            self.assertEqual((array.dtype, array.shape), (np.float32, np.shape(self.GLOBAL[name])))
            np.testing.assert_array_equal(array, self.GLOBAL[name])
        arrays["b"] += 1  # they are the caller's own

    def test_unusable_global_model(self):
        path = self.dir / "global.safetensors"
        whole = path.read_bytes()
        for damaged, words in ((whole[:-4], ["ends within"]), (whole[:20], ["no safetensors"]), (b"", ["no safetensors"]),
                               (whole.replace(b'"F32"', b'"F16"'), ["F16"])):
            path.write_bytes(damaged)
            self.refused(gradmint.task().load_arrays, "global.safetensors", *words)
        path.unlink()
        self.refused(gradmint.task().load_arrays, "global.safetensors", "No such file")

    def test_save(self):
        given = {
            "a.weight": np.arange(6, dtype=np.float64).reshape(3, 2).T,  # not contiguous
            "a.scale": np.float16(0.25),
            "b": np.array([3, 4]),  # whole numbers, but of a name that the federation has
            "count": np.array(12),  # a counter
        }
        gradmint.task().save(given, 10, {"loss": 0.5}, steps=4)
        self.assertEqual(read_safetensors(self.dir / "parameters.safetensors"), {
            "b": ("F32", [2], [3, 4]),
            "a.weight": ("F32", [2, 3], [0, 2, 4, 1, 3, 5]),
            "a.scale": ("F32", [], [0.25]),
        })
        self.assertEqual(self.metrics(), {"examples": 10, "steps": 4, "metrics": {"loss": 0.5}})
        self.assertEqual(self.files(), ["global.safetensors", "metrics.json", "parameters.safetensors", "round.json"])

    def test_what_it_loads_it_saves(self):
        self.begin({"empty": np.zeros((0, 3)), **self.GLOBAL})
        task = gradmint.task()
        task.save(task.load_arrays(), 1, {})
        before, after = (self.dir / name for name in ("global.safetensors", "parameters.safetensors"))
        for name, array in task.load_arrays().items():
            self.assertEqual(read_safetensors(after)[name][2], array.ravel().tolist(), before)

    def test_tensors_that_do_not_fit(self):
        task = gradmint.task()
        for change, words in (
            ({"b": None}, ["'b'", "this model has none"]),
            ({"b": None, "a.scale": None}, ["'b' (and 1 more)"]),
            ({"c": np.zeros(1)}, ["'c'", "the global model has none"]),
            ({"b": np.zeros(3)}, ["'b'", "[3]", "[2]"]),
            ({"b": "text"}, ["'b'", "str"]),
            ({"b": np.array([1, np.nan])}, ["'b'", "1 of 2", "not finite", "nan"]),
            ({"b": np.array([1, -np.inf])}, ["'b'", "-inf"]),
            ({"b": np.array([1e39, 1])}, ["'b'", "inf"]),  # finite only in fp64
        ):
            given = {name: array for name, array in {**self.GLOBAL, **change}.items() if array is not None}
            self.refused(lambda: task.save(given, 1, {}), "tensor", *words)
        self.refused(lambda: task.save(3, 1, {}), "int")
        self.assertEqual(self.files(), ["global.safetensors", "round.json"])

    def test_a_file_is_there_whole_or_not_at_all(self):
        task = gradmint.task()
        task.save(self.GLOBAL, 1, {})
        before = (self.dir / "parameters.safetensors").read_bytes()
        self.refused(lambda: task.save({**self.GLOBAL, "a.scale": np.array(np.nan)}, 1, {}), "a.scale")
        self.assertEqual((self.dir / "parameters.safetensors").read_bytes(), before)
        self.assertEqual(self.files(), ["global.safetensors", "metrics.json", "parameters.safetensors", "round.json"])

    def test_no_place_to_write(self):
        (self.dir / "parameters.safetensors").mkdir()
        self.refused(lambda: gradmint.task().save(self.GLOBAL, 1, {}), "parameters.safetensors", "cannot be written")

    def test_the_safetensors_package_agrees(self):
        try:
            from safetensors.numpy import load_file, save_file
        except ImportError:
            self.skipTest("SKIPPED: the package safetensors is not installed")
        save_file({name: np.asarray(a, np.float32) for name, a in self.GLOBAL.items()}, self.dir / "global.safetensors")
        task = gradmint.task()
        task.save(task.load_arrays(), 1, {})
        for name, array in load_file(self.dir / "parameters.safetensors").items():
            np.testing.assert_array_equal(array, np.asarray(self.GLOBAL[name], np.float32))


class MetricsTest(RoundTest):
    def test_evaluator(self):
        self.begin(kind="evaluate")
        task = gradmint.task()
        longest = "_" + "x" * 47
        task.save_metrics(np.int64(20), {"loss": np.float32(0.5), "auc@1/a:b+c-d.e": 1, "dice": None, longest: np.array(2.0)})
        wanted = {"loss": 0.5, "auc@1/a:b+c-d.e": 1.0, "dice": None, longest: 2.0}
        self.assertEqual(self.metrics(), {"examples": 20, "metrics": wanted})
        self.refused(lambda: task.save(self.GLOBAL, 1, {}), "evaluate", "save_metrics")

    def test_refused(self):
        task = gradmint.task()
        for metrics, words in (
            ({"loss": math.nan}, ["'loss'", "nan", "None"]),
            ({"loss": -math.inf}, ["'loss'", "-inf"]),
            ({"loss": np.float32(np.nan)}, ["'loss'", "nan"]),
            ({"loss": 10**400}, ["'loss'", "inf"]),
            ({"loss": "0.5"}, ["'loss'", "'0.5'"]),
            ({"loss": np.zeros(9)}, ["'loss'", "array"]),
            ({"loss": [1]}, ["'loss'", "[1]"]),
            ({"my loss": 1}, ["'my loss'"]),
            ({"-loss": 1}, ["'-loss'"]),
            ({"verlust_ä": 1}, ["verlust_ä"]),
            ({"loss\n": 1}, ["loss"]),
            ({"": 1}, ["''"]),
            ({"x" * 49: 1}, ["48"]),
            ({3: 1}, ["3"]),
            ({f"m{i}": i for i in range(17)}, ["17", "16"]),
            ([0.5], ["list"]),
        ):
            self.refused(lambda: task.save_metrics(1, metrics), "metric", *words)
        for examples in (0, -1, 1.5, "3", None, 2**63):
            self.refused(lambda: task.save_metrics(examples, {}), "examples", "whole number")
        self.refused(lambda: task.save(self.GLOBAL, 1, {}, steps=-1), "steps")
        self.refused(lambda: task.save(self.GLOBAL, 1, {}, steps=0.5), "steps")
        self.assertEqual(self.files(), ["global.safetensors", "round.json"])
        task.save_metrics(1, {f"m{i}": i for i in range(16)})


class ClockTest(RoundTest):
    def test_deadline(self):
        self.assertEqual(gradmint.task().seconds_left(), math.inf)
        self.assertFalse(gradmint.task().is_urgent())
        self.begin(deadline_s=1000)
        task = gradmint.task()
        task._started_s = time.monotonic() - 700
        self.assertTrue(290 < task.seconds_left() <= 300)
        self.assertTrue(task.is_urgent(margin_s=301))
        self.assertFalse(task.is_urgent(margin_s=200))
        task._started_s -= 1000
        self.assertEqual(task.seconds_left(), 0)
        self.assertTrue(task.is_urgent())

    def test_it_counts_from_the_start_of_the_command(self):
        before = time.monotonic()
        ended = self.run_program("-c", "import time; first = time.monotonic()\n"
                                 "import gradmint; print(first, gradmint.task()._started_s)")
        first, started = map(float, ended.stdout.split())
        self.assertLess(before - 0.05, started)  # the kernel counts in hundredths of a second
        self.assertLess(started, first)

    def test_epochs(self):
        task = gradmint.task()
        self.assertEqual(list(task.epochs()), [1, 2, 3])
        self.begin(local_epochs=0, local_steps=100)
        self.assertEqual(list(gradmint.task().epochs()), [1])
        self.begin(deadline_s=1000, local_epochs=5)
        task = gradmint.task()
        task._started_s = time.monotonic()
        shown, seen = io.StringIO(), []
        with contextlib.redirect_stdout(shown):
            for epoch in task.epochs():
                seen.append(epoch)
                task._started_s -= 330
        self.assertEqual(seen, [1, 2, 3])
        self.assertIn("3 of 5 epochs", shown.getvalue())
        self.begin(deadline_s=1, local_epochs=5)
        task = gradmint.task()
        task._started_s -= 100
        with contextlib.redirect_stdout(shown):
            self.assertEqual(list(task.epochs()), [1])

    def test_an_epoch_that_would_take_too_long_is_not_begun(self):
        self.begin(deadline_s=10_000, local_epochs=5)
        task = gradmint.task()
        task._started_s = time.monotonic()
        clock = time.monotonic
        self.addCleanup(setattr, time, "monotonic", clock)
        passed, seen = 0, []
        time.monotonic = lambda: clock() + passed
        with contextlib.redirect_stdout(io.StringIO()):
            for epoch in task.epochs():
                seen.append(epoch)
                passed += 4000  # a third one would end at 12,000
        self.assertEqual(seen, [1, 2])

    def test_progress(self):
        task, shown = gradmint.task(), io.StringIO()
        with contextlib.redirect_stdout(shown):
            task.progress("one\nline")
            self.assertEqual(shown.getvalue(), "one line\n")
            task.progress("held back")
            task.progress("newer")
            self.assertEqual(shown.getvalue(), "one line\n")
            task._shown_s -= 1
            task.progress("newest")
            task.progress("last")
            self.assertEqual(shown.getvalue(), "one line\nnewest\n")
            task.save(self.GLOBAL, 1, {})
        self.assertEqual(shown.getvalue(), "one line\nnewest\nlast\n")

    def test_progress_is_flushed(self):
        # Nothing else writes this line out: os._exit() leaves what is still in a buffer there.
        ended = self.run_program("-c", "import os, gradmint; gradmint.task().progress('a line'); os._exit(0)",
                                 PYTHONUNBUFFERED="")
        self.assertEqual(ended.stdout, "a line\n")


class PlainExamplesTest(RoundTest):
    """The examples in plain Python, which know nothing of the module, keep the same contract."""

    def setUp(self):
        super().setUp()
        self.digits = self.write_digits()
        draw = random.Random(2)
        shapes = {"hidden.weight": (16, 64), "hidden.bias": (16,), "output.weight": (10, 16), "output.bias": (10,)}
        self.tensors = {name: np.array([draw.uniform(-0.1, 0.1) for _ in range(math.prod(shape))]).reshape(shape)
                        for name, shape in shapes.items()}
        self.begin(self.tensors, optimizer="sgd", local_epochs=10, learning_rate=0.1)

    def run_example(self, name):
        ended = self.run_program(EXAMPLES / name, GRADMINT_DIGITS=self.digits)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        return self.metrics()

    def test_trainer_and_evaluator(self):
        trained = self.run_example("trainer_plain.py")
        self.assertEqual((trained["examples"], trained["steps"]), (48, 480))
        self.assertGreater(trained["metrics"]["accuracy"], 0.9)
        task = gradmint.task()
        (self.dir / "parameters.safetensors").rename(self.dir / "global.safetensors")
        self.assertEqual({n: a.shape for n, a in task.load_arrays().items()}, {n: a.shape for n, a in self.tensors.items()})
        (self.dir / "metrics.json").unlink()
        judged = self.run_example("evaluator_plain.py")
        self.assertEqual(judged["examples"], 12)
        self.assertGreater(judged["metrics"]["accuracy"], 0.9)
        self.assertLess(judged["metrics"]["loss"], 1)

    def test_by_hand(self):
        del os.environ["GRADMINT_ROUND_DIR"]
        for name in ("trainer_plain.py", "evaluator_plain.py"):
            ended = self.run_program(EXAMPLES / name)
            self.assertEqual((ended.returncode, ended.stderr.count("\n")), (1, 1), ended.stderr)
            self.assertIn("GRADMINT_ROUND_DIR is not set", ended.stderr)


if __name__ == "__main__":
    unittest.main()
