"""The PDF of a document: for a person to print, and for a machine to check.

Text of the official layout, the `VD1:` code, the SD-JWT VC and what the code's hash is over as attachments, PDF/A-3a,
and a PAdES seal over all of it. Typst and pyHanko (the extra `[pdf]`) are imported when a PDF is made and not before.
Source: docs/wire.md, section 6; docs/domain.md, section 4.5.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from importlib import import_module
from typing import TYPE_CHECKING

from wallet.crypto.signing import Signer
from wallet.documents.forms.page import page
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.entropy import Entropy
from wallet.errors import Unavailable
from wallet.formats.cwt_code import hashed_claims
from wallet.texts.catalogue import lookup

if TYPE_CHECKING:
    from pyhanko.sign.timestamps import TimeStamper

MEDIA_TYPE = "application/pdf"
EXTENSION = "pdf"
SD_JWT_FILE, CLAIMS_FILE = "document.sdjwt", "claims.json"
SD_JWT_MEDIA_TYPE = "application/dc+sd-jwt"
"""Source: draft-ietf-oauth-sd-jwt-vc, section 3.1."""

RETRY_AFTER_SECONDS = 3600
INSTALL = "pip install 'vi-so-wallet[pdf]'"


def make(
    document: StatedDocument,
    copy: Copy,
    seal_signer: Signer,
    entropy: Entropy,
    sd_jwt: str,
    *,
    chain: Sequence[bytes],
    sealed_at: datetime,
    time_stamper: "TimeStamper | None" = None,
) -> bytes:
    """Return the document as a sealed PDF/A-3a.

    copy: the one whose SD-JWT VC is inside, bound to nobody; the file tells until when it is valid and is dated by it.
    seal_signer, chain: of an active key of `Role.SEAL`, as `Key.signer` and `Key.chain` have them.
    sd_jwt: that SD-JWT VC with its disclosures, attached as `document.sdjwt`. sealed_at: aware, when this is called;
    it is printed, and stands in the seal. time_stamper: vouches for it (PAdES B-T); it may use the network.

    The same arguments and entropy give the same bytes. Takes about 0.1 s of computing: never inside a transaction.
    Raises Unavailable("form_not_installed") without the extra, InvalidInput("code_too_large"), and what the signer
    and the time stamper raise.
    """
    try:
        typesetting = import_module("wallet.documents.forms.typesetting")
        pades = import_module("wallet.formats.pades")
        glyphs = typesetting.glyphs()
    except ModuleNotFoundError as error:
        raise Unavailable("form_not_installed", RETRY_AFTER_SECONDS, command=INSTALL) from error
    attachments = (
        typesetting.Attachment(
            SD_JWT_FILE, sd_jwt, SD_JWT_MEDIA_TYPE, "alternative", lookup("paper", "attached_sdjwt", "vi")
        ),
        typesetting.Attachment(
            CLAIMS_FILE,
            hashed_claims(document.claims, document.salt).decode(),
            "application/json",
            "data",
            lookup("paper", "attached_claims", "vi"),
        ),
    )
    content = page(document, copy, sealed_at, glyphs.printable)
    drawn = typesetting.typeset(content, document.code, attachments, copy.issued_at.astimezone(UTC))
    text = pades.SealText(document.issuer_name["vi"], lookup("paper", "seal_reason", "vi"))
    sealed: bytes = pades.seal(drawn, seal_signer, chain, text, entropy, sealed_at, time_stamper)
    return sealed
