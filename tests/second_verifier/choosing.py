"""Rules that choose among points by their distances: Krum and its kin, Bulyan's selection, MDA; and the rules that
iterate in the span of the points: geometric median and centered clipping (docs/kernels.md, Aggregators)."""

import itertools
import math

from geometry import sequential
from specification import BYZFL, FLOWER, PAPER

NEGLIGIBLE = 2.0**-25


def krum_scores(points, f, convention):
    n = points.n
    count = n - f - 1 if convention == BYZFL else n - f - 2
    if convention == FLOWER:
        count = min(n - 1, max(1, count))
    scores = []
    for i, row in enumerate(points.between):
        others = sorted(row[:i] + row[i + 1 :])
        score = sequential(others[:count])
        scores.append(score / count if convention == BYZFL and count else score)
    return scores


def lowest(scores, kept):
    return sorted(sorted(range(len(scores)), key=lambda i: scores[i])[:kept])


def multi_krum_count(n, f, m, convention):
    if m:
        return m
    return 1 if convention == FLOWER else n - f


def bulyan_selection(points, f, one_shot):
    theta = points.n - 2 * f
    if one_shot:
        return lowest(krum_scores(points, f, PAPER), theta)
    left, chosen = list(range(points.n)), []
    while len(chosen) < theta:
        count = min(len(left) - 1, max(1, len(left) - f - 2))
        scores = []
        for i in left:
            scores.append(sequential(sorted(points.between[i][j] for j in left if j != i)[:count]))
        chosen.append(left.pop(scores.index(min(scores))))
    return sorted(chosen)


def minimum_diameter(points, f):
    """The n - f points whose largest distance is smallest; of equal ones the lexicographically lowest set."""
    best, chosen = math.inf, None
    for subset in itertools.combinations(range(points.n), points.n - f):
        diameter = max((points.between[i][j] for i, j in itertools.combinations(subset, 2)), default=0.0)
        if chosen is None or diameter < best:
            best, chosen = diameter, subset
    return list(chosen)


def without_negligible(values):
    most = max(values)
    return [0.0 if each < most * NEGLIGIBLE else each for each in values]


def geometric_median(points, nu, absolute, steps):
    """The share of each point; they sum to one."""
    if not absolute:
        nu *= math.sqrt(sorted(points.to_start)[(points.n - 1) // 2])
    squares, shares = points.to_start, []
    for step in range(steps):
        if step:
            squares = points.distances_to(shares, 0.0)
        distances = [max(nu, math.sqrt(square)) for square in squares]
        if 0.0 in distances:
            weights = [1.0 if each == 0.0 else 0.0 for each in distances]
        else:
            weights = [1.0 / each for each in distances]
        weights = without_negligible(weights)
        total = sequential(weights)
        shares = [each / total for each in weights]
    return shares


def centered_clipping(points, tau, steps):
    """(the share of each point, that of the zero vector)."""
    n = float(points.n)
    shares, start, squares = [0.0] * points.n, 1.0, points.to_start
    for step in range(steps):
        if step:
            squares = points.distances_to(shares, start)
        pulls = []
        for square in squares:
            distance = math.sqrt(square)
            pulls.append(tau / distance if distance > tau else 1.0)
        pulls = without_negligible(pulls)
        stays = 1.0 - sequential(pulls) / n
        shares = [share * stays + pull / n for share, pull in zip(shares, pulls)]
        start *= stays
    return shares, start
