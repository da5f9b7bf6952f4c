"""The status board: half a second old at most, alive without its database; indices that never meet."""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import event, select

from tests.documents.people import admin_of, issue, on_one_database
from tests.support import FixedClock
from wallet.crypto.keystore import Secret
from wallet.documents.models import StatusListRow
from wallet.documents.revoking import RevocationReason
from wallet.documents.status import REFRESH_AFTER, BoardList, Indices, StatusBoard, StatusIndex, lists_address
from wallet.errors import Unavailable
from wallet.terms import Status
from wallet.wiring import Wallet

HALF = timedelta(milliseconds=500)
STEP = timedelta(milliseconds=1)


class Rows:
    """The tables the board reads, with a switch to turn them off."""

    def __init__(self, **lists: int) -> None:
        self.sizes = {int(name[1:]): bits for name, bits in lists.items()}
        self.changes: dict[int, list[tuple[int, int, int]]] = {list_id: [] for list_id in self.sizes}
        self.down = False
        self.reads: list[tuple[int, int]] = []
        self.opened = 0

    @contextmanager
    def reading(self) -> Iterator[Any]:
        self.opened += 1
        if self.down:
            raise Unavailable("dependency_unavailable")
        yield self

    def lists(self) -> list[tuple[int, int, int, str, bool]]:
        return [(each, bits, len(self.changes[each]), f"list-{each}", False) for each, bits in self.sizes.items()]

    def changes_since(self, list_id: int, sequence: int) -> list[tuple[int, int, int, bool, bool]]:
        self.reads.append((list_id, sequence))
        return [(*change, False, False) for change in self.changes[list_id][sequence:]]

    def set(self, index: int, value: int, list_id: int = 1) -> None:
        self.changes[list_id].append((len(self.changes[list_id]) + 1, index, value))


def board_of(rows: Rows, clock: FixedClock) -> StatusBoard:
    return StatusBoard(rows.reading, clock)


def value(board: StatusBoard, index: int, list_id: int = 1) -> Status:
    board.refresh()
    return board.lists[list_id].get(index)


# --- The half-second rule -------------------------------------------------------------------------------------------


def test_change_is_seen_after_half_a_second(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    board = board_of(rows, clock)
    assert value(board, 5) is Status.VALID
    rows.set(5, 1)
    clock.advance(HALF - STEP)
    assert value(board, 5) is Status.VALID
    clock.advance(STEP)
    assert value(board, 5) is Status.INVALID
    assert HALF == REFRESH_AFTER


def test_force_looks_at_once(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    board = board_of(rows, clock)
    board.refresh()
    rows.set(5, 2)
    board.refresh(force=True)
    assert board.lists[1].get(5) is Status.SUSPENDED


def test_refresh_says_of_which_moment_the_board_speaks(clock: FixedClock) -> None:
    board = board_of(Rows(_1=8), clock)
    first = board.refresh()
    assert first == clock.now()
    clock.advance(HALF - STEP)
    assert board.refresh() == first
    clock.advance(STEP)
    assert board.refresh() == clock.now() == board.refreshed_at


def test_clock_that_goes_back_makes_the_board_look_again(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    board = board_of(rows, clock)
    board.refresh()
    rows.set(5, 1)
    clock.advance(timedelta(hours=-1))
    assert value(board, 5) is Status.INVALID


def test_only_what_changed_is_read(clock: FixedClock) -> None:
    rows = Rows(_1=8, _2=8)
    board = board_of(rows, clock)
    for number in range(5):
        rows.set(number, 1)
        clock.advance(HALF)
        board.refresh()
    assert rows.reads == [(1, sequence) for sequence in range(5)]
    rows.reads.clear()
    for _ in range(5):
        clock.advance(HALF)
        board.refresh()
    assert rows.reads == []


def test_new_list_appears_on_the_board(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    board = board_of(rows, clock)
    board.refresh()
    rows.sizes[2], rows.changes[2] = 9, [(1, 511, 1)]
    clock.advance(HALF)
    assert value(board, 511, 2) is Status.INVALID
    assert len(board.lists[2].entries) == 512 * 2 // 8


# --- Without its database -------------------------------------------------------------------------------------------


def test_last_board_stays_while_the_database_is_down(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    rows.set(5, 1)
    board = board_of(rows, clock)
    held = board.refresh()
    rows.down = True
    for _ in range(3):
        clock.advance(hours=1)
        assert board.refresh() == held  # and its age says so
        with pytest.raises(Unavailable):
            board.refresh(force=True)  # what is to be signed must have been read now
        assert board.lists[1].get(5) is Status.INVALID
    rows.down = False
    rows.set(6, 2)
    assert value(board, 6) is Status.SUSPENDED
    assert board.refreshed_at == clock.now()


def test_board_that_was_never_filled_says_so(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    rows.down = True
    board = board_of(rows, clock)
    for force in (False, True):
        with pytest.raises(Unavailable):
            board.refresh(force=force)
    rows.down = False
    assert value(board, 0) is Status.VALID


def test_reader_that_breaks_off_leaves_what_was_read_and_goes_on(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    board = board_of(rows, clock)
    board.refresh()
    for index in range(4):
        rows.set(index, 1)
    whole = rows.changes_since

    def breaks(list_id: int, sequence: int) -> Iterator[tuple[int, int, int, bool, bool]]:
        yield from whole(list_id, sequence)[:2]
        raise Unavailable("dependency_unavailable")

    rows.changes_since = breaks  # type: ignore[method-assign,assignment]
    clock.advance(HALF)
    board.refresh()
    rows.changes_since = whole  # type: ignore[method-assign]
    assert [value(board, index) for index in range(5)] == [Status.INVALID] * 4 + [Status.VALID]


def test_nobody_waits_for_another_ones_look(clock: FixedClock) -> None:
    rows = Rows(_1=8)
    board = board_of(rows, clock)
    board.refresh()
    inside, go_on = threading.Event(), threading.Event()
    real = rows.lists

    def slow() -> list[tuple[int, int, int]]:
        inside.set()
        assert go_on.wait(20)
        return real()

    rows.lists = slow  # type: ignore[method-assign]
    held = board.refreshed_at
    clock.advance(HALF)
    with ThreadPoolExecutor(1) as pool:
        looking = pool.submit(board.refresh)
        assert inside.wait(20)
        assert [board.refresh() for _ in range(10)] == [held] * 10
        assert rows.opened == 2
        go_on.set()
        assert looking.result(20) == clock.now()


# --- Entries --------------------------------------------------------------------------------------------------------


def test_entries_are_independent_and_lowest_bits_first() -> None:
    held = BoardList(8, bytearray(64))
    for index in range(256):
        held.set(index, index % 3)
    assert [held.get(index) for index in range(256)] == [Status(index % 3) for index in range(256)]
    assert held.entries[0] == 0 | 1 << 2 | 2 << 4 | 0 << 6
    held.set(1, 0)
    assert held.entries[0] == 0 | 0 << 2 | 2 << 4 | 0 << 6


# --- Indices --------------------------------------------------------------------------------------------------------


def reserve(wallet: Wallet, count: int, bits: int = 8) -> list[StatusIndex]:
    with wallet.work() as work:
        indices = Indices(
            work.document_rows,
            wallet.keystore.secret(Secret.STATUS_ORDER),
            bits_log2_size=bits,
            clock=wallet.clock,
            address=lists_address(wallet.trust.issuer_url),
            pass_over=work.documents.marks.pass_over,
        )
        return [indices.reserve() for _ in range(count)]


def test_no_index_is_given_twice_and_none_is_wasted(wallet: Wallet) -> None:
    """Fill a list: every entry is used before the next one begins."""
    with wallet.work() as work:
        for row in work.session.scalars(select(StatusListRow)):
            row.used = 1 << row.bits_log2_size  # full
        work.document_rows.open_list(7, 8, wallet.clock.now(), wallet.trust.address(7))
    drawn = reserve(wallet, 300)
    assert len(set(drawn)) == 300
    first = [place.index for place in drawn if place.list_id == 7]
    assert sorted(first) == list(range(256))
    assert first != sorted(first)
    assert {place.list_id for place in drawn[256:]} == {8}
    assert [place.index for place in drawn[256:]] != first[:44]  # each list has an order of its own


def test_next_list_is_on_the_bundle_before_it_is_needed(wallet: Wallet, clock: FixedClock) -> None:
    with wallet.work() as work:
        for row in work.session.scalars(select(StatusListRow)):
            row.used = 1 << row.bits_log2_size
        work.document_rows.open_list(7, 8, clock.now(), wallet.trust.address(7))
    reserve(wallet, 128)
    assert set(wallet.board.lists or {7: None}) <= {1, 7}
    reserve(wallet, 1)
    clock.advance(seconds=1)
    wallet.board.refresh()
    assert 8 in wallet.board.lists


def test_full_lists_are_unavailable(wallet: Wallet) -> None:
    with wallet.work() as work:
        for row in work.session.scalars(select(StatusListRow)):
            row.used = 1 << row.bits_log2_size
    with pytest.raises(Unavailable) as caught:
        reserve(wallet, 1)
    assert caught.value.code == "status_lists_full"


def test_index_of_a_transaction_that_failed_is_drawn_again(wallet: Wallet) -> None:
    with suppress(ZeroDivisionError), wallet.work() as work:
        lost = work.issuing.indices.reserve()
        raise ZeroDivisionError
    with wallet.work() as work:
        assert work.issuing.indices.reserve() == lost
        assert work.issuing.indices.reserve() != lost


def test_many_at_once_never_meet(wallet: Wallet) -> None:
    """Eight issuers at the same time (security requirement S-56)."""

    def draw(_: int) -> list[StatusIndex]:
        found = []
        for _ in range(12):
            with wallet.work() as work:
                found.append(work.issuing.indices.reserve())
        return found

    with ThreadPoolExecutor(8) as pool:
        drawn = [place for found in pool.map(draw, range(8)) for place in found]
    assert len(set(drawn)) == 96


# --- The board of a whole wallet ------------------------------------------------------------------------------------


def test_revocation_is_on_the_board_within_half_a_second(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    with wallet.read() as work:
        row = work.document_rows.get(document.id)
    assert row is not None
    wallet.board.refresh()
    with wallet.work() as work:
        work.revoking.revoke(document.id, RevocationReason.FRAUD, admin_of(wallet))
    assert wallet.checking.check(document.code)["verdict"] == "valid"
    clock.advance(HALF)
    assert wallet.checking.check(document.code)["reasons"] == ["revoked"]
    assert wallet.board.lists[row.status_list].get(row.status_index) is Status.INVALID


def test_checks_go_on_without_the_database_until_the_board_is_too_old(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = issue(wallet)
    assert wallet.checking.check(document.code)["verdict"] == "valid"

    @contextmanager
    def down() -> Iterator[Any]:
        raise Unavailable("dependency_unavailable")
        yield

    monkeypatch.setattr(wallet.db, "read", down)
    clock.advance(seconds=59)
    answer = wallet.checking.check(document.code)
    assert (answer["verdict"], answer["status_age_seconds"]) == ("valid", 59)
    clock.advance(seconds=1)
    answer = wallet.checking.check(document.code)
    assert (answer["verdict"], answer["reasons"]) == ("cannot_tell", ["status_stale"])


@on_one_database
def test_board_costs_the_same_however_many_documents_there_are(
    wallet: Wallet, clock: FixedClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    statements: list[str] = []
    event.listen(wallet.db.engine, "before_cursor_execute", lambda *parts: statements.append(parts[2]))
    for _ in range(3):
        issue(wallet)
        statements.clear()
        clock.advance(HALF)
        wallet.board.refresh()
        assert len([text for text in statements if text.startswith("SELECT")]) == 1
    statements.clear()
    for _ in range(50):
        wallet.board.refresh()
    assert statements == []
