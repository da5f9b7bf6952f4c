"""The bundle and the lists signed twice, and the keys as a list of trusted entities: over HTTP, and as refused."""

import base64
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tests.formats.test_trusted_entities import faults
from tests.phone import CitizenPhone
from tests.support import FixedClock, SeededEntropy
from tests.web.refusals import assert_refused
from wallet.crypto import jws
from wallet.crypto.certificates import read_certificate
from wallet.errors import ConfigurationError
from wallet.formats.status_list import parse_status_jwt
from wallet.formats.trust_bundle import pin_of
from wallet.formats.two_signatures import parse_twice_signed
from wallet.keys.opening import passphrase_of
from wallet.keys.second import FOLDER, SecondSigners, make_second, open_second
from wallet.terms import SAMPLE_MARK
from wallet.verifier import BundleRefused, TrustedBundle, signed_twice
from wallet.wiring import Wallet

TWICE = {"Accept": "application/jose+json"}


@pytest.fixture
def second(wallet: Wallet) -> Iterator[SecondSigners]:
    """Let the deployment sign twice."""
    directory = wallet.settings.keys_dir
    make_second(directory, passphrase_of(wallet.settings), "VN-MAU", wallet.clock.now(), SeededEntropy(), sample=True)
    for made in ("retold", "trust"):
        wallet.__dict__.pop(made, None)
    signers = open_second(directory, passphrase_of(wallet.settings))
    assert signers is not None
    yield signers
    for path in (directory / FOLDER).iterdir():
        path.unlink()
    (directory / FOLDER).rmdir()


def test_without_second_keys_there_is_no_second_form(client: Any) -> None:
    for path in ("/v1/trust/bundle", "/v1/status-lists/1"):
        assert_refused(client.get(path, headers=TWICE), 404, "not_signed_twice")
        assert client.get(path).status_code == 200


def test_a_bundle_signed_twice_is_the_bundle(client: Any, wallet: Wallet, second: SecondSigners) -> None:
    compact = client.get("/v1/trust/bundle").text
    response = client.get("/v1/trust/bundle", headers=TWICE)
    assert (response.mimetype, response.headers["Vary"]) == ("application/jose+json", "Accept")
    pins = [pin_of(second.bundle.certificate_der)]
    assert signed_twice(response.text, pins) == compact
    bundle = TrustedBundle.from_jws(signed_twice(response.text, pins), [wallet.trust.pin], wallet.clock.now())
    assert bundle.token == compact
    again = client.get("/v1/trust/bundle", headers={**TWICE, "If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_whoever_demands_two_signatures_gets_no_less(client: Any, second: SecondSigners) -> None:
    text = client.get("/v1/trust/bundle", headers=TWICE).text
    document = json.loads(text)
    cases = {
        "no pin": (text, []),
        "the pin of the other role": (text, [pin_of(second.status.certificate_der)]),
        "the compact form": (client.get("/v1/trust/bundle").text, [pin_of(second.bundle.certificate_der)]),
        "another payload": (
            json.dumps(document | {"payload": document["payload"][:-4] + "AAAA"}),
            [pin_of(second.bundle.certificate_der)],
        ),
        "a list instead": (
            client.get("/v1/status-lists/1", headers=TWICE).text,
            [pin_of(second.status.certificate_der)],
        ),
    }
    reasons = {}
    for name, (given, pins) in cases.items():
        with pytest.raises(BundleRefused) as refused:
            signed_twice(given, pins)
        reasons[name] = refused.value.reason
    assert reasons == {
        "no pin": "key_not_allowed",
        "the pin of the other role": "key_not_allowed",
        "the compact form": "malformed",
        "another payload": "bad_signature",
        "a list instead": "wrong_type",
    }


def test_a_list_signed_twice_is_the_list(client: Any, second: SecondSigners) -> None:
    response = client.get("/v1/status-lists/1", headers=TWICE)
    found = parse_twice_signed(response.text, typ="statuslist+jwt")
    found.verify_second()
    assert found.certificate_der == second.status.certificate_der
    assert found.compact == client.get("/v1/status-lists/1").text
    assert parse_status_jwt(found.compact)


def test_second_keys_are_made_once_and_are_their_owners_alone(wallet: Wallet, second: SecondSigners) -> None:
    directory, passphrase = wallet.settings.keys_dir, b"f" * 64

    def made() -> list[str]:
        return make_second(directory, passphrase, "VN-MAU", wallet.clock.now(), SeededEntropy(), sample=True)

    key = directory / FOLDER / "bundle.key.pem"
    with pytest.raises(ConfigurationError, match="not encrypted"):
        open_second(directory, None, production=True)
    assert made() == ["second/bundle.key.pem", "second/status.key.pem"], "what lay open is put under the passphrase"
    assert made() == []
    assert open_second(directory, passphrase) is not None
    with pytest.raises(ConfigurationError, match="made for a demo"):
        open_second(directory, passphrase, production=True)
    assert key.stat().st_mode & 0o077 == 0
    key.chmod(0o644)
    with pytest.raises(ConfigurationError, match="readable by others"):
        open_second(directory, passphrase)
    key.chmod(0o600)
    key.write_bytes((directory / FOLDER / "status.key.pem").read_bytes())
    with pytest.raises(ConfigurationError, match="not the key"):
        open_second(directory, passphrase)
    key.unlink()
    with pytest.raises(ConfigurationError, match="missing"):
        open_second(directory, passphrase)


# --- The keys as Europe lists them ----------------------------------------------------------------------------------


def test_the_list_of_entities_is_signed_by_the_root_and_fits_the_schema(client: Any, wallet: Wallet) -> None:
    response = client.get("/v1/trust/entities")
    assert response.mimetype == "application/jose"
    unverified = jws.parse(response.text, typ="JOSE")
    root = base64.b64decode(unverified.header["x5c"][0])
    assert pin_of(root) == wallet.trust.pin
    public_key = read_certificate(root).public_key
    assert public_key is not None
    document = unverified.verify(public_key)
    assert faults(document) == []
    plain = client.get("/v1/trust/entities", headers={"Accept": "application/json"})
    assert plain.json == document
    assert SAMPLE_MARK in plain.text


def test_it_follows_the_bundle(client: Any, wallet: Wallet, phone_of: Callable[..., CitizenPhone]) -> None:
    def sequence() -> int:
        plain = client.get("/v1/trust/entities", headers={"Accept": "application/json"}).json
        return int(plain["LoTE"]["ListAndSchemeInformation"]["LoTESequenceNumber"])

    first = sequence()
    assert sequence() == first
    wallet.clock.advance(days=1)  # type: ignore[attr-defined]
    wallet.trust.publish()
    assert sequence() == first + 1


def test_the_job_signs_and_requests_do_not(
    client: Any, wallet: Wallet, clock: FixedClock, second: SecondSigners
) -> None:
    wallet.trust.publish()
    wallet.publisher.left_to_job = True
    names = ("bundle.twice.json", "status-list/1.twice.json", "entities.jws")
    assert all(wallet.publisher.at_hand(name) for name in names)
    for name in names:
        token = (wallet.settings.published_dir / name).read_bytes()
        found = wallet.trust.recognised(name, token)
        assert found is not None
        assert found.token == token
        assert wallet.trust.recognised(name, token[:-20] + b"A" * 20) is None
        assert wallet.trust.recognised(names[names.index(name) - 1], token) is None
    before = client.get("/v1/trust/bundle", headers=TWICE).text
    clock.advance(days=1)
    assert client.get("/v1/trust/bundle", headers=TWICE).text == before, "nothing is signed for whoever asks"
    wallet.trust.publish()
    assert client.get("/v1/trust/bundle", headers=TWICE).text != before


def test_what_is_not_offered_is_not_acceptable(client: Any) -> None:
    assert client.get("/v1/trust/entities", headers={"Accept": "text/html"}).status_code == 406
