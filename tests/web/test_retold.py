"""The bundle and the lists signed twice, and the keys as a list of trusted entities: over HTTP, and as refused."""

import base64
import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.documents.test_published_files import no_database
from tests.formats.test_trusted_entities import faults
from tests.phone import CitizenPhone
from tests.support import AUTHORITY, FixedClock
from tests.web.refusals import assert_refused
from wallet.crypto import jws, key_files
from wallet.crypto.certificates import read_certificate
from wallet.crypto.keystore import OPTIONAL, Role
from wallet.crypto.making import Making, create_missing
from wallet.crypto.post_quantum import PostQuantumSigner
from wallet.crypto.signing import Signer
from wallet.documents import retold
from wallet.entropy import SystemEntropy
from wallet.formats.status_list import parse_status_jwt
from wallet.formats.trust_bundle import pin_of
from wallet.formats.two_signatures import add_second_signature, parse_twice_signed
from wallet.keys.rotating import KeyReason, Rotating
from wallet.settings import Settings
from wallet.terms import SAMPLE_MARK
from wallet.verifier import BundleRefused, TrustedBundle, signed_twice
from wallet.wiring import Wallet

TWICE = {"Accept": "application/jose+json"}


@pytest.fixture
def deployment(deployment: Settings, tmp_path: Path) -> Settings:
    """The same with keys of this test's own."""
    return replace(deployment, keys_dir=Path(shutil.copytree(deployment.keys_dir, tmp_path / "keys")))


@dataclass(frozen=True)
class Second:
    """What signs a second time now, and what changes it, as `wallet keys` does beside a running server."""

    wallet: Wallet
    clock: FixedClock
    rotating: Rotating

    @property
    def bundle(self) -> Signer:
        return self.wallet.keystore.signer(Role.SECOND_BUNDLE)

    @property
    def status(self) -> Signer:
        return self.wallet.keystore.signer(Role.SECOND_STATUS)

    def pins(self) -> list[str]:
        return [pin_of(key.signer.certificate_der) for key in self.wallet.keystore.keys(Role.SECOND_BUNDLE)]

    def follow(self) -> None:
        """Let the server look at the keyring, and its job publish."""
        self.clock.advance(seconds=2)
        self.wallet.trust.publish()


@pytest.fixture
def second(wallet: Wallet, clock: FixedClock) -> Second:
    """Let the deployment sign twice, while it runs."""
    assert not wallet.trust.retold.is_signed_twice("bundle")
    making = Making(wallet.settings.keys_dir, SystemEntropy(), AUTHORITY)
    create_missing(making.directory, now=clock.now(), entropy=SystemEntropy(), authority=AUTHORITY, also=OPTIONAL)
    clock.advance(seconds=2)
    return Second(wallet, clock, Rotating(making, clock, timedelta(hours=72)))


def told(compact: str) -> dict[str, dict[str, Any]]:
    """Return what a bundle tells of second keys, by pin."""
    payload = json.loads(jws.b64url_decode(compact.split(".")[1]))
    return {each["pin"]: each for each in payload.get("second_keys", [])}


def refusal(text: str, pins: list[str], held: TrustedBundle | None = None) -> tuple[str, str]:
    with pytest.raises(BundleRefused) as refused:
        signed_twice(text, pins, held)
    return refused.value.reason, refused.value.detail or ""


def test_without_second_keys_there_is_no_second_form(client: Any) -> None:
    for path in ("/v1/trust/bundle", "/v1/status-lists/1"):
        assert_refused(client.get(path, headers=TWICE), 404, "not_signed_twice")
        assert client.get(path).status_code == 200


def test_a_bundle_signed_twice_is_the_bundle(client: Any, wallet: Wallet, second: Second) -> None:
    compact = client.get("/v1/trust/bundle").text
    response = client.get("/v1/trust/bundle", headers=TWICE)
    assert (response.mimetype, response.headers["Vary"]) == ("application/jose+json", "Accept")
    pins = [pin_of(second.bundle.certificate_der)]
    assert signed_twice(response.text, pins) == compact
    bundle = TrustedBundle.from_jws(signed_twice(response.text, pins), [wallet.trust.pin], wallet.clock.now())
    assert bundle.token == compact
    again = client.get("/v1/trust/bundle", headers={**TWICE, "If-None-Match": response.headers["ETag"]})
    assert again.status_code == 304


def test_whoever_demands_two_signatures_gets_no_less(client: Any, second: Second) -> None:
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


def test_a_list_signed_twice_is_the_list(client: Any, second: Second) -> None:
    response = client.get("/v1/status-lists/1", headers=TWICE)
    found = parse_twice_signed(response.text, typ="statuslist+jwt")
    found.verify_second()
    assert found.certificate_der == second.status.certificate_der
    assert found.compact == client.get("/v1/status-lists/1").text
    assert parse_status_jwt(found.compact)


# --- The second keys change like all others --------------------------------------------------------------------------


def test_a_bundle_tells_of_second_keys_by_their_pins(client: Any, wallet: Wallet, second: Second) -> None:
    compact = client.get("/v1/trust/bundle").text
    assert {pin: (each["role"], each["state"], each["alg"]) for pin, each in told(compact).items()} == {
        pin_of(second.bundle.certificate_der): ("bundle", "active", "ML-DSA-65"),
        pin_of(second.status.certificate_der): ("status", "active", "ML-DSA-65"),
    }
    held = TrustedBundle.from_jws(compact, [wallet.trust.pin], wallet.clock.now())
    assert not {second.bundle.kid, second.status.kid} & {key.kid for key in held.keys.values()}, "no part of section 4"


def test_who_signs_once_tells_of_no_second_key(client: Any) -> None:
    assert "second_keys" not in json.loads(jws.b64url_decode(client.get("/v1/trust/bundle").text.split(".")[1]))


def test_second_key_is_told_of_before_it_signs_and_the_old_one_counts_until_then(
    client: Any, wallet: Wallet, second: Second
) -> None:
    wallet.publisher.left_to_job = True
    second.follow()
    old = second.bundle
    before = client.get("/v1/trust/bundle", headers=TWICE).text
    made = second.rotating.rotate(Role.SECOND_BUNDLE)
    second.follow()
    pins = second.pins()
    assert len(pins) == 2
    published = client.get("/v1/trust/bundle", headers=TWICE).text
    states = {pin: each["state"] for pin, each in told(client.get("/v1/trust/bundle").text).items() if pin in pins}
    assert states == dict(zip(pins, ("active", "published"), strict=True))
    assert parse_twice_signed(published, typ="viso-bundle+jwt").certificate_der == old.certificate_der
    name, token = "bundle.twice.json", published.encode()
    second.clock.set(datetime.fromtimestamp(made.active_from, UTC) - timedelta(seconds=1))
    wallet.trust.publish()
    last = client.get("/v1/trust/bundle", headers=TWICE).text
    assert signed_twice(last, pins[:1])
    second.clock.advance(seconds=1)
    assert client.get("/v1/trust/bundle", headers=TWICE).status_code == 200, "what is at hand, until the job came"
    wallet.trust.publish()
    after = client.get("/v1/trust/bundle", headers=TWICE).text
    assert second.bundle.kid == made.kid
    assert signed_twice(after, pins[1:])
    assert refusal(after, pins[:1]) == ("key_not_allowed", "no pin vouches for the second signer")
    for earlier in (before, published, last):
        assert signed_twice(earlier, pins), "a retired key's signatures of its time count"
    assert wallet.trust.recognised(name, token) is not None


def test_a_list_follows_its_second_key(client: Any, wallet: Wallet, second: Second) -> None:
    wallet.publisher.left_to_job = True
    second.follow()
    compact = client.get("/v1/status-lists/1").text
    made = second.rotating.rotate(Role.SECOND_STATUS)
    assert made.not_before - made.published_at == timedelta(hours=72).total_seconds()
    second.clock.set(datetime.fromtimestamp(made.active_from, UTC))
    wallet.trust.publish()
    found = parse_twice_signed(client.get("/v1/status-lists/1", headers=TWICE).text, typ="statuslist+jwt")
    found.verify_second()
    assert found.header["kid"] == made.kid
    assert parse_status_jwt(found.compact).kid == parse_status_jwt(compact).kid, "the first key is another's affair"


def test_revoked_second_key_counts_no_more_and_the_first_signature_stands(
    client: Any, wallet: Wallet, second: Second
) -> None:
    wallet.publisher.left_to_job = True
    second.follow()
    burnt, kid = second.pins(), second.bundle.kid
    stolen = PostQuantumSigner(
        key_files.load_private(next(wallet.settings.keys_dir.glob(f"second-bundle-{kid}.key.pem")), None),
        second.bundle.certificate_der,
    )
    before = client.get("/v1/trust/bundle", headers=TWICE).text
    (successor,) = second.rotating.revoke(kid, KeyReason.COMPROMISED, second.clock.now()).made
    second.follow()
    after, compact = client.get("/v1/trust/bundle", headers=TWICE).text, client.get("/v1/trust/bundle").text
    pins = second.pins()
    assert second.bundle.kid == successor.kid
    assert told(compact)[burnt[0]]["state"] == "revoked"
    held = TrustedBundle.from_jws(signed_twice(after, pins), [wallet.trust.pin], second.clock.now())
    assert held.token == compact, "by its first signature it is what it always was"
    assert refusal(after, burnt)[0] == "key_not_allowed"
    assert refusal(before, pins, held) == ("key_not_allowed", "the second key is revoked")
    forged = add_second_signature(compact, stolen)
    assert refusal(forged, pins) == ("key_not_allowed", "the second key is revoked")
    assert refusal(
        add_second_signature(parse_twice_signed(before, typ="viso-bundle+jwt").compact, stolen), pins, held
    ) == (
        "key_not_allowed",
        "the second key is revoked",
    )
    assert wallet.trust.recognised("bundle.twice.json", before.encode()) is None
    assert wallet.trust.recognised("bundle.twice.json", after.encode()) is not None


def test_while_a_revoked_second_key_has_no_successor_nothing_it_signed_is_handed_out(
    client: Any, wallet: Wallet, second: Second, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet.publisher.left_to_job = True
    second.follow()

    def full(self: Making, *_: Any) -> Any:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(Making, "make", full)
        assert second.rotating.revoke(second.bundle.kid, KeyReason.LOST, second.clock.now()).made == ()
    second.follow()
    assert_refused(client.get("/v1/trust/bundle", headers=TWICE), 503, "signing_unavailable")
    for path, headers in (("/v1/trust/bundle", {}), ("/v1/trust/entities", {}), ("/v1/status-lists/1", TWICE)):
        assert client.get(path, headers=headers).status_code == 200, path
    create_missing(wallet.settings.keys_dir, now=second.clock.now(), entropy=SystemEntropy(), authority=AUTHORITY)
    second.follow()
    assert signed_twice(client.get("/v1/trust/bundle", headers=TWICE).text, second.pins())


def test_first_second_key_that_was_taken_back_before_it_signed_leaves_no_second_form(
    client: Any, wallet: Wallet, clock: FixedClock
) -> None:
    """Who asked is told that there is none, not to come again for ever."""
    rotating = Rotating(Making(wallet.settings.keys_dir, SystemEntropy(), AUTHORITY), clock, timedelta(hours=72))
    for path, role in (("/v1/trust/bundle", Role.SECOND_BUNDLE), ("/v1/status-lists/1", Role.SECOND_STATUS)):
        kid = rotating.rotate(role).kid
        clock.advance(seconds=2)
        assert_refused(client.get(path, headers=TWICE), 404, "not_signed_twice")
        rotating.revoke(kid, KeyReason.CEASED, clock.now())
        clock.advance(seconds=2)
        assert [key.record.state for key in wallet.keystore.keys(role)] == ["revoked"]
        assert_refused(client.get(path, headers=TWICE), 404, "not_signed_twice")


@pytest.mark.parametrize("place", ["memory", "store", "file"])
def test_a_copy_by_a_revoked_second_key_is_not_handed_out_until_the_successor_signed(
    client: Any, wallet: Wallet, second: Second, place: str
) -> None:
    """Also where the job cannot make another: the database may be away for hours."""
    wallet.publisher.left_to_job = True
    second.follow()
    former = {"/v1/trust/bundle": second.bundle.kid, "/v1/status-lists/1": second.status.kid}
    at_hand = {path: client.get(path, headers=TWICE).text for path in former}
    if place == "file":  # a process that started while the database was away
        wallet.publisher._held.clear()
        with no_database(wallet):
            assert {path: client.get(path, headers=TWICE).text for path in former} == at_hand
    for kid in former.values():
        second.rotating.revoke(kid, KeyReason.COMPROMISED, second.clock.now())
    if place == "store":
        wallet.publisher._held.clear()
    second.clock.advance(seconds=2)
    assert second.bundle.kid != former["/v1/trust/bundle"]
    for path in former:
        assert_refused(client.get(path, headers=TWICE), 503, "signing_unavailable")
        assert client.get(path).status_code == 200
    second.follow()
    for path, before in at_hand.items():
        answer = client.get(path, headers=TWICE)
        assert answer.status_code == 200
        assert answer.text != before


def test_second_signature_outside_the_time_of_its_key_does_not_count(
    client: Any, wallet: Wallet, second: Second
) -> None:
    compact = client.get("/v1/trust/bundle").text
    coming = second.rotating.rotate(Role.SECOND_BUNDLE)
    second.clock.advance(seconds=2)
    early = wallet.keystore.keys(Role.SECOND_BUNDLE)[-1].signer
    assert early.kid == coming.kid
    text = add_second_signature(client.get("/v1/trust/bundle").text, early)
    pins = second.pins()
    assert refusal(text, pins) == ("key_not_allowed", "signed outside the time of the second key")
    assert refusal(add_second_signature(compact, second.status), [pin_of(second.status.certificate_der)]) == (
        "key_not_allowed",
        "the second key is not one for bundles",
    )


# --- The keys as Europe lists them ----------------------------------------------------------------------------------


def test_the_plain_list_is_what_the_signed_one_holds_and_nobody_who_asks_has_it_made(
    client: Any, wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    wallet.trust.publish()
    wallet.publisher.left_to_job = True

    def made(*_: Any) -> Any:
        raise AssertionError("made for whoever asks")

    monkeypatch.setattr(retold, "list_of_trusted_entities", made)
    plain = {"Accept": "application/json"}
    answer = client.get("/v1/trust/entities", headers=plain)
    signed = client.get("/v1/trust/entities")
    assert answer.json == json.loads(jws.parse(signed.text, typ="JOSE").payload)
    assert answer.headers["ETag"] != signed.headers["ETag"]
    assert answer.headers["Last-Modified"] == signed.headers["Last-Modified"]
    again = client.get("/v1/trust/entities", headers=plain | {"If-None-Match": answer.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


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


def test_a_list_of_many_keys_is_known_by_a_process_that_starts_without_its_database(
    client: Any, wallet: Wallet, clock: FixedClock
) -> None:
    """Keys never leave the list, and a revoked one stands in it twice."""
    rotating = Rotating(Making(wallet.settings.keys_dir, SystemEntropy(), AUTHORITY), clock, timedelta(hours=72))
    for _ in range(20):
        rotating.revoke(wallet.keystore.signer(Role.MDOC).kid, KeyReason.CEASED, clock.now())
        clock.advance(seconds=2)
    wallet.trust.publish()
    token = wallet.trust.entities().token
    assert len(token) > jws.MAX_CHARACTERS
    assert (wallet.settings.published_dir / "entities.jws").read_bytes() == token
    wallet.publisher._held.clear()
    with no_database(wallet):
        assert client.get("/v1/trust/entities").data == token


def test_the_job_signs_and_requests_do_not(client: Any, wallet: Wallet, clock: FixedClock, second: Second) -> None:
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
