"""Dot products, norms and distances from exact integers (docs/kernels.md, Dot products)."""

import math
from operator import mul

BLOCK = 4096
MOST = 16383


def block_shift(largest):
    """The largest k with round(largest * 2^k) <= 16383; 0 of zeros."""
    if largest == 0:
        return 0
    shift = 14 - math.frexp(largest)[1]
    return shift if round(math.ldexp(largest, shift)) <= MOST else shift - 1


def blocks_of(values):
    """[(k, integers), ...] for each 4096 values."""
    blocks = []
    for begin in range(0, len(values), BLOCK):
        block = values[begin : begin + BLOCK]
        shift = block_shift(max(map(abs, block)))
        scale = math.ldexp(1.0, shift)
        blocks.append((shift, [round(x * scale) for x in block]))
    return blocks


def tree_sum(values):
    """Neighbours pairwise, level by level, an odd last one carried up."""
    while len(values) > 1:
        pairs = [a + b for a, b in zip(values[::2], values[1::2])]
        values = pairs + values[len(values) - len(values) % 2 :]
    return values[0] if values else 0.0


def dot(a, b):
    return tree_sum([math.ldexp(float(sum(map(mul, x, y))), -k - l) for (k, x), (l, y) in zip(a, b)])


def gram_matrix(updates):
    blocks = [blocks_of(update) for update in updates]
    gram = [[0.0] * len(updates) for _ in updates]
    for i, a in enumerate(blocks):
        for j in range(i + 1):
            gram[i][j] = gram[j][i] = dot(a, blocks[j])
    return gram


def difference(a, factor_a, b, factor_b):
    """The squared distance of c_a * a and c_b * b from the blocks of their differences."""
    apart = blocks_of([x * factor_a - y * factor_b for x, y in zip(a, b)])
    return dot(apart, apart)


class Points:
    """The updates after clipping, or their mixtures, by squared distances alone."""

    def __init__(self, between, to_start):
        self.n, self.between, self.to_start = len(to_start), between, to_start

    def distances_to(self, shares, start_share):
        """Squared, from each point to the sum of shares[j] * point j + start_share * the zero vector."""
        squares, from_start = [], 0.0
        for i in range(self.n):
            total = 0.0
            for share, square in zip(shares, self.between[i]):
                total += share * square
            squares.append(total + start_share * self.to_start[i])
            from_start += shares[i] * self.to_start[i]
        spread = start_share * from_start
        for share, square in zip(shares, squares):
            spread += share * square
        return [max(0.0, square - 0.5 * spread) for square in squares]


def points_of(gram, updates, factors):
    n = len(updates)
    between = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            ci, cj = factors[i], factors[j]
            both = (ci * ci) * gram[i][i] + (cj * cj) * gram[j][j]
            square = max(0.0, both - 2.0 * ((ci * cj) * gram[i][j]))
            if square < 1e-6 * both:
                square = difference(updates[i], ci, updates[j], cj)
            between[i][j] = between[j][i] = square
    return Points(between, [(c * c) * gram[i][i] for i, c in enumerate(factors)])


# --- Mixing with the nearest: each becomes the mean of the n - f nearest to it, itself among them.


def nearest_members(points, f):
    """Of each point who is mixed into it, ascending; of equal distances the lower index."""
    members = []
    for row in points.between:
        order = sorted(range(points.n), key=lambda j: row[j])
        members.append(sorted(order[: points.n - f]))
    return members


def mixed_points(points, members):
    """Q = M D M^T / k^2; the squared distance of two mixtures is Q_ij - (Q_ii + Q_jj) / 2."""
    n, k = points.n, float(len(members[0]))
    # T = M D row by row; then M T^T, sums in ascending index.
    once = [[sequential(points.between[j][l] for j in members[i]) for l in range(n)] for i in range(n)]
    twice = [[sequential(once[j][l] for l in members[i]) for j in range(n)] for i in range(n)]
    q = [[twice[j][i] / (k * k) for j in range(n)] for i in range(n)]
    between = [[0.0] * n for _ in range(n)]
    for i in range(n):
        for j in range(i):
            between[i][j] = between[j][i] = max(0.0, q[i][j] - (q[i][i] + q[j][j]) / 2.0)
    to_start = [max(0.0, sequential(points.to_start[j] for j in members[i]) / k - q[i][i] / 2.0) for i in range(n)]
    return Points(between, to_start)


def sequential(values):
    """A sum in the order given, each addition rounded (Python's sum() of floats need not promise it)."""
    total = 0.0
    for value in values:
        total += value
    return total
