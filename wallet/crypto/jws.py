"""Compact JWS, ES256 only, one `typ` at a time. Source: RFC 7515; RFC 7518, section 3.4; RFC 8725, section 3."""

import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.signing import verify_es256
from wallet.errors import Malformed, VerificationFailed

MAX_CHARACTERS = 65_536
MAX_HEADER_CHARACTERS = 32_768

_TO_STANDARD = str.maketrans("-_", "+/")
_TO_URL = bytes.maketrans(b"+/", b"-_")
_LAST_WITH_TWO = frozenset("AQgw")
_LAST_WITH_THREE = frozenset("AEIMQUYcgkosw048")


class Signs(Protocol):
    """Whoever has an ES256 key: a `Signer` of this service, or a holder, whose key has no certificate."""

    def sign(self, message: bytes) -> bytes:
        """Return the raw 64-byte ES256 signature over `message`."""
        ...


@dataclass(frozen=True, slots=True)
class UnverifiedJws:
    """A compact JWS as it was read: nothing in it is true yet."""

    header: Mapping[str, Any]
    payload: bytes
    signing_input: bytes
    signature: bytes

    def verify(self, public_key: ec.EllipticCurvePublicKey) -> dict[str, Any]:
        """Return the payload as a JSON object if the signature is by `public_key`.

        Raises VerificationFailed("bad_signature"), or Malformed when what was signed is no JSON object.
        Source: RFC 7515, section 5.2.
        """
        verify_es256(public_key, self.signing_input, self.signature)
        return json_object(self.payload)


def sign(payload: Mapping[str, Any], signer: Signs, *, typ: str, header: Mapping[str, Any] | None = None) -> str:
    """Return the compact JWS over `payload`; `header`: members beside `alg` and `typ`. Source: RFC 7515, 7.1."""
    members = {"alg": "ES256", "typ": typ, **(header or {})}
    signing_input = b".".join((b64url_encode(compact_json(members)), b64url_encode(compact_json(payload))))
    return b".".join((signing_input, b64url_encode(signer.sign(signing_input)))).decode("ascii")


def parse(token: str, *, typ: str, max_characters: int = MAX_CHARACTERS) -> UnverifiedJws:
    """Return the compact JWS that `token` is, unverified.

    typ: the one `typ` that is taken, letter for letter; another raises VerificationFailed("wrong_type"). Another `alg`
    than ES256 raises VerificationFailed("key_not_allowed"). A `crit` and whatever else is amiss raises Malformed.
    Source: RFC 7515, sections 4.1.11 and 5.2; RFC 8725, sections 3.1 and 3.11.
    """
    if len(token) > max_characters:
        raise Malformed("more JWS than is read here")
    parts = token.split(".", 3)
    if len(parts) != 3 or len(parts[0]) > MAX_HEADER_CHARACTERS:
        raise Malformed("not a compact JWS")
    header = json_object(b64url_decode(parts[0]))
    payload, signature = b64url_decode(parts[1]), b64url_decode(parts[2])
    if "crit" in header:
        raise Malformed("a critical header")
    if not isinstance(header.get("typ"), str) or not isinstance(header.get("alg"), str):
        raise Malformed("a header is missing or of another type")
    if header["typ"] != typ:
        raise VerificationFailed("wrong_type", "another typ")
    if header["alg"] != "ES256":
        raise VerificationFailed("key_not_allowed", "another algorithm")
    signing_input = token[: len(parts[0]) + 1 + len(parts[1])].encode("ascii")
    return UnverifiedJws(header, payload, signing_input, signature)


def json_object(data: bytes) -> dict[str, Any]:
    """Return the JSON object that `data` is; equal names, NaN and bad UTF-8 raise Malformed.

    Source: RFC 8259, sections 4 and 8.1; RFC 7515, section 4.
    """
    value = json_value(data)
    if not isinstance(value, dict):
        raise Malformed("not a JSON object")
    return value


def json_value(data: bytes) -> Any:
    """Return the JSON value that `data` is; equal names, NaN and bad UTF-8 raise Malformed.

    Source: RFC 8259, sections 4 and 8.1.
    """
    try:
        return json.loads(data.decode(), object_pairs_hook=_object, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Malformed("not JSON") from error


def compact_json(value: Any) -> bytes:
    """Return `value` as JSON without white space, in UTF-8."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def b64url_encode(data: bytes) -> bytes:
    """Return base64url without padding. Source: RFC 7515, section 2."""
    return binascii.b2a_base64(data, newline=False).translate(_TO_URL).rstrip(b"=")


def b64url_decode(text: str) -> bytes:
    """Return the bytes of a base64url text: no padding, no other character, no stray bits.

    Source: RFC 4648, sections 3.5 and 5; RFC 7515, section 2.
    """
    rest = len(text) % 4
    if rest == 1 or "=" in text or "+" in text or "/" in text:
        raise Malformed("not base64url")
    if (rest == 2 and text[-1] not in _LAST_WITH_TWO) or (rest == 3 and text[-1] not in _LAST_WITH_THREE):
        raise Malformed("not base64url")
    try:
        return binascii.a2b_base64(text.translate(_TO_STANDARD) + "=" * (-rest % 4), strict_mode=True)
    except ValueError as error:
        raise Malformed("not base64url") from error


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise Malformed("two equal names in JSON")
    return found


def _no_constant(name: str) -> Any:
    raise Malformed(f"{name} is not JSON")
