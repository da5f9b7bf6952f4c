"""Two processes that publish from one database: one line of bundles, never a step back, alive without the database."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from tests.durability.processes import Workers
from tests.phone import CitizenPhone
from tests.support import NOON, FixedClock
from wallet.db import Database
from wallet.documents.trust import LIFE
from wallet.errors import Unavailable
from wallet.settings import Settings
from wallet.terms import Status
from wallet.verifier import BundleRefused, TrustedBundle
from wallet.wiring import Wallet

LIST = 1
Make = Callable[..., CitizenPhone]


@pytest.fixture
def other(wallet: Wallet, clock: FixedClock) -> Iterator[Wallet]:
    """A second process on the same database: nothing in memory is shared but the time."""
    other = Wallet.build(wallet.settings, clock=clock)
    yield other
    other.close()


def set_status(wallet: Wallet, index: int, value: Status = Status.INVALID) -> None:
    with wallet.work() as work:
        work.document_rows.set_status(LIST, index, value, wallet.clock.now())


def take(wallet: Wallet, held: TrustedBundle | None = None) -> TrustedBundle:
    """Fetch the bundle as a verifier does that may hold the one before."""
    token = wallet.trust.bundle().token.decode()
    return TrustedBundle.from_jws(token, [wallet.trust.pin], wallet.clock.now(), held)


def revoked(wallet: Wallet, bundle: TrustedBundle, indices: range) -> set[int]:
    """Return which of these indices the bundle says are revoked."""
    (copy,) = bundle.status(wallet.settings.issuer_code, wallet.trust.status_uri(LIST))
    return {index for index in indices if copy.value(index) == Status.INVALID}


@contextmanager
def database_down(wallet: Wallet) -> Iterator[None]:
    """Take the database away: the file of SQLite, the server of PostgreSQL."""
    if not wallet.db.is_sqlite:
        real = wallet.db
        wallet.db = Database(make_url(wallet.settings.database_url).set(port=1).render_as_string(hide_password=False))
        yield
        wallet.db.close()
        wallet.db = real
        return
    wallet.db.close()
    path = Path(str(wallet.db.url.database))
    away = path.with_name("away.db")
    path.rename(away)
    path.mkdir()
    yield
    path.rmdir()
    away.rename(path)


def test_other_process_takes_the_copy_that_is_there(wallet: Wallet, other: Wallet) -> None:
    assert wallet.trust.bundle() == other.trust.bundle()
    assert wallet.trust.status_list(LIST) == other.trust.status_list(LIST)


def test_line_of_bundles_has_no_gap_and_no_fork(wallet: Wallet, other: Wallet, clock: FixedClock) -> None:
    held = take(wallet)
    for number in range(12):
        set_status(wallet, number)
        clock.advance(seconds=2)
        publishing = (wallet, other) if number % 2 else (other, wallet)
        following = take(publishing[0], held)
        assert (following.seq, following.iat > held.iat) == (held.seq + 1, True)
        assert publishing[1].trust.bundle().token == publishing[0].trust.bundle().token
        held = following
    assert revoked(wallet, held, range(20)) == set(range(12))


def test_newer_bundle_never_carries_an_older_list(wallet: Wallet, other: Wallet, clock: FixedClock) -> None:
    """One process looked at its list a moment before a revocation, the other published it already."""
    take(wallet)
    clock.advance(seconds=1.2)
    other.trust.status_list(LIST)
    clock.advance(seconds=0.1)
    set_status(wallet, 7)
    clock.advance(seconds=0.7)
    fresh = take(wallet)
    assert revoked(wallet, fresh, range(10)) == {7}
    clock.advance(seconds=0.1)
    last = take(other)
    assert last.seq >= fresh.seq
    assert revoked(wallet, last, range(10)) == {7}


def test_slow_process_does_not_undo_what_a_fast_one_published(wallet: Wallet, other: Wallet, clock: FixedClock) -> None:
    """The slow one read the statuses, was held up, and comes to publish after the fast one."""
    take(wallet)
    clock.advance(seconds=3)
    set_status(wallet, 1)
    overtaken: list[TrustedBundle] = []
    reading = other.publisher.reading

    @contextmanager
    def held_up() -> Iterator[Any]:
        if not overtaken:
            overtaken.append(None)  # type: ignore[arg-type]
            set_status(wallet, 2)
            clock.advance(seconds=3)
            overtaken[0] = take(wallet)
        with reading() as rows:
            yield rows

    other.board.refresh(force=True)
    other.publisher.reading = held_up
    last = take(other)
    assert revoked(wallet, overtaken[0], range(5)) == {1, 2}
    assert revoked(wallet, last, range(5)) == {1, 2}
    clock.advance(seconds=3)
    assert revoked(wallet, take(other), range(5)) == {1, 2}


def test_time_of_a_copy_never_runs_ahead_of_the_clock(wallet: Wallet, clock: FixedClock) -> None:
    """Many processes and constant revoking make no copy of the future: verifiers would refuse it."""
    crowd = [Wallet.build(wallet.settings, clock=clock) for _ in range(4)]
    held = take(wallet)
    for number in range(40):
        clock.advance(milliseconds=270)
        set_status(wallet, number)
        copy = crowd[number % 4].trust.bundle()
        assert copy.issued_at <= clock.now()
        if copy.sequence > held.seq:
            held = TrustedBundle.from_jws(copy.token.decode(), [wallet.trust.pin], clock.now(), held)
    clock.advance(seconds=2)
    assert revoked(wallet, take(crowd[0], held), range(50)) == set(range(40))
    for each in crowd:
        each.close()


@pytest.mark.parametrize("back", [timedelta(seconds=40), timedelta(hours=1)], ids=str)
def test_clock_that_is_set_back_stops_no_revocation(wallet: Wallet, clock: FixedClock, back: timedelta) -> None:
    """By a little, verifiers hold the last list and keep the later one; by more, they could not have taken it."""
    held = take(wallet)
    before = wallet.trust.status_list(LIST)
    clock.advance(-back)
    set_status(wallet, 3)
    after = wallet.trust.status_list(LIST)
    assert after.sequence == before.sequence + 1
    assert after.issued_at == (before.issued_at + timedelta(seconds=1) if back < timedelta(minutes=1) else clock.now())
    assert revoked(wallet, take(wallet, held), range(10)) == {3}


def test_old_bundle_cannot_be_put_over_a_newer_one(wallet: Wallet, clock: FixedClock) -> None:
    first = wallet.trust.bundle().token.decode()
    set_status(wallet, 1)
    clock.advance(seconds=3)
    held = take(wallet)
    with pytest.raises(BundleRefused):
        TrustedBundle.from_jws(first, [wallet.trust.pin], clock.now(), held)


def publish_and_revoke(
    begin: Callable[[], None], settings: Settings, start: datetime, place: int, rounds: int
) -> list[tuple[int, str]]:
    """Revoke and fetch by turns, as fast as it goes; return every bundle that was handed out."""
    clock = FixedClock(start)
    wallet = Wallet.build(replace(settings, publish_seconds=1), clock=clock)
    begin()
    taken = []
    for number in range(rounds):
        if number % 3 == place:
            set_status(wallet, rounds * place + number)
        clock.advance(milliseconds=700)
        copy = wallet.trust.bundle()
        taken.append((copy.sequence, copy.token.decode()))
    wallet.close()
    return taken


@pytest.mark.timeout(120)
def test_two_processes_at_once_make_one_line(wallet: Wallet, clock: FixedClock, workers: Workers) -> None:
    rounds = 40
    before = revoked(wallet, take(wallet), range(2 * rounds))  # what the personas' stories revoked, if anything
    shares = workers.run(publish_and_revoke, *((wallet.settings, NOON, place, rounds) for place in range(2)))
    line = dict(sorted(one for share in shares for one in share))
    for share in shares:
        assert [sequence for sequence, _ in share] == sorted(sequence for sequence, _ in share)
        assert all(line[sequence] == token for sequence, token in share), "two bundles share a number"
    clock.set(NOON + timedelta(minutes=5))
    held, seen = None, set()
    for token in line.values():
        held = TrustedBundle.from_jws(token, [wallet.trust.pin], clock.now(), held)
        now_seen = revoked(wallet, held, range(2 * rounds))
        assert seen <= now_seen, "a revocation was taken back"
        seen = now_seen
    assert len(line) > rounds // 4
    done = {rounds * place + number for place in range(2) for number in range(rounds) if number % 3 == place}
    assert revoked(wallet, take(wallet), range(2 * rounds)) == done | before


def test_last_copy_is_served_until_it_expires(wallet: Wallet, clock: FixedClock) -> None:
    bundle, copy = wallet.trust.bundle(), wallet.trust.status_list(LIST)
    with database_down(wallet):
        for step in (timedelta(seconds=10), timedelta(hours=1), LIFE - timedelta(hours=2)):
            clock.advance(step)
            assert wallet.trust.bundle() == bundle
            assert wallet.trust.status_list(LIST) == copy
        clock.set(copy.expires_at)
        with pytest.raises(Unavailable):
            wallet.trust.bundle()
        with pytest.raises(Unavailable):
            wallet.trust.status_list(LIST)
    assert wallet.trust.bundle().sequence == bundle.sequence + 1
    assert wallet.trust.status_list(LIST).issued_at == clock.now()


def test_process_that_never_saw_a_copy_says_unavailable(wallet: Wallet) -> None:
    with database_down(wallet):
        for ask in (wallet.trust.bundle, lambda: wallet.trust.status_list(LIST), wallet.trust.trust):
            with pytest.raises(Unavailable):
                ask()
    assert wallet.trust.bundle().sequence == 1


def test_checks_go_on_while_the_database_is_down(wallet: Wallet, clock: FixedClock, phone_of: Make) -> None:
    citizen = phone_of("an")
    code = citizen.code_of(citizen.issue_residence())
    assert citizen.client.post("/v1/checks", json={"code": code}).json["verdict"] == "valid"
    with database_down(wallet):
        clock.advance(seconds=30)
        answer = citizen.client.post("/v1/checks", json={"code": code})
        assert (answer.status_code, answer.json["verdict"]) == (200, "valid")
        assert citizen.client.get("/health/live").status_code == 200
        assert citizen.client.get("/health/ready").status_code == 503
        refused = citizen.post("/v1/requests", {"utility": "residence"})
        assert (refused.status_code, refused.json["code"]) == (503, "dependency_unavailable")
        assert "Retry-After" in refused.headers
    assert citizen.issue_residence()
    assert citizen.client.get("/health/ready").status_code == 200


def test_board_sees_what_another_process_changed(wallet: Wallet, other: Wallet, clock: FixedClock) -> None:
    other.board.refresh()
    for number in range(3):
        set_status(wallet, 10 + number)
        clock.advance(milliseconds=499)
        other.board.refresh()
        assert other.board.lists[LIST].get(10 + number) is Status.VALID
        clock.advance(milliseconds=1)
        other.board.refresh()
        assert other.board.lists[LIST].get(10 + number) is Status.INVALID
    with wallet.work() as work:
        work.document_rows.open_list(2, 8, clock.now(), wallet.trust.address(2))
    clock.advance(seconds=1)
    other.board.refresh()
    assert sorted(other.board.lists) == [1, 2]


def test_board_that_must_be_fresh_says_when_it_cannot_be(wallet: Wallet, clock: FixedClock) -> None:
    at = wallet.board.refresh()
    clock.advance(seconds=5)
    with database_down(wallet):
        assert wallet.board.refresh() == at
        with pytest.raises(Unavailable):
            wallet.board.refresh(force=True)
