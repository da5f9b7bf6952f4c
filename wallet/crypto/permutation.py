"""A keyed permutation of 0 .. 2^n - 1, so that status indices tell nothing about the order of issuance.

A balanced or unbalanced Feistel network (Luby and Rackoff 1988; NIST SP 800-38G uses the same idea) with
HMAC-SHA-256 as its round function. Constant cost, no table, no search, no collision: it is a bijection.
"""

import hashlib
import hmac

ROUNDS = 8


def permute(key: bytes, value: int, bits: int) -> int:
    """Return the image of `value`. Shapes: 0 <= value < 2**bits, 2 <= bits <= 32."""
    if not 0 <= value < 1 << bits:
        raise ValueError("value outside the domain")
    left_bits, right_bits = bits // 2, bits - bits // 2
    left, right = value >> right_bits, value & ((1 << right_bits) - 1)
    for number in range(ROUNDS):
        mixed = left ^ (_round(key, number, right) & ((1 << left_bits) - 1))
        left, right = right, mixed
        left_bits, right_bits = right_bits, left_bits
    return left << right_bits | right


def _round(key: bytes, number: int, half: int) -> int:
    digest = hmac.new(key, bytes([number]) + half.to_bytes(4, "big"), hashlib.sha256).digest()
    return int.from_bytes(digest[:4], "big")
