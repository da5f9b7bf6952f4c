"""What may be done once is done once, by 50 callers at the same moment over two processes (S-78).

RACE_ROUNDS: how often each race is run, 1 unless the environment says otherwise.
"""

import os
import time
import uuid
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.ceremonies.asking import AskingPhone, card_of, last_code
from tests.checks.test_sharing import optional_of
from tests.checks.verifier import Desk, live_code
from tests.documents.people import actor_of, copies_of, status_of
from tests.durability.processes import PROCESSES, THREADS, Answer, Call, Workers
from tests.phone import CitizenPhone
from tests.postgres import somebody_waits
from tests.support import FixedClock, Mailbox
from wallet.audit import AuditEvent
from wallet.checks.online.models import ConsentRow, PresentationRow
from wallet.demo.personas import persona
from wallet.demo.phones import phone_of as number_of_phone
from wallet.documents.models import DocumentRow, StatusChange
from wallet.errors import Conflict
from wallet.identity.account_states import LockGround
from wallet.identity.models import RefreshToken, SignedInSession
from wallet.identity.tokens import TokenKind
from wallet.launching.models import Approval, UtilityState
from wallet.requests.models import RequestRow
from wallet.settings import Settings
from wallet.terms import Actor, Status
from wallet.wiring import Wallet, Work

ROUNDS = int(os.environ.get("RACE_ROUNDS", "1"))
CALLERS = PROCESSES * THREADS
PAIRS = 10
"""Rounds of two callers: what locks in two orders meets itself in about half of them."""
RESIDENCE = "/v1/admin/utilities/residence"
REOPEN = {"state": "open", "reason": "Mở lại"}
Make = Callable[..., CitizenPhone]
pytestmark = pytest.mark.timeout(120 + 60 * ROUNDS)


@pytest.fixture
def run(workers: Workers, wallet: Wallet, clock: FixedClock) -> Callable[[list[Call]], list[Answer]]:
    def together(calls: list[Call]) -> list[Answer]:
        answers = workers.race(wallet.settings, clock.now(), calls)
        assert len(answers) == len(calls)
        return answers

    return together


def told(answers: list[Answer]) -> Counter[tuple[int, str]]:
    return Counter((answer.status, answer.code) for answer in answers)


def count(wallet: Wallet, table: Any, *where: Any) -> int:
    with wallet.db.read() as session:
        return int(session.scalar(select(func.count()).select_from(table).where(*where)) or 0)


def events(wallet: Wallet, action: str) -> int:
    return count(wallet, AuditEvent, AuditEvent.action == action)


def new_key() -> dict[str, str]:
    return {"Idempotency-Key": uuid.uuid4().hex}


@pytest.mark.parametrize("with_password", [True, False], ids=["password", "device"])
def test_challenge_signs_in_once(wallet: Wallet, client: Any, run: Any, with_password: bool) -> None:
    phone = CitizenPhone(wallet, client, "an")
    for _ in range(ROUNDS):
        before = count(wallet, SignedInSession)
        order = {"proof": phone.proof()}
        if with_password:
            order |= {"number": phone.persona.number, "password": phone.own.password}
        answers = run([Call("/v1/sessions", order, {})] * CALLERS)
        assert told(answers) == {(201, ""): 1, (401, "invalid_device_proof"): CALLERS - 1}
        assert count(wallet, SignedInSession) == before + 1


def test_refresh_token_has_one_successor(wallet: Wallet, phone_of: Make, run: Any) -> None:
    phone = phone_of("an")
    url = f"{wallet.settings.issuer_url}/v1/sessions/refresh"
    for number in range(1, ROUNDS + 1):
        order = {"refresh_token": phone.tokens["refresh_token"]}
        # Each with a proof of its own: what a phone does whose answer was lost on the way.
        answers = run([Call("/v1/sessions/refresh", order, {"DPoP": phone.dpop(url)}) for _ in range(CALLERS)])
        assert told(answers) == {(200, ""): CALLERS}
        mine = RefreshToken.session_id == phone.tokens["session_id"]
        assert count(wallet, RefreshToken, mine) == number + 1
        assert count(wallet, RefreshToken, mine, RefreshToken.used_at.is_(None)) == 1
        tokens = {wallet_claims(wallet, answer.body["refresh_token"])["jti"] for answer in answers}
        assert tokens == {f"{phone.tokens['session_id']}.{number + 1}"}
        phone.tokens = answers[0].body
    assert events(wallet, "session.token_reuse") == 0


def wallet_claims(wallet: Wallet, token: str) -> dict[str, Any]:
    claims: dict[str, Any] = wallet.identity.tokens.decode(
        TokenKind.REFRESH, token, wallet.clock.now(), timedelta(seconds=5)
    )
    return claims


def test_proof_refreshes_once(wallet: Wallet, phone_of: Make, run: Any) -> None:
    phone = phone_of("an")
    url = f"{wallet.settings.issuer_url}/v1/sessions/refresh"
    for _ in range(ROUNDS):
        order = {"refresh_token": phone.tokens["refresh_token"]}
        answers = run([Call("/v1/sessions/refresh", order, {"DPoP": phone.dpop(url)})] * CALLERS)
        assert told(answers) == {(200, ""): 1, (401, "invalid_dpop_proof"): CALLERS - 1}
        phone.tokens = next(answer.body for answer in answers if answer.status == 200)


def test_token_reused_late_ends_its_session_once(wallet: Wallet, clock: FixedClock, phone_of: Make, run: Any) -> None:
    url = f"{wallet.settings.issuer_url}/v1/sessions/refresh"
    for number in range(1, ROUNDS + 1):
        phone = phone_of("an")
        order = {"refresh_token": phone.tokens["refresh_token"]}
        used = phone.client.post("/v1/sessions/refresh", json=order, headers={"DPoP": phone.dpop(url)})
        assert used.status_code == 200
        clock.advance(seconds=31)
        answers = run([Call("/v1/sessions/refresh", order, {"DPoP": phone.dpop(url)}) for _ in range(CALLERS)])
        assert told(answers) == {(401, "token_reuse"): 1, (401, "session_ended"): CALLERS - 1}
        assert events(wallet, "session.token_reuse") == number


def new_phone(wallet: Wallet, client: Any, clock: FixedClock) -> AskingPhone:
    """Return a phone that wants to become An's and has read the chip of An's card."""
    clock.advance(minutes=61)  # an hour has few codes
    phone = AskingPhone(wallet, client)
    number = persona("an").number
    phone.begin("binding", number, phone=number_of_phone(number))
    phone.prove_chip(card_of(wallet, number))
    return phone


def test_one_time_code_is_taken_once(
    wallet: Wallet, client: Any, clock: FixedClock, mailbox: Mailbox, run: Any
) -> None:
    for _ in range(ROUNDS):
        phone = new_phone(wallet, client, clock)
        phone.done("codes")
        code = last_code(wallet, mailbox, number_of_phone(persona("an").number))
        path = f"/v1/ceremonies/{phone.id}/code-confirmations"
        answers = run([Call(path, {"proof": phone.proof(), "code": code}, {}) for _ in range(CALLERS)])
        assert told(answers) == {(200, ""): 1, (401, "otp_invalid"): CALLERS - 1}
        assert phone.done("status")["factors"] == ["chip", "otp"]


def test_ceremony_is_completed_once(wallet: Wallet, client: Any, clock: FixedClock, mailbox: Mailbox, run: Any) -> None:
    for _ in range(ROUNDS):
        phone = new_phone(wallet, client, clock)
        phone.prove_code(mailbox, number_of_phone(persona("an").number))
        bound = events(wallet, "device.bound")
        path = f"/v1/ceremonies/{phone.id}/completion"
        answers = run([Call(path, {"proof": phone.proof()}, {}) for _ in range(CALLERS)])
        outcome = told(answers)
        assert sum(count for (status, _), count in outcome.items() if status in (200, 201)) == 1, outcome
        assert {status for status, _ in outcome} <= {200, 201, 401, 404, 409}, outcome
        assert events(wallet, "device.bound") == bound + 1


def test_approval_is_decided_once(wallet: Wallet, phone_of: Make, run: Any) -> None:
    first, second = phone_of("admin1"), phone_of("admin2")
    for _ in range(ROUNDS):
        approval = ask_to_open(first)
        before = state_of_residence(wallet)
        calls = [
            Call(
                f"/v1/admin/approvals/{approval}/decision",
                {"decision": ("approve", "refuse")[number // 2 % 2]},
                second.headers | new_key(),
            )
            for number in range(CALLERS)
        ]
        answers = run(calls)
        assert told(answers) == {(200, ""): 1, (409, "approval_closed"): CALLERS - 1}
        winner = next(call for call, answer in zip(calls, answers, strict=True) if answer.status == 200)
        agreed = winner.body["decision"] == "approve"
        after = state_of_residence(wallet)
        assert after == (("open", before[1] + 1) if agreed else before)
        with wallet.db.read() as session:
            row = session.get_one(Approval, approval)
            assert row.state == ("approved" if agreed else "refused")


def test_opening_is_asked_for_once(wallet: Wallet, phone_of: Make, run: Any) -> None:
    admins = [phone_of("admin1"), phone_of("admin2")]
    for _ in range(ROUNDS):
        paused = pause(admins[0])
        calls = [
            Call(RESIDENCE, REOPEN, admins[number // 2 % 2].headers | paused, "PATCH") for number in range(CALLERS)
        ]
        answers = run(calls)
        assert told(answers) == {(202, ""): 1, (409, "approval_pending"): CALLERS - 1}
        assert count(wallet, Approval, Approval.state == "awaiting") == 1
        approval = next(answer.body["id"] for answer in answers if answer.status == 202)
        decision = f"/v1/admin/approvals/{approval}/decision"
        assert admins[0].post(decision, {"decision": "refuse"}).status_code == 200


def test_change_of_one_version_is_made_once(wallet: Wallet, phone_of: Make, run: Any) -> None:
    admin = phone_of("admin1")
    for _ in range(ROUNDS):
        launch = admin.get(RESIDENCE)
        order = {"state": "paused", "reason": "Kiểm tra"}
        headers = admin.headers | {"If-Match": launch.headers["ETag"]}
        answers = run([Call(RESIDENCE, order, headers, "PATCH")] * CALLERS)
        assert told(answers) == {(200, ""): 1, (412, "version_changed"): CALLERS - 1}
        approval = ask_to_open(admin)
        decision = f"/v1/admin/approvals/{approval}/decision"
        assert phone_of("admin2").post(decision, {"decision": "approve"}).status_code == 200


def pause(admin: CitizenPhone) -> dict[str, str]:
    """Make sure that residence is paused, and return the header that the next change needs."""
    launch = admin.get(RESIDENCE)
    if launch.json["state"] == "open":
        order = {"state": "paused", "reason": "Kiểm tra"}
        launch = admin.call("PATCH", RESIDENCE, json=order, headers={"If-Match": launch.headers["ETag"]})
        assert launch.status_code == 200, launch.text
    return {"If-Match": launch.headers["ETag"]}


def ask_to_open(admin: CitizenPhone) -> str:
    """Ask to open residence again, and return the approval that waits."""
    asked = admin.call("PATCH", RESIDENCE, json=REOPEN, headers=pause(admin))
    assert asked.status_code == 202, asked.text
    return str(asked.json["id"])


def state_of_residence(wallet: Wallet) -> tuple[str, int]:
    with wallet.db.read() as session:
        row = session.get_one(UtilityState, "residence")
        return row.state, row.version


def test_key_issues_one_document(wallet: Wallet, phone_of: Make, run: Any) -> None:
    phone = phone_of("an")
    for number in range(1, ROUNDS + 1):
        call = Call("/v1/requests", {"utility": "residence"}, phone.headers | new_key())
        answers = run([call] * CALLERS)
        assert told(answers) == {(201, ""): CALLERS}
        replayed = Counter(answer.headers.get("Idempotent-Replayed") for answer in answers)
        assert replayed == {None: 1, "true": CALLERS - 1}
        assert len({answer.body["document_id"] for answer in answers}) == 1
        mine = DocumentRow.holder_id == holder_of(wallet, phone)
        assert count(wallet, DocumentRow, mine) == number
        assert count(wallet, RequestRow, RequestRow.holder_id == holder_of(wallet, phone)) == number


def test_key_with_two_bodies_serves_the_first_alone(wallet: Wallet, phone_of: Make, run: Any) -> None:
    admin, citizen = phone_of("admin1"), phone_of("an")
    for _ in range(ROUNDS):
        path = f"/v1/admin/documents/{citizen.issue_residence()}/revocation"
        headers = admin.headers | new_key()
        reasons = ("data_changed", "holder_asked")
        answers = run([Call(path, {"reason": reasons[number // 2 % 2]}, headers) for number in range(CALLERS)])
        assert {answer.status for answer in answers} == {201, 422}
        assert len({answer.body["reason"] for answer in answers if answer.status == 201}) == 1
        assert {answer.code for answer in answers if answer.status == 422} == {"idempotency_key_reused"}


def holder_of(wallet: Wallet, phone: CitizenPhone) -> str:
    with wallet.read() as work:
        return str(work.holders.find(phone.persona.number))


def test_document_is_revoked_once(wallet: Wallet, phone_of: Make, run: Any) -> None:
    citizen, admin = phone_of("an"), phone_of("admin1")
    for _ in range(ROUNDS):
        document = citizen.issue_residence()
        changes, recorded = count(wallet, StatusChange), events(wallet, "document.revoked")
        path = f"/v1/admin/documents/{document}/revocation"
        answers = run([Call(path, {"reason": "data_changed"}, admin.headers | new_key()) for _ in range(CALLERS)])
        assert told(answers) == {(201, ""): 1, (409, "already_revoked"): CALLERS - 1}
        assert count(wallet, StatusChange) == changes + 1
        assert events(wallet, "document.revoked") == recorded + 1


def test_fifty_citizens_at_once_are_all_served(wallet: Wallet, phone_of: Make, run: Any) -> None:
    phones = [phone_of(key) for key in ("an", "sau", "doi", "xa", "dai")]
    for number in range(1, ROUNDS + 1):
        before = count(wallet, DocumentRow)
        body = {"utility": "residence"}
        answers = run([Call("/v1/requests", body, phones[i % 5].headers | new_key()) for i in range(CALLERS)])
        assert told(answers) == {(201, ""): CALLERS}, number
        assert count(wallet, DocumentRow) == before + CALLERS


@pytest.mark.parametrize("shown", ["presentation", "code"])
def test_s48_s78_of_fifty_check_ins_one_succeeds(
    wallet: Wallet, client: Any, clock: FixedClock, phone_of: Make, run: Any, shown: str
) -> None:
    desk, phone = Desk.open(wallet, client), phone_of("an")
    phone.step_up(2)
    residence = phone.issue_residence()
    for number in range(1, ROUNDS + 1):
        if shown == "presentation":
            order = {"organisation": desk.organisation, "purpose": "boarding", "fields": ["full_name"]}
            thing = phone.post(f"/v1/documents/{residence}/presentations", order).json["id"]
        else:
            clock.advance(seconds=1)  # of one second there is one code
            thing = live_code(phone, residence)
        body = {"purpose": "boarding", shown: thing}
        answers = run([Call("/v1/verifier/check-ins", body, desk.headers | new_key()) for _ in range(CALLERS)])
        assert told(answers) == {(201, ""): 1, (409, "already_used"): CALLERS - 1}
        assert events(wallet, "check.check_in") == number
        used = PresentationRow.used_at.is_not(None)
        assert count(wallet, PresentationRow, used) == (number if shown == "presentation" else 0)


def test_a_share_is_answered_once(wallet: Wallet, client: Any, clock: FixedClock, phone_of: Make, run: Any) -> None:
    desk, phone = Desk.open(wallet, client), phone_of("an")
    phone.step_up(2)
    residence = phone.issue_residence()
    for number in range(1, ROUNDS + 1):
        clock.advance(minutes=3)  # who refused is left alone for two minutes
        phone.sign_in()
        phone.step_up(2)
        share = desk.checked(phone.code_of(residence))["share"]["id"]
        path = f"/v1/me/shares/{share}/decision"
        choices = ({"decision": "agree", "fields": optional_of(phone, share)}, {"decision": "refuse"})
        calls = [Call(path, choices[place // 2 % 2], phone.headers | new_key()) for place in range(CALLERS)]
        answers = run(calls)
        assert told(answers) == {(200, ""): 1, (409, "share_closed"): CALLERS - 1}
        agreed = events(wallet, "share.agreed")
        assert agreed + events(wallet, "share.refused") == number
        assert count(wallet, ConsentRow) == agreed


def test_a_live_code_is_good_once_at_one_organisation(
    wallet: Wallet, client: Any, clock: FixedClock, phone_of: Make, run: Any
) -> None:
    gates = [Desk.open(wallet, client, gate="G-1")]
    gates.append(Desk.open(wallet, client, gate="G-2", of=gates[0].organisation))
    phone = phone_of("an")
    residence = phone.issue_residence()
    for _ in range(ROUNDS):
        clock.advance(seconds=1)  # of one second there is one code
        body = {"code": live_code(phone, residence), "purpose": "boarding"}
        answers = run([Call("/v1/verifier/checks", body, gates[place % 2].headers) for place in range(CALLERS)])
        assert Counter(answer.body["reasons"][0] for answer in answers) == {"ok": 1, "live_replayed": CALLERS - 1}


def test_receipts_of_one_organisation_wait_for_each_other(
    wallet: Wallet, client: Any, clock: FixedClock, phone_of: Make, run: Any
) -> None:
    """Two gates saw the same people in another order, and both hand it in when the network is back."""
    gates = [Desk.open(wallet, client, gate="G-1")]
    gates.append(Desk.open(wallet, client, gate="G-2", of=gates[0].organisation))
    documents = [phone_of(key).issue_residence() for key in ("an", "sau", "doi", "xa", "dai")]
    for number in range(PAIRS * ROUNDS):
        hour = clock.now() - timedelta(hours=number + 1)
        calls = []
        for gate, order in zip(gates, (documents, documents[::-1]), strict=True):
            given = [
                {
                    "id": f"rcp_{uuid.uuid4().hex}",
                    "document_id": document,
                    "checked_at": f"{hour:%Y-%m-%dT%H:%M:%SZ}",
                    "purpose": "boarding",
                    "verdict": "valid",
                    "reasons": ["ok"],
                }
                for document in order
            ]
            calls.append(Call("/v1/verifier/receipts", {"receipts": given}, gate.headers | new_key()))
        assert told(run(calls)) == {(204, ""): 2}
    assert events(wallet, "check.offline") == min(2 * PAIRS * ROUNDS, 100) * len(documents)


def test_no_card_is_left_that_a_lock_did_not_reach(wallet: Wallet, clock: FixedClock, phone_of: Make, run: Any) -> None:
    """Cards, live codes and copies of other wallets are asked for while the account is locked: what came to be before
    is suspended with it, what would come after does not come to be."""
    citizen = phone_of("an")
    documents = [citizen.issue_residence() for _ in range(3)]
    shown = ("cards", {"view": "", "count": 3}), ("live-codes", {"view": ""})
    for _ in range(ROUNDS):
        clock.advance(days=1)  # a day has few batches
        citizen.sign_in(password=True)
        calls = [
            Call(f"/v1/documents/{document}/{path}", order, citizen.headers | new_key())
            for document in documents * 4
            for path, order in shown
        ]
        before = len(copies_of(wallet))
        with ThreadPoolExecutor(1) as threads:
            racing = threads.submit(run, calls)
            while len(copies_of(wallet)) == before and not racing.done():
                time.sleep(0.001)
            while (locked := citizen.post("/v1/me/lock", {})).status_code == 503:
                pass  # so many write at once that one is told to come again
            assert locked.status_code == 204, locked.text
            answers = racing.result()
        may_be = {
            (201, ""),
            (200, ""),
            (401, "session_ended"),
            (409, "account_locked"),
            (503, "dependency_unavailable"),
        }
        assert set(told(answers)) <= may_be, told(answers)
        standing = [row for row in copies_of(wallet) if row.expires_at > clock.now()]
        made = sum(len(answer.body["data"]) for answer in answers if answer.status == 201)
        assert sum(row.form == "card" for row in standing) >= made
        assert {status_of(wallet, row) for row in standing} == {Status.SUSPENDED}
        with wallet.work() as work:
            work.accounts.unlock(actor_of(wallet).account_id, LockGround.HOLDER_REQUEST, Actor("system"))
        assert {status_of(wallet, row) for row in standing} == {Status.VALID}


@pytest.mark.parametrize("first", ["card", "lock"])
def test_of_a_card_and_a_lock_the_second_waits_for_the_first(
    wallet: Wallet, clock: FixedClock, phone_of: Make, deployment: Settings, first: str
) -> None:
    """Both orders, made on purpose: a card that was not committed yet is suspended all the same."""
    citizen = phone_of("an")
    document, device = citizen.issue_residence(), citizen.own.device_id
    actor = actor_of(wallet, "an", device_id=device)
    account, key = actor.account_id, citizen.own.device_jwk

    def card(work: Work) -> None:
        work.copies.reserve_cards(document, "", 2, {name: key[name] for name in ("kty", "crv", "x", "y")}, actor)

    def lock(work: Work) -> None:
        work.accounts.lock(account, LockGround.HOLDER_REQUEST, Actor("system"))

    def second(act: Callable[[Work], None]) -> None:
        with closing(Wallet.build(deployment, clock=clock, catalogue=wallet.catalogue)) as other, other.work() as work:
            act(work)

    with ThreadPoolExecutor(1) as threads:
        with wallet.work() as work:
            (card if first == "card" else lock)(work)
            work.session.flush()
            waiting = threads.submit(second, lock if first == "card" else card)
            somebody_waits(deployment.database_url)
        if first == "card":
            waiting.result(60)
        else:
            with pytest.raises(Conflict, match="account_locked"):
                waiting.result(60)
    rows = copies_of(wallet)
    assert len(rows) == (2 if first == "card" else 0)
    assert {status_of(wallet, row) for row in rows} <= {Status.SUSPENDED}
