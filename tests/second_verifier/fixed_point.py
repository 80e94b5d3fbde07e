"""fp32, exponents and the exact mean (docs/kernels.md, Definitions).

Python's floats are IEEE doubles and every operation on them is rounded once, so fp64 needs nothing. fp32 is computed in
fp64 and rounded by fp32(): of +, -, *, / and the root of two fp32 that gives the fp32 nearest to the exact result.
"""

import math
import struct
from array import array

import layouts


def fp32(values):
    """Each value rounded to the nearest fp32, ties to even; beyond the largest an infinity. -0 becomes +0."""
    return [x + 0.0 for x in array("f", values)]


def fp32_as_is(values):
    """The same, but that -0 stays, between two operations of one step."""
    return list(array("f", values))


def from_bits32(bits):
    return struct.unpack("<f", bits.to_bytes(4, "little"))[0]


def bits64(value):
    return int.from_bytes(struct.pack("<d", value), "little")


def from_bytes32(data):
    values = array("f")
    values.frombytes(data)
    return list(values)


def to_bytes32(values):
    return array("f", values).tobytes()


def all_finite(values):
    return all(map(math.isfinite, values))


def exponent_of(values):
    """The smallest e with |x| <= 2^e for all of them; -150 of zeros."""
    largest = max(map(abs, values), default=0.0)
    if largest == 0:
        return layouts.NO_EXPONENT
    mantissa, exponent = math.frexp(largest)  # largest = mantissa * 2^exponent, 1/2 <= mantissa < 1
    return exponent - 1 if mantissa == 0.5 else exponent


def round_exponent(exponents):
    """E: the largest exponent at most 12 above the middle one; zeros are lowest, and have no say if most are."""
    ascending = sorted(exponents)
    zeros = ascending.count(layouts.NO_EXPONENT)
    if zeros == len(ascending):
        return layouts.MIN_EXPONENT
    middle = len(ascending) // 2
    if middle < zeros:
        middle = zeros + (len(ascending) - zeros) // 2
    return max(e for e in ascending if e <= ascending[middle] + 12)


def shift_of(exponent, largest_weight):
    """s: the largest with 2^E * w * 2^s <= 2^51."""
    return 51 - exponent - (largest_weight - 1).bit_length()


def exact_mean(rows, factors, divisor, shift):
    """fp32(fp64(sum of terms) / divisor * 2^-s), a term being round-to-even(fp64(x) * factor). Integers are summed."""
    unscale = math.ldexp(1.0, -shift)
    sums = [0] * len(rows[0])
    for row, factor in zip(rows, factors):
        sums = [total + round(x * factor) for total, x in zip(sums, row)]
    return fp32(float(total) / divisor * unscale for total in sums)
