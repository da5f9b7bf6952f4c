"""Status indices under parallel issuing: none twice, none foreseeable, room before it is needed.

INDICES: how many are drawn, 2,000 unless the environment says otherwise. DRAWERS: by how many processes, two; eight in
the full lane.
"""

import os
import secrets
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import pytest
from sqlalchemy import event, select, text, update
from sqlalchemy.orm import Session

from tests.durability.processes import PROCESSES, Workers, in_threads
from tests.durability.server import Urls
from tests.support import NOON, FixedClock
from wallet.db import Base, Database
from wallet.documents.high_water import BLOCK, HighWaterMarks
from wallet.documents.models import StatusChange, StatusListRow
from wallet.documents.repository import DocumentRepository
from wallet.documents.status import Indices, StatusIndex
from wallet.errors import Unavailable

COUNT = int(os.environ.get("INDICES", "2000"))
DRAWERS = int(os.environ.get("DRAWERS", str(PROCESSES)))
THREADS = 4 if DRAWERS == PROCESSES else 1
TOGETHER = max(5, COUNT // 1000)
"""Indices of one transaction: what is tested is the drawing, not how fast processes commit on SQLite."""
SHARDS = 4
SECRET = bytes(range(32))  # always the same, so that the correlation is too
PATIENCE = 60 + COUNT / 100
AT = "https://vi.example.vn/v1/status-lists/"
ELSEWHERE = "https://moved.example.vn/v1/status-lists/"
pytestmark = pytest.mark.timeout(120 + COUNT // 50)


@pytest.fixture(scope="module")
def drawers(request: pytest.FixtureRequest) -> Iterator[Workers]:
    """As many processes as draw at once."""
    if DRAWERS == PROCESSES:
        yield request.getfixturevalue("workers")
        return
    workers = Workers(DRAWERS)
    yield workers
    workers.close()


@pytest.fixture
def database(urls: Urls) -> Iterator[Database]:
    database = Database(urls.wallet)
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


def open_first(database: Database, bits: int) -> None:
    with database.write() as session:
        DocumentRepository(session).open_list(1, bits, NOON, f"{AT}1")


def open_shards(database: Database, bits: int, shards: int = SHARDS) -> None:
    with database.write() as session:
        indices_of(session, bits, shards).open_shards()


def indices_of(session: Session, bits: int, shards: int = 1, marks: Path | None = None) -> Indices:
    """The indices of one transaction; which shard comes first is chance, as in a deployment. marks: where they lie."""
    pass_over = unmarked if marks is None else HighWaterMarks(marks).pass_over
    return Indices(DocumentRepository(session), SECRET, bits, FixedClock(), AT, pass_over, shards, secrets.randbelow)


def unmarked(_list_id: int, _used: int, _bits: int) -> None:
    """Remember nothing outside the database."""


def reserve(database: Database, bits: int) -> StatusIndex:
    with database.write() as session:
        return indices_of(session, bits).reserve()


def lists(database: Database) -> dict[int, int]:
    with database.read() as session:
        return {row.id: row.used for row in session.execute(select(StatusListRow.id, StatusListRow.used))}


def draw(
    begin: Callable[[], None],
    url: str,
    bits: int,
    count: int,
    shards: int = 1,
    batch: int = 1,
    marks: Path | None = None,
) -> list[tuple[int, int, int]]:
    """Draw `count` indices in several threads; return when each was drawn, and which it was. batch: copies at once."""
    database = Database(url)

    def some(_place: int) -> list[tuple[int, int, int]]:
        drawn: list[tuple[int, int, int]] = []
        while len(drawn) < count // THREADS:
            # Of many processes on SQLite one may wait for longer than it has patience; it drew nothing then.
            with suppress(Unavailable):
                drawn += together()
        return drawn

    def together() -> list[tuple[int, int, int]]:
        found = []
        with database.write() as session:
            indices = indices_of(session, bits, shards, marks)
            for _ in range(TOGETHER // batch):
                places = [indices.reserve()] if batch == 1 else indices.reserve_many(batch)
                found += [(time.monotonic_ns(), place.list_id, place.index) for place in places]
        return found

    try:
        return [one for share in in_threads(THREADS, begin, some, PATIENCE) for one in share]
    finally:
        database.close()


def rank_correlation(values: list[tuple[int, int]]) -> float:
    """Spearman's rho between the order of `values` and their size."""
    ranks = {value: rank for rank, value in enumerate(sorted(values))}
    count = len(values)
    distance = sum((place - ranks[value]) ** 2 for place, value in enumerate(values))
    return 1 - 6 * distance / (count * (count * count - 1))


def most_correlation(count: int, shards: int) -> float:
    """Return what the correlation stays below: 0.02 for 100,000 (S-56).

    For fewer it is what chance alone stays below, which has its part where there are several lists.
    """
    return 0.06 if shards == 1 and count < 20_000 else max(0.02, 5 / (count - 1) ** 0.5)


@pytest.mark.parametrize("shards", [1, SHARDS])
def test_s56_parallel_indices_are_distinct_and_in_no_order(
    urls: Urls, database: Database, drawers: Workers, shards: int, tmp_path: Path
) -> None:
    together = THREADS * TOGETHER
    share = COUNT // DRAWERS // together * together
    bits = (COUNT - 1).bit_length() + 1
    open_shards(database, bits, shards)
    marks = tmp_path / "published"
    given = (urls.wallet, bits, share, shards, 1, marks)
    shares = drawers.run(draw, *(given for _ in range(DRAWERS)), patience=3 * PATIENCE)
    drawn = sorted(one for each in shares for one in each)
    total = share * DRAWERS
    places = Counter((list_id, index) for _, list_id, index in drawn)
    assert len(drawn) == total
    assert max(places.values()) == 1
    assert sum(lists(database).values()) == total
    by_list = Counter(list_id for _, list_id, _ in drawn)
    assert sorted(by_list) == list(range(1, shards + 1))
    assert lists(database) == by_list
    marked = {list_id: mark.used for list_id, mark in HighWaterMarks(marks).all()}
    assert marked.keys() == by_list.keys()
    assert all(by_list[list_id] <= used < by_list[list_id] + BLOCK for list_id, used in marked.items())
    order = [(index, list_id) for _, list_id, index in drawn]
    assert all(0 <= index < 1 << bits for index, _ in order)
    if total >= 2000:
        assert abs(rank_correlation(order)) < most_correlation(total, shards)
        for list_id in by_list:  # nor in any list by itself: that is all that a verifier sees
            alone = [(index, each) for index, each in order if each == list_id]
            assert abs(rank_correlation(alone)) < most_correlation(len(alone), shards)
        steps = [later[0] - sooner[0] for sooner, later in pairwise(order)]
        assert max(Counter(steps).values()) < 10, "neighbours in time are a fixed step apart"


def test_copies_of_a_batch_are_distinct_and_spread(urls: Urls, database: Database, workers: Workers) -> None:
    """Batches of several processes at once: no index twice, none lost, each batch over two lists."""
    open_shards(database, 12)
    shares = workers.run(draw, *((urls.wallet, 12, 200, SHARDS, 5) for _ in range(PROCESSES)))
    drawn = [(list_id, index) for each in shares for _, list_id, index in each]
    assert len(set(drawn)) == len(drawn) == 400
    assert sum(lists(database).values()) == 400
    with database.write() as session:
        batch = indices_of(session, 12, SHARDS).reserve_many(9)
    assert sorted(Counter(place.list_id for place in batch).values()) == [4, 5]


def test_batch_costs_as_many_statements_however_large_it_is(database: Database) -> None:
    open_shards(database, 12)
    statements: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *parts: statements.append(parts[2]))
    for count in (2, 8, 100):
        statements.clear()
        with database.write() as session:
            assert len(indices_of(session, 12, SHARDS).reserve_many(count)) == count
        assert len([text for text in statements if "UPDATE" in text]) == 2


def test_batch_passes_from_full_lists_to_the_next(database: Database) -> None:
    """A batch larger than what is left takes what is left and goes on; nothing is drawn twice or lost."""
    open_shards(database, 4, 2)
    drawn: list[StatusIndex] = []
    for count in (1, 15, 3, 16, 40, 7):
        with database.write() as session:
            drawn += indices_of(session, 4, 2).reserve_many(count)
    assert len(set(drawn)) == len(drawn) == 82
    by_list = Counter(place.list_id for place in drawn)
    with_room = [list_id for list_id, used in lists(database).items() if used < 16]
    assert all(used == 16 for list_id, used in by_list.items() if list_id not in with_room)
    assert len(with_room) <= 4


@pytest.mark.parametrize("shards", [1, SHARDS])
def test_reserving_none_is_nothing(database: Database, shards: int) -> None:
    open_shards(database, 8, shards)
    with database.write() as session:
        assert indices_of(session, 8, shards).reserve_many(0) == []
    assert lists(database) == dict.fromkeys(range(1, shards + 1), 0)


def test_transactions_at_once_draw_from_different_lists(database: Database) -> None:
    """Nobody waits for a list that another holds until its commit (SQLite has one writer anyway)."""
    if database.is_sqlite:
        pytest.skip("one writer at a time")
    open_shards(database, 8)
    with ExitStack() as stack:
        sessions = [stack.enter_context(database.write()) for _ in range(SHARDS)]
        for session in sessions:
            session.execute(text("SET LOCAL lock_timeout = '500ms'"))
        held = [indices_of(session, 8, SHARDS).reserve().list_id for session in sessions]
        assert sorted(held) == [1, 2, 3, 4]
        # Whoever holds a list may draw on from it, however many others there are.
        for session, list_id in zip(sessions, held, strict=True):
            assert {place.list_id for place in indices_of(session, 8, SHARDS).reserve_many(6)} == {list_id}
    assert lists(database) == dict.fromkeys(range(1, SHARDS + 1), 7)


def test_shards_that_are_added_are_opened_and_those_that_are_fewer_fade_out(database: Database) -> None:
    open_shards(database, 4, 1)
    open_shards(database, 4, 3)
    assert lists(database) == {1: 0, 2: 0, 3: 0}
    open_shards(database, 4, 3)
    assert lists(database) == {1: 0, 2: 0, 3: 0}
    for _ in range(48 + 4):
        reserve(database, 4)  # one shard from now on: the others are used up, and nothing follows them
    used = lists(database)
    assert [used[list_id] for list_id in (1, 2, 3)] == [16, 16, 16]
    with database.read() as session:
        shards = set(session.scalars(select(StatusListRow.shard).where(StatusListRow.id > 3)))
    assert shards == {0}


def test_statuses_in_many_lists_never_stop_one_another(urls: Urls, database: Database, workers: Workers) -> None:
    """Two processes that revoke in every list, each in another order, and draw in between: no deadlock."""
    open_shards(database, 12)
    shares = workers.run(revoke_everywhere, *((urls.wallet, place) for place in range(PROCESSES)))
    assert sum(shares) == PROCESSES * ROUNDS * 2 * SHARDS
    with database.read() as session:
        for list_id in range(1, SHARDS + 1):
            found = session.scalars(select(StatusChange.sequence).where(StatusChange.status_list == list_id)).all()
            assert sorted(found) == list(range(1, PROCESSES * ROUNDS * 2 + 1))


ROUNDS = 20


def revoke_everywhere(begin: Callable[[], None], url: str, place: int) -> int:
    """Set a status in each list, draw an index, set another, in one transaction; return how many were set."""
    database, done = Database(url), 0
    order = list(range(1, SHARDS + 1))[:: -1 if place else 1]
    begin()
    for number in range(ROUNDS):
        with database.write() as session:
            rows = DocumentRepository(session)
            for list_id in order:
                rows.set_status(list_id, place * ROUNDS + number, 1, NOON)
            Indices(rows, SECRET, 12, FixedClock(), AT, unmarked, SHARDS, secrets.randbelow).reserve_many(4)
            for list_id in order:
                rows.set_status(list_id, 1000 + place * ROUNDS + number, 2, NOON)
            rows.write_statuses()
            done += 2 * len(order)
    database.close()
    return done


def test_next_list_opens_once_half_is_used(database: Database) -> None:
    open_first(database, 8)
    for _ in range(128):
        assert reserve(database, 8).list_id == 1
    assert lists(database) == {1: 128}
    assert reserve(database, 8).list_id == 1
    assert lists(database) == {1: 129, 2: 0}


def test_parallel_callers_pass_from_one_list_to_the_next(urls: Urls, database: Database, workers: Workers) -> None:
    """Nobody who waits for the last place of a list is told that there is none: the next list has room."""
    open_first(database, 4)
    shares = workers.run(draw, *((urls.wallet, 4, 100) for _ in range(PROCESSES)))
    drawn = [(list_id, index) for each in shares for _, list_id, index in each]
    assert len(set(drawn)) == len(drawn) == 200
    assert lists(database) == dict.fromkeys(range(1, 13), 16) | {13: 8}


def test_full_lists_are_unavailable_and_nothing_is_drawn(database: Database) -> None:
    open_first(database, 8)
    with database.write() as session:
        DocumentRepository(session).open_list(2, 8, NOON, f"{AT}2")
        session.execute(update(StatusListRow).values(used=256))
    with pytest.raises(Unavailable) as refused:
        reserve(database, 8)
    assert refused.value.code == "status_lists_full"
    assert lists(database) == {1: 256, 2: 256}


def test_index_of_a_transaction_that_fails_is_given_to_the_next(database: Database) -> None:
    open_first(database, 8)
    drawn = []

    def fail() -> None:
        with database.write() as session:
            drawn.append(indices_of(session, 8).reserve())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert lists(database) == {1: 0}
    assert [reserve(database, 8)] == drawn


def test_lists_of_another_address_are_not_drawn_from(database: Database) -> None:
    """Each process draws from those of its own address, whatever the other one's have room for."""
    open_shards(database, 4)
    with database.write() as session:
        moved = replace(indices_of(session, 4, SHARDS), address=ELSEWHERE)
        moved.open_shards()
        drawn = moved.reserve_many(100)
    assert {place.list_id for place in drawn}.isdisjoint(range(1, SHARDS + 1))
    assert len(set(drawn)) == 100
    assert {reserve(database, 4).list_id for _ in range(70)}.isdisjoint({place.list_id for place in drawn})
