"""How far lists are drawn stands beside them: a database put back by minutes gives out no index twice (wire.md, 5)."""

import os
from pathlib import Path

import pytest
from sqlalchemy import event

from tests.documents.people import issue
from tests.documents.test_restoring import backup, place, rows, started
from tests.support import FixedClock
from wallet.crypto import key_files
from wallet.documents.high_water import BLOCK, UNREADABLE, HighWater, HighWaterMarks
from wallet.documents.models import DocumentRow, StatusListRow
from wallet.errors import Unavailable
from wallet.wiring import Wallet

Places = set[tuple[int, int]]


def mark_of(wallet: Wallet, list_id: int = 1) -> Path:
    return wallet.settings.published_dir / "status-list" / f"{list_id}.mark"


def used(wallet: Wallet) -> dict[int, tuple[int, bool]]:
    return {row["id"]: (row["used"], row["full"]) for row in rows(wallet, StatusListRow)}


def issued(wallet: Wallet, count: int) -> Places:
    return {place(wallet, issue(wallet).id) for _ in range(count)}


def draw(wallet: Wallet, count: int) -> None:
    with wallet.work() as work:
        work.indices.reserve_many(count)


def draw_up_to(wallet: Wallet, number: int) -> None:
    """Draw from list 1 until so many of it are drawn; the personas have some."""
    draw(wallet, number - used(wallet)[1][0])


def test_database_put_back_by_minutes_gives_out_no_index_twice(wallet: Wallet, clock: FixedClock) -> None:
    """No list is as old as to be signed again, so nothing that is published tells of it."""
    issue(wallet)
    wallet.trust.publish()
    restore = backup(wallet)
    lost = issued(wallet, 5)
    clock.advance(minutes=3)
    wallet.trust.publish()
    restore()
    with started(wallet) as again:
        newer = issued(again, 5)
        assert {list_id for list_id, _ in newer} == {1}, "the list goes on"
    assert lost & newer == set()


def test_list_that_was_never_published_is_not_opened_a_second_time(wallet: Wallet) -> None:
    wallet.trust.publish()
    restore = backup(wallet)
    draw_up_to(wallet, 4096 + 10)
    assert used(wallet)[2][0] == 10
    restore()
    with started(wallet) as again:
        assert (used(again)[1][1], used(again)[2]) == (True, (0, True))
        assert used(again)[3] == (0, False)
        assert place(again, issue(again).id)[0] == 3
        found = {row["id"]: (row["uri"], row["bits_log2_size"]) for row in rows(again, StatusListRow)}
    assert found[2] == (wallet.trust.address(2), 12)


def test_start_without_a_loss_passes_over_less_than_a_block_and_only_once(wallet: Wallet) -> None:
    draw_up_to(wallet, 30)
    with started(wallet) as again:
        assert used(again) == {1: (29 + BLOCK, False)}
    with started(wallet) as again:
        assert used(again) == {1: (29 + BLOCK, False)}
    draw(wallet, 1)
    assert used(wallet) == {1: (30 + BLOCK, False)}


def test_used_is_never_lowered(wallet: Wallet) -> None:
    draw_up_to(wallet, 100)
    mark_of(wallet).unlink()
    key_files.write(mark_of(wallet), b"7 12\n")
    with started(wallet) as again:
        assert used(again) == {1: (100, False)}
        draw(again, 1)
    assert mark_of(wallet).read_bytes() == b"%d 12\n" % (100 + BLOCK)


def test_next_list_is_opened_where_the_middle_is_passed_over(wallet: Wallet) -> None:
    draw_up_to(wallet, 2048)
    assert 2 not in used(wallet)
    with started(wallet) as again:
        assert used(again) == {1: (2047 + BLOCK, False), 2: (0, False)}


def test_end_of_a_list_is_not_passed(wallet: Wallet) -> None:
    draw_up_to(wallet, 4090)
    with started(wallet) as again:
        assert used(again) == {1: (4096, True), 2: (0, False)}
    assert mark_of(wallet).read_bytes() == b"4096 12\n"


def test_list_that_was_closed_stays_as_it_is(wallet: Wallet) -> None:
    """Used up it would leave the bundle one day, with documents in it that no row tells of."""
    draw_up_to(wallet, 4090)
    with wallet.work() as work:
        work.document_rows.close_list(1)
    with started(wallet) as again:
        assert used(again)[1] == (4090, True)


@pytest.mark.parametrize("content", [b"x", b"5", b"5 12 1\n", b"5000 12\n", b"5 24\n", b"-5 12\n", b"\xff" * 100])
def test_mark_that_says_nothing_closes_its_list(wallet: Wallet, content: bytes) -> None:
    draw_up_to(wallet, 30)
    mark_of(wallet).write_bytes(content)
    mark_of(wallet, 9).write_bytes(content)
    assert dict(HighWaterMarks(wallet.settings.published_dir).all()) == {1: UNREADABLE, 9: UNREADABLE}
    with started(wallet) as again:
        assert used(again) == {1: (30, True), 9: (0, True), 10: (0, False)}


def test_drawing_reads_the_database_as_often_as_without_marks_and_waits_for_the_disk_once_in_a_block(
    wallet: Wallet, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    real = os.fsync
    monkeypatch.setattr(os, "fsync", lambda descriptor: (synced.append(descriptor), real(descriptor))[1])
    draw(wallet, 1)
    first, statements = len(synced), []
    event.listen(wallet.db.engine, "before_cursor_execute", lambda *parts: statements.append(parts[2]))
    with wallet.work() as work:
        for _ in range(BLOCK - 1):
            work.indices.reserve()
    drawing = [statement for statement in statements if not statement.startswith("BEGIN")]
    assert (len(synced), len(drawing)) == (first, BLOCK - 1)
    draw(wallet, 1)
    assert first < len(synced) <= first + 3


def test_mark_that_cannot_be_written_lets_nothing_be_drawn(wallet: Wallet) -> None:
    draw(wallet, 1)
    before, documents = used(wallet), rows(wallet, DocumentRow)
    mark_of(wallet).unlink()
    mark_of(wallet).mkdir()
    with pytest.raises(Unavailable) as refused:
        issue(wallet)
    assert refused.value.code == "storage_unavailable"
    assert used(wallet) == before
    assert rows(wallet, DocumentRow) == documents


def test_mark_is_for_its_owner_alone(wallet: Wallet) -> None:
    draw(wallet, 1)
    assert mark_of(wallet).stat().st_mode & 0o777 == 0o600


def test_two_directories_know_each_what_was_drawn_by_way_of_it(tmp_path: Path) -> None:
    """Of two hosts each knows a lower bound; whoever draws brings its own up to what the database says."""
    one, other = HighWaterMarks(tmp_path / "one"), HighWaterMarks(tmp_path / "other")
    one.pass_over(1, 5, 12)
    other.pass_over(1, 500, 12)
    assert dict(one.all()) == {1: HighWater(4 + BLOCK, 12)}
    one.pass_over(1, 501, 12)
    one.pass_over(1, 20, 12)
    assert dict(one.all()) == {1: HighWater(500 + BLOCK, 12)}
