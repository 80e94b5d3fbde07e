"""The rules by name: parameters in their order and ranges, and how many updates each needs (docs/kernels.md)."""

import math

from fixed_point import from_bits32

LARGEST = from_bits32(0x7F7FFFFF)


def whole(least, most):
    return lambda x: least <= x <= most and x == math.floor(x)


def above_zero(x):
    return 0 < x <= LARGEST


def share(x):
    return 0 <= x <= 1


FAULTS = ("f", whole(0, 4094))
RATE, BETA1, BETA2, EPS = ("lr", above_zero), ("beta1", share), ("beta2", share), ("eps", above_zero)

PRE = {"clip": [("tau", above_zero)], "arc": [FAULTS], "nnm": [FAULTS]}
AGGREGATORS = {
    "mean": [],
    "median": [],
    "trimmed_mean": [FAULTS, ("beta", lambda x: 0 <= x < 0.5)],
    "krum": [FAULTS, ("convention", whole(0, 2))],
    "multi_krum": [FAULTS, ("m", whole(0, 4095)), ("convention", whole(0, 2))],
    "bulyan": [FAULTS, ("convention", whole(0, 1))],
    "geometric_median": [("nu", above_zero), ("scale", whole(0, 1)), ("steps", whole(1, 10000))],
    "centered_clipping": [("tau", above_zero), ("steps", whole(1, 10000))],
    "mda": [FAULTS],
}
OPTIMIZERS = {
    "plain": [RATE],
    "momentum": [RATE, ("beta", share)],
    "nesterov": [RATE, ("beta", share)],
    "adagrad": [RATE, BETA1, EPS],
    "adam": [RATE, BETA1, BETA2, EPS],
    "yogi": [RATE, BETA1, BETA2, EPS],
}
MOMENTS = {"plain": 0, "momentum": 1, "nesterov": 1, "adagrad": 2, "adam": 2, "yogi": 2}
PAPER, BYZFL, FLOWER = 0, 1, 2  # Krum's conventions
MAX_SUBSETS = 5_000_000


def values_of(step):
    return {p["name"]: from_bits32(p["bits"]) for p in step["parameters"]}


def step_stands(step, rules):
    known = rules.get(step["name"])
    if known is None or [p["name"] for p in step["parameters"]] != [name for name, _ in known]:
        return False
    for parameter, (_, fits) in zip(step["parameters"], known):
        value = from_bits32(parameter["bits"])
        if not math.isfinite(value) or not fits(value) or parameter["bits"] == 0x80000000:
            return False
    return True


def stands(aggregation):
    """Whether every name is known, all parameters are there in their order and range, and nothing contradicts."""
    names = [step["name"] for step in aggregation["pre"]]
    if not all(step_stands(step, PRE) for step in aggregation["pre"]) or len(set(names)) != len(names):
        return False
    if "nnm" in names[:-1] or not step_stands(aggregation["aggregator"], AGGREGATORS):
        return False
    values = values_of(aggregation["aggregator"])
    if aggregation["aggregator"]["name"] == "trimmed_mean" and values["f"] != 0 and values["beta"] != 0:
        return False
    return step_stands(aggregation["optimizer"], OPTIMIZERS)


def least_updates(step):
    """The fewest updates with which a step can be done."""
    name, values = step["name"], values_of(step)
    f = int(values.get("f", 0))
    if name in ("arc", "nnm"):
        return f + 1
    if name in ("trimmed_mean", "mda"):
        return 2 * f + 1
    if name == "bulyan":
        return 4 * f + 3
    if name in ("krum", "multi_krum"):
        least = {PAPER: 2 * f + 3, BYZFL: 2 * f + 1, FLOWER: f + 1}[int(values["convention"])]
        return max(least, int(values.get("m", 0)))
    return 1


def can_be_done(aggregation, n):
    if any(n < least_updates(step) for step in [*aggregation["pre"], aggregation["aggregator"]]):
        return False
    if aggregation["aggregator"]["name"] != "mda":
        return True
    return math.comb(n, int(values_of(aggregation["aggregator"])["f"])) <= MAX_SUBSETS
