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
    CardPayload,
    DeviceKey,
    encode_card,
    encode_live_code,
    parse_live_code,
)
from wallet.utilities.base import Claim, DocumentType, Kind, Paper

LIFE = timedelta(seconds=MAX_LIVE_SECONDS)


def _view(kind: DocumentType, view: str, claims: Mapping[str, Any]) -> list[Claim]:
    """Return the claims that a card shows. view: a purpose of the kind; "" shows what every paper has to.

    Raises KeyError for a purpose that the kind does not have.
    """
    required = [claim.name for claim in kind.claims if claim.paper is Paper.REQUIRED]
    names = kind.views[view] if view else required
    compact = (claim for claim in kind.claims if claim.kind is not Kind.RECORDS)
    return [claim for claim in compact if claim.name in names and claim.name in claims]


def variants(kind: DocumentType, claims: Mapping[str, Any], view: str) -> list[dict[int, Any]]:
    """Return what a card may show of a view, claim number to compact value: the whole, then without what its kind can
    spare, one more at a time.

    claims: as JSON carries them. Raises KeyError, Malformed.
    """
    whole = {claim: compact_value(str(claim.kind), claims[claim.name]) for claim in _view(kind, view, claims)}
    spares = [claim for name in kind.card_spares for claim in whole if claim.name == name]
    left_out = [spares[:count] for count in range(len(spares) + 1)]
    return [{claim.number: value for claim, value in whole.items() if claim not in out} for out in left_out]


def make(document: StatedDocument, copy: Copy, signer: Signer) -> bytes:
    """Return the card that a copy is. signer: has the role `card` or `live`.

    Raises Malformed, also for one whose longest live code a screen cannot show whatever it spares.
    """
    for claims in variants(document.kind, document.claims, copy.view):
        if _fits(document, copy, claims, signer):
            return encode_card(_payload(document, copy, claims), signer)
    raise Malformed("a card too large for a screen")


def fits(document: StatedDocument, copy: Copy, signer: Signer) -> bool:
    """Return whether a screen can show every live code of such a card, whoever signs it. Nothing is signed."""
    found = variants(document.kind, document.claims, copy.view)
    return any(claims and _fits(document, copy, claims, signer) for claims in found)


def _fits(document: StatedDocument, copy: Copy, claims: Mapping[int, Any], signer: Signer) -> bool:
    try:
        encode_card(_payload(document, copy, claims), _Unsigned(signer))
    except Malformed:
        return False
    return True


def _payload(document: StatedDocument, copy: Copy, claims: Mapping[int, Any]) -> CardPayload:
    if copy.holder_key is None:
        raise Malformed("a card is bound to a key")
    return CardPayload(
        issuer=document.issuer_code,
        issued_at=copy.issued_at,
        expires_at=copy.expires_at,
        document_id=copy.id,
        utility=document.kind.code,
        utility_version=document.kind.version,
        claims=claims,
        device=DeviceKey.of(key_of_jwk(copy.holder_key)),
        status=StatusReference(copy.status_index, copy.status_uri),
    )


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
