"""Whether a kind of document still fits a printed code when everyone in it has the longest legal name (S-45)."""

import hashlib
from datetime import UTC, datetime
from functools import cache
from typing import Any

from wallet.errors import Malformed
from wallet.formats.cwt_code import (
    MAX_PRINTED_CHARACTERS,
    DocumentPayload,
    StatusReference,
    claims_digest,
    encode_document_code,
    fits_on_paper,
)
from wallet.places import communes, provinces
from wallet.utilities.base import Claims, DocumentType, Kind
from wallet.utilities.paper import compact_claims, full_claims

LONGEST_NAME = "Nguyễn Phước Nghiệm Tôn Nữ Thượng Uyển Khuông Truồng Quyền Nghiễng Huỳnh Hưởng"
"""66 letters; every kind of stacked mark: circumflex, breve and horn under each of the five tones."""

LONGEST_ISSUER = "VN-CO-QUAN-CAP-X"
LONGEST_URI = "https://vi-so.dinh-danh-dien-tu.cong-dan-so.gov.vn/v1/status-lists/1048576"
LAST_INDEX = 2**23 - 1
ISSUED_AT = datetime(2030, 12, 31, 23, 59, 59, tzinfo=UTC)
EXPIRES_AT = datetime(2040, 12, 31, 17, 0, tzinfo=UTC)


@cache
def longest_places() -> tuple[str, str]:
    """Return the longest commune and the longest province there are, by the room they take in a code."""

    def room(name: str) -> int:
        return len(name.encode())

    return max((each.name for each in communes().values()), key=room), max(provinces().values(), key=room)


def longest(kind: DocumentType, claims: Claims) -> dict[str, Any]:
    """Return the claims with the longest legal text in each that is a name, a place or an address."""
    commune, province = longest_places()
    address = f"Số 399, ngách 60, ngõ 250, đường Nguyễn Thị Minh Khai, {commune}, {province}"
    texts = {"commune": commune, "province": province, "address": address, "name": LONGEST_NAME}
    found = dict(claims)
    for claim in kind.claims:
        if claim.kind is Kind.TEXT and claim.name in claims:
            part = next((part for part in texts if part in claim.name), None)
            found[claim.name] = texts[part] if part else claims[claim.name]
    return found


def longest_code(kind: DocumentType, claims: Claims, *, least: bool = False) -> str:
    """Return a code of these claims whose every other part is as long as it can be. Raises Malformed."""
    payload = DocumentPayload(
        issuer=LONGEST_ISSUER,
        issued_at=ISSUED_AT,
        expires_at=EXPIRES_AT,
        document_id=hashlib.sha256(kind.code.encode()).digest()[:16],
        utility=kind.code,
        utility_version=kind.version,
        claims=compact_claims(kind, claims, least=least),
        claims_hash=claims_digest(full_claims(kind, claims), "0" * 32),
        status=StatusReference(LAST_INDEX, LONGEST_URI),
    )
    return encode_document_code(payload, _Stamp())


def fault_of_room(kind: DocumentType, claims: Claims) -> str:
    """Return a sentence when its code does not fit on paper with the longest legal names, "" when it does."""
    try:
        code = longest_code(kind, longest(kind, claims))
    except Malformed as error:
        return f"what it shows on paper fits no code ({error.detail})"
    if fits_on_paper(code):
        return ""
    return f"with the longest legal names its code has {len(code)} characters; {MAX_PRINTED_CHARACTERS} fit on paper"


class _Stamp:
    """In place of a key: 64 bytes that compress as little as a signature does."""

    kid = "c7f0a1d2e3b49586"
    certificate_der = b""

    def sign(self, message: bytes) -> bytes:
        return hashlib.sha512(message).digest()
