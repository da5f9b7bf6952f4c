"""The IACA root and what it certifies. Source: ISO/IEC 18013-5:2021, Annex B.1; RFC 5280; HAIP 1.0, section 6.1.1."""

from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID, ObjectIdentifier

from tests.support import AUTHORITY, NOON, SeededEntropy
from wallet.crypto.authority import (
    DOCUMENT_SIGNER,
    SD_JWT_SIGNER,
    SEAL_SIGNER,
    Authority,
    Profile,
    SigningKey,
    certify,
    root_certificate,
)
from wallet.crypto.certificates import self_signed
from wallet.crypto.keystore import Keystore, Role
from wallet.crypto.making import CERTIFIED, create_missing
from wallet.crypto.signing import LocalSigner
from wallet.entropy import SystemEntropy

UNTIL = NOON + timedelta(days=3652)
PROFILES = [SD_JWT_SIGNER, DOCUMENT_SIGNER, SEAL_SIGNER]


@pytest.fixture(scope="module")
def root() -> LocalSigner:
    private = ec.generate_private_key(ec.SECP256R1())
    return LocalSigner(private, root_certificate(private, AUTHORITY, NOON, UNTIL, SeededEntropy("root")))


def signed_by(root: LocalSigner, profile: Profile, authority: Authority = AUTHORITY) -> x509.Certificate:
    public_key = ec.generate_private_key(ec.SECP256R1()).public_key()
    end = NOON + timedelta(days=457)
    return x509.load_der_x509_certificate(
        certify(profile, public_key, root, authority, NOON, end, SeededEntropy(profile.purpose))
    )


def critical(certificate: x509.Certificate) -> set[str]:
    return {extension.oid._name for extension in certificate.extensions if extension.critical}


def usages(certificate: x509.Certificate) -> set[str]:
    usage = certificate.extensions.get_extension_for_class(x509.KeyUsage).value
    names = ("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement")
    return {name for name in (*names, "key_cert_sign", "crl_sign") if getattr(usage, name)}


def test_root_keeps_the_profile_of_an_iaca(root: LocalSigner) -> None:
    certificate = x509.load_der_x509_certificate(root.certificate_der)
    certificate.verify_directly_issued_by(certificate)
    assert certificate.version is x509.Version.v3
    assert 2**63 < certificate.serial_number < 2**159
    assert [name.oid for name in certificate.subject] == [
        NameOID.COUNTRY_NAME,
        NameOID.ORGANIZATION_NAME,
        NameOID.COMMON_NAME,
    ]
    assert certificate.subject.get_attributes_for_oid(NameOID.COUNTRY_NAME)[0].value == "VN"
    assert usages(certificate) == {"key_cert_sign", "crl_sign"}
    basic = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (basic.ca, basic.path_length) == (True, 0)
    contact = certificate.extensions.get_extension_for_class(x509.IssuerAlternativeName).value
    assert contact.get_values_for_type(x509.UniformResourceIdentifier) == [AUTHORITY.url]
    (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert (point.reasons, point.crl_issuer) == (None, None)
    assert critical(certificate) == {"basicConstraints", "keyUsage"}
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= timedelta(days=20 * 365)


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.purpose)
def test_what_the_root_certifies_leads_back_to_it(root: LocalSigner, profile: Profile) -> None:
    certificate, issuer = signed_by(root, profile), x509.load_der_x509_certificate(root.certificate_der)
    certificate.verify_directly_issued_by(issuer)
    assert certificate.issuer.public_bytes() == issuer.subject.public_bytes()
    assert certificate.subject != certificate.issuer
    own = issuer.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    assert certificate.extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value.key_identifier == own
    certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier)
    certificate.extensions.get_extension_for_class(x509.IssuerAlternativeName)
    certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints)
    assert not usages(certificate) & {"key_cert_sign", "crl_sign"}


def test_document_signer_may_sign_mdoc_and_nothing_else(root: LocalSigner) -> None:
    certificate = signed_by(root, DOCUMENT_SIGNER)
    extended = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    assert extended.critical
    assert list(extended.value) == [ObjectIdentifier("1.0.18013.5.1.2")]
    assert usages(certificate) == {"digital_signature"}
    with pytest.raises(x509.ExtensionNotFound):
        certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)


def test_seal_commits_to_content(root: LocalSigner) -> None:
    assert usages(signed_by(root, SEAL_SIGNER)) == {"digital_signature", "content_commitment"}


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("https://vi.example.vn", x509.DNSName("vi.example.vn")),
        ("https://vi.example.vn:8443/vi", x509.DNSName("vi.example.vn")),
        ("http://localhost:8000", x509.DNSName("localhost")),
    ],
)
def test_signer_of_sd_jwt_names_the_issuer(root: LocalSigner, url: str, host: x509.GeneralName) -> None:
    certificate = signed_by(root, SD_JWT_SIGNER, Authority("Test", url))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert list(names) == [x509.UniformResourceIdentifier(url), host]


def test_address_without_a_name_is_named_as_an_address(root: LocalSigner) -> None:
    certificate = signed_by(root, SD_JWT_SIGNER, Authority("Test", "http://127.0.0.1:8000"))
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(name) for name in names.get_values_for_type(x509.IPAddress)] == ["127.0.0.1"]
    assert names.get_values_for_type(x509.DNSName) == []


def test_long_name_of_an_organisation_still_fits(root: LocalSigner) -> None:
    authority = Authority("Ví Số " * 20, AUTHORITY.url)
    for name in signed_by(root, DOCUMENT_SIGNER, authority).subject:
        assert 0 < len(str(name.value).encode()) <= 64


def test_another_root_certified_none_of_it(root: LocalSigner) -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    other = x509.load_der_x509_certificate(root_certificate(private, AUTHORITY, NOON, UNTIL, SeededEntropy("other")))
    with pytest.raises(InvalidSignature):
        signed_by(root, DOCUMENT_SIGNER).verify_directly_issued_by(other)


def test_signer_that_is_no_root_certifies_nobody() -> None:
    private = ec.generate_private_key(ec.SECP256R1())
    signer = LocalSigner(private, self_signed(private, "doc", NOON, UNTIL, SeededEntropy("doc")))
    with pytest.raises(x509.ExtensionNotFound):
        signed_by(signer, DOCUMENT_SIGNER)


def test_signing_key_gives_nothing_away(root: LocalSigner) -> None:
    public_key = x509.load_der_x509_certificate(root.certificate_der).public_key()
    key = SigningKey(root.sign, public_key)
    with pytest.raises(TypeError):
        key.private_numbers()
    with pytest.raises(TypeError):
        key.private_bytes(Encoding.PEM)
    with pytest.raises(TypeError):
        key.exchange(ec.ECDH(), key.public_key())
    with pytest.raises(TypeError):
        key.sign(b"message", ec.ECDSA(hashes.SHA384()))
    with pytest.raises(TypeError):
        SigningKey(root.sign, b"no key")


def test_keystore_makes_the_root_first_and_hands_out_the_chain(tmp_path: Path) -> None:
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY)
    store = Keystore.open(tmp_path)
    (root,) = store.keys(Role.IACA)
    assert root.chain == (root.signer.certificate_der,)
    for role in CERTIFIED:
        (key,) = store.keys(role)
        assert key.chain == (key.signer.certificate_der, root.signer.certificate_der)
        assert key.record.issuer == root.record.kid
        leaf, above = map(x509.load_der_x509_certificate, key.chain)
        leaf.verify_directly_issued_by(above)
        assert leaf.not_valid_after_utc < above.not_valid_after_utc


def test_document_signer_that_is_dated_back_still_lives_457_days_at_most(tmp_path: Path) -> None:
    create_missing(tmp_path, now=NOON, entropy=SystemEntropy(), authority=AUTHORITY, backdated=timedelta(days=500))
    (key,) = Keystore.open(tmp_path).keys(Role.MDOC)
    certificate = x509.load_der_x509_certificate(key.signer.certificate_der)
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=457)
    assert key.record.not_before == certificate.not_valid_before_utc.timestamp()
