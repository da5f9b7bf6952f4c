"""A clock that ran ahead for a while: what it dated binds nobody, and verifiers are reached again in the next round."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select

from tests.documents.people import admin_of, issue, on_one_database
from tests.documents.test_published_files import another, folder, no_database
from tests.documents.test_restoring import backup, started
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.documents.publishing import Publication
from wallet.documents.revoking import RevocationReason
from wallet.errors import Unavailable
from wallet.verifier import BundleRefused, BundleStore, MemoryReplay
from wallet.verifier.gate import Gate, Given
from wallet.verifier.receipts import Receipts
from wallet.verifier.refreshing import Held
from wallet.wiring import Wallet

HOURS = timedelta(hours=2)
DAYS = timedelta(days=300)


def gate_of(wallet: Wallet, tmp_path: Path) -> Gate:
    place = tmp_path / "gate"
    place.mkdir(exist_ok=True)
    return Gate(Held(place, [wallet.trust.pin]), MemoryReplay(), Receipts(place), wallet.clock)


def reasons(gate: Gate, code: str) -> tuple[str, ...]:
    return gate.check(Given(text=code)).judgement.reasons


def offered(gate: Gate, wallet: Wallet) -> int:
    """Offer the gate the bundle that is served; return the sequence of the one it holds then."""
    return gate.held.offer(wallet.trust.bundle().token.decode(), wallet.clock.now()).seq


def revoke(wallet: Wallet, document_id: str) -> None:
    with wallet.work() as work:
        work.revoking.revoke(document_id, RevocationReason.FRAUD, admin_of(wallet))


@contextmanager
def running_ahead(clock: FixedClock, by: timedelta) -> Iterator[None]:
    """The clock of the service runs ahead for a round that takes a second, and is then put right."""
    right = clock.now()
    clock.set(right + by)
    yield
    clock.set(right + timedelta(seconds=1))


def publications(wallet: Wallet) -> list[Publication]:
    trust = wallet.trust
    return [trust.bundle(), trust.status_list(1), trust.status_list(1, cbor=True), trust.entities()]


@pytest.mark.parametrize("by", [timedelta(seconds=62), HOURS, DAYS], ids=str)
@pytest.mark.parametrize("left_to_job", [True, False])
def test_s54_revocation_reaches_the_gate_in_the_round_after_the_clock_is_right(
    wallet: Wallet, clock: FixedClock, tmp_path: Path, by: timedelta, left_to_job: bool
) -> None:
    document, other, gate = issue(wallet), issue(wallet), gate_of(wallet, tmp_path)
    wallet.publisher.left_to_job = left_to_job
    wallet.trust.publish()
    first = offered(gate, wallet)
    clock.advance(seconds=10)
    with running_ahead(clock, by):
        revoke(wallet, other.id)
        wallet.trust.publish()
        ahead = wallet.trust.bundle()
        assert ahead.sequence == first + 1
    with pytest.raises(BundleRefused, match="not_yet_valid"):
        gate.held.offer(ahead.token.decode(), clock.now())
    revoke(wallet, document.id)
    wallet.trust.publish()
    assert {copy.issued_at for copy in publications(wallet)} == {clock.now()}
    assert offered(gate, wallet) == ahead.sequence + 1
    assert {reasons(gate, each.code) for each in (document, other)} == {("revoked",)}


def test_what_is_served_after_a_round_ahead_is_made_anew_before_the_job_comes_round(
    wallet: Wallet, clock: FixedClock, tmp_path: Path
) -> None:
    gate = gate_of(wallet, tmp_path)
    wallet.publisher.left_to_job = True
    with running_ahead(clock, HOURS):
        wallet.trust.publish()
    assert offered(gate, wallet) == 2
    assert {copy.issued_at for copy in publications(wallet)} == {clock.now()}


def test_verifier_whose_clock_ran_ahead_too_follows_the_line(wallet: Wallet, clock: FixedClock, tmp_path: Path) -> None:
    """It took the copy that is dated ahead: the next one names that as `prev`, and the lists of then do not stay."""
    document, gate = issue(wallet), gate_of(wallet, tmp_path)
    with running_ahead(clock, HOURS):
        wallet.trust.publish()
        held = offered(gate, wallet)
    revoke(wallet, document.id)
    wallet.trust.publish()
    assert offered(gate, wallet) == held + 1
    assert reasons(gate, document.code) == ("revoked",)
    clock.advance(HOURS)
    assert reasons(gate, document.code) == ("revoked",)


def test_files_give_way_and_a_server_that_is_built_again_goes_on(
    wallet: Wallet, clock: FixedClock, tmp_path: Path
) -> None:
    document, gate = issue(wallet), gate_of(wallet, tmp_path)
    with running_ahead(clock, DAYS):
        wallet.trust.publish()
        ahead = publications(wallet)
    clock.advance(hours=73)
    restore = backup(wallet)
    with started(wallet) as again:
        again.trust.publish()
        assert offered(gate, again) == ahead[0].sequence + 1
        assert reasons(gate, document.code) == ("ok",)
        right = publications(again)
        for name, copy in zip(("bundle.jwt", "status-list/1.jwt", "status-list/1.cwt"), right, strict=False):
            assert (folder(wallet) / name).read_bytes() == copy.token
        with again.db.read() as session:
            assert not session.scalars(select(AuditEvent).where(AuditEvent.action == "status.restored")).all()
    restore()  # to the day on which the stored copies were dated ahead of all that were published since
    with started(wallet) as again:
        with again.db.read() as session:
            assert session.scalars(select(AuditEvent).where(AuditEvent.action == "status.restored")).all()
        clock.advance(seconds=1)
        again.trust.publish()
        assert offered(gate, again) == right[0].sequence + 1


def test_copy_that_another_process_dated_ahead_is_neither_kept_nor_carried(
    wallet: Wallet, clock: FixedClock, tmp_path: Path
) -> None:
    """In memory of one process, in the file and in the row: each of them bounds the sequence alone."""
    document, gate = issue(wallet), gate_of(wallet, tmp_path)
    wallet.trust.publish()
    offered(gate, wallet)
    with another(wallet) as other:
        with running_ahead(clock, HOURS):
            other.trust.publish()
            ahead = other.trust.bundle()
        revoke(wallet, document.id)
        wallet.trust.publish()
        assert offered(gate, wallet) == ahead.sequence + 1
        assert reasons(gate, document.code) == ("revoked",)
        clock.advance(seconds=1)
        other.trust.publish()
        assert publications(other) == publications(wallet)


def test_copy_that_is_dated_ahead_is_not_served_while_the_database_is_away(wallet: Wallet, clock: FixedClock) -> None:
    """Nobody takes it, and a reader that does would keep it against every later one."""
    with running_ahead(clock, HOURS):
        wallet.trust.publish()
    with another(wallet) as other, no_database(wallet, other):
        for each in (wallet, other):
            with pytest.raises(Unavailable):
                each.trust.bundle()
            with pytest.raises(Unavailable):
                each.trust.status_list(1)


@on_one_database
def test_every_second_of_a_clock_put_back_by_a_minute_a_copy_is_one_that_verifiers_take(
    wallet: Wallet, clock: FixedClock, tmp_path: Path
) -> None:
    """Up to 60 seconds ahead verifiers take a copy, and keep it against an older one: dates go on rising from it."""
    documents = [issue(wallet) for _ in range(4)]
    store = BundleStore(tmp_path / "store")
    wallet.trust.publish()
    last = wallet.trust.bundle()
    clock.advance(timedelta(seconds=-60))
    for number, document in enumerate(documents):
        revoke(wallet, document.id)
        wallet.trust.publish()
        copy = wallet.trust.bundle()
        assert (copy == last) == (number == 0), "the very first second is waited for"
        assert copy == last or copy.issued_at > last.issued_at
        assert store.offer(copy.token.decode(), [wallet.trust.pin], clock.now()).seq == copy.sequence
        last = copy
        clock.advance(seconds=1)
