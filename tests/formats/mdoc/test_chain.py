"""Whom a reader believes. Source: ISO/IEC 18013-5:2021, section 9.3.3 and Annex B.1, tables B.1 and B.3."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.formats.mdoc.world import DAY, UNITED, UNKNOWN_CRITICAL, MdocWorld, root_der, signer_der, subject, usage
from tests.support import NOON
from wallet.errors import Malformed
from wallet.formats.mdoc.chain import DOCUMENT_SIGNER, IacaRoots
from wallet.formats.mdoc.refusal import MdocRefused

SIGNER = ec.generate_private_key(ec.SECP256R1()).public_key()
ROOT_ID = x509.AuthorityKeyIdentifier.from_issuer_public_key(UNITED.public_key())


def refused(country: MdocWorld, *chain: bytes, now: datetime = NOON, roots: IacaRoots | None = None) -> str:
    with pytest.raises(MdocRefused) as caught:
        (roots or country.roots).signer_of(chain, now)
    return caught.value.reason


def test_a_document_signer_is_believed(country: MdocWorld) -> None:
    der = signer_der(SIGNER, country.root_key)
    signer = country.roots.signer_of((der,), NOON)
    assert (signer.public_key, signer.certificate_der) == (SIGNER, der)
    assert (signer.not_before, signer.not_after) == (NOON - 50 * DAY, NOON + 400 * DAY)


def test_the_right_one_of_several_roots_is_found(country: MdocWorld) -> None:
    others = [root_der(ec.generate_private_key(ec.SECP256R1())) for _ in range(3)]
    roots = IacaRoots.of([*others, country.root])
    assert roots.signer_of((signer_der(SIGNER, country.root_key),), NOON)


@pytest.mark.parametrize("curve", [ec.SECP384R1(), ec.SECP521R1()])
def test_a_root_may_have_a_larger_key(country: MdocWorld, curve: ec.EllipticCurve) -> None:
    key = ec.generate_private_key(curve)
    roots = IacaRoots.of([root_der(key, digest=hashes.SHA384())])
    assert roots.signer_of((signer_der(SIGNER, key, digest=hashes.SHA384()),), NOON)


def test_no_chain_is_refused(country: MdocWorld) -> None:
    assert refused(country) == "x5chain_missing"


def test_more_than_the_signer_is_refused(country: MdocWorld) -> None:
    der = signer_der(SIGNER, country.root_key)
    for chain in ((der, country.root), (der, der), (country.root, der)):
        assert refused(country, *chain) == "signer_profile"


@pytest.mark.parametrize(
    "changes",
    [
        {"not_after": NOON + 407 * DAY + timedelta(seconds=1)},
        {"usage": None},
        {"usage": (usage("digital_signature"), False)},
        {"usage": (usage("digital_signature", "key_cert_sign"), True)},
        {"usage": (usage("digital_signature", "content_commitment"), True)},
        {"usage": (usage("key_agreement"), True)},
        {"extended": None},
        {"extended": (x509.ExtendedKeyUsage([DOCUMENT_SIGNER]), False)},
        {"extended": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), True)},
        {"extended": (x509.ExtendedKeyUsage([DOCUMENT_SIGNER, ExtendedKeyUsageOID.SERVER_AUTH]), True)},
        {"extended": (x509.ExtendedKeyUsage([ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE]), True)},
        {"constraints": (x509.BasicConstraints(ca=True, path_length=0), True)},
        {"key_id": None},
        {"other": UNKNOWN_CRITICAL},
        {"other": (x509.NameConstraints([x509.DNSName("example.com")], None), True)},
        {"name": subject("signer", "LA")},
        {"name": subject("signer", None)},
    ],
)
def test_who_is_no_document_signer_is_refused(country: MdocWorld, changes: dict[str, Any]) -> None:
    assert refused(country, signer_der(SIGNER, country.root_key, **changes)) == "signer_profile"


@pytest.mark.parametrize(
    "changes",
    [
        {"not_after": NOON + 407 * DAY},
        {"constraints": (x509.BasicConstraints(ca=False, path_length=None), True)},
        {"other": (x509.IssuerAlternativeName([x509.UniformResourceIdentifier("https://vi.example.vn")]), False)},
        {"other": (UNKNOWN_CRITICAL[0], False)},
    ],
)
def test_what_the_profile_allows_is_allowed(country: MdocWorld, changes: dict[str, Any]) -> None:
    assert country.roots.signer_of((signer_der(SIGNER, country.root_key, **changes),), NOON)


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()).public_key(),
        ec.generate_private_key(ec.SECP256K1()).public_key(),
        ed25519.Ed25519PrivateKey.generate().public_key(),
        rsa.generate_private_key(65537, 2048).public_key(),
    ],
)
def test_a_key_that_is_not_on_p256_is_refused(country: MdocWorld, key: Any) -> None:
    assert refused(country, signer_der(key, country.root_key)) == "curve_not_allowed"


@pytest.mark.parametrize(
    "changes",
    [
        {"issuer_key": UNITED},
        {"issuer": subject("IACA", "LA")},
        {"issuer": subject("iaca")},
        {"authority": None},
        {"authority": (ROOT_ID, False)},
        {"authority": (ROOT_ID, False), "issuer_key": UNITED},
    ],
)
def test_who_was_not_certified_by_a_root_is_unknown(country: MdocWorld, changes: dict[str, Any]) -> None:
    assert refused(country, signer_der(SIGNER, country.root_key, **changes)) == "unknown_issuer"


def test_a_signer_that_certified_itself_is_unknown(country: MdocWorld) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    assert refused(country, signer_der(key.public_key(), key, issuer=subject("signer"))) == "unknown_issuer"


def test_a_flipped_bit_of_a_certificate_is_unknown(country: MdocWorld) -> None:
    der = signer_der(SIGNER, country.root_key)
    assert refused(country, der[:-1] + bytes([der[-1] ^ 1])) == "unknown_issuer"


def test_a_root_is_no_signer(country: MdocWorld) -> None:
    assert refused(country, country.root) == "signer_profile"


@pytest.mark.parametrize(
    ("now", "reason"),
    [
        (NOON - 50 * DAY - timedelta(seconds=1), "signer_not_valid"),
        (NOON + 400 * DAY + timedelta(seconds=1), "signer_not_valid"),
        (NOON - 4000 * DAY, "signer_not_valid"),
    ],
)
def test_certificates_of_another_time_are_refused(country: MdocWorld, now: datetime, reason: str) -> None:
    assert refused(country, signer_der(SIGNER, country.root_key), now=now) == reason


def test_a_root_of_another_time_is_refused(country: MdocWorld) -> None:
    for begin, end in ((NOON - 300 * DAY, NOON - DAY), (NOON + DAY, NOON + 300 * DAY)):
        roots = IacaRoots.of([root_der(country.root_key, not_before=begin, not_after=end)])
        assert refused(country, signer_der(SIGNER, country.root_key), roots=roots) == "root_not_valid"


@pytest.mark.parametrize(
    "changes",
    [
        {"constraints": None},
        {"constraints": (x509.BasicConstraints(ca=True, path_length=0), False)},
        {"constraints": (x509.BasicConstraints(ca=True, path_length=None), True)},
        {"constraints": (x509.BasicConstraints(ca=True, path_length=1), True)},
        {"constraints": (x509.BasicConstraints(ca=False, path_length=None), True)},
        {"usage": None},
        {"usage": (usage("key_cert_sign", "crl_sign"), False)},
        {"usage": (usage("key_cert_sign", "crl_sign", "digital_signature"), True)},
        {"usage": (usage("digital_signature"), True)},
        {"key_id": None},
        {"issuer": subject("another")},
        {"issuer_key": UNITED},
        {"other": UNKNOWN_CRITICAL},
    ],
)
def test_what_is_no_iaca_root_is_not_taken(country: MdocWorld, changes: dict[str, Any]) -> None:
    with pytest.raises(MdocRefused, match="root_profile"):
        IacaRoots.of([country.root, root_der(country.root_key, **changes)])


@pytest.mark.parametrize("der", [b"", b"x", bytes(100), b"0\x03\x02\x01\x01", bytes(16_385)])
def test_what_is_no_certificate_is_malformed(country: MdocWorld, der: bytes) -> None:
    with pytest.raises(Malformed):
        country.roots.signer_of((der,), NOON)
    with pytest.raises(Malformed):
        IacaRoots.of([der])


def test_a_certificate_cut_short_or_continued_is_malformed(country: MdocWorld) -> None:
    der = signer_der(SIGNER, country.root_key)
    for broken in (der[:-1], der + b"\x00"):
        with pytest.raises(Malformed):
            country.roots.signer_of((broken,), NOON)
