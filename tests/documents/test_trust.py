"""What this issuer tells the world to trust: bundle and lists as strangers read them, and as we check ourselves."""

import hashlib
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.documents.people import admin_of, issue, on_one_database
from tests.oracle import reader
from tests.support import FixedClock
from wallet.crypto.keystore import REQUIRED, Role
from wallet.documents.revoking import RevocationReason
from wallet.documents.trust import TrustCentre
from wallet.errors import NotFound, Unavailable
from wallet.utilities.base import Kind
from wallet.verifier import BundleRefused, Policy, TrustedBundle, judge
from wallet.wiring import Wallet


def seconds(moment: datetime) -> int:
    return int(moment.timestamp())


def opened(wallet: Wallet) -> reader.Bundle:
    token = wallet.trust.bundle().token.decode()
    return reader.open_bundle(token, [wallet.trust.pin], seconds(wallet.clock.now()))


@contextmanager
def restarted(wallet: Wallet) -> Iterator[TrustCentre]:
    """The trust centre of another process on the same database."""
    again = Wallet.build(wallet.settings, clock=wallet.clock)
    yield again.trust
    again.close()


def revoke(wallet: Wallet, document_id: str) -> None:
    with wallet.work() as work:
        work.revoking.revoke(document_id, RevocationReason.DATA_CHANGED, admin_of(wallet))


@on_one_database
def test_bundle_names_the_keys_that_sign_and_no_other(wallet: Wallet) -> None:
    (issuer,) = opened(wallet).claims["issuers"]
    assert issuer["code"] == "VN-MAU"
    assert issuer["name"]["vi"] != issuer["name"]["en"]
    expected = {
        (key.record.kid, str(role))
        for role in (Role.DOCUMENT, Role.CARD, Role.LIVE, Role.STATUS, Role.SD_JWT, Role.MDOC)
        for key in wallet.keystore.keys(role)
    }
    assert {(entry["kid"], *entry["roles"]) for entry in issuer["keys"]} == expected
    text = json.dumps(issuer)
    for role in (Role.ACCESS, Role.REFRESH, Role.BUNDLE_ROOT):
        assert wallet.keystore.signer(role).kid not in text


@on_one_database
def test_bundle_holds_no_private_key_and_no_secret(wallet: Wallet) -> None:
    content = wallet.trust.bundle().token + json.dumps(opened(wallet).claims).encode()
    for path in wallet.settings.keys_dir.iterdir():
        if path.suffix in (".pem", ".secret"):
            assert path.read_bytes() not in content
    assert b'"d"' not in content


@on_one_database
def test_bundle_labels_every_claim_a_code_can_carry(wallet: Wallet) -> None:
    types = {(entry["code"], entry["version"]): entry for entry in opened(wallet).claims["types"]}
    for plugin in wallet.catalogue:
        for kind in plugin.utility.documents:
            entry = types[kind.code, kind.version]
            assert entry["title"] == dict(kind.title)
            carried = [claim for claim in kind.claims if claim.kind is not Kind.RECORDS]
            assert [claim["n"] for claim in entry["claims"]] == [claim.number for claim in carried]
            for claim, told in zip(carried, entry["claims"], strict=True):
                assert told == {
                    "n": claim.number,
                    "name": claim.name,
                    "label": plugin.label(claim.name),
                    "kind": str(claim.kind),
                }


def test_bundles_form_a_chain(wallet: Wallet, clock: FixedClock) -> None:
    held, tokens = opened(wallet), []
    assert "prev" not in held.claims or held.claims["seq"] > 1
    for _ in range(3):
        clock.advance(timedelta(hours=13))
        token = wallet.trust.bundle().token.decode()
        newer = reader.newer_bundle(held, token, [wallet.trust.pin], seconds(clock.now()))
        assert newer is not None
        assert newer.claims["seq"] == held.claims["seq"] + 1
        taken = TrustedBundle.from_jws(
            token, [wallet.trust.pin], clock.now(), TrustedBundle.kept(held.token, [wallet.trust.pin])
        )
        assert taken.seq == newer.claims["seq"]
        held = newer
        tokens.append(token)
    for older in tokens[:-1]:
        assert reader.newer_bundle(held, older, [wallet.trust.pin], seconds(clock.now())) is held


def test_sequence_goes_on_after_a_restart(wallet: Wallet, clock: FixedClock) -> None:
    first = wallet.trust.bundle()
    with restarted(wallet) as again:
        assert again.bundle() == first
        clock.advance(timedelta(hours=13))
        second = again.bundle()
    assert second.sequence == first.sequence + 1
    prev = json.loads(reader.unbase64url(second.token.decode().split(".")[1]))["prev"]
    assert reader.unbase64url(prev) == hashlib.sha256(first.token).digest()


@on_one_database
def test_dates_are_those_of_the_specification(wallet: Wallet, clock: FixedClock) -> None:
    claims, now = opened(wallet).claims, seconds(clock.now())
    assert (claims["iat"], claims["next_update"], claims["exp"]) == (now, now + 24 * 3600, now + 72 * 3600)
    (entry,) = claims["status_lists"]
    payload = reader.split_jws(entry["token"]).payload
    assert (payload["iat"], payload["exp"], payload["ttl"]) == (now, now + 72 * 3600, 900)
    assert entry["uri"] == payload["sub"] == "https://vi.example.vn/v1/status-lists/1"


def test_list_names_itself_and_says_who_is_revoked(wallet: Wallet, clock: FixedClock) -> None:
    document, other = issue(wallet), issue(wallet)
    revoke(wallet, document.id)
    clock.advance(seconds=2)
    bundle = opened(wallet)
    uri = wallet.trust.status_uri(1)
    jwt = wallet.trust.status_list(1).token.decode()
    cwt = wallet.trust.status_list(1, cbor=True).token
    for copy in (jwt, cwt):
        found = reader.open_status_list(copy, uri, "VN-MAU", bundle, seconds(clock.now()))
        for each, expected in ((document, 1), (other, 0)):
            with wallet.read() as work:
                row = work.document_rows.get(each.id)
            assert row is not None
            assert found.value(row.status_index) == expected
        with pytest.raises(reader.Refused):
            found.value(1 << 12)


def test_revocation_is_published_within_a_minute_and_the_bundle_carries_it(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    before = wallet.trust.bundle()
    revoke(wallet, document.id)
    clock.advance(seconds=60)
    after = wallet.trust.bundle()
    assert after.sequence == before.sequence + 1
    pins, now = [wallet.trust.pin], seconds(clock.now())
    assert reader.read(document.code, before.token.decode(), pins, now).reasons == ["ok"]
    assert reader.read(document.code, after.token.decode(), pins, now).reasons == ["revoked"]
    fetched = [wallet.trust.status_list(1).token.decode(), wallet.trust.status_list(1, cbor=True).token]
    for copy in fetched:
        assert reader.read(document.code, before.token.decode(), pins, now, fetched=[copy]).reasons == ["revoked"]


@on_one_database
def test_unknown_list_is_not_found(wallet: Wallet) -> None:
    for list_id in (0, 2, -1, 10**9):
        for cbor in (False, True):
            with pytest.raises(NotFound):
                wallet.trust.status_list(list_id, cbor=cbor)


def test_lists_are_served_from_the_last_copy_while_the_database_is_down(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    held = [wallet.trust.status_list(1), wallet.trust.status_list(1, cbor=True), wallet.trust.bundle()]

    @contextmanager
    def down() -> Iterator[Any]:
        raise Unavailable("dependency_unavailable")
        yield

    monkeypatch.setattr(wallet.db, "read", down)
    monkeypatch.setattr(wallet.db, "write", down)

    def served() -> list[Any]:
        return [wallet.trust.status_list(1), wallet.trust.status_list(1, cbor=True), wallet.trust.bundle()]

    clock.advance(hours=71)
    assert served() == held
    clock.advance(hours=1, seconds=1)
    for publish in (wallet.trust.status_list, lambda _: wallet.trust.bundle()):
        with pytest.raises(Unavailable):
            publish(1)


@on_one_database
def test_list_has_no_address_of_its_own_for_a_holder(wallet: Wallet) -> None:
    first, second = issue(wallet, "an"), issue(wallet, "sau")
    pins, now = [wallet.trust.pin], seconds(wallet.clock.now())
    bundle = TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), pins, wallet.clock.now())
    found = [judge(each.code, bundle, Policy(), wallet.clock.now()).verified().status for each in (first, second)]
    assert found[0] is not None
    assert found[1] is not None
    assert found[0].uri == found[1].uri
    assert reader.read(first.code, bundle.token, pins, now).accepted


def test_online_and_offline_say_the_same(wallet: Wallet, clock: FixedClock) -> None:
    """The trust of this process and the bundle it publishes (security requirement S-50)."""
    documents = [issue(wallet, key) for key in ("an", "sau", "xa")]
    revoke(wallet, documents[1].id)
    for step in (timedelta(seconds=2), timedelta(hours=5), timedelta(days=364), timedelta(days=3)):
        clock.advance(step)
        bundle = TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], clock.now())
        for document in documents:
            for code in (document.code, document.code[:-1], document.code + "0", "VD1:", ""):
                online = judge(code, wallet.trust.trust(), Policy(), clock.now())
                offline = judge(code, bundle, Policy(), clock.now())
                assert (online.verdict, online.reasons) == (offline.verdict, offline.reasons)
                assert online.document == offline.document


@on_one_database
def test_pin_is_that_of_the_root_alone(wallet: Wallet) -> None:
    token = wallet.trust.bundle().token.decode()
    for role in REQUIRED:
        pin = hashlib.sha256(wallet.keystore.signer(role).certificate_der).hexdigest()
        if role is Role.BUNDLE_ROOT:
            assert pin == wallet.trust.pin
            TrustedBundle.from_jws(token, [pin], wallet.clock.now())
        else:
            with pytest.raises(BundleRefused):
                TrustedBundle.from_jws(token, [pin], wallet.clock.now())
            with pytest.raises(reader.BundleRefused):
                reader.open_bundle(token, [pin], seconds(wallet.clock.now()))


@on_one_database
def test_trust_of_the_process_is_made_once_for_each_look_at_the_board(wallet: Wallet, clock: FixedClock) -> None:
    first = wallet.trust.trust()
    assert wallet.trust.trust() is first
    clock.advance(seconds=1)
    second = wallet.trust.trust()
    assert second is not first
    assert second.keys is first.keys  # no key is parsed twice


def test_a_service_that_moved_keeps_the_names_of_its_lists(wallet: Wallet, clock: FixedClock) -> None:
    """The address is in every code that was printed: after a move they are still found, online and in the bundle."""
    document = issue(wallet)
    moved = Wallet.build(replace(wallet.settings, issuer_url="http://127.0.0.1:8001"), clock=clock)
    assert moved.checking.check(document.code)["reasons"] == ["ok"]
    moved.prepare()
    clock.advance(seconds=1)
    later = issue(moved)
    for code in (document.code, later.code):
        bundle = TrustedBundle.from_jws(moved.trust.bundle().token.decode(), [moved.trust.pin], wallet.clock.now())
        assert judge(code, bundle, Policy(), wallet.clock.now()).reasons == ("ok",)
    moved.close()
