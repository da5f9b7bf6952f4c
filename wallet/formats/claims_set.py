"""The CWT claims set that documents and cards share: written from values, read into values.

Source: RFC 8392, section 3; docs/wire.md, sections 1 and 2.
"""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from wallet.errors import Malformed

ISSUER, RECIPIENT, EXPIRES_AT, ISSUED_AT, CWT_ID, CONFIRMATION = 1, 3, 4, 6, 7, 8
STATUS = 65535
BODY = -70000
DOCUMENT_ID_BYTES = 16
HASH_BYTES = 32

_UTILITY, _VERSION, _CLAIMS, _HASH = 1, 2, 3, 4


@dataclass(frozen=True, slots=True)
class StatusReference:
    """Where the status of a document stands. idx: 0-based. uri: the list's absolute URL, compared letter for letter."""

    idx: int
    uri: str


class UnverifiedClaimsSet(NamedTuple):
    """What a document or card says of itself. Times in seconds since 1970-01-01 UTC; `claims` by number, compact.

    A tuple, because one is built for every code and a frozen dataclass takes four times as long.
    status: None without claim 65535, and also when that names another mechanism (`other_status`).
    """

    issuer: str
    issued_at: int
    expires_at: int
    document_id: bytes
    recipient: str | None
    status: StatusReference | None
    other_status: bool
    utility: str
    utility_version: int
    claims: Mapping[int, Any]
    claims_hash: bytes | None


def body_of(utility: str, version: int, claims: Mapping[int, Any], claims_hash: bytes | None) -> dict[int, Any]:
    """Return claim -70000 as it is written."""
    body: dict[int, Any] = {_UTILITY: utility, _VERSION: version, _CLAIMS: {n: nfc(v) for n, v in claims.items()}}
    if claims_hash is not None:
        body[_HASH] = claims_hash
    return body


def status_claim(status: StatusReference) -> dict[str, Any]:
    """Return claim 65535 as it is written. Source: Token Status List draft-21, section 6.3."""
    return {"status_list": {"idx": status.idx, "uri": status.uri}}


def nfc(value: Any) -> Any:
    """Return `value` with its text in Unicode NFC."""
    if isinstance(value, str):
        return unicodedata.normalize("NFC", value)
    if isinstance(value, list | tuple):
        return [nfc(item) for item in value]
    if isinstance(value, Mapping):
        return {name: nfc(part) for name, part in value.items()}
    return value


def read_claims_set(payload: Mapping[int | str, Any], *, card: bool) -> UnverifiedClaimsSet:
    """Return the claims set of a decoded payload.

    card: True for the issuer's layer of a live code, which has no recipient. Unknown claims are ignored; a known one
    that is missing or of another type raises Malformed. Source: docs/wire.md, sections 1 and 2.
    """
    get = payload.get
    issuer, issued_at, expires_at, document_id = get(ISSUER), get(ISSUED_AT), get(EXPIRES_AT), get(CWT_ID)
    body = get(BODY)
    if issuer.__class__ is not str or body.__class__ is not dict:
        raise Malformed("issuer or body is missing or of another type")
    if issued_at.__class__ is not int or expires_at.__class__ is not int or issued_at < 0 or expires_at < 0:
        raise Malformed("a time is missing or of another type")
    if issued_at >= expires_at:
        raise Malformed("it would end before it began")  # docs/wire.md, section 1: 6 < 4
    if document_id.__class__ is not bytes or len(document_id) != DOCUMENT_ID_BYTES:
        raise Malformed("the id is missing or of another type")
    recipient = None
    if not card and RECIPIENT in payload:
        recipient = payload[RECIPIENT]
        if recipient.__class__ is not str:
            raise Malformed("the recipient is of another type")
    status, other_status = read_status(payload[STATUS]) if STATUS in payload else (None, False)
    utility, version, claims, claims_hash = body.get(_UTILITY), body.get(_VERSION), body.get(_CLAIMS), body.get(_HASH)
    if utility.__class__ is not str or version.__class__ is not int or version < 0 or claims.__class__ is not dict:
        raise Malformed("the body lacks a member, or one is of another type")
    for number in claims:
        if number.__class__ is not int or number < 0:
            raise Malformed("a claim without a number")
    if _HASH in body and (claims_hash.__class__ is not bytes or len(claims_hash) != HASH_BYTES):
        raise Malformed("the hash is of another type")
    return UnverifiedClaimsSet(
        issuer,
        issued_at,
        expires_at,
        document_id,
        recipient,
        status,
        other_status,
        utility,
        version,
        claims,
        claims_hash,
    )


def read_status(claim: Any) -> tuple[StatusReference | None, bool]:
    """Return the reference, and whether the claim names another mechanism instead. Source: draft-21, section 6.3."""
    if claim.__class__ is not dict:
        raise Malformed("the status is of another type")
    if "status_list" not in claim:
        return None, True
    reference = claim["status_list"]
    if reference.__class__ is not dict:
        raise Malformed("the status is of another type")
    idx, uri = reference.get("idx"), reference.get("uri")
    if idx.__class__ is not int or idx < 0 or uri.__class__ is not str:
        raise Malformed("the status lacks a member, or one is of another type")
    return StatusReference(idx, uri), False
