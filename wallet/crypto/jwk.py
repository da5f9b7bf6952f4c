"""Public keys on P-256 as JSON Web Keys. Source: RFC 7517, section 4; RFC 7518, section 6.2."""

from collections.abc import Mapping
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.certificates import public_key_from_point
from wallet.crypto.jws import b64url_decode, b64url_encode
from wallet.errors import Malformed

_COORDINATE_CHARACTERS = 43
_PRIVATE = frozenset({"d", "k", "p", "q", "dp", "dq", "qi", "oth"})


def public_jwk(key: ec.EllipticCurvePublicKey) -> dict[str, str]:
    """Return `kty`, `crv`, `x` and `y` of a P-256 key. Source: RFC 7518, section 6.2.1."""
    numbers = key.public_numbers()
    x, y = (b64url_encode(number.to_bytes(32, "big")).decode("ascii") for number in (numbers.x, numbers.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


def key_of_jwk(jwk: Mapping[str, Any]) -> ec.EllipticCurvePublicKey:
    """Return the P-256 key that a JWK is.

    Raises Malformed for another kind of key, a point that is not on the curve, and a private key: who sees one is no
    longer its only owner. Members that say nothing about the point are ignored. Source: RFC 7517, section 4.
    """
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise Malformed("not a JWK on P-256")
    if _PRIVATE & jwk.keys():
        raise Malformed("a private JWK")
    x, y = jwk.get("x"), jwk.get("y")
    if not isinstance(x, str) or not isinstance(y, str) or {len(x), len(y)} != {_COORDINATE_CHARACTERS}:
        raise Malformed("a coordinate is missing or of another length")
    return public_key_from_point(b64url_decode(x), b64url_decode(y))
