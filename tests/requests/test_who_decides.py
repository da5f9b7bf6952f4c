"""Nothing but an officer's own session decides: whatever else calls a desk is refused, and nothing else moves it."""

import ast
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

import wallet
from tests.documents.people import actor_of, admin_of, officer_of
from tests.requests.test_six_services import FOUND, asking, birth
from wallet.errors import NotAllowed, NotAuthenticated, NotFound
from wallet.identity.accounts import LockGround
from wallet.profile.corrections import CorrectionOrder
from wallet.requests.desk import Word
from wallet.requests.orders import RequestOrder
from wallet.sources.base import RegisterCode
from wallet.terms import Actor, StaffRole
from wallet.wiring import Wallet

PACKAGE = Path(wallet.__file__).parent
REPORT = RequestOrder(
    "security_report",
    {
        "category": "black_credit",
        "commune": "00167",
        "happened_at": "2026-03-01T20:00:00+07:00",
        "text": "Có người dán tờ rơi cho vay nặng lãi trước cổng trường.",
        "may_contact": True,
    },
)
CORRECTION = CorrectionOrder(RegisterCode.RESIDENCE, "permanent_since", "2016-05-20", "Sổ hộ khẩu cũ ghi năm 2016.")
State = Callable[[], dict[str, list[str]]]


@pytest.fixture
def request_id(wallet: Wallet) -> str:
    """A report that an officer of its desk has in hand."""
    with wallet.work() as work:
        made = work.requests.submit(REPORT, actor_of(wallet, "an")).id
    officer = officer_of(wallet, "reviewer2")
    with wallet.work() as work:
        work.review_desk.claim(made, officer)
    return made


def decide(wallet: Wallet, request_id: str, actor: Actor) -> str:
    with wallet.read() as work:
        version = work.requests.get(request_id, actor_of(wallet, "an")).request.version
    with wallet.work() as work:
        return work.review_desk.decide(request_id, "accept", Word(), version, actor).detail.request.state


@pytest.fixture
def correction_id(wallet: Wallet) -> str:
    """A correction of what the commune police keep."""
    with wallet.work() as work:
        return work.corrections.submit(CORRECTION, actor_of(wallet, "an")).id


def correct(wallet: Wallet, correction_id: str, actor: Actor) -> str:
    with wallet.work() as work:
        return work.corrections.decide(correction_id, accept=True, answer="Đã đối chiếu.", actor=actor).state


REFUSED: dict[str, tuple[Callable[[Wallet, Actor], Actor], type[Exception]]] = {
    "without a session": (lambda _, own: replace(own, session_id=None), NotAllowed),
    "in a session that never was": (lambda _, own: replace(own, session_id="ses_" + "0" * 32), NotAuthenticated),
    "in somebody else's session": (
        lambda wallet, own: replace(own, session_id=officer_of(wallet, "reviewer3").session_id),
        NotAllowed,
    ),
    "for a ward": (lambda _, own: replace(own, acting_for="acc_" + "1" * 32), NotAllowed),
    "the system": (lambda _, own: Actor("system", session_id=own.session_id), NotAllowed),
    "a payment provider": (lambda _, own: Actor("payments", session_id=own.session_id), NotAllowed),
    "an admin": (lambda wallet, _: replace(officer_of(wallet, "admin1"), roles=admin_of(wallet).roles), NotAllowed),
    "an officer of another agency": (lambda wallet, _: officer_of(wallet, "reviewer3"), NotFound),
    "the applicant": (lambda wallet, _: officer_of(wallet, "an"), NotAllowed),
}


@pytest.mark.parametrize("who", REFUSED)
def test_nobody_else_decides(wallet: Wallet, request_id: str, state: State, who: str) -> None:
    make, refusal = REFUSED[who]
    actor = make(wallet, officer_of(wallet, "reviewer2"))
    before = state()
    with pytest.raises(refusal):
        decide(wallet, request_id, actor)
    assert state() == before


STEP, STEP_FOUND = "birth_registration", FOUND["birth_registration"]


def finish(wallet: Wallet, request_id: str, actor: Actor, reason: str | None) -> str:
    """Report a sub-task, or that it could not be done; return where it stands then."""
    with wallet.work() as work:
        detail = work.review_desk.finish_step(request_id, STEP, STEP_FOUND if reason is None else {}, reason, actor)
    return next(step.state for step in detail.detail.steps if step.code == STEP)


@pytest.fixture
def in_steps(wallet: Wallet) -> str:
    """A request with a sub-task that its agency has to do now."""
    return asking(wallet, "birth_linked", birth(wallet), "noi").id


@pytest.mark.parametrize("reason", [None, "notice_wrong"], ids=["done", "failed"])
@pytest.mark.parametrize("who", REFUSED)
def test_nobody_else_reports_a_sub_task(
    wallet: Wallet, in_steps: str, state: State, who: str, reason: str | None
) -> None:
    make, refusal = REFUSED[who]
    own = officer_of(wallet, "reviewer5")
    actor = officer_of(wallet, "noi") if who == "the applicant" else make(wallet, own)
    before = state()
    with pytest.raises(refusal):
        finish(wallet, in_steps, actor, reason)
    assert state() == before
    assert finish(wallet, in_steps, own, reason) == ("done" if reason is None else "failed"), "it was theirs to report"


@pytest.mark.parametrize("who", REFUSED)
def test_nobody_else_decides_a_correction(wallet: Wallet, correction_id: str, state: State, who: str) -> None:
    make, refusal = REFUSED[who]
    actor = make(wallet, officer_of(wallet, "reviewer2"))
    before = state()
    with pytest.raises(refusal):
        correct(wallet, correction_id, actor)
    assert state() == before


def test_a_correction_is_decided_in_a_session_that_stands_and_by_who_still_reviews(
    wallet: Wallet, correction_id: str, state: State
) -> None:
    ended, left = officer_of(wallet, "reviewer2"), officer_of(wallet, "reviewer2")
    with wallet.work() as work:
        work.sessions.end_own(ended.session_id or "", ended)
    before = state()
    with pytest.raises(NotAuthenticated):
        correct(wallet, correction_id, ended)
    assert state() == before
    assert correct(wallet, correction_id, left) == "accepted"
    with wallet.work() as work:
        again = work.corrections.submit(CORRECTION, actor_of(wallet, "an")).id
        work.staffing.dismiss(left.account_id, StaffRole.REVIEWER, admin_of(wallet))
    with pytest.raises(NotAllowed):
        correct(wallet, again, left)


def test_a_session_that_ended_or_whose_account_is_locked_decides_nothing(
    wallet: Wallet, request_id: str, state: State
) -> None:
    ended, locked = officer_of(wallet, "reviewer2"), officer_of(wallet, "reviewer2")
    with wallet.work() as work:
        work.sessions.end_own(ended.session_id or "", ended)
    before = state()
    with pytest.raises(NotAuthenticated):
        decide(wallet, request_id, ended)
    assert state() == before
    with wallet.work() as work:
        work.accounts.lock(locked.account_id, LockGround.HOLDER_REQUEST, admin_of(wallet))
    with pytest.raises(NotAuthenticated):
        decide(wallet, request_id, locked)


def test_who_lost_the_role_decides_nothing_in_the_session_they_have(wallet: Wallet, request_id: str) -> None:
    officer = officer_of(wallet, "reviewer2")
    with wallet.work() as work:
        work.staffing.dismiss(officer.account_id, StaffRole.REVIEWER, admin_of(wallet))
    with pytest.raises(NotAllowed):
        decide(wallet, request_id, officer)


def test_an_officer_in_their_own_session_decides(wallet: Wallet, request_id: str) -> None:
    assert decide(wallet, request_id, officer_of(wallet, "reviewer2")) == "accepted"


def test_one_place_makes_an_officers_move_and_one_address_leads_there() -> None:
    """Of all that is written, the desk alone hands an officer's move on, and the desk's views and the demo call it.

    Who decided a correction is written by its desk alone, which its own views call.
    """
    moves, callers, decided, correctors = set(), set(), set(), set()
    for path in PACKAGE.rglob("*.py"):
        name = str(path.relative_to(PACKAGE))
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and _attribute(node.func) == "move":
                moves |= {name for given in node.args if ast.unparse(given) == "By.OFFICER"}
                if name.startswith("profile/"):
                    decided |= {name for given in node.keywords if given.arg == "decided_by"}
            if isinstance(node, ast.Attribute) and node.attr in ("decide", "finish_step"):
                callers |= {name} if _attribute(node.value) == "review_desk" else set()
                correctors |= {name} if _attribute(node.value) == "corrections" else set()
    assert decided == {"profile/corrections.py"}
    assert correctors == {"web/corrections_desk.py"}
    assert moves == {"requests/desk.py"}
    assert callers == {"web/review_desk.py", "demo/setup.py"}


def _attribute(node: Any) -> str:
    return node.attr if isinstance(node, ast.Attribute) else ""
