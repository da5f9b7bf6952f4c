"""Status indices under parallel issuing: none twice, none foreseeable, room before it is needed.

INDICES: how many are drawn, 2,000 unless the environment says otherwise.
"""

import os
import time
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import pairwise

import pytest
from sqlalchemy import select, update

from tests.durability.processes import PROCESSES, Workers, in_threads
from tests.durability.server import Urls
from tests.support import NOON, FixedClock
from wallet.db import Base, Database
from wallet.documents.models import StatusListRow
from wallet.documents.repository import DocumentRepository
from wallet.documents.status import Indices, StatusIndex
from wallet.errors import Unavailable

COUNT = int(os.environ.get("INDICES", "2000"))
THREADS = 4
TOGETHER = 5
"""Indices of one transaction: what is tested is the drawing, not how fast two processes commit on SQLite."""
SECRET = bytes(range(32))  # always the same, so that the correlation is too
pytestmark = pytest.mark.timeout(120 + COUNT // 50)


@pytest.fixture
def database(urls: Urls) -> Iterator[Database]:
    database = Database(urls.wallet)
    Base.metadata.create_all(database.engine)
    yield database
    database.close()


def open_first(database: Database, bits: int) -> None:
    with database.write() as session:
        DocumentRepository(session).open_list(1, bits, NOON, "https://vi.example.vn/v1/status-lists/1")


def reserve(database: Database, bits: int) -> StatusIndex:
    with database.write() as session:
        return Indices(DocumentRepository(session), SECRET, bits, FixedClock(), str).reserve()


def lists(database: Database) -> dict[int, int]:
    with database.read() as session:
        return {row.id: row.used for row in session.execute(select(StatusListRow.id, StatusListRow.used))}


def draw(begin: Callable[[], None], url: str, bits: int, count: int) -> list[tuple[int, int, int]]:
    """Draw `count` indices in several threads; return when each was drawn, and which it was."""
    database = Database(url)

    def some(_place: int) -> list[tuple[int, int, int]]:
        drawn: list[tuple[int, int, int]] = []
        while len(drawn) < count // THREADS:
            with database.write() as session:
                indices = Indices(DocumentRepository(session), SECRET, bits, FixedClock(), str)
                for _ in range(TOGETHER):
                    place = indices.reserve()
                    drawn.append((time.monotonic_ns(), place.list_id, place.index))
        return drawn

    try:
        return [one for share in in_threads(THREADS, begin, some) for one in share]
    finally:
        database.close()


def rank_correlation(values: list[int]) -> float:
    """Spearman's rho between the order of `values` and their size."""
    ranks = {value: rank for rank, value in enumerate(sorted(values))}
    count = len(values)
    distance = sum((place - ranks[value]) ** 2 for place, value in enumerate(values))
    return 1 - 6 * distance / (count * (count * count - 1))


def test_parallel_indices_are_distinct_and_in_no_order(urls: Urls, database: Database, workers: Workers) -> None:
    together = THREADS * TOGETHER
    share = COUNT // PROCESSES // together * together
    bits = (COUNT - 1).bit_length() + 1
    open_first(database, bits)
    shares = workers.run(draw, *((urls.wallet, bits, share) for _ in range(PROCESSES)))
    drawn = sorted(one for each in shares for one in each)
    total = share * PROCESSES
    places = Counter((list_id, index) for _, list_id, index in drawn)
    assert len(drawn) == total
    assert max(places.values()) == 1
    assert lists(database)[1] == total
    order = [index for _, _, index in drawn]
    assert all(0 <= index < 1 << bits for index in order)
    if total >= 2000:
        assert abs(rank_correlation(order)) < 0.06
        steps = [later - sooner for sooner, later in pairwise(order)]
        assert max(Counter(steps).values()) < 10, "neighbours in time are a fixed step apart"


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
        DocumentRepository(session).open_list(2, 8, NOON, "https://vi.example.vn/v1/status-lists/2")
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
            drawn.append(Indices(DocumentRepository(session), SECRET, 8, FixedClock(), str).reserve())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    assert lists(database) == {1: 0}
    assert [reserve(database, 8)] == drawn
