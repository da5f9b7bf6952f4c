"""A document as ISO/IEC 18013-5 mdoc, for wallets and readers of other makers: every element is shown or not.

It carries neither the document's id nor its code: two copies have nothing in common but what their holder shows.
Source: docs/wire.md, section 6; ISO/IEC 18013-5:2021, sections 7.1, 8.3.2 and 9.1.2; docs/decisions/0023-mdoc.md.
"""

import re
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any

from wallet.crypto.jwk import key_of_jwk
from wallet.crypto.signing import Signer
from wallet.documents.forms.stated import Copy, StatedDocument
from wallet.entropy import Entropy
from wallet.errors import Malformed
from wallet.formats.claims_set import StatusReference, nfc
from wallet.formats.mdoc.chain import document_signer
from wallet.formats.mdoc.issuer_signed import Terms, issue
from wallet.formats.mdoc.names import doc_type_of
from wallet.formats.mdoc.refusal import MdocRefused
from wallet.formats.mdoc.values import MAX_BYTES, full_date, tdate
from wallet.utilities.base import DocumentType, Kind

FILL = 16
"""A document has a multiple of so many digests, so that their number does not tell how large a household is."""

_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def doc_type(kind: DocumentType) -> str:
    """Return the docType of a kind of document, which is the name of its one namespace too."""
    return doc_type_of(kind.code, kind.version)


def make(document: StatedDocument, copy: Copy, signer: Signer, entropy: Entropy) -> bytes:
    """Return the IssuerSigned of one copy of a document as CBOR, all its elements in it.

    Inside JSON it is base64url without padding (OpenID4VCI 1.0, Appendix A.2.4). signer: has the role `mdoc`. The
    security object begins no earlier and ends no later than the signer's certificate, which lives 457 days at most: an
    older or longer document is made anew by another signer.
    Raises Malformed for a copy that is bound to no key and for more than a reader takes; MdocRefused for a signer whose
    certificate is no document signer's ("signer_profile") or not of this time ("signer_not_valid").
    """
    if copy.holder_key is None:
        raise Malformed("an mdoc is bound to a key of its holder")
    certificate = document_signer(signer.certificate_der)
    begin, end = max(copy.issued_at, certificate.not_before), min(copy.expires_at, certificate.not_after)
    if begin >= end:
        raise MdocRefused("signer_not_valid", "the document and the certificate have no day in common")
    kind = document.kind
    terms = Terms(
        doc_type=doc_type(kind),
        device_key=key_of_jwk(copy.holder_key),
        signed=begin,
        valid_from=begin,
        valid_until=end,
        status=StatusReference(copy.status_index, copy.status_uri),
    )
    made = issue({doc_type(kind): dict(elements(document))}, terms, signer, entropy, fill=FILL)
    if len(made) > MAX_BYTES:
        raise Malformed("more than an mdoc holds")
    return made


def elements(document: StatedDocument) -> Iterator[tuple[str, Any]]:
    """Yield identifier and value of every element, in the order in which the kind of document names them.

    text tstr · day full-date, or tstr "YYYY" where only the year is known · time tdate · int, bool · list array of
    tstr · records one map an element, `household_members/1` the first: each is shown or not. Inside a record every
    value is as JSON carries it. Source: 18013-5, section 7.2.1.
    """
    for claim in document.kind.claims:
        if claim.name not in document.claims:
            continue
        value = nfc(document.claims[claim.name])
        if claim.kind is Kind.RECORDS:
            for number, record in enumerate(value, start=1):
                yield f"{claim.name}/{number}", record
        elif claim.kind is Kind.DAY and _DAY.fullmatch(value):
            yield claim.name, full_date(date.fromisoformat(value))
        elif claim.kind is Kind.TIME:
            yield claim.name, tdate(datetime.fromtimestamp(value, UTC))
        else:
            yield claim.name, value
