"""Status lists: a packed array of small numbers, signed as JWT and as CWT.

Source: Token Status List, draft-ietf-oauth-status-list-21; docs/wire.md, section 5.
"""

import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeGuard

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto import cose, jws
from wallet.crypto.signing import Signer
from wallet.errors import Malformed
from wallet.formats import cbor
from wallet.formats.compact_values import moment_of, seconds_of
from wallet.formats.cwt_code import inflate

MAX_LIST_BYTES = 4 * 1024 * 1024
"""What a list inflates to at most: 16,777,216 entries of 2 bits."""

MAX_TOKEN_BYTES = 8 * 1024 * 1024
"""A full list that does not deflate at all, twice in base64url, is shorter than this."""

ENTRY_BITS = (1, 2, 4, 8)
JWT_TYP = "statuslist+jwt"
CWT_TYP = "application/statuslist+cwt"

_NOT_ZERO = re.compile(rb"[^\0]")
_SUB, _EXP, _IAT, _LIST, _TTL = 2, 4, 6, 65533, 65534


@dataclass(frozen=True, slots=True)
class StatusListToken:
    """A status list with its dates. uri: its absolute URL. bits: per entry. entries: packed, lowest bits first."""

    uri: str
    issued_at: datetime
    expires_at: datetime
    ttl_seconds: int
    bits: int
    entries: bytes


@dataclass(frozen=True, slots=True)
class UnverifiedStatusList:
    """A status list as it was read. kid: 16 hex digits."""

    signed: jws.UnverifiedJws | cose.UnverifiedSign1
    kid: str


@dataclass(frozen=True, slots=True)
class StatusListClaims:
    """What a verified status list token says. Times in seconds.

    entries: None when the list itself is unreadable. expires_at: None when that is; then entries is None too.
    """

    uri: str
    issued_at: int
    expires_at: int | None
    ttl_seconds: int
    bits: int
    entries: bytes | None


def pack(values: Iterable[int], *, bits: int) -> bytearray:
    """Return the packed array of `values`, one entry each, the last byte filled with zeros. Source: draft-21, 4.1."""
    found = list(values)
    entries = bytearray(-(-len(found) * _checked(bits) // 8))
    for index, value in enumerate(found):
        if value:
            set_entry(entries, index, value, bits=bits)
    return entries


def get_entry(entries: bytes | bytearray, index: int, *, bits: int) -> int:
    """Return the value of one entry.

    entries: the inflated list, lowest bits first. index: 0-based. bits: 1, 2, 4 or 8 per entry.
    Raises Malformed when index lies outside the list. Source: Token Status List draft-21, section 4.1.
    """
    per_byte = 8 // _checked(bits)
    position, place = divmod(index, per_byte)
    if index < 0 or position >= len(entries):
        raise Malformed("an index outside the list")
    return entries[position] >> place * bits & (1 << bits) - 1


def set_entries(entries: bytes, *, bits: int) -> Iterator[tuple[int, int]]:
    """Return index and value of every entry that is not zero, the lowest index first; a list is nearly empty."""
    per_byte, mask = 8 // _checked(bits), (1 << bits) - 1
    for found in _NOT_ZERO.finditer(entries):
        for place in range(per_byte):
            value = found.group()[0] >> place * bits & mask
            if value:
                yield found.start() * per_byte + place, value


def set_entry(entries: bytearray, index: int, value: int, *, bits: int) -> None:
    """Write the value of one entry in place. Source: Token Status List draft-21, section 4.1."""
    if not 0 <= value < 1 << _checked(bits):
        raise Malformed("a value that does not fit into the bits of an entry")
    position, place = divmod(index, 8 // bits)
    if index < 0 or position >= len(entries):
        raise Malformed("an index outside the list")
    mask = (1 << bits) - 1 << place * bits
    entries[position] = entries[position] & ~mask & 0xFF | value << place * bits


def compress(entries: bytes | bytearray) -> bytes:
    """Return the list as zlib, at its best level. Source: Token Status List draft-21, section 4.1."""
    if len(entries) > MAX_LIST_BYTES:
        raise Malformed("a list beyond 4 MiB")
    return zlib.compress(entries, 9)


def decompress(deflated: bytes) -> bytes:
    """Return the packed array; more than 4 MiB raises Malformed. Source: draft-21, 4.1; docs/wire.md, 5."""
    return inflate(deflated, MAX_LIST_BYTES)


def status_list_json(entries: bytes | bytearray, *, bits: int, deflated: bytes | None = None) -> dict[str, Any]:
    """Return the `status_list` member of a JWT. Source: Token Status List draft-21, section 4.2."""
    return {"bits": _checked(bits), "lst": jws.b64url_encode(deflated or compress(entries)).decode("ascii")}


def status_list_cbor(entries: bytes | bytearray, *, bits: int, deflated: bytes | None = None) -> dict[str, Any]:
    """Return claim 65533 of a CWT. Source: Token Status List draft-21, section 4.3."""
    return {"bits": _checked(bits), "lst": deflated or compress(entries)}


def sign_status_jwt(token: StatusListToken, signer: Signer, deflated: bytes | None = None) -> str:
    """Return the status list JWT. deflated: the entries as `compress` gives them, where they are known already.

    Source: Token Status List draft-21, section 5.1.
    """
    claims = {
        "sub": token.uri,
        "iat": seconds_of(token.issued_at),
        "exp": seconds_of(token.expires_at),
        "ttl": token.ttl_seconds,
        "status_list": status_list_json(token.entries, bits=token.bits, deflated=deflated),
    }
    return jws.sign(claims, signer, typ=JWT_TYP, header={"kid": signer.kid})


def sign_status_cwt(token: StatusListToken, signer: Signer, deflated: bytes | None = None) -> bytes:
    """Return the status list CWT: a COSE_Sign1 under tag 18. deflated: as for the JWT.

    Source: Token Status List draft-21, section 5.2.
    """
    claims = {
        _SUB: token.uri,
        _IAT: seconds_of(token.issued_at),
        _EXP: seconds_of(token.expires_at),
        _TTL: token.ttl_seconds,
        _LIST: status_list_cbor(token.entries, bits=token.bits, deflated=deflated),
    }
    return cose.sign1(cbor.encode(claims), signer.sign, typ=CWT_TYP, kid=bytes.fromhex(signer.kid))


def parse_status_jwt(token: str) -> UnverifiedStatusList:
    """Return the status list JWT that `token` is, unverified. Source: Token Status List draft-21, 5.1 and 8.3."""
    signed = jws.parse(token, typ=JWT_TYP, max_characters=MAX_TOKEN_BYTES)
    kid = signed.header.get("kid")
    if not isinstance(kid, str):
        raise Malformed("no key is named")
    return UnverifiedStatusList(signed, kid)


def parse_status_cwt(token: bytes) -> UnverifiedStatusList:
    """Return the status list CWT that `token` is, unverified. Source: Token Status List draft-21, 5.2 and 8.3."""
    signed = cose.parse_sign1(token, typ=CWT_TYP, max_bytes=MAX_TOKEN_BYTES)
    return UnverifiedStatusList(signed, (signed.kid or b"").hex())


def verify_status_list(unverified: UnverifiedStatusList, public_key: ec.EllipticCurvePublicKey) -> StatusListClaims:
    """Return what the list says if `public_key` signed it.

    Raises VerificationFailed("bad_signature"), or Malformed when `sub` or `iat` cannot be read: such a list is a copy
    of nothing. A list whose `exp`, `ttl` or entries cannot be read is returned without entries: it still counts as
    the latest, for an older copy must not speak in its place.
    Source: Token Status List draft-21, section 8.3; docs/wire.md, section 3, step 6.
    """
    if isinstance(unverified.signed, jws.UnverifiedJws):
        claims: Mapping[Any, Any] = unverified.signed.verify(public_key)
        names: tuple[Any, ...] = ("sub", "iat", "exp", "ttl", "status_list")
    else:
        unverified.signed.verify(public_key)
        claims = unverified.signed.content
        names = (_SUB, _IAT, _EXP, _TTL, _LIST)
    sub, iat, exp, ttl, packed = (claims.get(name) for name in names)
    if not isinstance(sub, str) or not _is_uint(iat):
        raise Malformed("a claim is missing or of another type")
    try:
        bits, entries = _unpack(packed) if _is_uint(ttl) and _is_uint(exp) else (0, None)
    except Malformed:
        bits, entries = 0, None
    return StatusListClaims(sub, iat, exp if _is_uint(exp) else None, ttl if _is_uint(ttl) else 0, bits, entries)


def token_of(claims: StatusListClaims) -> StatusListToken:
    """Return verified claims as the value they were signed from; Malformed where the list is unreadable."""
    if claims.entries is None or claims.expires_at is None:
        raise Malformed("the list is unreadable")
    issued_at, expires_at = moment_of(claims.issued_at), moment_of(claims.expires_at)
    return StatusListToken(claims.uri, issued_at, expires_at, claims.ttl_seconds, claims.bits, claims.entries)


def _unpack(packed: Any) -> tuple[int, bytes]:
    if not isinstance(packed, dict):
        raise Malformed("no list")
    bits, deflated = packed.get("bits"), packed.get("lst")
    if not _is_uint(bits):
        raise Malformed("no bits")
    if isinstance(deflated, str):
        deflated = jws.b64url_decode(deflated)
    if not isinstance(deflated, bytes):
        raise Malformed("no list")
    return _checked(bits), decompress(deflated)


def _is_uint(value: Any) -> TypeGuard[int]:
    return value.__class__ is int and 0 <= value <= cbor.MAX_INTEGER


def _checked(bits: int) -> int:
    if bits not in ENTRY_BITS:
        raise Malformed("an entry has 1, 2, 4 or 8 bits")
    return bits
