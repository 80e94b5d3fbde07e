"""One step of a server optimizer, in fp32 with every operation rounded by itself (docs/kernels.md, optimizers)."""

import math

from fixed_point import fp32, fp32_as_is
from specification import MOMENTS


def times(values, factor):
    return fp32_as_is(x * factor for x in values)


def plus(left, right):
    return fp32_as_is(a + b for a, b in zip(left, right))


def canonical(values):
    return [x + 0.0 for x in values]


def second_moment(name, second, squared, beta2):
    if name == "adagrad":
        return plus(second, squared)
    rest = fp32([1.0 - beta2])[0]
    move = times(squared, rest)
    if name == "adam":
        return plus(times(second, beta2), move)
    signed = [-m if s < v else m if v < s else 0.0 for m, s, v in zip(move, squared, second)]
    return plus(second, signed)


def step(name, values, model, delta, state):
    """(the new model, the new state). `state` has all first moments, then all second ones."""
    rate = values["lr"]
    if MOMENTS[name] == 0:
        return canonical(plus(model, times(delta, rate))), []
    count = len(model)
    first, second = state[:count], state[count:]
    if MOMENTS[name] == 1:
        first = canonical(plus(times(first, values["beta"]), delta))
        move = first if name == "momentum" else plus(delta, times(first, values["beta"]))
        return canonical(plus(model, times(move, rate))), first
    rest = fp32([1.0 - values["beta1"]])[0]
    first = canonical(plus(times(first, values["beta1"]), times(delta, rest)))
    squared = fp32_as_is(d * d for d in delta)
    second = canonical(second_moment(name, second, squared, values.get("beta2", 0.0)))
    roots = fp32_as_is(math.sqrt(v) for v in second)
    below = fp32_as_is(root + values["eps"] for root in roots)
    move = fp32_as_is(up / down for up, down in zip(times(first, rate), below))
    return canonical(plus(model, move)), first + second
