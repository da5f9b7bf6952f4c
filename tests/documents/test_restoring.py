"""A database put back to an earlier day: no index twice, nothing final forgotten, as far as signed lists tell."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of, issue
from tests.documents.test_copies import KEY
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.db import Base
from wallet.documents.copy_revoking import CopyEnd
from wallet.documents.forms.offered import Form
from wallet.documents.high_water import BLOCK
from wallet.documents.models import DocumentCopyRow, DocumentRow, StatusListRow
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import ReinstatementReason, SuspensionReason
from wallet.identity.account_states import LockGround
from wallet.terms import Actor, Status
from wallet.wiring import Wallet

Restore = Callable[[], None]


def backup(wallet: Wallet) -> Restore:
    """Return what puts every table back to what it holds now."""
    with wallet.db.read() as session:
        tables = Base.metadata.sorted_tables
        held = {table: [row._asdict() for row in session.execute(select(table))] for table in tables}

    def restore() -> None:
        with wallet.db.write() as session:
            for table in reversed(tables):
                session.execute(table.delete())
            for table in tables:
                if held[table]:
                    session.execute(table.insert(), held[table])

    return restore


@contextmanager
def started(wallet: Wallet, **changed: Any) -> Iterator[Wallet]:
    """Another process of the same deployment, as it starts to serve. changed: of its settings."""
    other = Wallet.build(replace(wallet.settings, **changed), clock=wallet.clock)
    other.prepare()
    yield other
    other.close()


def revoke(wallet: Wallet, document_id: str) -> None:
    with wallet.work() as work:
        work.revoking.revoke(document_id, RevocationReason.FRAUD, admin_of(wallet))


def suspend(wallet: Wallet, document_id: str) -> None:
    with wallet.work() as work:
        work.suspending.suspend(document_id, SuspensionReason.DATA_DISPUTED, admin_of(wallet))


def place(wallet: Wallet, document_id: str) -> tuple[int, int]:
    with wallet.db.read() as session:
        row = session.get(DocumentRow, document_id)
        assert row is not None
        return row.status_list, row.status_index


def status_at(wallet: Wallet, at: tuple[int, int]) -> Status:
    wallet.board.refresh(force=True)
    return wallet.board.lists[at[0]].get(at[1])


def rows(wallet: Wallet, table: Any) -> list[Any]:
    with wallet.db.read() as session:
        return [row._asdict() for row in session.execute(select(table.__table__).order_by(table.id))]


def test_what_was_published_outlives_a_database_that_was_put_back(wallet: Wallet, clock: FixedClock) -> None:
    revoked, suspended, kept = (issue(wallet).id for _ in range(3))
    wallet.trust.publish()
    restore = backup(wallet)
    clock.advance(hours=1)
    revoke(wallet, revoked)
    suspend(wallet, suspended)
    lost, lost_and_revoked = issue(wallet).id, issue(wallet).id
    revoke(wallet, lost_and_revoked)
    gone = {place(wallet, each) for each in (lost, lost_and_revoked)}
    wallet.trust.publish()
    before = wallet.trust.status_list(1).issued_at
    restore()
    with started(wallet) as again:
        assert status_at(again, place(again, revoked)) is Status.INVALID
        assert status_at(again, place(again, suspended)) is Status.SUSPENDED
        assert status_at(again, place(again, kept)) is Status.VALID
        assert {status_at(again, at) for at in gone} == {Status.VALID, Status.INVALID}, "of the lost ones too"
        with again.read() as work:
            held = {each: work.holding.get(each, actor_of(again)) for each in (revoked, suspended, kept)}
        assert [held[each].state for each in (revoked, suspended, kept)] == ["revoked", "suspended", "valid"]
        assert held[revoked].revocation_reason == "restored"
        assert held[suspended].suspension_reason == "authority_order"
        newer = {place(again, issue(again).id) for _ in range(20)}
        assert {list_id for list_id, _ in newer} == {2}, "nothing more is drawn from a list that is older"
        with again.db.read() as session:
            (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == "status.restored"))
        assert event.details == {"closed": 1, "revoked": 2, "suspended": 1, "locks_lost": 0, "reinstated": []}
        clock.advance(seconds=5)
        again.trust.publish()
        assert again.trust.status_list(1).issued_at > before


def test_copy_that_ended_by_itself_is_not_handed_out_again(wallet: Wallet, clock: FixedClock) -> None:
    """Its place in the list says so, its row has to as well."""
    document, ends_whole = issue(wallet).id, issue(wallet, "sau").id
    an, sau = actor_of(wallet), actor_of(wallet, "sau")
    ended, kept = (wallet.copying.copy(document, form, None, an) for form in (Form.PDF, Form.SD_JWT))
    with_its_document = wallet.copying.copy(ends_whole, Form.PDF, None, sau)
    wallet.trust.publish()
    restore = backup(wallet)
    clock.advance(hours=1)
    with wallet.work() as work:
        row = work.documents.copy_rows.get(ended.id)
        assert row is not None
        assert work.documents.copy_revoking.revoke([row], CopyEnd.REPLACED, Actor("system")) == 1
    revoke(wallet, ends_whole)
    wallet.trust.publish()
    restore()
    with started(wallet) as again:
        assert status_at(again, ended.place) is Status.INVALID
        assert status_at(again, kept.place) is Status.VALID
        assert status_at(again, with_its_document.place) is Status.INVALID
        found = {row["id"]: row["revoked_at"] for row in rows(again, DocumentCopyRow)}
        assert (found[ended.id], found[kept.id]) == (clock.now(), None)
        assert found[with_its_document.id] is None, "it ended with its document, and only so"
        with again.db.read() as session:
            (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == "document.copy_revoked"))
        assert event.details == {"copy": ended.id, "reason": "restored"}
        assert again.reverifying.run().mismatch is None
        newer = again.copying.copy(document, Form.PDF, None, an)
        assert (newer.id != ended.id, newer.is_over) == (True, False)
        assert again.copying.copy(document, Form.SD_JWT, None, an).id == kept.id
        assert again.reverifying.run().mismatch is None


def restored(wallet: Wallet) -> dict[str, Any]:
    """Return what the record says of a restore."""
    with wallet.db.read() as session:
        (event,) = session.scalars(select(AuditEvent).where(AuditEvent.action == "status.restored"))
        return event.details


def lock(wallet: Wallet, key: str = "an") -> None:
    with wallet.work() as work:
        work.accounts.lock(actor_of(wallet, key).account_id, LockGround.HOLDER_REQUEST, Actor("system"))


def test_copies_of_a_lock_that_is_lost_end_and_the_next_ones_are_good(wallet: Wallet, clock: FixedClock) -> None:
    """Nobody could unlock an account that is not locked: they would stay suspended for good."""
    document, an = issue(wallet).id, actor_of(wallet)
    before = {form: wallet.copying.copy(document, form, KEY, an) for form in (Form.SD_JWT, Form.MDOC)}
    paper = wallet.copying.copy(document, Form.PDF, None, an)
    wallet.trust.publish()
    restore = backup(wallet)
    clock.advance(hours=1)
    lock(wallet)
    wallet.trust.publish()
    restore()
    with started(wallet) as again:
        assert {status_at(again, copy.place) for copy in before.values()} == {Status.INVALID}
        assert (restored(again)["locks_lost"], restored(again)["suspended"]) == (2, 2)
        for form, copy in before.items():
            after = again.copying.copy(document, form, KEY, an)
            assert after.id != copy.id
            assert status_at(again, after.place) is Status.VALID
        assert again.copying.copy(document, Form.PDF, None, an).id == paper.id, "a lock leaves papers alone"
        assert again.reverifying.run().mismatch is None


def test_copies_of_a_document_that_the_list_calls_suspended_stay_with_it(wallet: Wallet, clock: FixedClock) -> None:
    document, an = issue(wallet).id, actor_of(wallet)
    copy = wallet.copying.copy(document, Form.SD_JWT, KEY, an)
    wallet.trust.publish()
    restore = backup(wallet)
    clock.advance(hours=1)
    suspend(wallet, document)
    wallet.trust.publish()
    restore()
    with started(wallet) as again:
        assert restored(again)["locks_lost"] == 0
        assert status_at(again, copy.place) is Status.SUSPENDED
        clock.advance(seconds=5)
        with again.work() as work:
            work.suspending.reinstate(document, ReinstatementReason.GROUND_GONE, admin_of(again))
        assert again.copying.copy(document, Form.SD_JWT, KEY, an).id == copy.id
        assert again.reverifying.run().mismatch is None


def test_documents_that_were_reinstated_since_stay_suspended_and_are_named(wallet: Wallet, clock: FixedClock) -> None:
    reinstated, kept = issue(wallet).id, issue(wallet, "sau").id
    for document in (reinstated, kept):
        suspend(wallet, document)
    wallet.trust.publish()
    restore = backup(wallet)
    clock.advance(hours=1)
    with wallet.work() as work:
        work.suspending.reinstate(reinstated, ReinstatementReason.GROUND_GONE, admin_of(wallet))
    wallet.trust.publish()
    restore()
    with started(wallet) as again:
        assert restored(again)["reinstated"] == [reinstated]
        assert {status_at(again, place(again, each)) for each in (reinstated, kept)} == {Status.SUSPENDED}
        assert again.reverifying.run().mismatch is None
        clock.advance(seconds=5)
        with again.work() as work:
            work.suspending.reinstate(reinstated, ReinstatementReason.GROUND_GONE, admin_of(again))
        assert status_at(again, place(again, reinstated)) is Status.VALID
        assert status_at(again, place(again, kept)) is Status.SUSPENDED


def test_document_that_was_suspended_after_its_list_was_published_is_not_called_reinstated(
    wallet: Wallet, clock: FixedClock
) -> None:
    """Another list is newer, this one is as the database has it."""
    document = issue(wallet).id
    wallet.trust.publish()
    suspend(wallet, document)
    restore = backup(wallet)
    draw_from_the_next_list(wallet)
    clock.advance(seconds=5)
    published = (wallet.settings.published_dir / "status-list" / "1.jwt").read_bytes()
    wallet.trust.publish()
    (wallet.settings.published_dir / "status-list" / "1.jwt").write_bytes(published)
    restore()
    with started(wallet) as again:
        assert restored(again)["reinstated"] == []
        assert status_at(again, place(again, document)) is Status.SUSPENDED


def draw_from_the_next_list(wallet: Wallet) -> None:
    with wallet.work() as work:
        work.indices.reserve_many(3000)


def test_started_again_before_the_next_copy_nothing_more_changes(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet).id
    wallet.trust.publish()
    restore = backup(wallet)
    clock.advance(hours=1)
    revoke(wallet, document)
    wallet.trust.publish()
    restore()
    with started(wallet) as again:
        lists, documents = rows(again, StatusListRow), rows(again, DocumentRow)
    with started(wallet) as again:
        assert (rows(again, StatusListRow), rows(again, DocumentRow)) == (lists, documents)


def test_lists_that_the_database_never_knew_are_not_opened_a_second_time(wallet: Wallet, clock: FixedClock) -> None:
    restore = backup(wallet)
    draw_from_the_next_list(wallet)
    clock.advance(hours=1)
    wallet.trust.publish()
    assert {row["id"] for row in rows(wallet, StatusListRow)} == {1, 2}
    uri = wallet.trust.status_uri(2)
    restore()
    with started(wallet) as again:
        found = {row["id"]: (row["full"], row["uri"]) for row in rows(again, StatusListRow)}
        assert found[2] == (True, uri)
        assert found[3][0] is False
        assert place(again, issue(again).id)[0] == 3


def test_a_database_as_new_as_its_lists_stays_as_it_is(wallet: Wallet, clock: FixedClock) -> None:
    suspended = issue(wallet).id
    suspend(wallet, suspended)
    wallet.trust.publish()
    clock.advance(hours=1)
    with wallet.db.write() as session:  # reinstated, and the process died before the list was made again
        row = session.get(DocumentRow, suspended)
        assert row is not None
        row.suspended_at = row.suspension_reason = None
    (listed,), documents = rows(wallet, StatusListRow), rows(wallet, DocumentRow)
    with started(wallet) as again:
        # Save for the numbers of a block that was begun (`test_high_water.py`).
        assert rows(again, StatusListRow) == [listed | {"used": listed["used"] + BLOCK - 1}]
        assert rows(again, DocumentRow) == documents


@pytest.mark.parametrize("content", [b"", b"x.y.z", b"\xff" * 100])
def test_files_of_others_are_not_believed(content: bytes, wallet: Wallet, clock: FixedClock) -> None:
    wallet.trust.publish()
    path = wallet.settings.published_dir / "status-list" / "1.jwt"
    path.write_bytes(content)
    (path.parent / "9.jwt").write_bytes(content)
    lists = rows(wallet, StatusListRow)
    with started(wallet) as again:
        assert rows(again, StatusListRow) == lists


def test_a_process_that_runs_forgets_nothing_final(wallet: Wallet, clock: FixedClock) -> None:
    first, second = issue(wallet).id, issue(wallet).id
    restore = backup(wallet)
    revoke(wallet, first)
    at = place(wallet, first)
    assert status_at(wallet, at) is Status.INVALID
    restore()
    clock.advance(seconds=5)
    assert status_at(wallet, at) is Status.INVALID
    revoke(wallet, second)
    assert status_at(wallet, place(wallet, second)) is Status.INVALID, "it hears what comes after"
