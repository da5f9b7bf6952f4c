"""Compact JWS (RFC 7515, section 7.1) as identity takes it from outside: one algorithm, one shape, one key.

A header holds exactly the members that its kind of token has. So `jwk`, `jku`, `x5u`, `x5c`, `crit`, `b64`
and whatever is invented next are refused unread (RFC 8725, sections 3.1 and 3.11): no key, address or rule
is ever taken from a token that should not carry one.
"""

from collections.abc import Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.types import CertificatePublicKeyTypes
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from joserfc import jws as joserfc_jws
from joserfc.errors import JoseError
from joserfc.jwk import ECKey

from wallet.crypto import jws
from wallet.errors import Malformed, VerificationFailed

MAXIMUM_CHARACTERS = 8192
LARGEST_TIME = 1 << 37
_REGISTRY = joserfc_jws.JWSRegistry(algorithms=["ES256"])
_KEY_MEMBERS = {"kty", "crv", "x", "y"}
# What browsers and libraries add to a public key; it is dropped, it decides nothing.
_KEY_REMARKS = {"kid", "use", "alg", "key_ops", "ext"}


@dataclass(frozen=True, slots=True)
class UnverifiedToken:
    """A well-formed token that proves nothing yet."""

    text: str
    header: Mapping[str, Any]
    claims: Mapping[str, Any]


def parse(text: str, *, typ: str, members: Set[str]) -> UnverifiedToken:
    """Return what a token says, unproven.

    typ: the exact `typ` its kind has. members: the exact set of header members its kind has.
    Raises Malformed for everything else.
    """
    try:
        token = jws.parse(text, typ=typ, max_characters=MAXIMUM_CHARACTERS)
        claims = jws.json_object(token.payload)
    except (VerificationFailed, ValueError, RecursionError) as error:
        raise Malformed("not a token of this kind") from error
    if token.header.keys() != members:
        raise Malformed("not the header that this kind has")
    return UnverifiedToken(text, token.header, claims)


def verify(token: UnverifiedToken, key: ECKey) -> Mapping[str, Any]:
    """Return the claims, now proven to come from the owner of `key`. Raises Malformed when they do not."""
    try:
        joserfc_jws.deserialize_compact(token.text, key, registry=_REGISTRY)
    except (JoseError, ValueError) as error:
        raise Malformed("signature does not verify") from error
    return token.claims


def public_jwk(value: object) -> dict[str, str]:
    """Return a P-256 public key as its four members (RFC 7518, section 6.2.1).

    Raises Malformed for another type, a private key, a point that is not on the curve, or an unknown member.
    """
    if not isinstance(value, Mapping) or not value.keys() >= _KEY_MEMBERS:
        raise Malformed("not a public key")
    if not value.keys() <= _KEY_MEMBERS | _KEY_REMARKS or value["kty"] != "EC" or value["crv"] != "P-256":
        raise Malformed("not a P-256 public key")
    x, y = value["x"], value["y"]
    if not (isinstance(x, str) and isinstance(y, str) and len(x) == len(y) == 43):
        raise Malformed("coordinates are not 32 bytes each")
    load_key(x, y)
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


@lru_cache(maxsize=4096)
def load_key(x: str, y: str) -> ECKey:
    """Return the key object of two base64url coordinates; parsing a key costs as much as using it."""
    try:
        numbers = ec.EllipticCurvePublicNumbers(
            int.from_bytes(jws.b64url_decode(x)), int.from_bytes(jws.b64url_decode(y)), ec.SECP256R1()
        )
        return as_key(numbers.public_key())
    except ValueError as error:
        raise Malformed("not a point on the curve") from error


@lru_cache(maxsize=4096)
def thumbprint(x: str, y: str) -> str:
    """Return the SHA-256 thumbprint of a key (RFC 7638, section 3), base64url."""
    return ECKey.import_key({"kty": "EC", "crv": "P-256", "x": x, "y": y}).thumbprint()


def as_key(public: CertificatePublicKeyTypes) -> ECKey:
    """Return the key object of a P-256 key; of any other key none can be made."""
    return ECKey.import_key(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))


def is_time(value: object) -> bool:
    """Return whether `value` is a whole number of seconds since 1970 that a calendar can hold."""
    return type(value) is int and 0 < value < LARGEST_TIME


def is_text(value: object, longest: int = 256) -> bool:
    """Return whether `value` is a text of 1 to `longest` printable ASCII characters."""
    return isinstance(value, str) and 0 < len(value) <= longest and value.isascii() and value.isprintable()
