"""Revoking: by an admin, with a reason, once, for good, seen wherever a status is read."""

from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of, issue, on_one_database
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.documents.models import DocumentRow, StatusChange
from wallet.documents.revoking import RevocationReason
from wallet.errors import AlreadyRevoked, NotAllowed, NotFound
from wallet.terms import StaffRole, Status
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
REASON = RevocationReason.DATA_CHANGED


def revoke(wallet: Wallet, document_id: str, reason: RevocationReason = REASON) -> None:
    admin = admin_of(wallet)
    with wallet.work() as work:
        work.revoking.revoke(document_id, reason, admin)


def place_of(wallet: Wallet, document_id: str) -> tuple[int, int]:
    with wallet.db.read() as session:
        row = session.get(DocumentRow, document_id)
        assert row is not None
        return row.status_list, row.status_index


def status_of(wallet: Wallet, document_id: str) -> Status:
    list_id, index = place_of(wallet, document_id)
    wallet.board.refresh(force=True)
    return wallet.board.lists[list_id].get(index)


def test_revoked_document_is_revoked_on_the_board(wallet: Wallet) -> None:
    document, other = issue(wallet), issue(wallet)
    assert status_of(wallet, document.id) is Status.VALID
    revoke(wallet, document.id)
    assert status_of(wallet, document.id) is Status.INVALID
    assert status_of(wallet, other.id) is Status.VALID


def test_revocation_is_told_to_its_holder(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    clock.advance(minutes=5)
    revoke(wallet, document.id, RevocationReason.HOLDER_ASKED)
    with wallet.read() as work:
        held = work.holding.get(document.id, actor_of(wallet))
    assert (held.state, held.revocation_reason, held.revoked_at) == ("revoked", "holder_asked", clock.now())


def test_second_revocation_is_refused_and_changes_nothing(
    wallet: Wallet, clock: FixedClock, state: Callable[[], object]
) -> None:
    document = issue(wallet)
    revoke(wallet, document.id)
    before = state()
    clock.advance(hours=1)
    with pytest.raises(AlreadyRevoked):
        revoke(wallet, document.id, RevocationReason.FRAUD)
    assert state() == before
    assert status_of(wallet, document.id) is Status.INVALID


def test_only_an_admin_revokes(wallet: Wallet, state: State) -> None:
    document, before = issue(wallet), state()
    others = [role for role in StaffRole if role is not StaffRole.ADMIN]
    actors = [actor_of(wallet, "an"), actor_of(wallet, "admin1"), actor_of(wallet, "sau", roles=frozenset(others))]
    for actor in actors:
        with pytest.raises(NotAllowed), wallet.work() as work:
            work.revoking.revoke(document.id, REASON, actor)
    before["documents"] = state()["documents"]
    assert status_of(wallet, document.id) is Status.VALID
    with wallet.read() as work:
        assert work.holding.get(document.id, actor_of(wallet)).state == "valid"


@on_one_database
def test_who_may_not_revoke_does_not_learn_what_exists(wallet: Wallet) -> None:
    for document_id in (issue(wallet).id, "doc_" + "0" * 32, "", "x" * 1000):
        with pytest.raises(NotAllowed), wallet.work() as work:
            work.revoking.revoke(document_id, REASON, actor_of(wallet, "an"))


def test_unknown_document_is_not_found(wallet: Wallet, state: State) -> None:
    before = state()
    for document_id in ("doc_" + "0" * 32, "", "DOC_X"):
        with pytest.raises(NotFound):
            revoke(wallet, document_id)
    assert state() == before


def test_revocation_is_recorded_with_its_reason_and_no_claim(wallet: Wallet) -> None:
    document = issue(wallet)
    revoke(wallet, document.id, RevocationReason.COURT_ORDER)
    with wallet.db.read() as session:
        row = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(1)).one()
    assert (row.action, row.subject, row.details) == ("document.revoked", document.id, {"reason": "court_order"})
    assert row.actor == admin_of(wallet).account_id


def test_revocation_that_is_rolled_back_never_was(wallet: Wallet, state: State) -> None:
    document, admin = issue(wallet), admin_of(wallet)
    before = state()
    with suppress(ZeroDivisionError), wallet.work() as work:
        work.revoking.revoke(document.id, REASON, admin)
        raise ZeroDivisionError
    assert state() == before
    assert status_of(wallet, document.id) is Status.VALID


def test_changes_of_a_list_are_numbered_without_gaps(wallet: Wallet) -> None:
    documents = [issue(wallet) for _ in range(4)]
    with wallet.db.read() as session:
        before = len(session.scalars(select(StatusChange.sequence)).all())
    for document in documents:
        revoke(wallet, document.id)
    with wallet.db.read() as session:
        changes = session.execute(select(StatusChange.sequence, StatusChange.status_index)).all()
    assert sorted(sequence for sequence, _ in changes) == list(range(1, before + 5))
    assert [index for _, index in sorted(changes)[before:]] == [place_of(wallet, d.id)[1] for d in documents]


@on_one_database
def test_revoked_document_stays_revoked_when_it_expires(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    revoke(wallet, document.id)
    clock.advance(timedelta(days=400))
    with wallet.read() as work:
        assert work.holding.get(document.id, actor_of(wallet)).state == "revoked"


@on_one_database
def test_expired_document_can_still_be_revoked(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    clock.advance(timedelta(days=400))
    revoke(wallet, document.id)
    assert status_of(wallet, document.id) is Status.INVALID


@on_one_database
def test_every_reason_can_be_told(wallet: Wallet) -> None:
    for reason in RevocationReason:
        document = issue(wallet)
        revoke(wallet, document.id, reason)
        with wallet.read() as work:
            assert work.holding.get(document.id, actor_of(wallet)).revocation_reason == reason
