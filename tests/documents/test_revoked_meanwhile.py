"""What is signed while its key is revoked, and what ends while it is issued again: nothing acknowledged is lost."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.documents.own_keys import rotating, with_own_keys
from tests.documents.people import actor_of, issue, order_for
from tests.documents.test_signing import Watched
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.crypto.keystore import Key, Keystore, Role
from wallet.documents.models import DocumentRow
from wallet.documents.reissuing import SETTLED, Tally
from wallet.documents.revoking import RevocationReason
from wallet.errors import Unavailable
from wallet.keys.rotating import KeyReason
from wallet.settings import Settings
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
REASONS = (KeyReason.COMPROMISED, KeyReason.CEASED)


@pytest.fixture
def deployment(deployment: Settings, tmp_path: Path) -> Settings:
    """The same with keys of this test's own."""
    return with_own_keys(deployment, tmp_path)


def revoke(wallet: Wallet, kid: str, reason: KeyReason = KeyReason.CEASED, since: timedelta | None = None) -> None:
    """Revoke a key, as of so long ago or of now; the wallet has yet to notice."""
    rotating(wallet).revoke(kid, reason, None if since is None else wallet.clock.now() - since)


def revoked(wallet: Wallet, kid: str) -> Key:
    return next(key for key in wallet.reissue_job.revoked() if key.record.kid == kid)


def row_of(wallet: Wallet, document: str) -> DocumentRow:
    with wallet.db.read() as session:
        return session.scalars(select(DocumentRow).where(DocumentRow.id == document)).one()


@dataclass
class Disturbed(Watched):
    """A signer to whose key something happens once it has signed."""

    then: Callable[[], None] = lambda: None

    def sign(self, message: bytes) -> bytes:
        signature = super().sign(message)
        self.then()
        return signature


# --- The key, while a document is signed ----------------------------------------------------------------------------


@pytest.mark.parametrize("ago", [0, 0.4, 0.9, 1.1])
@pytest.mark.parametrize("since", [None, timedelta(0)])
def test_s63_what_was_acknowledged_in_the_second_of_the_revocation_goes_on(
    wallet: Wallet, clock: FixedClock, since: timedelta | None, ago: float
) -> None:
    clock.advance(seconds=0.05)
    document, former = issue(wallet).id, wallet.keystore.signer(Role.DOCUMENT).kid
    clock.advance(seconds=ago)
    revoke(wallet, former, KeyReason.COMPROMISED, since)
    clock.advance(seconds=5)
    assert wallet.reissue_job.go(revoked(wallet, former)).revoked == 0
    row = row_of(wallet, document)
    assert (row.kid, row.revoked_at) == (wallet.keystore.signer(Role.DOCUMENT).kid, None)


def test_s63_a_moment_before_the_revocation_ends_what_was_issued_since(wallet: Wallet, clock: FixedClock) -> None:
    """Told as 2.5 s before: to the whole second, on the side of who distrusts the key."""
    clock.advance(seconds=0.5)
    sooner = issue(wallet, "sau").id
    clock.advance(seconds=1)
    later, former = issue(wallet).id, wallet.keystore.signer(Role.DOCUMENT).kid
    clock.advance(seconds=2.5)
    revoke(wallet, former, KeyReason.COMPROMISED, timedelta(seconds=2.5))
    clock.advance(seconds=5)
    wallet.reissue_job.go(revoked(wallet, former))
    assert row_of(wallet, sooner).revoked_at is None
    assert row_of(wallet, later).revocation_reason == "key_revoked"


@pytest.mark.parametrize("reason", REASONS)
@pytest.mark.parametrize("since", [None, timedelta(minutes=5)])
def test_s63_signed_by_a_key_that_was_revoked_meanwhile_it_is_signed_by_the_next(
    wallet: Wallet, phone_of: Make, clock: FixedClock, reason: KeyReason, since: timedelta | None
) -> None:
    """Revoked between signing and storing: nobody is told that it is done, and the same key gives the same document."""
    citizen, real = phone_of("an"), wallet.signing
    former = real.signer()
    disturbed = Disturbed(former, then=lambda: revoke(wallet, former.kid, reason, since))
    wallet.__dict__["signing"] = replace(real, signer=lambda: disturbed)
    refused = citizen.post("/v1/requests", {"utility": "residence"}, key="once")
    assert_refused(refused, 503, "signing_unavailable")
    (listed,) = [each for each in citizen.get("/v1/documents").json["data"] if each["state"] == "signing"]
    left = row_of(wallet, listed["id"])
    assert (left.kid, left.signed_at) == (None, None)
    wallet.__dict__["signing"] = real
    clock.advance(seconds=5)
    answer = citizen.post("/v1/requests", {"utility": "residence"}, key="once")
    assert (answer.status_code, answer.json["document_id"]) == (201, left.id)
    wallet.reissue_job.go(revoked(wallet, former.kid))
    row = row_of(wallet, left.id)
    assert (row.kid, row.revoked_at) == (wallet.keystore.signer(Role.DOCUMENT).kid, None)
    assert (row.status_list, row.status_index) == (left.status_list, left.status_index)
    assert wallet.reverifying.run().mismatch is None


def test_s63_the_job_signs_what_a_key_left_that_was_revoked_meanwhile(wallet: Wallet, clock: FixedClock) -> None:
    actor, real = actor_of(wallet), wallet.signing
    former = real.signer()
    wallet.__dict__["signing"] = replace(
        real, signer=lambda: Disturbed(former, then=lambda: revoke(wallet, former.kid, since=timedelta(minutes=5)))
    )
    with pytest.raises(Unavailable, match="signing_unavailable"), wallet.work() as work:
        document = work.issuing.issue(order_for(actor), actor)
    wallet.__dict__["signing"] = real
    clock.advance(minutes=1)
    real.run()
    wallet.reissue_job.go(revoked(wallet, former.kid))
    row = row_of(wallet, document.id)
    assert (row.kid, row.revoked_at) == (wallet.keystore.signer(Role.DOCUMENT).kid, None)


@pytest.mark.parametrize(("late", "kept"), [(timedelta(seconds=30), True), (SETTLED + timedelta(seconds=5), False)])
def test_s63_what_a_process_that_noticed_late_handed_out_goes_on(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch, late: timedelta, kept: bool
) -> None:
    """Nobody else had the key; but whoever still signs with it an hour later is no process of ours."""
    former = wallet.keystore.signer(Role.DOCUMENT).kid
    revoke(wallet, former)
    clock.advance(late)
    with monkeypatch.context() as patch:
        patch.setattr(Keystore, "_follow", lambda *_: None)
        document = issue(wallet).id
    assert row_of(wallet, document).kid == former
    clock.advance(seconds=5)
    wallet.reissue_job.go(revoked(wallet, former))
    assert (row_of(wallet, document).revoked_at is None) is kept


# --- A document, while its batch is signed --------------------------------------------------------------------------


def reading(wallet: Wallet, then: Callable[[], Any]) -> Callable[[], Any]:
    """Return how to read where something happens once the next documents were read."""
    happened = []

    @contextmanager
    def read() -> Iterator[Any]:
        with wallet.read() as work:
            yield work
        if not happened:
            happened.append(then())

    return read


def test_one_that_is_revoked_while_its_batch_is_signed_holds_up_nobody(wallet: Wallet, clock: FixedClock) -> None:
    ending, other = issue(wallet).id, issue(wallet, "sau").id
    former = wallet.keystore.signer(Role.DOCUMENT).kid
    revoke(wallet, former)
    clock.advance(minutes=1)

    def end() -> None:
        with wallet.work() as work:
            work.revoking.void(ending, RevocationReason.DATA_CHANGED, Actor("system"))
        wallet.board.refresh(force=True)

    done = replace(wallet.reissue_job, read=reading(wallet, end)).go(revoked(wallet, former))
    assert done.reissued >= 1
    assert (row_of(wallet, ending).kid, row_of(wallet, ending).revocation_reason) == (former, "data_changed")
    assert row_of(wallet, other).kid == wallet.keystore.signer(Role.DOCUMENT).kid
    assert wallet.reissue_job.go(revoked(wallet, former)) == Tally()
    assert wallet.reverifying.run().mismatch is None


def test_one_that_expires_while_its_batch_is_signed_holds_up_nobody(wallet: Wallet, clock: FixedClock) -> None:
    ending = issue(wallet)
    clock.set(ending.expires_at - timedelta(minutes=3))
    other = issue(wallet, "sau").id
    former = wallet.keystore.signer(Role.DOCUMENT).kid
    revoke(wallet, former)
    clock.advance(minutes=2)
    job = replace(wallet.reissue_job, read=reading(wallet, lambda: clock.advance(minutes=3)))
    assert job.go(revoked(wallet, former)).reissued >= 1
    assert row_of(wallet, ending.id).kid == former
    assert row_of(wallet, other).kid == wallet.keystore.signer(Role.DOCUMENT).kid


def test_one_that_our_verifier_refuses_for_another_reason_is_not_passed_over(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, former = issue(wallet).id, wallet.keystore.signer(Role.DOCUMENT).kid
    revoke(wallet, former)
    clock.advance(minutes=1)
    signer = wallet.keystore.signer(Role.DOCUMENT)
    monkeypatch.setattr(signer, "sign", lambda _message: bytes(63) + b"\1")
    with pytest.raises(Unavailable, match="signing_unavailable"):
        wallet.reissue_job.go(revoked(wallet, former))
    assert (row_of(wallet, document).kid, row_of(wallet, document).revoked_at) == (former, None)
