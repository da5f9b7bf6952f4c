"""A seal read back by other code than wrote it: whole and ours, or not at all."""

import random
import zlib
from collections.abc import Callable
from functools import cache

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from tests.documents.forms.papers import SD_JWT as CREDENTIAL
from tests.documents.forms.papers import chain, documents, example, made, paper, root, seal_signer
from tests.documents.forms.test_pdf_seal import comment, contents_of, no_attachments, other_claims, other_page, updated
from tests.support import SeededEntropy
from wallet.crypto.signing import LocalSigner
from wallet.errors import Malformed, VerificationFailed
from wallet.formats.pades_reading import MAXIMUM_ATTACHMENT, attached, sealed_by

REFUSED = (Malformed, VerificationFailed)
SD_JWT = "application/dc+sd-jwt"


@cache
def sealed() -> bytes:
    return made(example("residence/the whole confirmation with both"))


# --- Refusals -------------------------------------------------------------------------------------------------------


def test_a_single_bit_anywhere_that_is_covered_breaks_it() -> None:
    pdf, rng = sealed(), random.Random(7)
    start, end = contents_of(pdf)
    for place in rng.sample([place for place in range(len(pdf)) if not start <= place < end], 200):
        changed = bytearray(pdf)
        changed[place] ^= 1 << rng.randrange(8)
        with pytest.raises(REFUSED):
            sealed_by(bytes(changed))


def test_a_digit_of_the_seal_itself_breaks_it_or_makes_nothing_of_it() -> None:
    """What a signature does not cover inside a seal, the certificates of others, may be another; never who sealed."""
    pdf, rng = sealed(), random.Random(8)
    start, end = contents_of(pdf)
    for place in rng.sample(range(start + 1, end - 1), 200):
        changed = bytearray(pdf)
        changed[place] = ord("0") if changed[place] != ord("0") else ord("7")
        try:
            assert sealed_by(bytes(changed)) == seal_signer().certificate_der
        except REFUSED:
            continue


@pytest.mark.parametrize("change", [other_claims, no_attachments, other_page, comment])
def test_an_update_after_the_seal_is_refused(change: Callable[..., None]) -> None:
    with pytest.raises(REFUSED):
        sealed_by(updated(change))


@pytest.mark.parametrize("more", [b"%\n", b"%%EOF\n", b"1 0 obj\n<<>>\nendobj\n%%EOF\n", b"\0" * 100])
def test_bytes_after_the_end_are_refused(more: bytes) -> None:
    with pytest.raises(REFUSED):
        sealed_by(sealed() + more)


@pytest.mark.parametrize("less", [2, 6, 200, 5_000, 20_000])
def test_a_file_cut_short_is_refused(less: int) -> None:
    with pytest.raises(REFUSED):
        sealed_by(sealed()[:-less])


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", b"%PDF-1.7\n%%EOF\n", b"\0" * 5000, b"%%EOF"])
def test_what_is_no_sealed_file_is_refused(content: bytes) -> None:
    with pytest.raises(Malformed):
        sealed_by(content)


def test_a_file_before_its_seal_has_none() -> None:
    with pytest.raises(Malformed):
        sealed_by(sealed()[: sealed().index(b"%%EOF") + 6])


def test_the_seal_of_another_paper_does_not_fit() -> None:
    other = made(example("residence/the whole confirmation with both"), entropy=SeededEntropy("other"))
    assert len(other) == len(sealed())
    start, end = contents_of(sealed())
    with pytest.raises(VerificationFailed):
        sealed_by(sealed()[:start] + other[start:end] + sealed()[end:])


def test_a_range_that_leaves_out_something_else_is_refused() -> None:
    """Whoever could choose what is left out could leave out a page."""
    pdf = sealed()
    start, end = contents_of(pdf)
    for begin in (start - 60, start + 2, 1000):
        old = b"/ByteRange [0 %d %d %d]" % (start, end, len(pdf) - end)
        new = (b"/ByteRange [0 %d %d %d]" % (begin, end, len(pdf) - end)).ljust(len(old))
        assert pdf.count(old) == 1
        with pytest.raises(REFUSED):
            sealed_by(pdf.replace(old, new[: len(old)]))


def test_a_seal_by_another_key_than_its_certificates_does_not_hold() -> None:
    impostor = LocalSigner(ec.derive_private_key(0xBAD, ec.SECP256R1()), seal_signer().certificate_der)
    with pytest.raises(VerificationFailed):
        sealed_by(made(example("driving_licence"), signer=impostor))


@pytest.mark.parametrize("media_type", ["text/plain", "application/pdf", ".*"])
def test_an_attachment_that_is_not_there_is_refused(media_type: str) -> None:
    with pytest.raises(Malformed):
        attached(sealed(), media_type)


def stream(content: bytes, *, length: int | None = None) -> bytes:
    data = zlib.compress(content)
    head = b"<</Length %d/Type/EmbeddedFile/Filter/FlateDecode/Subtype/application#2Fdc+sd-jwt>>" % (
        len(data) if length is None else length
    )
    return b"1 0 obj\n" + head + b"\nstream\n" + data + b"\nendstream\nendobj\n"


@pytest.mark.parametrize(
    "pdf",
    [
        stream(b"a") + stream(b"b"),
        stream(b"a" * (MAXIMUM_ATTACHMENT + 1)),
        stream(b"abc", length=4),
        stream(b"abc").replace(b"x\x9c", b"y\x9c"),
        b"<</Type/EmbeddedFile/Subtype/application#2Fdc+sd-jwt>>\nstream\nabc",
    ],
    ids=["two", "a bomb", "cut", "not deflated", "no length"],
)
def test_an_attachment_that_is_none_is_refused(pdf: bytes) -> None:
    with pytest.raises(Malformed):
        attached(pdf, SD_JWT)


# --- What holds -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in documents() if name.endswith("/longest names")])
def test_who_sealed_it_is_told(name: str) -> None:
    assert sealed_by(paper(name)) == seal_signer().certificate_der


def test_whose_certificate_it_is_is_the_callers_to_judge() -> None:
    own = root(0xBAD)
    assert sealed_by(made(example("driving_licence"), signer=own, chain=(own.certificate_der,))) == own.certificate_der
    assert sealed_by(made(example("driving_licence"), chain=chain()[:1])) == seal_signer().certificate_der


def test_what_is_attached_is_read() -> None:
    assert attached(sealed(), SD_JWT).decode() == CREDENTIAL
    assert attached(sealed(), "application/json").startswith(b'{"claims":')
