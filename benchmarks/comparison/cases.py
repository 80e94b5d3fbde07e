"""What is compared: for each of our rules, the calls of other libraries that mean the same.

A case is built on given updates; each contender has `prepare` (outside the clock: what the call
consumes or changes is made anew) and `call` (inside it), which returns the aggregate.
"""

import importlib

import numpy as np

import byzfl_rules

F = 3  # of 16 updates: the most that Bulyan allows (16 >= 4 * 3 + 3)


def module(name):
    """The module, or None where it is not installed."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


class Contender:
    def __init__(self, name, call, prepare=None, same=True, note=""):
        self.name = name
        self.call = call
        self.prepare = prepare or (lambda: None)
        self.same = same  # whether its output is the same mathematics as ours
        self.note = note


class Case:
    """`rule` is ours, as compare_library.h reads it; tolerance is of the largest output."""

    def __init__(self, name, rule, contenders, weighted=False, tolerance=1e-5, ours=None):
        self.name = name
        self.rule = rule
        self.contenders = [each for each in contenders if each is not None]
        self.weighted = weighted
        self.tolerance = tolerance
        self.ours = ours  # another call of ours than run(rule)


class Peers:
    """The other libraries over one set of updates."""

    def __init__(self, updates, weights):
        self.x = updates
        self.weights = [int(weight) for weight in weights]
        self.torch = module("torch")
        self.byzfl = byzfl_rules.load()[0] if self.torch else None
        self.flower = module("flwr.server.strategy.aggregate")
        self.t = self.torch.from_numpy(updates) if self.torch else None

    def flower_results(self):
        return [([row], weight) for row, weight in zip(self.x, self.weights)]

    def flower_call(self, name, function, note=""):
        if self.flower is None:
            return None
        return Contender("Flower " + name, lambda results: function(self.flower, results)[0],
                         self.flower_results, note=note)

    def byzfl_calls(self, name, make, numpy_too=True):
        """ByzFL on a torch tensor and on a numpy array; a new object each time, since some keep state."""
        if self.byzfl is None:
            return []
        calls = [Contender(f"ByzFL {name}, torch", lambda rule: rule(self.t), lambda: make(self.byzfl))]
        if numpy_too:
            calls.append(Contender(f"ByzFL {name}, numpy", lambda rule: rule(self.x), lambda: make(self.byzfl)))
        return calls

    def byzfl_chain(self, name, make_pre, make_rule, changes_input):
        """A ByzFL pre-aggregation and a rule; its input is copied outside the clock where it is changed."""
        if self.byzfl is None:
            return []

        def call(prepared):
            pre, rule, vectors = prepared
            return rule(pre(vectors))

        def prepare():
            vectors = self.t.clone() if changes_input else self.t
            return make_pre(self.byzfl), make_rule(self.byzfl), vectors

        return [Contender(f"ByzFL {name}, torch", call, prepare)]

    def torch_call(self, name, function, **options):
        if self.torch is None:
            return None
        return Contender("PyTorch " + name, lambda _: function(self.torch, self.t), **options)


def flower_inplace(peers):
    """Flower's aggregate_inplace takes serialised arrays: reading them back is part of the call."""
    common = module("flwr.common")
    if common is None or peers.flower is None:
        return None
    status = common.Status(common.Code.OK, "")
    results = [(None, common.FitRes(status, common.ndarrays_to_parameters([row]), weight, {}))
               for row, weight in zip(peers.x, peers.weights)]
    return Contender("Flower aggregate_inplace", lambda _: peers.flower.aggregate_inplace(results)[0],
                     note="reads its serialised arrays")


def flower_records(peers):
    common, utilities = module("flwr.common"), module("flwr.serverapp.strategy.strategy_utils")
    if common is None or utilities is None:
        return None
    records = [common.RecordDict({"arrays": common.ArrayRecord([row]),
                                  "metrics": common.MetricRecord({"weight": weight})})
               for row, weight in zip(peers.x, peers.weights)]

    def call(_):
        merged = utilities.aggregate_arrayrecords(records, "weight")
        return next(iter(merged.values())).numpy()

    return Contender("Flower aggregate_arrayrecords", call, note="reads and writes serialised arrays")


def numpy_scaled_sum(peers):
    """The arithmetic of aggregate_arrayrecords alone: Flower's fastest path without its serialisation."""
    total = sum(peers.weights)

    def call(_):
        summed = peers.x[0] * np.float32(peers.weights[0] / total)
        for row, weight in zip(peers.x[1:], peers.weights[1:]):
            summed += row * np.float32(weight / total)
        return summed

    return Contender("numpy, aggregate_arrayrecords' arithmetic alone", call)


def mean_cases(peers):
    """Weighted and plain mean: memory speed, so on the largest arrays."""
    shares = np.asarray(peers.weights, dtype=np.float32) / np.float32(sum(peers.weights))
    weighted = [
        peers.flower_call("aggregate", lambda flower, results: flower.aggregate(results)),
        flower_inplace(peers),
        flower_records(peers),
        numpy_scaled_sum(peers),
        Contender("numpy average", lambda _: np.average(peers.x, axis=0, weights=peers.weights)),
        Contender("numpy shares @ updates (BLAS)", lambda _: shares @ peers.x,
                  note="sums in fp32, in whatever order BLAS takes"),
        peers.torch_call("shares @ updates", lambda torch, t: torch.from_numpy(shares) @ t,
                         note="sums in fp32, in whatever order BLAS takes"),
    ]
    plain = [
        Contender("numpy mean", lambda _: np.mean(peers.x, axis=0)),
        peers.torch_call("mean", lambda torch, t: torch.mean(t, 0)),
        *peers.byzfl_calls("Average", lambda byzfl: byzfl.Average(), numpy_too=False),
    ]
    scanned = [peers.flower_call("aggregate", lambda flower, results: flower.aggregate(results))]
    return [
        Case("weighted mean", "mean", weighted, weighted=True),
        Case("weighted mean, with intake's scan for the exponent", "mean", scanned, weighted=True,
             ours=lambda ours: (ours.scan(), ours.run("mean"))[1]),
        Case("mean", "mean", plain),
    ]


def order_cases(peers):
    def sort_and_trim(_):
        return np.sort(peers.x, axis=0)[F:-F].mean(axis=0)

    count = len(peers.x)
    share = F / count + 1e-9
    median = [
        Contender("numpy median", lambda _: np.median(peers.x, axis=0)),
        peers.flower_call("aggregate_median", lambda flower, results: flower.aggregate_median(results)),
        peers.torch_call("median", lambda torch, t: torch.median(t, 0).values, same=count % 2 == 1,
                         note="the lower of an even count"),
        *peers.byzfl_calls("Median", lambda byzfl: byzfl.Median()),
    ]
    trimmed = [
        Contender("numpy sort and trim", sort_and_trim),
        peers.flower_call("aggregate_trimmed_avg",
                          lambda flower, results: flower.aggregate_trimmed_avg(results, share)),
        peers.torch_call("sort and trim", lambda torch, t: torch.sort(t, 0).values[F:-F].mean(0)),
        *peers.byzfl_calls("TrMean", lambda byzfl: byzfl.TrMean(F)),
    ]
    return [Case("median", "median", median), Case("trimmed mean, f=3", f"trimmed_mean:f={F}", trimmed)]


def krum_cases(peers):
    kept = len(peers.x) - F
    return [
        Case("Krum, Flower's", f"krum:f={F},convention=flower", [
            peers.flower_call("aggregate_krum", lambda flower, results: flower.aggregate_krum(results, F, 0))]),
        Case("Krum, ByzFL's", f"krum:f={F},convention=byzfl",
             peers.byzfl_calls("Krum", lambda byzfl: byzfl.Krum(F))),
        Case("Multi-Krum, Flower's", f"multi_krum:f={F},m={kept},convention=flower", [
            peers.flower_call("aggregate_krum",
                              lambda flower, results: flower.aggregate_krum(results, F, kept))], weighted=True),
        Case("Multi-Krum, ByzFL's", f"multi_krum:f={F},convention=byzfl",
             peers.byzfl_calls("MultiKrum", lambda byzfl: byzfl.MultiKrum(F))),
    ]


def span_cases(peers):
    """Rules whose result lies in the span of the updates: ByzFL's iterate over all coordinates."""
    radius = float(np.median(np.linalg.norm(peers.x, axis=1))) / 2
    average = lambda byzfl: byzfl.Average()
    # PyTorch's norm of 1e6 fp32 values was off by 1.3e-5 (numpy's by 8e-8, ours after clipping by 7e-8, against
    # float64): what is scaled by a norm can agree no better.
    norms = 1e-4
    return [
        Case("geometric median, 8 steps", "geometric_median:nu=0.1,scale=absolute,steps=8",
             peers.byzfl_calls("GeometricMedian", lambda byzfl: byzfl.GeometricMedian(nu=0.1, T=8)),
             tolerance=norms),
        Case("centered clipping, 1 step", f"centered_clipping:tau={radius:.9g},steps=1",
             peers.byzfl_calls("CenteredClipping",
                               lambda byzfl: byzfl.CenteredClipping(L=1, tau=float(np.float32(f"{radius:.9g}")))),
             tolerance=norms),
        Case("NNM, then mean", f"nnm:f={F} mean",
             peers.byzfl_chain("NNM, Average", lambda byzfl: byzfl.NNM(F), average, False)),
        Case("NNM, then trimmed mean", f"nnm:f={F} trimmed_mean:f={F}",
             peers.byzfl_chain("NNM, TrMean", lambda byzfl: byzfl.NNM(F), lambda byzfl: byzfl.TrMean(F), False)),
        Case("clipping, then mean", f"clip:tau={radius:.9g} mean",
             peers.byzfl_chain("Clipping, Average",
                               lambda byzfl: byzfl.Clipping(c=float(np.float32(f"{radius:.9g}"))), average, True),
             tolerance=norms),
        Case("ARC, then mean", f"arc:f={F} mean",
             peers.byzfl_chain("ARC, Average", lambda byzfl: byzfl.ARC(F), average, True), tolerance=norms),
    ]


def slow_cases(peers):
    """Rules whose counterparts take seconds on large arrays."""
    return [
        Case("Bulyan, iterative", f"bulyan:f={F},convention=iterative", [
            peers.flower_call("aggregate_bulyan", lambda flower, results: flower.aggregate_bulyan(
                results, F, flower.aggregate_krum, to_keep=0))]),
        Case("MDA", f"mda:f={F}", peers.byzfl_calls("MDA", lambda byzfl: byzfl.MDA(F))),
    ]


# Each group with the share of --size it is measured at: what the others can do in a bearable time
# (torch.quantile, which ByzFL's median uses, refuses more than 16 million values).
GROUPS = [(mean_cases, 1.0), (order_cases, 0.1), (krum_cases, 0.1), (span_cases, 0.1), (slow_cases, 0.02)]
