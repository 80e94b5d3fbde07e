"""BIP-340 over secp256k1, in plain integers. Verification for the ledger; signing for the tests' own lies alone
(it is not made to keep a secret)."""

from hashes import tagged

P = 2**256 - 2**32 - 977
N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
G = (0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F81798,
     0x483ADA7726A3C4655DA4FBFC0E1108A8FD17B448A68554199C47D08FFB10D4B8)
INFINITY = (1, 1, 0)  # Jacobian coordinates: x = X / Z^2, y = Y / Z^3


def double(point):
    x, y, z = point
    if z == 0:
        return point
    square = y * y % P
    s = 4 * x * square % P
    m = 3 * x * x % P
    x3 = (m * m - 2 * s) % P
    return x3, (m * (s - x3) - 8 * square * square) % P, 2 * y * z % P


def add(a, b):
    if a[2] == 0:
        return b
    if b[2] == 0:
        return a
    za, zb = a[2] * a[2] % P, b[2] * b[2] % P
    ua, ub = a[0] * zb % P, b[0] * za % P
    sa, sb = a[1] * zb * b[2] % P, b[1] * za * a[2] % P
    if ua == ub:
        return double(a) if sa == sb else INFINITY
    h, r = ub - ua, sb - sa
    hh = h * h % P
    hhh, v = h * hh % P, ua * hh % P
    x3 = (r * r - hhh - 2 * v) % P
    return x3, (r * (v - x3) - sa * hhh) % P, h * a[2] * b[2] % P


def affine(point):
    inverse = pow(point[2], -1, P)
    return point[0] * inverse * inverse % P, point[1] * inverse**3 % P


def multiples(point):
    """0 to 15 times a point."""
    table = [INFINITY, (*point, 1)]
    for _ in range(14):
        table.append(add(table[-1], table[1]))
    return table


TIMES_G = multiples(G)


def combination(s, e, point):
    """s * G + e * point, four bits of both at a time."""
    times, total = multiples(point), INFINITY
    for shift in range(252, -4, -4):
        total = double(double(double(double(total))))
        total = add(add(total, TIMES_G[s >> shift & 15]), times[e >> shift & 15])
    return total


def lift(x):
    """The point with that x and an even y, or None."""
    if x >= P:
        return None
    square = (pow(x, 3, P) + 7) % P
    y = pow(square, (P + 1) // 4, P)
    if y * y % P != square:
        return None
    return x, y if y % 2 == 0 else P - y


LIFTED = {}


def verify(public_key, message, signature):
    if public_key not in LIFTED:
        LIFTED[public_key] = lift(int.from_bytes(public_key, "big"))
    point = LIFTED[public_key]
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    if point is None or r >= P or s >= N:
        return False
    e = int.from_bytes(tagged("BIP0340/challenge", signature[:32], public_key, message), "big") % N
    found = combination(s, N - e, point)
    if found[2] == 0:
        return False
    x, y = affine(found)
    return y % 2 == 0 and x == r


def public_key_of(secret):
    return affine(combination(secret, 0, G))[0].to_bytes(32, "big")


def sign(secret, message):
    """With auxiliary randomness of zeros, as the product signs."""
    x, y = affine(combination(secret, 0, G))
    secret = secret if y % 2 == 0 else N - secret
    masked = secret ^ int.from_bytes(tagged("BIP0340/aux", bytes(32)), "big")
    key = x.to_bytes(32, "big")
    k = int.from_bytes(tagged("BIP0340/nonce", masked.to_bytes(32, "big"), key, message), "big") % N
    rx, ry = affine(combination(k, 0, G))
    k = k if ry % 2 == 0 else N - k
    e = int.from_bytes(tagged("BIP0340/challenge", rx.to_bytes(32, "big"), key, message), "big") % N
    return rx.to_bytes(32, "big") + ((k + e * secret) % N).to_bytes(32, "big")
