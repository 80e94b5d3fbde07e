"""Tests of packaging/help_tree.py and of what is made of a tree, with a help made up for it."""

import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "packaging"))

import completion  # noqa: E402
import help_tree  # noqa: E402
import manual  # noqa: E402

SAID = r"""Does a thing
Usage: thing [OPTIONS] which [files...] SUBCOMMAND

Positionals:
  which TEXT:{one,two} REQUIRED
                              one or two
  files IN.safetensors ...    Files

Options:
  -h,--help                   Print this help message and exit
  -o,--output FILE REQUIRED   Where to
  --count INT:INT in [1 - 9]=3
                              How many
  --rule NAME[:parameter=value,...]=mean
                              How it is done: mean, median
  --late TEXT:{a,b} Needs: --count
                              A list, which is long
  --device TEXT=auto          auto, cpu or cuda:N
  --note TEXT                 A word or two

Rest:
  --flag                      .begins with a dot and has a \


Subcommands:
  first                       The first

Files are sorted.
Example:
  thing --note 'it is'
"""


class Tree(unittest.TestCase):
    def setUp(self):
        self.command = help_tree.parse(["thing"], SAID)
        self.options = {entry.names[-1]: entry for _, found in self.command.options for entry in found}

    def test_every_part_is_read(self):
        self.assertEqual(self.command.what, "Does a thing")
        self.assertEqual([title for title, _ in self.command.options], ["Options", "Rest"])
        self.assertEqual(list(self.options), ["--help", "--output", "--count", "--rule", "--late", "--device", "--note",
                                              "--flag"])
        self.assertEqual([entry.names for entry in self.command.commands], [["first"]])
        self.assertTrue(self.command.closing.startswith("Files are sorted.\nExample:\n  thing"))

    def test_values_are_taken_apart(self):
        output, count, late = (self.options[name] for name in ("--output", "--count", "--late"))
        self.assertEqual((output.names, output.kind, output.required), (["-o", "--output"], "FILE", True))
        self.assertEqual((count.kind, count.limits, count.preset), ("INT", "INT in [1 - 9]", "3"))
        self.assertEqual((late.choices, late.needs), (["a", "b"], "--count"))
        self.assertEqual((self.options["--rule"].kind, self.options["--rule"].preset), ("NAME[:parameter=value,...]", "mean"))
        self.assertTrue(self.command.positionals[1].repeated)
        self.assertEqual(self.options["--flag"].kind, "")

    def test_what_is_offered(self):
        offered = {name: completion.values_of(entry) for name, entry in self.options.items() if entry.kind}
        self.assertEqual(offered, {"--output": ["FILE"], "--count": ["-"], "--rule": ["mean", "median"],
                                   "--late": ["a", "b"], "--device": ["auto", "cpu", "cuda:N"], "--note": ["-"]})

    def test_a_page_says_what_it_was_told(self):
        page = manual.page(self.command, "1", [])
        self.assertIn("\n\\&.begins with a dot and has a \\e.\n", page)
        self.assertIn("\nthing \\-\\-note \\(aqit is\\(aq\n", page)
        self.assertIn("\\fIone|two\\fR (required)", page)

    def test_what_cannot_be_read_is_refused(self):
        for said in ("Does a thing\n", "x\nUsage: x\nOptions:\n  --a INT{1,2} x\n                              y\n",
                     "x\nUsage: x\nOptions:\n  --a   \n   b\n"):
            with self.subTest(said), self.assertRaises(help_tree.Unreadable):
                help_tree.parse(["x"], said)


if __name__ == "__main__":
    unittest.main()
