"""kill -9 in the middle of reviewed requests: sent, paid, taken in hand, decided; nothing lost, nothing twice (S-75).

KILLS: how often, 3 unless the environment says otherwise.
"""

import statistics
from collections import Counter, defaultdict
from collections.abc import Sequence
from contextlib import closing

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

from tests.durability.callers import Caller
from tests.durability.reviewing import UTILITY, Reviewed, decide_one, send_and_pay
from tests.durability.server import Server
from tests.durability.test_kill import KILLS, kill_under
from wallet.audit import AuditEvent
from wallet.documents.models import DocumentRow, StatusListRow
from wallet.idempotency import IdempotencyRow
from wallet.messages.models import NoticeRow
from wallet.payments.models import PaymentRow
from wallet.requests.models import RequestEvent, RequestRow
from wallet.wiring import Wallet

CITIZENS = ("an", "xa", "dai", "tich")
"""One of Hà Nội, for whom the city pays, and three who pay."""
PATHS = (
    ("submit",),
    ("ask_payment",),
    ("submit", "accept"),
    ("submit", "accept", "approve"),
    ("submit", "reject"),
    ("ask_payment", "pay"),
    ("ask_payment", "pay", "accept"),
    ("ask_payment", "pay", "accept", "approve"),
    ("ask_payment", "pay", "reject"),
)
"""Every way that a request can have gone; no move is in it twice."""
pytestmark = pytest.mark.timeout(300 + 30 * KILLS)


def test_a_reviewed_request_survives_its_server(server: Server, capsys: pytest.CaptureFixture[str]) -> None:
    if not server.urls.is_sqlite:
        server.given["WALLET_WORKERS"] = "2"
    server.given["WALLET_ACCESS_TOKEN_SECONDS"] = "30"
    server.given["WALLET_STAFF_READS_PER_HOUR"] = "100000"  # one officer decides as fast as the calls come
    assert server.run("--prepare-only").returncode == 0
    ledger = Reviewed()
    callers = [Caller(server, ledger, key, send_and_pay) for key in CITIZENS]
    callers.append(Caller(server, ledger, "reviewer3", decide_one))

    def enough() -> bool:
        return bool(ledger.paid and ledger.decided and len(ledger.sent) > KILLS)

    recoveries = kill_under(server, ledger, callers, enough)
    assert not ledger.surprises
    assert ledger.retries >= KILLS
    with capsys.disabled():
        print(summary(server, ledger, recoveries))  # noqa: T201 - a measurement is shown whether it passes or not
    assert len(ledger.sent) > KILLS
    assert ledger.paid
    assert ledger.decided
    with closing(Wallet.build(server.settings)) as wallet, wallet.db.read() as session:
        assert_nothing_lost(session, ledger)
        assert_nothing_twice(session, ledger)
        if wallet.db.is_sqlite:
            assert session.scalar(text("PRAGMA integrity_check")) == "ok"
            assert session.execute(text("PRAGMA foreign_key_check")).first() is None


def summary(server: Server, ledger: Reviewed, recoveries: list[float]) -> str:
    kind = "sqlite" if server.urls.is_sqlite else "postgresql"
    done = Counter(action for _, action in ledger.decided)
    return (
        f"\nkill -9 of reviewed requests, {kind}: {KILLS} kills, {len(ledger.sent)} sent, {len(ledger.paid)} paid, "
        f"{done['approve']} issued, {done['reject']} refused, {ledger.retries} calls cut; "
        f"recovery p50 {statistics.median(recoveries):.2f} s, max {max(recoveries):.2f} s"
    )


def requests_of(session: Session) -> dict[str, RequestRow]:
    return {row.id: row for row in session.scalars(select(RequestRow).where(RequestRow.utility == UTILITY))}


def moves_of(session: Session) -> dict[str, list[str]]:
    """Return what happened to each request, in its order."""
    moves = defaultdict(list)
    for event in session.scalars(select(RequestEvent).order_by(RequestEvent.request_id, RequestEvent.sequence)):
        moves[event.request_id].append(event.action)
    return moves


def assert_nothing_lost(session: Session, ledger: Reviewed) -> None:
    """Hold every acknowledged answer against what is stored of it."""
    rows, moves = requests_of(session), moves_of(session)
    assert set(ledger.sent.values()) == rows.keys(), "every call was repeated until it was acknowledged: not one more"
    assert len(ledger.sent) == len(rows)
    for request in ledger.paid:
        assert "pay" in moves[request]
    for (request, action), document in ledger.decided.items():
        assert action in moves[request]
        assert rows[request].document_id == document or action == "accept"
        assert rows[request].state in {"accept": ("accepted", "issued"), "approve": ("issued",)}.get(
            action, ("rejected",)
        )
    keys = session.scalars(select(IdempotencyRow.key)).all()
    assert ledger.keys <= set(keys)


def assert_nothing_twice(session: Session, ledger: Reviewed) -> None:
    """Hold what there is of each request against what there may be: one way, one payment, one document, one notice."""
    rows, moves = requests_of(session), moves_of(session)
    assert {tuple(moves[request]) for request in rows} <= set(PATHS)
    for request, row in rows.items():
        assert moves[request][-1] in ("submit", "ask_payment", "pay", "accept", "approve", "reject")
        assert ("approve" in moves[request]) is (row.document_id is not None)
    documents = session.scalars(select(DocumentRow).where(DocumentRow.utility == UTILITY)).all()
    issued = {row.document_id: row.id for row in rows.values() if row.document_id is not None}
    assert {document.id: document.request_id for document in documents} == issued
    assert len({(document.status_list, document.status_index) for document in documents}) == len(documents)
    payments = session.scalars(select(PaymentRow)).all()
    paid = Counter(payment.request_id for payment in payments if payment.state == "paid")
    assert set(paid) == {request for request in rows if "pay" in moves[request]} == ledger.paid
    assert max(paid.values()) == 1
    assert len(payments) == len({payment.request_id for payment in payments}), "no second payment was opened"
    told = Counter(
        notice.values["request_id"]
        for notice in session.scalars(select(NoticeRow).where(NoticeRow.code == "request_issued"))
        if notice.values.get("request_id") in rows
    )
    assert told == Counter(issued.values())
    assert_on_record(session, ledger, len(documents))
    assert_one_stands(documents)


def assert_on_record(session: Session, ledger: Reviewed, documents: int) -> None:
    """The record of what was done holds each act once, as the tables do."""
    acts = select(AuditEvent.action, AuditEvent.subject, func.count()).where(AuditEvent.action.like("request.%"))
    counted = session.execute(acts.group_by(AuditEvent.action, AuditEvent.subject)).all()
    for action, subject, times in counted:
        if action not in ("request.read", "request.submitted"):
            assert times == 1, (action, subject)
    assert sum(action == "request.approve" for action, _, _ in counted) == documents
    assert session.scalar(select(func.sum(StatusListRow.used))) >= documents
    assert sum(action == "request.pay" for action, _, _ in counted) == len(ledger.paid)


def assert_one_stands(documents: Sequence[DocumentRow]) -> None:
    """A newer certificate takes the place of the older: of each person exactly one stands."""
    standing = Counter(row.holder_id for row in documents if row.revoked_at is None)
    assert set(standing.values()) <= {1}
    assert set(standing) == {row.holder_id for row in documents}
