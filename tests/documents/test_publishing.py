"""Signed copies: one sequence for all processes, the last one served while the database is away."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import pytest

from tests.documents.people import on_one_database
from tests.support import FixedClock
from wallet.documents.models import PublicationRow
from wallet.documents.publishing import Draft, Publisher
from wallet.documents.repository import PublicationRepository
from wallet.errors import Unavailable
from wallet.wiring import Wallet

LIFE = timedelta(hours=72)
RENEW = timedelta(minutes=15)
LOOK = timedelta(seconds=2)


@dataclass
class Press:
    """One process that publishes, and what it signed."""

    wallet: Wallet
    clock: FixedClock
    content: str = "a"
    down: bool = False
    signed: list[tuple[int, bytes | None, datetime]] = field(default_factory=list)
    drafts: int = 0
    opened: int = 0

    def __post_init__(self) -> None:
        self.publisher = Publisher(
            self._opening(self.wallet.db.read), self._opening(self.wallet.db.write), self.clock, LOOK
        )

    def _opening(self, way: Callable[[], Any]) -> Callable[[], Any]:
        @contextmanager
        def opening() -> Iterator[PublicationRepository]:
            self.opened += 1
            if self.down:
                raise Unavailable("dependency_unavailable")
            with way() as session:
                yield PublicationRepository(session)

        return opening

    def draft(self) -> Draft:
        self.drafts += 1
        content = self.content

        def sign(sequence: int, previous: bytes | None, issued_at: datetime) -> bytes:
            self.signed.append((sequence, previous, issued_at))
            return f"{sequence} {content} {issued_at.isoformat()}".encode()

        return Draft(content, LIFE, RENEW, sign)

    def current(self) -> Any:
        return self.publisher.current("a thing", self.draft)


@pytest.fixture
def press(wallet: Wallet, clock: FixedClock) -> Press:
    return Press(wallet, clock)


def test_same_content_is_signed_once(press: Press, clock: FixedClock) -> None:
    first = press.current()
    assert (first.sequence, first.issued_at, first.expires_at) == (1, clock.now(), clock.now() + LIFE)
    for _ in range(5):
        clock.advance(LOOK)
        assert press.current() == first
    assert press.signed == [(1, None, first.issued_at)]


def test_new_content_is_a_new_copy_that_names_the_one_before(press: Press, clock: FixedClock) -> None:
    first = press.current()
    press.content = "b"
    assert press.current() == first  # it does not look again so soon
    clock.advance(LOOK)
    second = press.current()
    assert (second.sequence, second.content_key) == (2, "b")
    assert press.signed[1] == (2, first.token, clock.now())
    assert second.etag != first.etag


@on_one_database
def test_copy_that_grows_old_is_made_again(press: Press, clock: FixedClock) -> None:
    press.current()
    clock.advance(RENEW - timedelta(seconds=1))
    assert press.current().sequence == 1
    clock.advance(LOOK)
    assert press.current().sequence == 2


def test_two_copies_never_share_a_second(press: Press, clock: FixedClock) -> None:
    """Readers keep the copy with the later time: of two in one second they would keep either. The change waits."""
    other = Press(press.wallet, clock)
    begin, copies = clock.now(), []
    for number in range(8):
        at_work = (press, other)[number % 2]
        at_work.content = str(number)
        at_work.publisher._held.clear()
        copies.append(at_work.current())
        clock.advance(seconds=0.5)
    assert [copy.issued_at for copy in copies] == [begin + timedelta(seconds=number // 2) for number in range(8)]
    assert [copy.content_key for copy in copies] == ["0", "0", "2", "2", "4", "4", "6", "6"]


@on_one_database
def test_clock_that_goes_back_a_little_does_not_stop_publishing(press: Press, clock: FixedClock) -> None:
    first = press.current()
    clock.advance(seconds=-40)
    press.content = "b"
    second = press.current()
    assert (second.sequence, second.content_key) == (2, "b")
    assert second.issued_at == first.issued_at + timedelta(seconds=1)


@on_one_database
@pytest.mark.parametrize("content", ["a", "b"], ids=["same content", "new content"])
def test_copy_that_is_dated_ahead_bounds_the_sequence_alone(press: Press, clock: FixedClock, content: str) -> None:
    first = press.current()
    clock.advance(seconds=-61)
    press.content = content
    second = press.current()
    assert press.signed[1:] == [(2, first.token, clock.now())]
    assert (second.content_key, second.issued_at) == (content, clock.now())
    clock.advance(LOOK)
    assert press.current() == second


@on_one_database
def test_times_are_whole_seconds(press: Press, clock: FixedClock) -> None:
    clock.advance(seconds=0.75)
    assert press.current().issued_at.microsecond == 0


def test_another_process_takes_what_is_there(press: Press, clock: FixedClock) -> None:
    first = press.current()
    other = Press(press.wallet, clock)
    assert other.current() == first
    assert other.signed == []


def test_of_two_that_publish_at_once_one_wins_and_both_serve_it(press: Press, clock: FixedClock) -> None:
    other = Press(press.wallet, clock)
    for content in ("first of all", "and then"):
        press.content = other.content = content
        clock.advance(LOOK)
        between: list[Any] = []
        draft = press.draft

        def interrupted(draft: Callable[[], Draft] = draft, between: list[Any] = between) -> Draft:
            made = draft()

            def sign(*parts: Any) -> bytes:
                between.append(other.current())  # another process is quicker
                return made.sign(*parts)

            return Draft(made.content_key, made.life, made.renew_after, sign)

        mine = press.publisher.current("a thing", interrupted)
        assert mine == between[0]
    with press.wallet.db.read() as session:
        row = session.get(PublicationRow, "a thing")
        assert row is not None
        assert (row.sequence, row.content_key) == (2, "and then")


def test_many_threads_make_one_copy(press: Press, clock: FixedClock) -> None:
    with ThreadPoolExecutor(8) as pool:
        copies = list(pool.map(lambda _: press.current(), range(40)))
    assert {copy.sequence for copy in copies} == {1}
    assert len(press.signed) == 1
    assert press.drafts == 1


def test_last_copy_is_served_while_the_database_is_away_until_it_expires(press: Press, clock: FixedClock) -> None:
    first = press.current()
    press.down, press.content = True, "b"
    clock.advance(hours=1)
    assert press.current() == first
    clock.set(first.expires_at - timedelta(seconds=3))
    assert press.current() == first
    clock.set(first.expires_at)
    with pytest.raises(Unavailable):
        press.current()
    press.down = False
    assert press.current().sequence == 2


@on_one_database
def test_process_that_never_had_a_copy_says_so(press: Press) -> None:
    press.down = True
    with pytest.raises(Unavailable):
        press.current()


@on_one_database
def test_database_that_is_away_is_not_asked_at_every_turn(press: Press, clock: FixedClock) -> None:
    press.current()
    press.down, press.opened = True, 0
    clock.advance(hours=1)
    for _ in range(20):
        press.current()
    assert press.opened == 1


@on_one_database
def test_copy_whose_signing_fails_is_not_stored(press: Press, clock: FixedClock) -> None:
    def broken() -> Draft:
        def sign(*_: Any) -> bytes:
            raise Unavailable("signing_unavailable")

        return Draft("c", LIFE, RENEW, sign)

    first = press.current()
    clock.advance(LOOK)
    assert press.publisher.current("a thing", broken) == first
    with pytest.raises(Unavailable):
        press.publisher.current("another thing", broken)
    with press.wallet.db.read() as session:
        assert session.get(PublicationRow, "another thing") is None


@on_one_database
def test_etag_is_that_of_the_bytes(press: Press, clock: FixedClock) -> None:
    first = press.current()
    assert first.etag == press.current().etag
    assert first.etag.isalnum()
    assert len(first.etag) == 32
