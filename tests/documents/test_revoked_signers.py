"""The roots and their lists of revoked signers, as readers of other makers fetch them. Source: RFC 5280, section 5."""

import json
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from flask import Flask
from flask.testing import FlaskClient

from tests.documents.own_keys import rotating, with_own_keys
from tests.formats.test_trusted_entities import faults
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.crypto.jws import parse
from wallet.crypto.keystore import Role
from wallet.documents.publishing import Publication
from wallet.documents.revoked_signers import list_name, recognised
from wallet.keys.rotating import KeyReason
from wallet.settings import Settings
from wallet.utilities.catalogue import Catalogue
from wallet.wiring import Wallet


@pytest.fixture
def wallet(deployment: Settings, clock: FixedClock, built_in: Catalogue, tmp_path: Path) -> Iterator[Wallet]:
    settings = with_own_keys(deployment, tmp_path)
    wallet = Wallet.build(settings, clock=clock, catalogue=built_in.anew())
    yield wallet
    wallet.close()


@pytest.fixture
def client(wallet: Wallet, application: Callable[[Wallet], Flask]) -> FlaskClient:
    return application(wallet).test_client()


def address_in(certificate: x509.Certificate) -> str:
    (point,) = certificate.extensions.get_extension_for_class(x509.CRLDistributionPoints).value
    assert point.full_name is not None
    return str(point.full_name[0].value).removeprefix("https://vi.example.vn")


def test_address_in_every_certificate_leads_to_the_list(wallet: Wallet, client: FlaskClient) -> None:
    (root,) = x509.load_pem_x509_certificates(client.get("/v1/trust/iaca").data)
    signers = [wallet.keystore.signer(role).certificate_der for role in (Role.SD_JWT, Role.MDOC, Role.SEAL)]
    for certificate in (root, *map(x509.load_der_x509_certificate, signers)):
        answer = client.get(address_in(certificate))
        assert (answer.status_code, answer.mimetype) == (200, "application/pkix-crl")
        read = x509.load_der_x509_crl(answer.data)
        key = root.public_key()
        assert isinstance(key, ec.EllipticCurvePublicKey)
        assert read.is_signature_valid(key)
        assert read.issuer == certificate.issuer
        assert len(read) == 0
        assert read.next_update_utc is not None
        assert read.next_update_utc - read.last_update_utc <= timedelta(days=90)


def test_revoked_signer_is_on_the_list_and_its_number_rises(
    wallet: Wallet, client: FlaskClient, clock: FixedClock
) -> None:
    signer = x509.load_der_x509_certificate(wallet.keystore.signer(Role.MDOC).certificate_der)
    before = x509.load_der_x509_crl(client.get(address_in(signer)).data)
    rotating(wallet).revoke(wallet.keystore.signer(Role.MDOC).kid, KeyReason.COMPROMISED, clock.now())
    clock.advance(seconds=5)
    after = x509.load_der_x509_crl(client.get(address_in(signer)).data)
    assert [entry.serial_number for entry in after] == [signer.serial_number]
    numbers = [read.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number for read in (before, after)]
    assert numbers[0] < numbers[1]


def test_list_of_entities_tells_when_a_key_was_revoked(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    kid, moment = wallet.keystore.signer(Role.MDOC).kid, clock.advance(days=3)
    rotating(wallet).revoke(kid, KeyReason.COMPROMISED, moment - timedelta(days=1))
    clock.advance(hours=5)
    for accept in ("application/json", "application/jose"):
        answer = client.get("/v1/trust/entities", headers={"Accept": accept}).data
        listed = json.loads(answer if accept.endswith("json") else parse(answer.decode(), typ="JOSE").payload)
        assert faults(listed) == []
        (entity,) = listed["LoTE"]["TrustedEntitiesList"]
        since = {
            each["ServiceInformation"]["ServiceName"][0]["value"]: each["ServiceInformation"]["StatusStartingTime"]
            for each in entity["TrustedEntityServices"]
            if each["ServiceInformation"]["ServiceStatus"].endswith("/withdrawn")
        }
        assert since == {f"mdoc {kid}": moment.strftime("%Y-%m-%dT%H:%M:%SZ")}


def test_next_root_is_told_of_with_a_list_of_its_own(wallet: Wallet, client: FlaskClient, clock: FixedClock) -> None:
    rotating(wallet).rotate(Role.IACA)
    clock.advance(seconds=5)
    old, new = x509.load_pem_x509_certificates(client.get("/v1/trust/iaca").data)
    assert address_in(old) != address_in(new)
    assert {client.get(address_in(root)).status_code for root in (old, new)} == {200}


@pytest.mark.parametrize("key_id", ["0" * 40, "x", "A" * 40, "..", "0" * 41])
def test_unknown_root_has_no_list(client: FlaskClient, key_id: str) -> None:
    assert_refused(client.get(f"/v1/trust/iaca/{key_id}.crl"), 404, "not_found")


def test_answers_304(client: FlaskClient) -> None:
    for path in ("/v1/trust/iaca", address_in(x509.load_pem_x509_certificate(client.get("/v1/trust/iaca").data))):
        tag = client.get(path).headers["ETag"]
        assert client.get(path, headers={"If-None-Match": tag}).status_code == 304


def test_only_a_list_that_this_root_signed_is_recognised(wallet: Wallet, clock: FixedClock) -> None:
    (root,) = wallet.trust.roots
    name = list_name(root)
    copy = wallet.trust.revoked_signers(name.removeprefix("iaca/").removesuffix(".crl"))
    found = recognised(name, copy.token, [root])
    assert isinstance(found, Publication)
    assert (found.sequence, found.token) == (copy.sequence, copy.token)
    assert recognised("iaca/other.crl", copy.token, [root]) is None
    for spoilt in (b"", b"no list", copy.token[:-1], copy.token[:-4] + bytes(4)):
        assert recognised(name, spoilt, [root]) is None
    assert wallet.trust.recognised(name, copy.token) == found
