"""The seal: what other people's validators say of it, and that nothing can be changed, added or taken over."""

import random
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from functools import cache
from io import BytesIO
from pathlib import Path
from typing import NoReturn

import pytest
from asn1crypto.keys import PrivateKeyInfo
from asn1crypto.x509 import Certificate
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.timestamps import DummyTimeStamper, TimestampRequestError
from pyhanko.sign.validation.status import SignatureCoverageLevel

from tests.documents.forms.papers import (
    BEGIN,
    SEALED_AT,
    chain,
    documents,
    example,
    judged,
    made,
    paper,
    poppler,
    reader_of,
    root,
    seal_signer,
)
from tests.support import SeededEntropy
from wallet.crypto.certificates import key_usage
from wallet.crypto.keystore import Keystore, Role
from wallet.crypto.signing import LocalSigner
from wallet.errors import Unavailable

TAMPERED = 40
"""Places of one file in which a single bit is turned."""


@cache
def sealed() -> bytes:
    return made(example("residence/the whole confirmation with both"))


def contents_of(pdf: bytes) -> tuple[int, int]:
    """Return where the signature's own bytes begin and end, which it cannot cover."""
    (signature,) = reader_of(pdf).embedded_signatures
    first, length, second, _ = signature.byte_range
    return first + length, second


# --- Whole ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", [name for name in documents() if name.endswith("/longest names")])
def test_seal_is_intact_trusted_and_over_the_whole_file(name: str) -> None:
    status = judged(paper(name))
    assert status.bottom_line
    assert (status.intact, status.valid, status.trusted, status.docmdp_ok) == (True, True, True, True)
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.signer_reported_dt == SEALED_AT
    assert status.md_algorithm == "sha256"


def test_seal_is_pades_and_permits_no_change() -> None:
    (signature,) = reader_of(sealed()).embedded_signatures
    field = signature.sig_object
    assert field["/SubFilter"] == "/ETSI.CAdES.detached"
    assert field["/Filter"] == "/Adobe.PPKLite"
    assert field["/Name"] == "Ví Số"
    assert "/M" in field
    assert signature.docmdp_level.value == 1
    names = {attribute["type"].native for attribute in signature.signer_info["signed_attrs"]}
    assert names == {"content_type", "message_digest", "signing_certificate_v2"}
    assert signature.signer_info["signature_algorithm"].native["algorithm"] == "sha256_ecdsa"


def test_chain_is_inside_up_to_the_root() -> None:
    (signature,) = reader_of(sealed()).embedded_signatures
    inside = {each.chosen.dump() for each in signature.signed_data["certificates"]}
    assert inside == set(chain())
    assert signature.signer_cert.dump() == seal_signer().certificate_der


def test_poppler_finds_the_seal_valid(tmp_path: Path) -> None:
    file = tmp_path / "paper.pdf"
    file.write_bytes(sealed())
    told = poppler("pdfsig", "-nocert", str(file), content=b"").decode()
    assert told.count("Signature #") == 1
    assert "Signature Validation: Signature is Valid." in told
    assert "Total document signed" in told
    assert "Signature Type: ETSI.CAdES.detached" in told
    assert "Signer Certificate Common Name: Ví Số (mẫu) seal" in told
    assert "Nov 20 2026" in told


def test_what_was_typeset_stays_byte_for_byte() -> None:
    """The seal is an update: the file before it is the beginning of the file after it, and its metadata are kept."""
    pdf = sealed()
    assert pdf.count(b"%%EOF") == 2
    before = pdf[: pdf.index(b"%%EOF") + 6]
    assert pdf.startswith(before)
    first, last = reader_of(before), reader_of(pdf)
    assert first.root["/Metadata"].data == last.root["/Metadata"].data
    assert first.trailer["/Info"] == last.trailer["/Info"]
    assert not list(first.embedded_signatures)


def test_keys_of_a_deployment_seal(keys_dir: Path) -> None:
    keystore = Keystore.open(keys_dir)
    key = next(key for key in keystore.keys(Role.SEAL) if key.record.state == "active")
    now = BEGIN.fromtimestamp(key.record.not_before, BEGIN.tzinfo) + timedelta(days=1)
    pdf = made(example("driving_licence"), signer=key.signer, chain=key.chain, sealed_at=now)
    (signature,) = reader_of(pdf).embedded_signatures
    assert signature.signer_cert.dump() == key.signer.certificate_der
    assert signature.signer_cert.key_usage_value.native == {"digital_signature", "non_repudiation"}


def test_signer_is_asked_once_and_for_nothing_but_the_attributes() -> None:
    """A key in an HSM is asked through the same protocol; no hash of ours is passed off as another."""
    asked: list[bytes] = []

    class Asked:
        kid = seal_signer().kid
        certificate_der = seal_signer().certificate_der

        def sign(self, message: bytes) -> bytes:
            asked.append(message)
            return seal_signer().sign(message)

    pdf = made(example("driving_licence"), signer=Asked())
    assert judged(pdf).bottom_line
    (message,) = asked
    (signature,) = reader_of(pdf).embedded_signatures
    assert signature.compute_digest() in message
    assert message[0] == 0x31  # a SET of attributes (RFC 5652, section 5.4)


# --- Changed --------------------------------------------------------------------------------------------------------


def holds(pdf: bytes) -> bool:
    """Return whether a validator would say that the seal holds; a file that it cannot read any more has none."""
    with suppress(Exception):
        status = judged(pdf)
        return status.bottom_line and status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    return False


def test_single_bit_anywhere_breaks_it() -> None:
    pdf, rng = sealed(), random.Random(5)
    assert holds(pdf)
    start, end = contents_of(pdf)
    covered = [place for place in range(len(pdf)) if not start <= place < end]
    for place in rng.sample(covered, TAMPERED):
        changed = bytearray(pdf)
        changed[place] ^= 1 << rng.randrange(8)
        assert not holds(bytes(changed)), place


def test_poppler_says_of_a_changed_file_that_it_was_changed(tmp_path: Path) -> None:
    place = sealed().index(b"/Title")
    file = tmp_path / "paper.pdf"
    file.write_bytes(sealed()[: place + 9] + b"X" + sealed()[place + 10 :])
    assert "Signature is Valid" not in poppler("pdfsig", "-nocert", str(file), content=b"").decode()


def updated(change: Callable[[IncrementalPdfFileWriter], None]) -> bytes:
    """Return the sealed file with an update after the seal, as an editor of PDF writes one."""
    writer, out = IncrementalPdfFileWriter(BytesIO(sealed())), BytesIO()
    change(writer)
    writer.write(out)
    return out.getvalue()


def other_claims(writer: IncrementalPdfFileWriter) -> None:
    specs = writer.root["/AF"]
    file = next(specs[n] for n in range(len(specs)) if specs[n]["/UF"] == "claims.json")["/EF"].raw_get("/F")
    stream = file.get_object()
    stream._data = stream.data.replace("Nguyễn Văn An".encode(), "Nguyễn Văn Ân".encode())
    stream._encoded_data = None
    writer.mark_update(file)


def no_attachments(writer: IncrementalPdfFileWriter) -> None:
    del writer.root["/AF"]
    del writer.root["/Names"]
    writer.update_root()


def other_page(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    page.get_object()["/Contents"] = writer.add_object(generic.StreamObject(stream_data=b"0 0 100 100 re f"))
    writer.mark_update(page)


def comment(writer: IncrementalPdfFileWriter) -> None:
    page = writer.root["/Pages"]["/Kids"].raw_get(0)
    note = generic.DictionaryObject(
        {
            generic.pdf_name("/Type"): generic.pdf_name("/Annot"),
            generic.pdf_name("/Subtype"): generic.pdf_name("/FreeText"),
            generic.pdf_name("/Contents"): generic.TextStringObject("đã sửa"),
            generic.pdf_name("/Rect"): generic.ArrayObject(map(generic.NumberObject, (0, 0, 90, 90))),
        }
    )
    page.get_object()["/Annots"] = generic.ArrayObject([writer.add_object(note)])
    writer.mark_update(page)


def other_title(writer: IncrementalPdfFileWriter) -> None:
    writer.document_meta.title = "Giấy khác"
    writer.update_root()


@pytest.mark.parametrize("change", [other_claims, no_attachments, other_page, comment])
def test_update_after_the_seal_is_told(change: Callable[[IncrementalPdfFileWriter], None]) -> None:
    """What was sealed is still there below it, and the validator says that what is shown is something else."""
    pdf = updated(change)
    assert pdf.startswith(sealed())
    status = judged(pdf)
    assert status.intact
    assert status.coverage != SignatureCoverageLevel.ENTIRE_FILE
    assert not status.docmdp_ok
    assert not status.bottom_line


def test_other_metadata_are_told_as_no_part_of_what_was_sealed() -> None:
    """pyHanko lets an archive keep metadata up to date; that they are not covered, it says all the same."""
    assert judged(updated(other_title)).coverage != SignatureCoverageLevel.ENTIRE_FILE
    assert not holds(updated(other_title))


def test_update_really_changes_what_is_read() -> None:
    specs = reader_of(updated(other_claims)).root["/AF"]
    contents = [specs[place]["/EF"]["/F"].data for place in range(len(specs))]
    assert any("Nguyễn Văn Ân".encode() in content for content in contents)


@pytest.mark.parametrize("more", [b"\n", b"%\n", b"%%EOF\n", b"1 0 obj\n<<>>\nendobj\n", b"\0" * 100])
def test_bytes_after_the_end_are_told(more: bytes, tmp_path: Path) -> None:
    assert not holds(sealed() + more)
    file = tmp_path / "paper.pdf"
    file.write_bytes(sealed() + more)
    assert "Total document signed" not in poppler("pdfsig", "-nocert", str(file), content=b"").decode()


@pytest.mark.parametrize("less", [1, 6, 200, 5_000, 20_000])
def test_file_cut_short_does_not_hold(less: int) -> None:
    assert not holds(sealed()[:-less])


def test_file_before_the_seal_has_none() -> None:
    assert not holds(sealed()[: sealed().index(b"%%EOF") + 6])


def test_seal_of_another_paper_does_not_fit() -> None:
    other = made(example("residence/the whole confirmation with both"), entropy=SeededEntropy("other"))
    assert holds(other)
    assert len(other) == len(sealed())
    start, end = contents_of(sealed())
    assert not holds(sealed()[:start] + other[start:end] + sealed()[end:])


# --- By somebody else -----------------------------------------------------------------------------------------------


def test_seal_below_another_root_is_not_trusted() -> None:
    status = judged(sealed(), root(0xBAD).certificate_der)
    assert status.intact
    assert not status.trusted
    assert not status.bottom_line


def test_seal_that_certifies_itself_is_not_trusted() -> None:
    own = root(0xBAD)
    status = judged(made(example("driving_licence"), signer=own, chain=(own.certificate_der,)))
    assert not status.trusted
    assert not status.bottom_line


def test_seal_by_another_key_than_its_certificates_does_not_hold() -> None:
    impostor = LocalSigner(ec.derive_private_key(0xBAD, ec.SECP256R1()), seal_signer().certificate_der)
    status = judged(made(example("driving_licence"), signer=impostor))
    assert not status.valid
    assert not status.bottom_line


def test_seal_outside_its_certificates_life_is_not_trusted() -> None:
    pdf = made(example("driving_licence"), sealed_at=BEGIN + timedelta(days=4000))
    assert not judged(pdf, moment=BEGIN + timedelta(days=4001)).bottom_line


def test_root_that_is_left_out_is_the_readers_to_have() -> None:
    pdf = made(example("driving_licence"), chain=chain()[:1])
    assert judged(pdf).bottom_line
    (signature,) = reader_of(pdf).embedded_signatures
    assert [each.chosen.dump() for each in signature.signed_data["certificates"]] == list(chain()[:1])


class Refusing:
    """A signer whose device does not answer."""

    kid = seal_signer().kid
    certificate_der = seal_signer().certificate_der

    def sign(self, message: bytes) -> bytes:
        raise Unavailable("signing_unavailable")


def test_signer_that_fails_makes_no_paper() -> None:
    with pytest.raises(Unavailable) as caught:
        made(example("driving_licence"), signer=Refusing())
    assert caught.value.code == "signing_unavailable"


# --- With a time stamp ----------------------------------------------------------------------------------------------


@cache
def time_stamper() -> DummyTimeStamper:
    """Return a time-stamping authority with a certificate for that and nothing else."""
    key = rsa.generate_private_key(65537, 2048)  # pyHanko's own authority for tests knows no other kind
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "TSA (mẫu)")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(715)
        .not_valid_before(BEGIN)
        .not_valid_after(BEGIN + timedelta(days=3600))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(key_usage("digital_signature"), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING]), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return DummyTimeStamper(
        Certificate.load(certificate.public_bytes(Encoding.DER)),
        PrivateKeyInfo.load(secret),
        fixed_dt=SEALED_AT + timedelta(seconds=2),
    )


def test_time_stamp_proves_when_it_was_sealed() -> None:
    pdf = made(example("driving_licence"), time_stamper=time_stamper())
    status = judged(pdf, also=(time_stamper().tsa_cert.dump(),))
    assert status.bottom_line
    assert status.coverage == SignatureCoverageLevel.ENTIRE_FILE
    assert status.timestamp_validity is not None
    assert (status.timestamp_validity.valid, status.timestamp_validity.trusted) == (True, True)
    assert status.timestamp_validity.timestamp == SEALED_AT + timedelta(seconds=2)
    assert judged(sealed()).timestamp_validity is None


def test_time_stamp_of_somebody_unknown_proves_nothing() -> None:
    status = judged(made(example("driving_licence"), time_stamper=time_stamper()))
    assert status.timestamp_validity is not None
    assert not status.timestamp_validity.trusted


class Silent(DummyTimeStamper):
    async def async_request_tsa_response(self, req: object) -> NoReturn:
        raise TimestampRequestError("no answer")


def test_time_stamper_that_fails_makes_no_paper() -> None:
    silent = Silent(time_stamper().tsa_cert, time_stamper().tsa_key)
    with pytest.raises(TimestampRequestError):
        made(example("driving_licence"), time_stamper=silent)
