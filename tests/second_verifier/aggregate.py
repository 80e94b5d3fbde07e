"""From accepted updates to the next model: pre-aggregation, aggregator, optimizer, buffers and scores.

docs/kernels.md is what it follows. Preconditions (specification.can_be_done) hold; every update is finite and within
2^E, so that of the rules' errors only a result that is not finite is left.
"""

import math

import choosing
import optimizers
from fixed_point import all_finite, exact_mean, exponent_of, fp32, round_exponent, shift_of
from geometry import Points, gram_matrix, mixed_points, nearest_members, points_of
from specification import FLOWER, values_of

LARGEST_WEIGHT = 1 << 24
ORDER_STATISTICS = ("median", "trimmed_mean", "bulyan")


class NotFinite(Exception):
    pass


class Outcome:
    """What an aggregation says of each update, beside model and state."""

    def __init__(self, n):
        self.clips, self.coefficients, self.scores = [1.0] * n, [0] * n, [0.0] * n
        self.outside, self.delta = [0] * n, []


def clip_factors(pre, gram):
    """The factor of each update from clip and arc, each by the norms after the one before."""
    norms = [math.sqrt(gram[i][i]) for i in range(len(gram))]
    factors = [1.0] * len(norms)
    for step in pre:
        if step["name"] == "nnm":
            continue
        lengths = [norm * factor for norm, factor in zip(norms, factors)]
        limit = values_of(step).get("tau")
        if step["name"] == "arc":
            n, f = len(lengths), int(values_of(step)["f"])
            limit = sorted(lengths)[n - 2 * f * (n - f) // n - 1]
        factors = [c * (limit / each if each > limit else 1.0) for c, each in zip(factors, lengths)]
    return factors


def shares_of(step, points, weights, outcome):
    """(coefficients of the points, the zero vector's, their total) of a rule that ends in a mean."""
    name, values, n = step["name"], values_of(step), len(weights)
    if name == "mean":
        chosen, weighted = range(n), True
    elif name == "geometric_median":
        shares = choosing.geometric_median(points, values["nu"], values["scale"] == 1, int(values["steps"]))
        return shares, 0.0, 1.0
    elif name == "centered_clipping":
        shares, start = choosing.centered_clipping(points, values["tau"], int(values["steps"]))
        return shares, start, 1.0
    elif name == "mda":
        chosen, weighted = choosing.minimum_diameter(points, int(values["f"])), False
    else:
        f, convention = int(values["f"]), int(values["convention"])
        outcome.scores = choosing.krum_scores(points, f, convention)
        m = 1 if name == "krum" else choosing.multi_krum_count(n, f, int(values["m"]), convention)
        chosen, weighted = choosing.lowest(outcome.scores, m), convention == FLOWER
    shares = [0.0] * n
    for i in chosen:
        shares[i] = float(weights[i]) if weighted else 1.0
    return shares, 0.0, float(sum(int(share) for share in shares))


def unmixed(shares, start, total, members):
    """What a combination of mixtures is of the updates that were mixed."""
    k = float(len(members[0]))
    of_updates = [0.0] * len(shares)
    for share, mixed in zip(shares, members):
        for j in mixed:
            of_updates[j] += share
    return of_updates, start * k, total * k


def whole_weights(shares, start, total):
    """(whole weights, divisor). The zero vector has no row: its share only enlarges the divisor."""
    largest = max(shares)
    whole = all(share == int(share) and share <= LARGEST_WEIGHT for share in shares)
    weights = [int(share) if whole else round(share / largest * LARGEST_WEIGHT) for share in shares]
    if start > 0.0:
        return weights, total if whole else total * LARGEST_WEIGHT / largest
    return weights, float(sum(weights))


def take_mean(step, updates, weights, scale, members, points, outcome):
    exponent, shift = scale
    shares, start, total = shares_of(step, points, weights, outcome)
    if members:
        shares, start, total = unmixed(shares, start, total, members)
    outcome.coefficients, divisor = whole_weights(shares, start, total)
    if step["name"] != "mean" or members:
        shift = shift_of(exponent, max(outcome.coefficients))
    used = [i for i, coefficient in enumerate(outcome.coefficients) if coefficient]
    factors = [math.ldexp(outcome.coefficients[i] * outcome.clips[i], shift) for i in used]
    outcome.delta = exact_mean([updates[i] for i in used], factors, divisor, shift)


def rows_seen(updates, chosen, clips, members, exponent):
    """What an order statistic sees in place of the chosen updates: themselves clipped, or mixtures of all."""
    if not members:
        return [[x for x in fp32(v * clips[i] for v in updates[i])] if clips[i] != 1.0 else updates[i] for i in chosen]
    shift = shift_of(exponent, 1)
    rows = []
    for i in chosen:
        factors = [math.ldexp(clips[j], shift) for j in members[i]]
        rows.append(exact_mean([updates[j] for j in members[i]], factors, float(len(members[i])), shift))
    return rows


def kept_window(name, ordered, dropped, kept):
    """The first of the `kept` sorted values that stay."""
    if name == "trimmed_mean":
        return dropped
    n, first = len(ordered), 0
    median = fp32([(ordered[(n - 1) // 2] + ordered[n // 2]) / 2])[0]
    while first + kept < n and ordered[first + kept] - median < median - ordered[first]:
        first += 1
    return first


def order_statistic(name, rows, dropped, kept, exponent):
    """(the values, per row how many of its own lie strictly outside what was kept)."""
    n, outside, values = len(rows), [0] * len(rows), []
    scale, unscale = math.ldexp(1.0, shift_of(exponent, 1)), math.ldexp(1.0, -shift_of(exponent, 1))
    for column in zip(*rows):
        ordered = sorted(column)
        if name == "median":
            low, high = ordered[(n - 1) // 2], ordered[n // 2]
            values.append((low + high) / 2)
        else:
            first = kept_window(name, ordered, dropped, kept)
            low, high = ordered[first], ordered[first + kept - 1]
            total = sum(round(x * scale) for x in ordered[first : first + kept])
            values.append(float(total) / float(kept) * unscale)
        if ordered[0] < low or high < ordered[-1]:
            for i, x in enumerate(column):
                outside[i] += x < low or high < x
    return fp32(values), outside


def take_order_statistic(step, updates, exponent, members, points, outcome):
    name, values, n = step["name"], values_of(step), len(updates)
    chosen, dropped, kept = range(n), 0, n
    if name == "trimmed_mean":
        dropped = int(values["f"]) if values["beta"] == 0 else math.floor(values["beta"] * n + 2.0**-20)
        kept = n - 2 * dropped
        if kept < 1:  # a share of all but a half: 0 / 0, which is no number
            raise NotFinite
    elif name == "bulyan":
        f = int(values["f"])
        outcome.scores = choosing.krum_scores(points, f, choosing.PAPER)
        chosen = choosing.bulyan_selection(points, f, values["convention"] == 1)
        kept = n - 4 * f
    rows = rows_seen(updates, chosen, outcome.clips, members, exponent)
    outcome.delta, outside = order_statistic(name, rows, dropped, kept, exponent)
    for place, i in enumerate(chosen):
        outcome.coefficients[i], outcome.outside[i] = 1, outside[place]


def combine(aggregation, updates, weights, scale, gram):
    """The aggregate of the updates and what it says of each. `scale` is (E, s) of the close."""
    outcome = Outcome(len(updates))
    pre, step = aggregation["pre"], aggregation["aggregator"]
    points = Points([], [])
    if pre or step["name"] not in ("mean", "median", "trimmed_mean"):
        outcome.clips = clip_factors(pre, gram)
        points = points_of(gram, updates, outcome.clips)
    members = None
    if pre and pre[-1]["name"] == "nnm":
        members = nearest_members(points, int(values_of(pre[-1])["f"]))
        points = mixed_points(points, members)
    if step["name"] in ORDER_STATISTICS:
        take_order_statistic(step, updates, scale[0], members, points, outcome)
    else:
        take_mean(step, updates, weights, scale, members, points, outcome)
    return outcome


def next_buffers(aggregator, updates, weights, buffers):
    """Running statistics: by weight where the aggregator is the mean, else the median of each value."""
    if not buffers:
        return []
    if aggregator != "mean":
        delta, _ = order_statistic("median", updates, 0, 0, 0)
    else:
        exponents = [exponent_of(update) for update in updates]
        most = round_exponent(exponents)
        taken = [i for i, exponent in enumerate(exponents) if exponent <= most]
        shift = shift_of(most, max(weights[i] for i in taken))
        factors = [math.ldexp(float(weights[i]), shift) for i in taken]
        delta = exact_mean([updates[i] for i in taken], factors, float(sum(weights[i] for i in taken)), shift)
    return finite(fp32(a + b for a, b in zip(buffers, delta)))


def finite(values):
    if not all_finite(values):
        raise NotFinite
    return values


def next_model(aggregation, outcome, model, state):
    optimizer = aggregation["optimizer"]
    model, state = optimizers.step(optimizer["name"], values_of(optimizer), model, outcome.delta, state)
    return finite(model), finite(state)


def cosine_scores(gram, coefficients):
    """Of each update with the sum of the others' coefficient * update, in parts per million, at least 0."""
    scores = []
    for i in range(len(gram)):
        towards = diagonal = off_diagonal = 0.0
        for j, c in enumerate(coefficients):
            if j == i:
                continue
            towards += c * gram[i][j]
            diagonal += c * c * gram[j][j]
            row = 0.0
            for k in range(j):
                if k != i:
                    row += coefficients[k] * gram[j][k]
            off_diagonal += c * row
        others = diagonal + 2.0 * off_diagonal
        if not (towards > 0.0 and others > 0.0 and gram[i][i] > 0.0):
            scores.append(0)
            continue
        cosine = towards / (math.sqrt(gram[i][i]) * math.sqrt(others))
        scores.append(round(cosine * 1e6 if cosine < 1.0 else 1e6))
    return scores


def scores_of(gram, outcome):
    """The agreement scores; the only one of several that put values into the result is the result, and has 1."""
    coefficients = [coefficient * clip for coefficient, clip in zip(outcome.coefficients, outcome.clips)]
    scores = cosine_scores(gram, coefficients)
    put_in = [i for i, coefficient in enumerate(outcome.coefficients) if coefficient and gram[i][i] > 0.0]
    if len(put_in) == 1 and len(gram) > 1:
        scores[put_in[0]] = 1_000_000
    return scores
