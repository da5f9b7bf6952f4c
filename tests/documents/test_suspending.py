"""Suspending and reinstating: by an admin or an officer, for a reason, told to the holder; never over a revocation."""

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from tests.documents.people import actor_of, admin_of, issue, on_one_database
from tests.support import FixedClock
from wallet.audit import AuditEvent
from wallet.documents.models import StatusChange
from wallet.documents.revoking import RevocationReason
from wallet.documents.suspending import ReinstatementReason, SuspensionReason
from wallet.errors import AlreadyRevoked, Conflict, NotAllowed, NotFound, WalletError
from wallet.formats.status_list import get_entry, parse_status_jwt, verify_status_list
from wallet.messages.models import NoticeRow
from wallet.terms import Actor, StaffRole, Status
from wallet.verifier import Policy, TrustedBundle, judge
from wallet.wiring import Wallet

State = Callable[[], dict[str, list[str]]]
DISPUTED, ORDER = SuspensionReason.DATA_DISPUTED, SuspensionReason.AUTHORITY_ORDER
GONE = ReinstatementReason.GROUND_GONE


def officer_of(wallet: Wallet) -> Actor:
    return actor_of(wallet, "officer1", roles=frozenset({StaffRole.OFFICER}))


def suspend(wallet: Wallet, document_id: str, reason: SuspensionReason = DISPUTED, actor: Actor | None = None) -> None:
    actor = actor or officer_of(wallet)
    with wallet.work() as work:
        work.suspending.suspend(document_id, reason, actor)


def reinstate(wallet: Wallet, document_id: str, actor: Actor | None = None) -> None:
    actor = actor or officer_of(wallet)
    with wallet.work() as work:
        work.suspending.reinstate(document_id, GONE, actor)


def revoke(wallet: Wallet, document_id: str, reason: RevocationReason = RevocationReason.FRAUD) -> None:
    admin = admin_of(wallet)
    with wallet.work() as work:
        work.revoking.revoke(document_id, reason, admin)


def state_of(wallet: Wallet, document_id: str) -> tuple[str, str | None]:
    with wallet.read() as work:
        held = work.holding.get(document_id, actor_of(wallet))
    return held.state, held.suspension_reason


def status_of(wallet: Wallet, document_id: str) -> Status:
    with wallet.read() as work:
        row = work.document_rows.get(document_id)
    assert row is not None
    wallet.board.refresh(force=True)
    return wallet.board.lists[row.status_list].get(row.status_index)


def notices(wallet: Wallet) -> list[tuple[str, Any]]:
    with wallet.db.read() as session:
        rows = session.scalars(select(NoticeRow).where(NoticeRow.account_id == actor_of(wallet).account_id))
        return [(row.code, row.values["document"]) for row in rows if row.code.startswith("document_")]


def test_s55_suspension_is_a_status_of_its_own_that_ends(wallet: Wallet, clock: FixedClock) -> None:
    document, other = issue(wallet), issue(wallet)
    suspend(wallet, document.id)
    assert state_of(wallet, document.id) == ("suspended", "data_disputed")
    assert status_of(wallet, document.id) is Status.SUSPENDED
    assert status_of(wallet, other.id) is Status.VALID
    clock.advance(seconds=2)
    assert wallet.checking.check(document.code)["reasons"] == ["suspended"]
    reinstate(wallet, document.id)
    assert state_of(wallet, document.id) == ("valid", None)
    clock.advance(seconds=2)
    assert wallet.checking.check(document.code)["reasons"] == ["ok"]


def test_suspension_is_published_within_a_minute_and_so_is_its_end(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    wallet.trust.publish()
    with wallet.read() as work:
        row = work.document_rows.get(document.id)
    assert row is not None
    held = None
    for change, value, reason in ((suspend, 2, "suspended"), (reinstate, 0, "ok")):
        change(wallet, document.id)
        clock.advance(seconds=60)
        wallet.trust.publish()
        unverified = parse_status_jwt(wallet.trust.status_list(row.status_list).token.decode())
        keys = wallet.trust.trust().keys
        key = keys[wallet.settings.issuer_code, unverified.kid].public_key
        assert key is not None
        claims = verify_status_list(unverified, key)
        assert claims.entries is not None
        assert get_entry(claims.entries, row.status_index, bits=2) == value
        held = TrustedBundle.from_jws(wallet.trust.bundle().token.decode(), [wallet.trust.pin], clock.now(), held)
        assert judge(document.code, held, Policy(), clock.now()).reasons == (reason,)


def test_holder_is_told_of_both_and_nobody_else(wallet: Wallet) -> None:
    document = issue(wallet)
    before = notices(wallet)
    suspend(wallet, document.id)
    reinstate(wallet, document.id)
    told = list((Counter(notices(wallet)) - Counter(before)).elements())
    assert sorted(told) == [("document_reinstated", document.id), ("document_suspended", document.id)]


def test_who_and_why_is_on_record(wallet: Wallet) -> None:
    document = issue(wallet)
    suspend(wallet, document.id, SuspensionReason.SUSPECTED_MISUSE)
    reinstate(wallet, document.id, admin_of(wallet))
    with wallet.db.read() as session:
        rows = session.scalars(select(AuditEvent).order_by(AuditEvent.id.desc()).limit(2)).all()
    assert [(row.action, row.actor, row.subject, row.details) for row in reversed(rows)] == [
        ("document.suspended", officer_of(wallet).account_id, document.id, {"reason": "suspected_misuse"}),
        ("document.reinstated", admin_of(wallet).account_id, document.id, {"reason": "ground_gone"}),
    ]


def test_only_admins_and_officers_suspend_and_reinstate(wallet: Wallet, state: State) -> None:
    valid, suspended = issue(wallet), issue(wallet)
    suspend(wallet, suspended.id)
    before = state()
    others = frozenset(StaffRole) - {StaffRole.ADMIN, StaffRole.OFFICER}
    for actor in (actor_of(wallet, "an"), actor_of(wallet, "admin1"), actor_of(wallet, "sau", roles=others)):
        for document_id in (valid.id, suspended.id, "doc_" + "0" * 32):
            for change in (suspend, reinstate):
                with pytest.raises(NotAllowed):
                    change(wallet, document_id, actor=actor)
    assert state() == before


def test_what_an_authority_ordered_is_for_an_admin_alone(wallet: Wallet, state: State) -> None:
    document = issue(wallet)
    with pytest.raises(NotAllowed):
        suspend(wallet, document.id, ORDER)
    assert state_of(wallet, document.id) == ("valid", None)
    suspend(wallet, document.id, ORDER, admin_of(wallet))
    before = state()
    with pytest.raises(NotAllowed):
        reinstate(wallet, document.id)
    assert state() == before
    assert status_of(wallet, document.id) is Status.SUSPENDED
    reinstate(wallet, document.id, admin_of(wallet))
    assert status_of(wallet, document.id) is Status.VALID


def test_second_suspension_and_an_end_without_one_are_refused(wallet: Wallet, state: State) -> None:
    document = issue(wallet)
    before = state()
    with pytest.raises(Conflict) as caught:
        reinstate(wallet, document.id)
    assert (caught.value.code, state()) == ("not_suspended", before)
    suspend(wallet, document.id)
    before = state()
    with pytest.raises(Conflict) as caught:
        suspend(wallet, document.id, SuspensionReason.HOLDER_ASKED)
    assert (caught.value.code, state()) == ("already_suspended", before)


@pytest.mark.parametrize("suspended_first", [False, True])
def test_s55_revocation_is_final(wallet: Wallet, state: State, suspended_first: bool) -> None:
    document = issue(wallet)
    if suspended_first:
        suspend(wallet, document.id)
    revoke(wallet, document.id)
    before = state()
    for change in (suspend, reinstate):
        with pytest.raises(AlreadyRevoked):
            change(wallet, document.id)
    assert state() == before
    assert status_of(wallet, document.id) is Status.INVALID
    assert state_of(wallet, document.id)[0] == "revoked"


def test_unknown_document_is_not_found(wallet: Wallet, state: State) -> None:
    before = state()
    for document_id in ("doc_" + "0" * 32, "", "DOC_X", "x" * 1000):
        for change in (suspend, reinstate):
            with pytest.raises(NotFound):
                change(wallet, document_id)
    assert state() == before


def test_suspension_that_is_rolled_back_never_was(wallet: Wallet, state: State) -> None:
    document, officer = issue(wallet), officer_of(wallet)
    before = state()
    with suppress(ZeroDivisionError), wallet.work() as work:
        work.suspending.suspend(document.id, DISPUTED, officer)
        raise ZeroDivisionError
    assert state() == before
    assert status_of(wallet, document.id) is Status.VALID


def test_of_many_at_once_each_status_is_set_in_its_order(wallet: Wallet) -> None:
    """Suspending, reinstating and revoking race: each status is set in its turn, and after revoking nothing moves."""
    document = issue(wallet)
    officer, admin, start = officer_of(wallet), admin_of(wallet), threading.Barrier(6)

    def attempt(number: int) -> str:
        start.wait()
        try:
            with wallet.work() as work:
                if number == 5:
                    work.revoking.revoke(document.id, RevocationReason.FRAUD, admin)
                elif number % 2:
                    work.suspending.reinstate(document.id, GONE, officer)
                else:
                    work.suspending.suspend(document.id, DISPUTED, officer)
        except WalletError as error:
            return error.code
        return "done"

    with ThreadPoolExecutor(6) as pool:
        outcomes = list(pool.map(attempt, range(6)))
    assert outcomes[5] == "done"
    assert set(outcomes) <= {"done", "already_suspended", "not_suspended", "already_revoked"}
    assert status_of(wallet, document.id) is Status.INVALID
    with wallet.read() as work:
        row = work.document_rows.get(document.id)
        assert row is not None
        values = work.session.scalars(
            select(StatusChange.value)
            .where(StatusChange.status_list == row.status_list, StatusChange.status_index == row.status_index)
            .order_by(StatusChange.sequence)
        ).all()
    assert values[-1] == Status.INVALID
    before = list(values[:-1])
    assert before == [Status.SUSPENDED, Status.VALID, Status.SUSPENDED, Status.VALID, Status.SUSPENDED][: len(before)]


@on_one_database
def test_expired_document_says_so_first_and_can_still_be_reinstated(wallet: Wallet, clock: FixedClock) -> None:
    document = issue(wallet)
    suspend(wallet, document.id)
    clock.advance(timedelta(days=400))
    assert state_of(wallet, document.id) == ("expired", "data_disputed")
    reinstate(wallet, document.id)
    assert state_of(wallet, document.id) == ("expired", None)


def test_s46_superseded_is_a_state_of_its_own(wallet: Wallet) -> None:
    superseded, revoked = issue(wallet), issue(wallet)
    with wallet.work() as work:
        work.revoking.void(superseded.id, RevocationReason.SUPERSEDED, admin_of(wallet))
    revoke(wallet, revoked.id)
    assert state_of(wallet, superseded.id)[0] == "superseded"
    assert state_of(wallet, revoked.id)[0] == "revoked"
    for document in (superseded, revoked):
        assert status_of(wallet, document.id) is Status.INVALID
    with pytest.raises(AlreadyRevoked):
        suspend(wallet, superseded.id)


@on_one_database
def test_every_reason_can_be_told(wallet: Wallet) -> None:
    for reason in SuspensionReason:
        document = issue(wallet)
        suspend(wallet, document.id, reason, admin_of(wallet))
        assert state_of(wallet, document.id) == ("suspended", reason)
