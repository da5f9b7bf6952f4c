"""Acting for a child or ward: their documents, the guardian's session, and everything that is refused."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import date
from typing import Any

import pytest
from flask.testing import FlaskClient

from tests.enrolment.people import DAUGHTER, SON, account_of, amend
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.demo.personas import persona
from wallet.enrolment.wards import MOST_A_DAY
from wallet.identity.account_states import LockGround
from wallet.terms import Actor
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
SYSTEM = Actor("system")
ASK = {"utility": "residence"}


def register(phone: CitizenPhone, number: str = SON) -> dict[str, Any]:
    response = phone.post("/v1/me/wards", {"number": number})
    assert response.status_code == 201, response.text
    return dict(response.json or {})


def for_ward(ward: dict[str, Any]) -> dict[str, Any]:
    return {"headers": {"Acting-For": ward["account_id"]}}


def test_guardian_asks_for_a_ward_and_each_has_their_own(
    phone_of: Make, client: FlaskClient, events: Events, wallet: Wallet
) -> None:
    phone = phone_of()
    ward = register(phone)
    asked = phone.post("/v1/requests", ASK, **for_ward(ward))
    assert asked.status_code == 201, asked.text
    document = (asked.json or {})["document_id"]
    own = phone.issue_residence()
    claims = (phone.get(f"/v1/documents/{document}", **for_ward(ward)).json or {})["claims"]
    assert claims["full_name"] == "Nguyễn Mẫu Minh"
    code = phone.get(f"/v1/documents/{document}/code.txt", **for_ward(ward)).text
    assert (client.post("/v1/checks", json={"code": code}).json or {})["verdict"] == "valid"
    listed = [row["id"] for row in (phone.get("/v1/documents", **for_ward(ward)).json or {})["data"]]
    mine = [row["id"] for row in (phone.get("/v1/documents").json or {})["data"]]
    assert (listed, document in mine, own in mine) == ([document], False, True)
    record = next(event for event in events("document.issued") if event["subject"] == document)
    assert record["actor"] == account_of(wallet, "an")
    assert record["acting_for"] == ward["account_id"]


def test_a_guardian_links_no_record_of_a_utility_that_takes_no_guardian(
    phone_of: Make, unchanged: Unchanged, events: Events
) -> None:
    phone = phone_of()
    ward = register(phone)
    link, before = "/v1/me/utilities/driving_licence/link", len(events("source.read"))
    with unchanged():
        assert_refused(phone.get(link, **for_ward(ward)), 403, "capacity_not_allowed")
        assert_refused(phone.post(link, **for_ward(ward)), 403, "capacity_not_allowed")
    assert len(events("source.read")) == before, "no register was asked"
    assert phone.get(link).status_code == 200


def test_a_guardian_is_told_beforehand_what_takes_no_guardian(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of()
    ward = register(phone)
    told = {each["code"]: each for each in phone.get("/v1/me/utilities", **for_ward(ward)).json["data"]}
    closed = {code for code, each in told.items() if each.get("missing") == "not_for_wards"}
    assert {"driving_licence", "security_report"} <= closed
    assert told["residence"]["available"]
    with unchanged():
        for code in closed:
            refused = phone.post("/v1/requests", {"utility": code}, **for_ward(ward))
            assert_refused(refused, 403, "capacity_not_allowed")
    for code in told.keys() - closed:
        asked = phone.post("/v1/requests", {"utility": code}, **for_ward(ward))
        assert (asked.json or {}).get("code") != "capacity_not_allowed", code
    assert all(not told[code]["available"] and told[code]["words"]["vi"] for code in closed)
    own = phone.get("/v1/me/utilities").json["data"]
    assert not any(each.get("missing") == "not_for_wards" for each in own)


def test_documents_of_one_are_not_found_as_the_other(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of()
    son, daughter = register(phone), register(phone, DAUGHTER)
    document = (phone.post("/v1/requests", ASK, **for_ward(son)).json or {})["document_id"]
    with unchanged():
        for options in ({}, for_ward(daughter)):
            for tail in ("", "/code.txt", "/code.svg", "/code.png"):
                assert_refused(phone.get(f"/v1/documents/{document}{tail}", **options), 404, "not_found")


def test_a_key_is_bound_to_whom_it_was_used_for(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of()
    son, daughter = register(phone), register(phone, DAUGHTER)
    first = phone.post("/v1/requests", ASK, key="one", **for_ward(son))
    assert first.status_code == 201, first.text
    own = phone.post("/v1/requests", ASK, key="two")
    with unchanged():
        for key, options in (("one", for_ward(daughter)), ("one", {}), ("two", for_ward(son))):
            assert_refused(phone.post("/v1/requests", ASK, key=key, **options), 422, "idempotency_key_reused")
        for key, options, kept in (("one", for_ward(son), first), ("two", {}, own)):
            again = phone.post("/v1/requests", ASK, key=key, **options)
            assert (again.status_code, again.data) == (201, kept.data)
            assert again.headers["Idempotent-Replayed"] == "true"


def test_list_names_every_ward(phone_of: Make) -> None:
    phone = phone_of()
    assert phone.get("/v1/me/wards").json == {"data": []}
    made = [register(phone), register(phone, DAUGHTER)]
    listed = (phone.get("/v1/me/wards").json or {})["data"]
    assert sorted(listed, key=lambda row: row["birth_date"]) == made
    assert made[0] == {
        "account_id": made[0]["account_id"],
        "relation": "father",
        "since": "2026-03-02T05:00:00Z",
        "account_level": 1,
        "state": "approved",
        "full_name": "Nguyễn Mẫu Minh",
        "birth_date": "2016-09-05",
    }
    assert "ward_registered" in {row["code"] for row in (phone.get("/v1/notices").json or {})["data"]}


def test_ward_of_another_is_no_ward(phone_of: Make, unchanged: Unchanged, wallet: Wallet) -> None:
    ward, stranger = register(phone_of()), phone_of("sau")
    bodies = []
    with unchanged():
        for target in (ward["account_id"], "acc_" + "0" * 32, "", account_of(wallet, "an"), "x" * 100):
            for method, path in (("POST", "/v1/requests"), ("GET", "/v1/documents"), ("GET", "/v1/requests")):
                options: dict[str, Any] = {"json": ASK, "headers": {"Idempotency-Key": "k"}} if method == "POST" else {}
                headers = {"Acting-For": target, **options.pop("headers", {})}
                body = assert_refused(stranger.call(method, path, headers=headers, **options), 404, "not_found")
                bodies.append({name: body[name] for name in ("code", "title", "detail")})
    assert all(body == bodies[0] for body in bodies)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/me"),
        ("POST", "/v1/me/lock"),
        ("POST", "/v1/me/wards"),
        ("GET", "/v1/me/wards"),
        ("POST", "/v1/me/organisations"),
        ("DELETE", "/v1/sessions/current"),
    ],
)
def test_what_is_ones_own_is_not_done_for_wards(phone_of: Make, unchanged: Unchanged, method: str, path: str) -> None:
    phone = phone_of()
    ward = register(phone)
    with unchanged():
        assert_refused(phone.call(method, path, **for_ward(ward)), 403, "not_for_wards")


def test_ended_relation_is_not_found(phone_of: Make, unchanged: Unchanged, wallet: Wallet) -> None:
    phone = phone_of()
    ward = register(phone)
    with wallet.work() as work:
        work.guardians.end(account_of(wallet, "an"), ward["account_id"], "of_age", SYSTEM)
    with unchanged():
        assert_refused(phone.post("/v1/requests", ASK, **for_ward(ward)), 404, "not_found")
    assert phone.get("/v1/me/wards").json == {"data": []}


@pytest.mark.parametrize("ground", [LockGround.CARD_REVOKED, LockGround.AUTHORITY_REQUEST, LockGround.CARD_EXPIRED])
def test_locked_ward_gets_and_shows_nothing_even_through_the_guardian(
    phone_of: Make, unchanged: Unchanged, wallet: Wallet, ground: LockGround
) -> None:
    phone = phone_of()
    ward = register(phone)
    document = (phone.post("/v1/requests", ASK, **for_ward(ward)).json or {})["document_id"]
    with wallet.work() as work:
        work.accounts.lock(ward["account_id"], ground, SYSTEM)
    with unchanged():
        assert_refused(phone.post("/v1/requests", ASK, **for_ward(ward)), 409, "account_locked")
        for path in ("", f"/{document}", f"/{document}/code.txt"):
            assert_refused(phone.get(f"/v1/documents{path}", **for_ward(ward)), 409, "account_locked")
    assert (phone.get("/v1/me/wards").json or {})["data"][0]["state"] == "locked"


@pytest.mark.parametrize("ground", [LockGround.HOLDER_REQUEST, LockGround.HOLDER_DIED])
def test_locked_guardian_acts_for_nobody(
    phone_of: Make, unchanged: Unchanged, wallet: Wallet, ground: LockGround
) -> None:
    phone = phone_of()
    ward = register(phone)
    with wallet.work() as work:
        work.accounts.lock(account_of(wallet, "an"), ground, SYSTEM)
    with unchanged():
        assert_refused(phone.post("/v1/requests", ASK, **for_ward(ward)), 401, "session_ended")


def test_dead_ward_is_acted_for_no_longer(phone_of: Make, unchanged: Unchanged, wallet: Wallet) -> None:
    phone = phone_of()
    ward = register(phone)
    amend(wallet, SON, state="dead")
    wallet.account_sweep.run()
    with unchanged():
        assert_refused(phone.post("/v1/requests", ASK, **for_ward(ward)), 404, "not_found")


def test_registering_asks_for_a_fresh_authentication_of_level_two(
    phone_of: Make, unchanged: Unchanged, clock: FixedClock
) -> None:
    phone, alone, low = phone_of(), phone_of(password=False), phone_of("binh")
    with unchanged():
        assert_refused(alone.post("/v1/me/wards", {"number": SON}), 401, "step_up_required")
        assert_refused(low.post("/v1/me/wards", {"number": SON}), 403, "level_too_low")
    clock.advance(minutes=5, seconds=1)
    assert_refused(phone.post("/v1/me/wards", {"number": SON}), 401, "step_up_required")


@pytest.mark.parametrize(
    ("facts", "status", "code"),
    [
        ({"father_number": None}, 403, "not_your_ward"),
        ({"birth_date": "2012-01-01"}, 409, "ward_of_age"),
        ({"state": "dead"}, 409, "person_deceased"),
        ({"card_expires": date(2026, 3, 1)}, 409, "ward_card_not_valid"),
    ],
)
def test_register_decides_who_is_a_ward(
    phone_of: Make, unchanged: Unchanged, wallet: Wallet, facts: dict[str, Any], status: int, code: str
) -> None:
    phone = phone_of()
    amend(wallet, SON, **facts)
    with unchanged():
        assert_refused(phone.post("/v1/me/wards", {"number": SON}), status, code)


def test_unknown_number_and_anothers_child_get_the_same_answer(phone_of: Make, unchanged: Unchanged) -> None:
    phone, bodies = phone_of("sau"), []
    with unchanged():
        for number in (SON, "099999999999", persona("nho").number):
            body = assert_refused(phone.post("/v1/me/wards", {"number": number}), 403, "not_your_ward")
            bodies.append({name: value for name, value in body.items() if name != "request_id"})
    assert bodies[0] == bodies[1] == bodies[2]


@pytest.mark.parametrize(
    ("body", "pointer", "code"),
    [
        ({}, "/number", "required"),
        ({"number": "12"}, "/number", "invalid_format"),
        ({"number": SON, "relation": "uncle"}, "/relation", "not_a_choice"),
        ({"number": SON, "full_name": "x"}, "/full_name", "unknown_field"),
    ],
)
def test_order_is_read_strictly(
    phone_of: Make, unchanged: Unchanged, body: dict[str, str], pointer: str, code: str
) -> None:
    phone = phone_of()
    with unchanged():
        refused = assert_refused(phone.post("/v1/me/wards", body), 422, "invalid_input")
    assert field_errors(refused) == {pointer: code}


def test_ward_and_other_guardian_are_told_of_a_new_one(phone_of: Make, wallet: Wallet) -> None:
    amend(wallet, SON, mother_number=persona("sau").number)
    first, second = phone_of(), phone_of("sau")
    ward = register(first)["account_id"]
    register(second)
    register(second)  # repeating it tells nobody anything
    assert [row["code"] for row in (first.get("/v1/notices").json or {})["data"]].count("guardian_added") == 1
    assert "guardian_added" not in {row["code"] for row in (second.get("/v1/notices").json or {})["data"]}
    with wallet.read() as work:
        views, _ = work.inbox.page(ward, 20, None)
    assert [view.code for view in views].count("guardian_added") == 2


def test_asking_for_wards_is_limited_and_what_is_refused_counts(
    phone_of: Make, unchanged: Unchanged, clock: Any
) -> None:
    phone = phone_of()
    with unchanged():
        for last in range(MOST_A_DAY):
            refused = phone.post("/v1/me/wards", {"number": f"0992160009{last:02d}"})
            assert_refused(refused, 403, "not_your_ward")
        assert_refused(phone.post("/v1/me/wards", {"number": SON}), 429, "too_many_attempts")
    clock.advance(days=1, seconds=1)
    register(phone_of())
