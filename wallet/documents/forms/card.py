"""A document as a card: one view of its claims, bound to the key that signs live codes from it.

A card has an id of its own and no hash, so that two of one document have nothing in common but what they show.
Source: docs/wire.md, section 2.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from wallet.crypto.jwk import key_of_jwk
from wallet.crypto.jws import b64url_encode
from wallet.crypto.signing import RAW_SIGNATURE_BYTES, Signer
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.errors import Malformed
from wallet.formats.claims_set import StatusReference
from wallet.formats.compact_values import compact_value
from wallet.formats.live_code import (
    MAX_LIVE_SECONDS,
    MAX_SCREEN_CHARACTERS,
    CardPayload,
    DeviceKey,
    encode_card,
    encode_live_code,
    longest_live_code,
    parse_live_code,
)
from wallet.utilities.base import Claim, DocumentType, Kind, Paper

LIFE = timedelta(seconds=MAX_LIVE_SECONDS)


def view_of(kind: DocumentType, view: str) -> tuple[Claim, ...]:
    """Return the claims that a card shows. view: a purpose of the kind; "" shows what every paper has to.

    Raises KeyError for a purpose that the kind does not have.
    """
    if not view:
        return tuple(claim for claim in kind.claims if claim.paper is Paper.REQUIRED and claim.kind is not Kind.RECORDS)
    names = kind.views[view]
    return tuple(claim for claim in kind.claims if claim.name in names and claim.kind is not Kind.RECORDS)


def shown(kind: DocumentType, claims: Mapping[str, Any], view: str) -> dict[int, Any]:
    """Return claim number to compact value. claims: as JSON carries them. Raises KeyError, Malformed."""
    return {
        claim.number: compact_value(str(claim.kind), claims[claim.name])
        for claim in view_of(kind, view)
        if claim.name in claims
    }


def make(document: StatedDocument, copy: Copy, signer: Signer) -> bytes:
    """Return the card that a copy is. signer: has the role `card` or `live`.

    Raises Malformed, also for one whose longest live code a screen cannot show.
    """
    if copy.holder_key is None:
        raise Malformed("a card is bound to a key")
    payload = CardPayload(
        issuer=document.issuer_code,
        issued_at=copy.issued_at,
        expires_at=copy.expires_at,
        document_id=copy.id,
        utility=document.kind.code,
        utility_version=document.kind.version,
        claims=shown(document.kind, document.claims, copy.view),
        device=DeviceKey.of(key_of_jwk(copy.holder_key)),
        status=StatusReference(copy.status_index, copy.status_uri),
    )
    return encode_card(payload, signer)


def fits(document: StatedDocument, copy: Copy, signer: Signer) -> bool:
    """Return whether a screen can show every live code of this card, whoever signs it. Nothing is signed."""
    try:
        return longest_live_code(make(document, copy, _Unsigned(signer))) <= MAX_SCREEN_CHARACTERS
    except Malformed:
        return False


def unproven(card: bytes, now: datetime) -> str:
    """Return a live code that nobody signed: a verifier judges the card in it, and misses the phone alone."""
    return encode_live_code(card, now, now + LIFE, lambda _: bytes(RAW_SIGNATURE_BYTES))


def holder_key_of(card: bytes, now: datetime) -> dict[str, str]:
    """Return the key that a card is bound to, as a JWK. Raises Malformed."""
    device = parse_live_code(unproven(card, now)).device
    x, y = (b64url_encode(part).decode("ascii") for part in (device.x, device.y))
    return {"kty": "EC", "crv": "P-256", "x": x, "y": y}


class _Unsigned:
    """Stands for a signer where only the length matters."""

    def __init__(self, signer: Signer) -> None:
        self.kid, self.certificate_der = signer.kid, signer.certificate_der

    def sign(self, message: bytes) -> bytes:
        return bytes(RAW_SIGNATURE_BYTES)
