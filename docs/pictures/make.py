"""Draws the README's picture: a sample code, and beside it all that is needed to check it offline.

`make picture` writes code.txt, code.svg, bundle.jws and bundle.pin into this folder. Time, chance and keys are
constants of this script, so every run writes the same; the keys are published right here, good for this sample alone.
"""

import hashlib
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from wallet.crypto.certificates import self_signed
from wallet.crypto.signing import LocalSigner
from wallet.documents import qr_image
from wallet.documents.issuing import end_of_validity
from wallet.formats.cwt_code import DocumentPayload, StatusReference, claims_digest, encode_document_code
from wallet.formats.status_list import StatusListToken, pack, sign_status_jwt
from wallet.formats.trust_bundle import (
    ANY_UTILITY,
    BundleContent,
    ClaimEntry,
    IssuerEntry,
    KeyEntry,
    StatusListEntry,
    TypeEntry,
    pin_of,
    sign_bundle,
)
from wallet.utilities.base import Case
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.paper import compact_claims, full_claims

FOLDER = Path(__file__).parent
MADE_AT = datetime(2026, 3, 2, 5, 0, tzinfo=UTC)
ISSUER = "VN-MAU"
ISSUER_NAME = {"vi": "Ví Số (cơ quan cấp mẫu)", "en": "Ví Số (sample issuer)"}
SERVICE = "https://vi.example.vn"
LIST_URI = f"{SERVICE}/v1/status-lists/1"
SALT = "c2FtcGxlLXNhbHQtMTYtYg"
CLAIMS = {
    "full_name": "Nguyễn Mẫu An",
    "number": "099090000001",
    "birth_date": date(1990, 6, 15),
    "sex": "Nam",
    "permanent_commune": "Phường Cầu Giấy",
    "permanent_province": "Thành phố Hà Nội",
    "permanent_since": date(2015, 6, 10),
    "permanent_address": "Số 12, ngõ 34, đường Nguyễn Khang, Phường Cầu Giấy, Thành phố Hà Nội",
    "household_head_name": "Nguyễn Mẫu An",
    "relation_to_head": "Chủ hộ",
}


class _Constant:
    """Chance without any: bytes that follow from a name."""

    def __init__(self, name: str) -> None:
        self._name = name

    def bytes(self, count: int) -> bytes:
        return hashlib.shake_256(self._name.encode()).digest(count)


def sample_signer(role: str) -> LocalSigner:
    """Return a signer whose private key anyone can compute: SHA-256 of a published sentence."""
    secret = hashlib.sha256(f"MAU - KHONG CO GIA TRI PHAP LY / README sample / {role}".encode()).digest()
    key = ec.derive_private_key(int.from_bytes(secret, "big"), ec.SECP256R1())
    begin, end = MADE_AT - timedelta(days=1), MADE_AT + timedelta(days=1500)
    return LocalSigner(key, self_signed(key, f"MAU {role}", begin, end, _Constant(f"serial {role}")))


def sample_code() -> str:
    """Return the code of the picture: a residence document of the demo's An."""
    kind = Catalogue.discover().get("residence").document("residence")
    claims = {**CLAIMS, **kind.derive(Case(now=MADE_AT, today=MADE_AT.date(), claims=CLAIMS))}
    payload = DocumentPayload(
        issuer=ISSUER,
        issued_at=MADE_AT,
        expires_at=end_of_validity(MADE_AT, kind.validity),
        document_id=_Constant("document").bytes(16),
        utility=kind.code,
        utility_version=kind.version,
        claims=compact_claims(kind, claims),
        claims_hash=claims_digest(full_claims(kind, claims), SALT),
        status=StatusReference(7, LIST_URI),
    )
    return encode_document_code(payload, sample_signer("doc"))


def sample_bundle() -> tuple[str, str]:
    """Return a trust bundle that vouches for the sample code, and the pin to know it by."""
    root, status = sample_signer("bundle"), sample_signer("status")
    life = timedelta(hours=72)
    entries = bytes(pack([0] * 64, bits=2))
    token = StatusListToken(LIST_URI, MADE_AT, MADE_AT + life, ttl_seconds=900, bits=2, entries=entries)
    content = BundleContent(
        iss=SERVICE,
        issued_at=MADE_AT,
        expires_at=MADE_AT + life,
        next_update=MADE_AT + timedelta(hours=24),
        seq=1,
        prev=None,
        issuers=(IssuerEntry(ISSUER, ISSUER_NAME, tuple(_entry(role) for role in ("doc", "status"))),),
        status_lists=(StatusListEntry(LIST_URI, sign_status_jwt(token, status)),),
        types=(_type(),),
    )
    return sign_bundle(content, root), pin_of(root.certificate_der)


def _entry(role: str) -> KeyEntry:
    signer = sample_signer(role)
    return KeyEntry(
        kid=signer.kid,
        x5c=(signer.certificate_der,),
        not_before=MADE_AT - timedelta(days=1),
        not_after=MADE_AT + timedelta(days=730),
        utilities=(ANY_UTILITY,),
        roles=(role,),
        state="active",
    )


def _type() -> TypeEntry:
    plugin = Catalogue.discover().plugin("residence")
    kind = plugin.utility.document("residence")
    shown = [claim for claim in kind.claims if str(claim.kind) != "records"]
    claims = (ClaimEntry(claim.number, claim.name, plugin.label(claim.name), str(claim.kind)) for claim in shown)
    return TypeEntry(kind.code, kind.version, dict(kind.title), tuple(claims))


def main() -> None:
    """Write the files."""
    code = sample_code()
    bundle, pin = sample_bundle()
    files = {"code.txt": code, "code.svg": qr_image.svg(code), "bundle.jws": bundle, "bundle.pin": pin}
    for name, text in files.items():
        (FOLDER / name).write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
