"""Every example document of every utility, as each form is made of it: claims of the plug-in, a code that is signed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec

from tests.support import SeededEntropy
from wallet.crypto.certificates import self_signed
from wallet.crypto.jws import b64url_encode
from wallet.crypto.signing import LocalSigner
from wallet.documents.forms.stated import StatedDocument
from wallet.documents.issuing import end_of_validity
from wallet.formats.cwt_code import (
    DocumentPayload,
    StatusReference,
    claims_digest,
    encode_document_code,
    fits_on_paper,
)
from wallet.utilities.base import Claims, DocumentType
from wallet.utilities.catalogue import Catalogue, Plugin
from wallet.utilities.examples import answered, load, read_examples
from wallet.utilities.fitting import longest
from wallet.utilities.paper import compact_claims, full_claims
from wallet.utilities.stating import claims_of

ISSUER_URL = "https://vi.example.vn"
ISSUER_NAME = {"vi": "Ví Số", "en": "Vi So"}
STATUS_URI = f"{ISSUER_URL}/v1/status-lists/1"


@cache
def document_signer() -> LocalSigner:
    key = ec.derive_private_key(0x5EED, ec.SECP256R1())
    begin = datetime(2020, 1, 1, tzinfo=UTC)
    return LocalSigner(key, self_signed(key, "doc", begin, begin + timedelta(days=9000), SeededEntropy()))


def stated(plugin: Plugin, kind: DocumentType, claims: Claims, now: datetime, entropy: SeededEntropy) -> StatedDocument:
    """Return a document of these claims, its code signed; the least of paper where the whole view does not fit."""
    document_id, salt = entropy.bytes(16), b64url_encode(entropy.bytes(16)).decode()
    whole, expires_at = full_claims(kind, claims), end_of_validity(now, kind.validity)
    codes = (
        encode_document_code(
            DocumentPayload(
                issuer="VN-MAU",
                issued_at=now,
                expires_at=expires_at,
                document_id=document_id,
                utility=kind.code,
                utility_version=kind.version,
                claims=compact_claims(kind, claims, least=least),
                claims_hash=claims_digest(whole, salt),
                status=StatusReference(524_287, STATUS_URI),
            ),
            document_signer(),
        )
        for least in (False, True)
    )
    return StatedDocument(
        id=f"doc_{document_id.hex()}",
        plugin=plugin,
        kind=kind,
        issuer_url=ISSUER_URL,
        issuer_code="VN-MAU",
        issuer_name=ISSUER_NAME,
        issued_at=now,
        expires_at=expires_at,
        claims=whole,
        salt=salt,
        code=next(code for code in codes if fits_on_paper(code)),
    )


@cache
def every_example() -> dict[str, StatedDocument]:
    """Return the accepted examples of every utility by `kind/example`."""
    entropy = SeededEntropy()
    return {
        f"{kind.code}/{name}": stated(plugin, kind, claims, now, entropy)
        for plugin, kind, name, claims, now in _accepted()
    }


@cache
def longest_of_each_kind() -> dict[str, StatedDocument]:
    """Return one document of each kind whose names, places and addresses are the longest there are."""
    entropy, found = SeededEntropy(), {}
    for plugin, kind, _, claims, now in _accepted():
        if kind.code not in found or len(str(claims)) > len(str(found[kind.code].claims)):
            found[kind.code] = stated(plugin, kind, longest(kind, claims), now, entropy)
    return found


def with_claims(document: StatedDocument, **claims: Any) -> StatedDocument:
    """Return the document with other claims, as JSON carries them; its code stays."""
    return replace(document, claims={**document.claims, **claims})


def _accepted() -> Iterator[tuple[Plugin, DocumentType, str, Claims, datetime]]:
    for plugin in Catalogue.discover():
        for example in read_examples(plugin.utility, load(plugin.module)).accepted:
            case = answered(plugin.utility, example)
            kind = plugin.utility.document_of(case)
            yield plugin, kind, example.name, claims_of(kind, case), case.now


def example_document() -> tuple[StatedDocument, LocalSigner]:
    """Return one document, and the signer of its code."""
    return next(iter(every_example().values())), document_signer()
