"""Papers as the tests make them: sealed below a root of their own, and read by software that nobody here wrote."""

import shutil
import subprocess
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from typing import Any

from asn1crypto.x509 import Certificate
from cryptography.hazmat.primitives.asymmetric import ec
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko.sign.validation.status import PdfSignatureStatus
from pyhanko_certvalidator import ValidationContext

from tests.documents.stated import STATUS_URI, every_example, longest_of_each_kind
from tests.needs import need
from tests.support import SeededEntropy
from wallet.crypto.authority import SEAL_SIGNER, Authority, certify, root_certificate
from wallet.crypto.signing import LocalSigner
from wallet.documents.forms import pdf
from wallet.documents.forms.stated import Copy, StatedDocument

BEGIN = datetime(2020, 1, 1, tzinfo=UTC)
SEALED_AT = datetime(2026, 11, 20, 5, 30, 7, tzinfo=UTC)
AUTHORITY = Authority("Ví Số (mẫu)", "https://vi.example.vn")
SD_JWT = "eyJ0eXAiOiJkYytzZC1qd3QifQ." + "e30" * 900 + ".c2ln~" + "WyJzYWx0IiwibmFtZSIsInYiXQ~" * 30
"""Opaque to the page: what is attached is what was handed in, to the letter."""


@cache
def root(secret: int = 0x1ACA) -> LocalSigner:
    key = ec.derive_private_key(secret, ec.SECP256R1())
    return LocalSigner(key, root_certificate(key, AUTHORITY, BEGIN, BEGIN + timedelta(days=3652), SeededEntropy()))


@cache
def seal_signer() -> LocalSigner:
    key = ec.derive_private_key(0x5EA1, ec.SECP256R1())
    end = BEGIN + timedelta(days=3600)
    return LocalSigner(key, certify(SEAL_SIGNER, key.public_key(), root(), AUTHORITY, BEGIN, end, SeededEntropy(1)))


def chain() -> tuple[bytes, ...]:
    return seal_signer().certificate_der, root().certificate_der


def copy_of(document: StatedDocument) -> Copy:
    return Copy(document.issued_at, document.expires_at, STATUS_URI, 7)


def made(document: StatedDocument, **changes: Any) -> bytes:
    """Return the paper of a document; the same each time."""
    given: dict[str, Any] = {"chain": chain(), "sealed_at": SEALED_AT, **changes}
    signer, entropy = given.pop("signer", seal_signer()), given.pop("entropy", SeededEntropy(2))
    return pdf.make(document, copy_of(document), signer, entropy, SD_JWT, **given)


def documents() -> dict[str, StatedDocument]:
    """Return every example document, and of each kind one with the longest legal names."""
    return every_example() | {f"{kind}/longest names": each for kind, each in longest_of_each_kind().items()}


def example(name: str) -> StatedDocument:
    """Return the first example whose name begins like this."""
    return next(document for key, document in every_example().items() if key.startswith(name))


@cache
def paper(name: str) -> bytes:
    """Return the paper of one of `documents`."""
    return made(documents()[name])


def household(members: int) -> StatedDocument:
    """Return a confirmation of residence with so many members, each with another long name."""
    letters = "ăâđêôơưạảấầẩẫậắằẳẵặẹẻẽếềểễệỉịọỏốồổỗộớờởỡợụủứừửữựỳỵỷỹ"
    people = [
        {
            "full_name": f"Nguyễn Phước Tôn Nữ {letters[place % len(letters)].upper()}nh {letters[-place % 40]}",
            "birth_date": f"{1940 + place}-0{1 + place % 9}-{10 + place % 18}" if place % 7 else str(1940 + place),
            "sex": "Nữ" if place % 2 else "Nam",
            "relation": "Người ở nhờ" if place % 3 else "Cháu",
            "number_last4": f"{place:04d}",
        }
        for place in range(members)
    ]
    document = example("residence/the whole confirmation with both tables")
    return replace(document, claims={**document.claims, "household_members": people})


def poppler(tool: str, *arguments: str, content: bytes) -> bytes:
    """Return what a tool of poppler writes about a PDF; the test is skipped aloud where it is not installed."""
    need(shutil.which(tool), "WALLET_REQUIRE_POPPLER", f"no {tool} on this machine: apt-get install poppler-utils")
    done = subprocess.run([tool, *arguments], input=content, capture_output=True, check=True, timeout=120)
    return done.stdout


def pages_of(content: bytes) -> list[str]:
    """Return the text of each page, in the order in which it is read aloud and copied."""
    text = poppler("pdftotext", "-raw", "-enc", "UTF-8", "-", "-", content=content).decode()
    return text.split("\f")[:-1]


def run_together(text: str) -> str:
    """Return text without any white space, so that where a line was broken does not matter."""
    return "".join(text.split())


def reader_of(content: bytes) -> PdfFileReader:
    return PdfFileReader(BytesIO(content))


def judged(
    content: bytes,
    trusted: bytes | None = None,
    also: tuple[bytes, ...] = (),
    moment: datetime = SEALED_AT + timedelta(days=1),
) -> PdfSignatureStatus:
    """Return what pyHanko's validator says of the seal. trusted: the root that the reader was given, also: others."""
    roots = [Certificate.load(each) for each in (trusted or root().certificate_der, *also)]
    context = ValidationContext(trust_roots=roots, moment=moment, allow_fetching=False)
    (signature,) = reader_of(content).embedded_signatures
    return validate_pdf_signature(signature, context)
