"""Makes ledgers for the tests with the product's own programs: whole federations of processes on this machine."""

import json
import os
import random
import subprocess
import sys
import time

import toy_site

HERE = os.path.dirname(os.path.abspath(__file__))
SITE = os.path.join(HERE, "toy_site.py")


class Failed(Exception):
    pass


def run(words, folder=None, status=0, seconds=300):
    """A program's standard output; Failed with what it said where it ends otherwise."""
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=seconds, cwd=folder)
    if done.returncode != status:
        raise Failed(f"{' '.join(words)} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def write_initial(path, values, with_buffers, seed=1):
    """A model of about so many parameters, and running statistics as buffers."""
    rng = random.Random(seed)
    rows = max(1, values // 75)
    tensors = [("weight", [rows, 75], [rng.gauss(0, 0.3) for _ in range(75 * rows)]), ("bias", [7], [0.0] * 7)]
    if with_buffers:
        tensors += [("running_mean", [5], [0.0] * 5), ("running_var", [5], [1.0] * 5)]
    toy_site.write_model(path, tensors)


class Maker:
    def __init__(self, programs, folder):
        self.programs, self.folder = programs, folder

    def program(self, name):
        return os.path.join(self.programs, name)

    def export(self, home, name):
        path = os.path.join(self.folder, name + ".bundle")
        ledger = os.path.join(home, "ledger")
        run([self.program("gradmint"), "audit", "export", "--blobs", "-o", path, "--ledger", ledger])
        return path

    def dev(self, name, words, workers=4, rounds=2, values=300, buffers=False, sites="", seed=1):
        """A federation by `gradmint dev` with made-up updates; its bundle's path."""
        home = os.path.join(self.folder, name)
        initial = home + ".safetensors"
        write_initial(initial, values, buffers, seed)
        python = f"'{sys.executable}' -B '{SITE}'"
        run([self.program("gradmint"), "dev", "--workers", str(workers), "--rounds", str(rounds), "--home", home,
             "--seed", str(seed), "--device", "cpu", "--initial", initial, "--trainer", f"{python} train '{sites}'",
             "--evaluator", f"{python} evaluate", *words])
        return self.export(os.path.join(home, "coordinator"), name)

    def dev_table(self, name, words, workers=3, rounds=1):
        """A federation of built-in training on a made-up table, whose scaler comes from the sites."""
        rng, table = random.Random(7), os.path.join(self.folder, name + ".csv")
        with open(table, "w", encoding="utf-8") as file:
            file.write("age,dose,constant,outcome\n")
            for _ in range(150):
                age, dose = rng.randrange(20, 90), rng.gauss(3, 0.7)
                file.write(f"{age},{dose:.4f},4,{5 * dose - age / 7 + rng.gauss(0, 1):.5f}\n")
        home = os.path.join(self.folder, name)
        run([self.program("gradmint"), "dev", "--workers", str(workers), "--rounds", str(rounds), "--home", home,
             "--device", "cpu", "--data", "csv:" + table, "--scaler", "sites", *words])
        return self.export(os.path.join(home, "coordinator"), name)


SETTINGS = """[chain]
name = "by hand"
enrolment = "open"
[network]
join = "tcp://127.0.0.1:0"
work = "tcp://127.0.0.1:0"
[task]
model = "external"
objective = "classification"
initial = "INITIAL"
[rounds]
count = COUNT
min_workers = 3
suspend_after = 1
stall_deadline_ms = 4000
[training]
encoding = "int8"
[aggregation]
aggregator = "mean"
optimizer = "adam:lr=0.1"
[evaluation]
by = "workers"
[limits]
rotation_delay_blocks = 2
[rewards]
RULE
[keys]
scrypt_log2_n = 10
[run]
backend = "cpu"
"""


OWN_RULE = """function on_round_close(event)
  for i = 1, event.count do
    if event.accepted[i] then mint(event.accounts[i], event.pool // (2 * event.count)) end
  end
end
"""
OWN_MANIFEST = """name = "half"
version = 1
abi = 1
capabilities = ["mint"]
mint_budget_ppm = 500000
max_effects = 100
"""


class Federation:
    """A coordinator's home and workers' homes in one folder, and what is done with them by the programs."""

    def __init__(self, maker, name):
        self.maker, self.folder = maker, os.path.join(maker.folder, name)
        self.home, self.passphrase = self.file("coordinator"), self.file("passphrase")
        self.processes = []

    def file(self, name):
        return os.path.join(self.folder, name)

    def worker(self, number):
        return self.file(f"worker-{number}")

    def start(self, words, log):
        with open(self.file(log), "ab") as file:
            process = subprocess.Popen([*words, "--passphrase-file", self.passphrase], stdout=file,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL)
        self.processes.append(process)
        return process

    def start_coordinator(self, *more):
        program = self.maker.program("gradmint-coordinator")
        self.start([program, "run", "--home", self.home, "--events", "jsonl", *more], "events")
        self.await_event("started")

    def coordinator(self, *words):
        return run([self.maker.program("gradmint-coordinator"), *words, "--home", self.home])

    def gradmint(self, *words, status=0):
        return run([self.maker.program("gradmint"), *words, "--passphrase-file", self.passphrase], status=status)

    def await_event(self, event, seconds=120):
        """Until the coordinator has told an event."""
        end = time.monotonic() + seconds
        while True:
            with open(self.file("events"), encoding="utf-8") as file:
                told = [json.loads(line) for line in file if line.startswith("{") and line.endswith("\n")]
            if any(each["event"] == event for each in told):
                return
            if time.monotonic() > end:
                raise Failed(f"the coordinator did not tell '{event}'")
            time.sleep(0.05)

    def end(self):
        for process in reversed(self.processes):
            process.terminate()
        for process in reversed(self.processes):
            process.wait(60)

    def address(self, number):
        key = os.path.join(self.worker(number), "keys", "worker.json")
        return json.loads(self.gradmint("keys", "show", key, "--format", "json"))["address"]

    def pay(self, number, to, amount, memo="", status=0):
        return self.gradmint("wallet", "transfer", to, amount, "--home", self.worker(number), "--memo", memo,
                             status=status)

    def rotate(self, number, *more):
        return json.loads(self.gradmint("keys", "rotate", "--home", self.worker(number), "--format", "json", *more))

    def live_on(self):
        """What members do beside training: pay, be suspended and readmitted, change keys."""
        first, second, third = (self.address(number) for number in (1, 2, 3))
        made = self.gradmint("keys", "new", self.file("purse.json"), "--format", "json")
        self.pay(1, json.loads(made)["address"], "2.5", "an account that nobody registered")
        self.pay(1, second, "1.000000001")
        self.pay(2, second, "3", "to itself")
        self.pay(1, second, "1000000", status=1)
        self.coordinator("member", "suspend", third, "--reason", "a word of the operator")
        self.coordinator("member", "readmit", third)
        self.rotate(2)
        self.pay(2, first, "0.5", "by another key")
        keys = self.rotate(3, "--lost")
        ask = ["member", "rotate", third, "--public-key", keys["public_key"], "--curve-key", keys["curve_key"]]
        self.coordinator(*ask)  # noted with the height from which on it holds
        return third, ask

    def export(self):
        return self.maker.export(self.home, os.path.basename(self.folder))


class Reopened(Federation):
    """The coordinator of a finished `gradmint dev`, started again so that its members can do something else."""

    def __init__(self, maker, name):
        super().__init__(maker, name)
        path = os.path.join(self.home, "config.toml")
        with open(path, encoding="utf-8") as file:
            text = file.read()
        with open(path, "w", encoding="utf-8") as file:
            file.write(text.replace("exit_when_finished = true", "exit_when_finished = false"))
        with open(os.path.join(self.worker(1), "connection.json"), encoding="utf-8") as file:
            self.start_coordinator("--join", json.load(file)["join"])  # where its workers know it


class ByHand(Federation):
    """A coordinator and three workers, each started by itself: open enrolment, evaluation by workers, a member that
    is silent in round 2 and suspended for it, and then transfers, members and keys."""

    def __init__(self, maker, name, count=3, own_rule=False):
        super().__init__(maker, name)
        initial = self.file("initial.safetensors")
        os.makedirs(self.folder)
        write_initial(initial, 300, with_buffers=True)
        rule = 'rule_file = "rule.lua"\nmanifest_file = "rule.toml"' if own_rule else 'rule = "linear"'
        settings = SETTINGS.replace("INITIAL", initial).replace("COUNT", str(count)).replace("RULE", rule)
        for path, text in [(self.passphrase, "of the test\n"), (self.file("settings.toml"), settings),
                           (self.file("rule.lua"), OWN_RULE), (self.file("rule.toml"), OWN_MANIFEST)]:
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(self.passphrase, 0o600)

    def rounds(self):
        run([self.maker.program("gradmint-coordinator"), "init", "--home", self.home, "--config",
             self.file("settings.toml"), "--passphrase-file", self.passphrase])
        self.start_coordinator()
        python = f"'{sys.executable}' -B '{SITE}'"
        for number in (1, 2, 3):
            invitation = self.coordinator("invite").split()[0]
            self.start([self.maker.program("gradmint-worker"), "join", invitation, "--home", self.worker(number),
                        "--name", f"site {number}", "--trainer", f"{python} train '3:sleep@2'",
                        "--evaluator", f"{python} evaluate", "--samples", "400", "--threads", "1"], f"log-{number}")
        self.await_event("finished")
        for process in self.processes[1:]:
            process.wait(60)

    def change_keys(self, third, ask):
        self.pay(1, self.address(1), "1", "to oneself: another block")
        self.coordinator(*ask)
        self.rotate(3)
        self.pay(3, self.address(1), "0.25", "by the operator's key")
