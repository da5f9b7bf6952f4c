"""The document code `VD1:`: printed, on a PDF, valid for months. Source: docs/wire.md, section 1."""

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import rfc8785

from wallet.crypto.cose import UnverifiedSign1, parse_sign1, sign1
from wallet.crypto.signing import Signer
from wallet.errors import Malformed
from wallet.formats import base45, cbor
from wallet.formats.claims_set import (
    BODY,
    CWT_ID,
    DOCUMENT_ID_BYTES,
    EXPIRES_AT,
    HASH_BYTES,
    ISSUED_AT,
    ISSUER,
    RECIPIENT,
    STATUS,
    StatusReference,
    UnverifiedClaimsSet,
    body_of,
    nfc,
    read_claims_set,
    status_claim,
)
from wallet.formats.compact_values import seconds_of

__all__ = [
    "MAX_PRINTED_CHARACTERS",
    "MAX_QR_VERSION",
    "MAX_TEXT_CHARACTERS",
    "PREFIX",
    "QR_ERROR_CORRECTION",
    "QR_MODE",
    "DocumentPayload",
    "StatusReference",
    "UnverifiedCode",
    "claims_digest",
    "document_content",
    "encode_document_code",
    "fits_on_paper",
    "hashed_claims",
    "inflate",
    "parse_document_code",
    "sign_document_content",
]

PREFIX = "VD1:"
TYP = "viso-doc+cwt"
MAX_TEXT_CHARACTERS = 4_296
"""What a reader takes, with the prefix: what the largest QR code holds."""

MAX_PRINTED_CHARACTERS = 970
MAX_QR_VERSION = 20
QR_MODE = "alphanumeric"
QR_ERROR_CORRECTION = "M"
"""970 characters are QR version 20 at level M, alphanumeric: the most that a printed code may hold."""


@dataclass(frozen=True, slots=True)
class DocumentPayload:
    """What a document code says. Of times, whole seconds count.

    claims: by number, already compact (`compact_values.compact_value`). claims_hash: from `claims_digest`.
    expires_at: never after the signer certificate's notAfter.
    """

    issuer: str
    issued_at: datetime
    expires_at: datetime
    document_id: bytes
    utility: str
    utility_version: int
    claims: Mapping[int, Any]
    claims_hash: bytes | None = None
    recipient: str | None = None
    status: StatusReference | None = None


@dataclass(frozen=True, slots=True)
class UnverifiedCode:
    """A document code as it was read: nothing in it is true yet."""

    signed: UnverifiedSign1
    content: UnverifiedClaimsSet


def encode_document_code(payload: DocumentPayload, signer: Signer) -> str:
    """Return the text of the code, signed by a key whose role is `doc`.

    Its length decides whether it may be printed (`fits_on_paper`). Text is put into NFC.
    Raises Malformed for a value that has no place in a code. Source: docs/wire.md, section 1.
    """
    return sign_document_content(document_content(payload), signer)


def document_content(payload: DocumentPayload) -> bytes:
    """Return what is signed: the claims set in CBOR. Raises Malformed for a value that has no place in a code."""
    if len(payload.document_id) != DOCUMENT_ID_BYTES:
        raise Malformed("a document id has 16 bytes")
    if payload.claims_hash is not None and len(payload.claims_hash) != HASH_BYTES:
        raise Malformed("a claims hash has 32 bytes")
    content: dict[int, Any] = {
        ISSUER: nfc(payload.issuer),
        ISSUED_AT: seconds_of(payload.issued_at),
        EXPIRES_AT: seconds_of(payload.expires_at),
        CWT_ID: payload.document_id,
        BODY: body_of(payload.utility, payload.utility_version, payload.claims, payload.claims_hash),
    }
    if payload.recipient is not None:
        content[RECIPIENT] = nfc(payload.recipient)
    if payload.status is not None:
        content[STATUS] = status_claim(payload.status)
    return cbor.encode(content)


def sign_document_content(content: bytes, signer: Signer) -> str:
    """Return the code of a claims set (`document_content`). Raises Malformed when it is more than a code can hold."""
    message = sign1(content, signer.sign, typ=TYP, kid=bytes.fromhex(signer.kid))
    if len(message) > cbor.MAX_CODE_BYTES:
        raise Malformed("more than a code can hold")
    return PREFIX + base45.encode(zlib.compress(message, 9))


def fits_on_paper(code: str) -> bool:
    """Return whether the code stays at QR version 20 or below. Source: docs/wire.md, 1; ISO/IEC 18004, table 7."""
    return len(code) <= MAX_PRINTED_CHARACTERS


def parse_document_code(text: str) -> UnverifiedCode:
    """Return the document code that `text` is, without white space around it; steps 1 and 2 of verifying.

    Raises Malformed, or VerificationFailed("wrong_type"). Source: docs/wire.md, sections 1 and 3.
    """
    if len(text) > MAX_TEXT_CHARACTERS or not text.startswith(PREFIX):
        raise Malformed("not a document code")
    signed = parse_sign1(inflate(base45.decode(text[len(PREFIX) :]), cbor.MAX_CODE_BYTES), typ=TYP)
    return UnverifiedCode(signed, read_claims_set(signed.content, card=False))


def inflate(data: bytes, max_bytes: int) -> bytes:
    """Return what one zlib stream holds; a broken one, a longer one and bytes after it raise Malformed.

    No more than `max_bytes` and one are ever produced. Source: RFC 1950, section 2.2.
    """
    stream = zlib.decompressobj()
    try:
        inflated = stream.decompress(data, max_bytes + 1)
    except zlib.error as error:
        raise Malformed("not a zlib stream") from error
    if len(inflated) > max_bytes:
        raise Malformed("inflates beyond the cap")
    if not stream.eof or stream.unused_data:
        raise Malformed("not one whole zlib stream")
    return inflated


def claims_digest(claims: Mapping[str, Any], salt: str) -> bytes:
    """Return what ties a code to the full document: SHA-256 over `hashed_claims`. Source: docs/wire.md, section 1."""
    return hashlib.sha256(hashed_claims(claims, salt)).digest()


def hashed_claims(claims: Mapping[str, Any], salt: str) -> bytes:
    """Return JCS of `{"claims": claims, "salt": salt}`: the bytes that are hashed, and that travel as `claims.json`.

    claims: by name: a day is "YYYY-MM-DD" or "YYYY", a time an integer, numbers are integers within 53 bits, absent
    claims are left out. salt: base64url of 16 random bytes.
    Raises Malformed for anything else. Source: RFC 8785; docs/wire.md, section 1.
    """
    try:
        _refuse_inexact(claims)
        return rfc8785.dumps({"claims": dict(claims), "salt": salt})
    except (rfc8785.CanonicalizationError, UnicodeEncodeError, RecursionError) as error:
        raise Malformed("claims that JCS cannot hold") from error


def _refuse_inexact(value: Any) -> None:
    if value is None or isinstance(value, float):
        raise Malformed("an absent claim is left out, and a number is an integer")
    if isinstance(value, Mapping):
        for member in value.values():
            _refuse_inexact(member)
    elif isinstance(value, list | tuple):
        for item in value:
            _refuse_inexact(item)
