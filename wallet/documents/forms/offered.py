"""The forms that a document can be had in as a copy of its own: each with its media type and the keys that sign it."""

from dataclasses import dataclass
from enum import StrEnum

from wallet.crypto.keystore import Role


class Form(StrEnum):
    """How a copy is written down. CARD: what a phone shows live codes from; LIVE: the same where the server shows them.

    Of these two each is a copy of one view alone, many at a time, each with an end of its own.
    """

    SD_JWT = "sd_jwt"
    MDOC = "mdoc"
    PDF = "pdf"
    CARD = "card"
    LIVE = "live"


SCREENS = frozenset({Form.CARD, Form.LIVE})
"""What is shown on a screen."""
WHOLE = tuple(form for form in Form if form not in SCREENS)
"""What states everything that its document states."""


@dataclass(frozen=True, slots=True)
class Offer:
    """What is told of a form. file: its name below the document's address. role: of the key that signs it."""

    media_type: str
    file: str
    role: Role


OFFERS = {
    Form.SD_JWT: Offer("application/dc+sd-jwt", "document.sdjwt", Role.SD_JWT),
    Form.MDOC: Offer("application/cbor", "document.mdoc", Role.MDOC),
    Form.PDF: Offer("application/pdf", "document.pdf", Role.SD_JWT),
    Form.CARD: Offer("application/cose", "cards", Role.CARD),
    Form.LIVE: Offer("application/cose", "live-codes", Role.LIVE),
}
"""An mdoc has no media type of its own: an IssuerSigned is CBOR (RFC 8949, section 9.3). What counts of a PDF is
the SD-JWT VC inside, which is bound to nobody's key; its seal has a key of its own."""
