"""Locking and unlocking over the API: what stops at once, what stands, and who may."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.enrolment.people import account_of, amend
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.demo.personas import persona
from wallet.documents.revoking import RevocationReason
from wallet.identity.account_states import LockGround
from wallet.terms import Actor, StaffRole
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

AN = persona("an").number
FORM = {"full_name": "Nguyễn Mẫu An", "birth_date": "1990-06-15"}
REF = "7/QĐ-TA"


def order(phone: CitizenPhone, kind: str = "lock", **whose: str) -> str:
    body = {"kind": kind, "authority": "Tòa án nhân dân mẫu", "legal_ref": REF} | (whose or {"number": AN})
    response = phone.post("/v1/desk/lock-orders", body)
    assert response.status_code == 201, response.text
    return str((response.json or {})["id"])


def test_holder_locks_and_every_session_ends_at_once(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    first, second = phone_of(), phone_of()
    response = second.call("POST", "/v1/me/lock")
    assert (response.status_code, response.data) == (204, b"")
    with unchanged():
        for phone in (first, second):
            assert_refused(phone.get("/v1/me"), 401, "session_ended")
            assert_refused(phone.post("/v1/requests", {"utility": "residence"}), 401, "session_ended")
            assert_refused(phone.get("/v1/documents"), 401, "session_ended")
        assert_refused(first.try_sign_in(), 401, "invalid_credentials")
    with wallet.read() as work:
        locks = work.accounts.locks(account_of(wallet, "an"))
    assert [(lock.ground, lock.legal_ref) for lock in locks] == [
        (LockGround.HOLDER_REQUEST, "Luật Căn cước 26/2023/QH15, Điều 34")
    ]


def test_device_alone_does_not_lock(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of(password=False)
    with unchanged():
        assert_refused(phone.call("POST", "/v1/me/lock"), 401, "step_up_required")


@pytest.mark.parametrize(("body", "pointer"), [({"ground": "holder_died"}, "/ground"), ([], ""), ("x", "")])
def test_lock_takes_no_fields(phone_of: Make, unchanged: Unchanged, body: Any, pointer: str) -> None:
    phone = phone_of()
    with unchanged():
        refused = assert_refused(phone.call("POST", "/v1/me/lock", json=body), 422, "invalid_input")
    assert field_errors(refused) == {pointer: "unknown_field"}


def test_what_was_issued_is_kept_verifies_and_can_be_revoked(
    phone_of: Make, wallet: Wallet, client: FlaskClient, clock: FixedClock
) -> None:
    phone = phone_of()
    document = phone.issue_residence()
    code = phone.code_of(document)
    phone.call("POST", "/v1/me/lock")
    for path in ("", "/code.txt", "/code.svg", "/code.png"):
        assert_refused(phone.get(f"/v1/documents/{document}{path}"), 401, "session_ended")
    assert (client.post("/v1/checks", json={"code": code}).json or {})["verdict"] == "valid"
    with wallet.work() as work:
        admin = Actor("acc_admin", roles=frozenset({StaffRole.ADMIN}))
        work.revoking.revoke(document, RevocationReason.HOLDER_ASKED, admin)
    clock.advance(seconds=2)  # the board looks again
    assert (client.post("/v1/checks", json={"code": code}).json or {})["verdict"] == "invalid"


@pytest.mark.parametrize("ground", ["terms_broken", "card_revoked", "holder_died"])
def test_officer_locks_on_the_grounds_of_a_desk(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged, events: Events, ground: str
) -> None:
    officer, holder = phone_of("officer1"), phone_of()
    if ground == "holder_died":
        amend(wallet, AN, state="dead")
    body = {"number": AN, "ground": ground, "legal_ref": REF}
    response = officer.post("/v1/desk/locks", body)
    assert response.status_code == 201, response.text
    assert response.json == {
        "account_id": account_of(wallet, "an"),
        "state": "locked",
        "ground": ground,
        "legal_ref": REF,
        "locked_at": "2026-03-02T05:00:00Z",
    }
    with unchanged():
        assert_refused(holder.get("/v1/me"), 401, "session_ended")
        assert_refused(officer.post("/v1/desk/locks", body), 409, "ground_stands")
    record = events("account.locked")[-1]
    assert record["actor"] == account_of(wallet, "officer1")
    assert AN not in repr(record)


@pytest.mark.parametrize("ground", ["holder_request", "authority_request", "card_expired", "permit_ended", "boredom"])
def test_officer_sets_no_ground_of_others(phone_of: Make, unchanged: Unchanged, ground: str) -> None:
    officer = phone_of("officer1")
    with unchanged():
        refused = officer.post("/v1/desk/locks", {"number": AN, "ground": ground, "legal_ref": REF})
    assert field_errors(assert_refused(refused, 422, "invalid_input")) == {"/ground": "not_a_choice"}


@pytest.mark.parametrize(
    ("change", "pointer", "code"),
    [
        ({"number": None}, "/number", "null"),
        ({"account_id": "acc_" + "0" * 32}, "/number", "invalid"),
        ({"legal_ref": "1/"}, "/legal_ref", "invalid_length"),
        ({"legal_ref": "7/" + "Q" * 60}, "/legal_ref", "invalid_length"),
        *(
            ({"legal_ref": text}, "/legal_ref", "invalid_format")
            for text in ("099090000001", "CCCD-099090000001", "123456789/QĐ", "Nguyễn Mẫu An", "NGUYENVANAN", "7/QĐ\n")
        ),
        ({"number": "12"}, "/number", "invalid_format"),
    ],
)
def test_desk_lock_is_read_strictly(
    phone_of: Make, unchanged: Unchanged, change: dict[str, Any], pointer: str, code: str
) -> None:
    officer = phone_of("officer1")
    body = {"number": AN, "ground": "terms_broken", "legal_ref": REF} | change
    with unchanged():
        refused = assert_refused(officer.post("/v1/desk/locks", body), 422, "invalid_input")
    assert field_errors(refused)[pointer] == code


def test_officer_locks_neither_themself_nor_nobody(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    officer = phone_of("officer1")
    body = {"ground": "terms_broken", "legal_ref": REF}
    with unchanged():
        own = officer.post("/v1/desk/locks", body | {"account_id": account_of(wallet, "officer1")})
        assert_refused(own, 403, "ground_not_yours")
        for whose in ({"number": "099999999999"}, {"account_id": "acc_" + "0" * 32}):
            assert_refused(officer.post("/v1/desk/locks", body | whose), 404, "account_unknown")


@pytest.mark.parametrize("key", ["an", "approver1", "reviewer1", "admin1"])
def test_desk_is_for_officers(phone_of: Make, unchanged: Unchanged, key: str) -> None:
    phone = phone_of(key)
    with unchanged():
        for path in ("locks", "unlocks", "lock-orders"):
            assert_refused(phone.post(f"/v1/desk/{path}", {}), 403, "not_allowed")


def test_desk_unlocks_at_once_what_the_holder_asked_for(phone_of: Make, unchanged: Unchanged) -> None:
    holder, officer = phone_of(), phone_of("officer1")
    holder.call("POST", "/v1/me/lock")
    with unchanged():
        wrong = {"number": AN, "form": FORM | {"full_name": "Nguyễn Mẫu Ánh"}}
        refused = assert_refused(officer.post("/v1/desk/unlocks", wrong), 422, "invalid_input")
        assert field_errors(refused) == {"/form/full_name": "not_as_recorded"}
    response = officer.post("/v1/desk/unlocks", {"number": AN, "form": FORM})
    assert (response.status_code, (response.json or {})["state"]) == (201, "active")
    assert_refused(holder.get("/v1/me"), 401, "session_ended")
    holder.sign_in()
    assert {"account_locked", "account_unlocked"} <= {
        row["code"] for row in (holder.get("/v1/notices").json or {})["data"]
    }
    with unchanged():
        refused = officer.post("/v1/desk/unlocks", {"number": AN, "form": FORM})
        assert_refused(refused, 409, "account_not_locked")


@pytest.mark.parametrize("ground", ["terms_broken", "card_revoked", "holder_died"])
def test_desk_does_not_unlock_while_the_ground_remains(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged, ground: str
) -> None:
    officer = phone_of("officer1")
    if ground == "holder_died":
        amend(wallet, AN, state="dead")
    officer.post("/v1/desk/locks", {"number": AN, "ground": ground, "legal_ref": REF})
    with unchanged():
        refused = officer.post("/v1/desk/unlocks", {"number": AN, "form": FORM, "legal_ref": REF})
        assert_refused(refused, 409, "ground_remains")


def test_officer_locks_on_a_death_only_when_the_register_records_it(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    officer, holder = phone_of("officer1"), phone_of()
    body = {"number": AN, "ground": "holder_died", "legal_ref": REF}
    with unchanged():
        assert_refused(officer.post("/v1/desk/locks", body), 409, "death_not_recorded")
    assert holder.get("/v1/me").status_code == 200
    amend(wallet, AN, state="dead")
    assert officer.post("/v1/desk/locks", body).status_code == 201


def test_desk_lifts_what_it_can_and_says_what_still_stands(phone_of: Make, unchanged: Unchanged) -> None:
    holder, officer = phone_of(), phone_of("officer1")
    holder.call("POST", "/v1/me/lock")
    officer.post("/v1/desk/locks", {"number": AN, "ground": "terms_broken", "legal_ref": REF})
    lifted = officer.post("/v1/desk/unlocks", {"number": AN, "form": FORM})
    body = lifted.json or {}
    assert (lifted.status_code, body["state"], body["ground"]) == (201, "locked", "terms_broken")
    with unchanged():
        assert_refused(officer.post("/v1/desk/unlocks", {"number": AN, "form": FORM}), 409, "ground_remains")


def test_desk_writes_ask_for_a_fresh_authentication(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    officer, approver = phone_of("officer1"), phone_of("approver1")
    path = f"/v1/desk/lock-orders/{order(officer)}"
    clock.advance(minutes=5, seconds=1)
    whose = {"number": AN, "legal_ref": REF}
    with unchanged():
        for phone, target, body in (
            (officer, "/v1/desk/locks", whose | {"ground": "terms_broken"}),
            (officer, "/v1/desk/unlocks", {"number": AN, "form": FORM}),
            (officer, "/v1/desk/lock-orders", whose | {"kind": "lock", "authority": "Tòa án nhân dân mẫu"}),
            (officer, f"{path}/forwarding", {}),
            (approver, f"{path}/decision", {"decision": "grant"}),
        ):
            assert_refused(phone.post(target, body), 401, "step_up_required")


def test_order_takes_two_steps_and_two_people(phone_of: Make, unchanged: Unchanged, wallet: Wallet) -> None:
    officer, approver, holder = phone_of("officer1"), phone_of("approver1"), phone_of()
    order_id = order(officer)
    path = f"/v1/desk/lock-orders/{order_id}"
    with unchanged():
        assert_refused(approver.post(f"{path}/decision", {"decision": "grant"}), 409, "order_closed")
        assert_refused(approver.post(f"{path}/forwarding"), 403, "not_allowed")
        assert_refused(officer.post(f"{path}/forwarding", {"x": 1}), 422, "invalid_input")
    assert (officer.post(f"{path}/forwarding").json or {})["decision_due_at"] == "2026-03-04T17:00:00Z"
    with unchanged():
        assert_refused(officer.post(f"{path}/decision", {"decision": "grant"}), 403, "not_allowed")
        refused = assert_refused(approver.post(f"{path}/decision", {"decision": "refuse"}), 422, "invalid_input")
        assert field_errors(refused) == {"/written_reason": "required"}
    assert holder.get("/v1/me").status_code == 200
    granted = approver.post(f"{path}/decision", {"decision": "grant"})
    assert (granted.status_code, (granted.json or {})["state"]) == (201, "granted")
    with unchanged():
        assert_refused(holder.get("/v1/me"), 401, "session_ended")
        assert_refused(approver.post(f"{path}/decision", {"decision": "grant"}), 409, "order_closed")
        unlock = officer.post("/v1/desk/unlocks", {"number": AN, "form": FORM})
        assert_refused(unlock, 409, "ground_remains")
    lift = order(officer, "unlock", account_id=account_of(wallet, "an"))
    officer.post(f"/v1/desk/lock-orders/{lift}/forwarding")
    assert approver.post(f"/v1/desk/lock-orders/{lift}/decision", {"decision": "grant"}).status_code == 201
    holder.sign_in()


def test_refused_order_keeps_its_reasons_and_locks_nobody(phone_of: Make) -> None:
    officer, approver, holder = phone_of("officer1"), phone_of("approver1"), phone_of()
    path = f"/v1/desk/lock-orders/{order(officer)}"
    officer.post(f"{path}/forwarding")
    approver.post(f"{path}/decision", {"decision": "refuse", "written_reason": "Thiếu quyết định của tòa."})
    for phone in (officer, approver):
        assert (phone.get(path).json or {})["written_reason"] == "Thiếu quyết định của tòa."
    assert holder.get("/v1/me").status_code == 200


def test_queue_shows_what_is_overdue(phone_of: Make, clock: FixedClock) -> None:
    officer = phone_of("officer1")
    late = order(officer)
    clock.advance(days=2)
    officer = phone_of("officer1")
    order(officer, number=persona("binh").number)
    listed = (officer.get("/v1/desk/lock-orders?state=received").json or {})["data"]
    assert [(row["id"] == late, row["overdue"]) for row in listed] == [(True, True), (False, False)]
    first = officer.get("/v1/desk/lock-orders?limit=1").json or {}
    rest = officer.get(f"/v1/desk/lock-orders?limit=1&cursor={first['next_cursor']}").json or {}
    assert [row["id"] for row in first["data"] + rest["data"]] == [row["id"] for row in listed]
    other = officer.get(f"/v1/desk/lock-orders?state=granted&cursor={first['next_cursor']}")
    assert_refused(other, 400, "invalid_cursor")
    assert_refused(officer.get("/v1/desk/lock-orders?state=open"), 400, "invalid_parameter")
    assert_refused(phone_of().get("/v1/desk/lock-orders"), 403, "not_allowed")
    assert_refused(officer.get("/v1/desk/lock-orders/lko_x"), 404, "not_found")


def test_repeated_lock_with_one_key_is_one_lock(phone_of: Make, events: Events) -> None:
    officer = phone_of("officer1")
    body = {"number": AN, "ground": "card_revoked", "legal_ref": REF}
    answers = [officer.post("/v1/desk/locks", body, key="k1") for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert answers[1].headers["Idempotent-Replayed"] == "true"
    assert len([event for event in events("account.locked") if event["subject"] == answers[0].json["account_id"]]) == 1
