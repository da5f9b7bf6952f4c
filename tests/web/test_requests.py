"""Asking for a document: once for each key, refused without a trace, read by its citizen alone."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import chain
from typing import Any

import pytest
from sqlalchemy import func, select

from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.documents.models import DocumentRow
from wallet.settings import Settings
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

ORDER = {"utility": "residence"}


def documents_in(wallet: Wallet) -> int:
    with wallet.db.read() as session:
        return int(session.scalar(select(func.count()).select_from(DocumentRow)) or 0)


def move(admin: CitizenPhone, state: str, version: int) -> None:
    response = admin.call(
        "PATCH",
        "/v1/admin/utilities/residence",
        json={"state": state, "reason": "Kiểm tra"},
        headers={"If-Match": f'"v{version}"'},
    )
    assert response.status_code == 200, response.text


def test_request_is_answered_at_once(phone_of: Make, events: Events) -> None:
    citizen = phone_of("an")
    response = citizen.post("/v1/requests", ORDER)
    body = response.json
    assert response.status_code == 201
    times = {"created_at", "updated_at", "submitted_at"}
    codes = {"utility", "utility_version", "rules_version", "capacity", "state", "state_name"}
    assert body.keys() == {"id", "number", "apologies", "fee", "fee_due", "document_id"} | times | codes
    assert (body["fee"], body["fee_due"], body["rules_version"]) == ([], 0, "2024-01")
    assert (body["utility"], body["utility_version"], body["state"]) == ("residence", 1, "issued")
    assert body["created_at"] == "2026-03-02T05:00:00Z"
    assert response.headers["Location"] == f"/v1/requests/{body['id']}"
    assert response.headers["Cache-Control"] == "private, no-store"
    whole = citizen.get(response.headers["Location"]).json
    assert {name: whole[name] for name in body} == body
    assert (whole["answers"], whole["files"], whole["steps"], whole["actions"]) == ({}, [], [], [])
    assert [entry["action"] for entry in whole["timeline"]] == ["submit"]
    assert [event["subject"] for event in events("document.issued")][-1] == body["document_id"]


# --- Idempotency-Key -------------------------------------------------------------------------------------------


def test_request_without_a_plain_key_is_refused(
    phone_of: Make, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for key in (None, "", " ", "a b", "é", "x" * 256, "tab\there"):
        with subtests.test(key=key):
            citizen = phone_of("an")
            headers = {} if key is None else {"Idempotency-Key": key}
            with unchanged():
                response = citizen.call("POST", "/v1/requests", json=ORDER, headers=headers)
                assert_refused(response, 400, "idempotency_key_required")


def test_key_may_have_255_characters(phone_of: Make) -> None:
    citizen = phone_of("an")
    assert citizen.post("/v1/requests", ORDER, key="~" * 255).status_code == 201


def test_same_key_with_another_body_is_refused(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    assert citizen.post("/v1/requests", ORDER, key="one").status_code == 201
    with unchanged():
        other = citizen.post("/v1/requests", ORDER | {"answers": {}}, key="one")
        body = assert_refused(other, 422, "idempotency_key_reused")
    assert "errors" not in body


def test_same_key_for_another_operation_is_refused(phone_of: Make, unchanged: Unchanged) -> None:
    admin = phone_of("admin1")
    first, second = (phone_of(key).issue_residence() for key in ("an", "sau"))
    reason = {"reason": "fraud"}
    assert admin.post(f"/v1/admin/documents/{first}/revocation", reason, key="one").status_code == 201
    with unchanged():
        response = admin.post(f"/v1/admin/documents/{second}/revocation", reason, key="one")
        assert_refused(response, 422, "idempotency_key_reused")


def test_refused_request_leaves_its_key_free(phone_of: Make) -> None:
    """A mistyped body is corrected and sent again; nothing came of the first, so the key still stands for one act."""
    citizen = phone_of("an")
    assert_refused(citizen.post("/v1/requests", {"utility": "no_such"}, key="one"), 404, "unknown_utility")
    assert citizen.post("/v1/requests", ORDER, key="one").status_code == 201


def test_key_belongs_to_its_caller(phone_of: Make) -> None:
    made = [phone_of(key).post("/v1/requests", ORDER, key="one") for key in ("an", "sau")]
    assert [response.status_code for response in made] == [201, 201]
    assert "Idempotent-Replayed" not in made[1].headers
    assert made[0].json["document_id"] != made[1].json["document_id"]


def test_replay_is_the_answer_of_before_to_the_letter(phone_of: Make, unchanged: Unchanged, events: Events) -> None:
    citizen = phone_of("an")
    first = citizen.post("/v1/requests", ORDER, key="one")
    reads = len(events("source.read"))
    with unchanged():
        again = citizen.post("/v1/requests", ORDER, key="one")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert "Idempotent-Replayed" not in first.headers
    for name in ("Location", "Cache-Control", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["X-Request-ID"] != first.headers["X-Request-ID"]
    assert len(events("source.read")) == reads, "a replay asks no register"


def test_replay_survives_a_restart(
    phone_of: Make, deployment: Settings, clock: FixedClock, wallet: Wallet, unchanged: Unchanged
) -> None:
    citizen = phone_of("an")
    first = citizen.post("/v1/requests", ORDER, key="one")
    wallet.close()
    restarted = Wallet.build(deployment, clock=clock)
    citizen.client = create_app(restarted).test_client()
    with unchanged():
        again = citizen.post("/v1/requests", ORDER, key="one")
    assert (again.status_code, again.data) == (201, first.data)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert_refused(citizen.post("/v1/requests", ORDER | {"answers": {}}, key="one"), 422, "idempotency_key_reused")
    restarted.close()


def test_replay_needs_a_live_session(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    assert citizen.post("/v1/requests", ORDER, key="one").status_code == 201
    assert citizen.call("DELETE", "/v1/sessions/current").status_code == 204
    with unchanged():
        assert_refused(citizen.post("/v1/requests", ORDER, key="one"), 401, "session_ended")


def test_key_is_free_again_after_its_life(phone_of: Make, clock: FixedClock, wallet: Wallet) -> None:
    citizen = phone_of("an")
    first = citizen.post("/v1/requests", ORDER, key="one")
    clock.advance(hours=24)
    citizen.sign_in()
    assert citizen.post("/v1/requests", ORDER, key="one").headers["Idempotent-Replayed"] == "true"
    clock.advance(seconds=1)
    second = citizen.post("/v1/requests", ORDER, key="one")
    assert (second.status_code, second.headers.get("Idempotent-Replayed")) == (201, None)
    assert second.json["document_id"] != first.json["document_id"]


def test_eight_calls_at_once_with_one_key_make_one_document(phone_of: Make, wallet: Wallet) -> None:
    citizen = phone_of("an")
    before = documents_in(wallet)
    app = create_app(wallet)
    start = threading.Barrier(8)

    def ask(_: int) -> tuple[int, bytes, str]:
        client = app.test_client()
        start.wait()
        response = client.post("/v1/requests", json=ORDER, headers={**citizen.headers, "Idempotency-Key": "one"})
        return response.status_code, response.data, response.headers.get("Idempotent-Replayed", "")

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(ask, range(8)))
    assert {status for status, _, _ in answers} == {201}
    assert len({body for _, body, _ in answers}) == 1
    assert sorted(replayed for _, _, replayed in answers) == [""] + ["true"] * 7
    assert documents_in(wallet) == before + 1


def test_eight_calls_at_once_with_own_keys_make_eight_documents(phone_of: Make, wallet: Wallet) -> None:
    citizen = phone_of("an")
    before = documents_in(wallet)
    app = create_app(wallet)
    start = threading.Barrier(8)

    def ask(number: int) -> str:
        client = app.test_client()
        start.wait()
        headers = {**citizen.headers, "Idempotency-Key": f"key-{number}"}
        return str(client.post("/v1/requests", json=ORDER, headers=headers).json["document_id"])

    with ThreadPoolExecutor(8) as threads:
        made = set(threads.map(ask, range(8)))
    assert len(made) == 8
    assert documents_in(wallet) == before + 8


# --- refusals of the persona -----------------------------------------------------------------------------------


def test_level_1_account_is_too_low(phone_of: Make, unchanged: Unchanged, events: Events) -> None:
    citizen = phone_of("binh")
    before = len(events("source.read"))
    with unchanged():
        body = assert_refused(citizen.post("/v1/requests", ORDER), 403, "level_too_low")
    assert "2" in body["detail"]
    assert len(events("source.read")) == before, "no register is asked about someone who may not have the document"


def test_session_of_the_device_alone_must_step_up(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an", password=False)
    with unchanged():
        response = citizen.post("/v1/requests", ORDER)
        assert_refused(response, 401, "step_up_required")
    challenge = response.headers["WWW-Authenticate"]
    assert challenge.startswith("Bearer ")
    assert 'error="insufficient_user_authentication"' in challenge
    assert 'acr_values="urn:viso:auth:2"' in challenge


def test_stepped_up_session_may(phone_of: Make) -> None:
    citizen = phone_of("an", password=False)
    response = citizen.call(
        "POST",
        "/v1/sessions/current/step-up",
        json={"passcode": citizen.own.passcode, "proof": citizen.proof()},
    )
    assert response.status_code == 200, response.text
    citizen.tokens = response.json
    assert citizen.post("/v1/requests", ORDER).status_code == 201


def test_person_whom_a_register_lacks_is_refused_and_the_reads_are_recorded(
    phone_of: Make, unchanged: Unchanged, events: Events
) -> None:
    citizen = phone_of("vang")
    before = len(events("source.read"))
    with unchanged():
        assert_refused(citizen.post("/v1/requests", ORDER), 409, "not_in_register")
    reads = events("source.read")[before:]
    account = citizen.get("/v1/me").json["account_id"]
    assert [(read["source"], read["outcome"]) for read in reads] == [
        ("population", "answered"),
        ("residence", "person_unknown"),
    ]
    for read in reads:
        assert (read["actor"], read["purpose"], read["procedure"]) == (account, "issue_document", "residence")
        assert read["subject"].startswith("hld_")
        assert citizen.persona.number not in str(read)


def test_claims_that_make_no_sense_are_refused_by_pointer_and_the_reads_are_recorded(
    phone_of: Make, unchanged: Unchanged, events: Events
) -> None:
    citizen = phone_of("mai")
    before = len(events("source.read"))
    details = {}
    for language in ("vi", "en"):
        with unchanged():
            response = citizen.post("/v1/requests", ORDER, headers={"Accept-Language": language})
            body = assert_refused(response, 422, "claims_rejected", language=language)
        assert field_errors(body) == {"/claims/permanent_since": "in_future"}
        details[language] = body["errors"][0]["detail"]
        assert "2096" not in response.text, "a refusal does not repeat what the register holds"
    assert "tương lai" in details["vi"]
    assert "future" in details["en"]
    reads = events("source.read")[before:]
    assert [(read["source"], read["outcome"]) for read in reads] == [
        ("population", "answered"),
        ("residence", "answered"),
    ] * 2


@pytest.mark.parametrize("target", ["paused", "off"])
def test_utility_that_is_not_open_is_refused(phone_of: Make, unchanged: Unchanged, events: Events, target: str) -> None:
    citizen = phone_of("an")
    document = citizen.issue_residence()
    before = len(events("source.read"))
    move(phone_of("admin1"), target, 1)
    with unchanged():
        assert_refused(citizen.post("/v1/requests", ORDER), 409, "utility_disabled")
    assert len(events("source.read")) == before, "no register is asked for what is not issued"
    code = citizen.code_of(document)
    verdict = citizen.client.post("/v1/checks", json={"code": code}).json
    assert verdict["verdict"] == "valid", "what was issued before still verifies"


def test_unknown_utility_is_refused(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    with unchanged():
        assert_refused(citizen.post("/v1/requests", {"utility": "no_such"}), 404, "unknown_utility")


def test_s40_nothing_that_the_caller_says_becomes_a_claim(phone_of: Make, unchanged: Unchanged) -> None:
    citizen = phone_of("an")
    answers = {"full_name": "Người Khác", "number": "099090000009"}
    with unchanged():
        body = assert_refused(citizen.post("/v1/requests", ORDER | {"answers": answers}), 422, "invalid_input")
    assert field_errors(body) == {"/answers/full_name": "unknown_field", "/answers/number": "unknown_field"}


def test_names_in_a_pointer_are_escaped_and_cut(phone_of: Make) -> None:
    body = assert_refused(
        phone_of("an").post("/v1/requests", ORDER | {"answers": {"a/b~c": 1, "x" * 500: 1}}), 422, "invalid_input"
    )
    assert field_errors(body).keys() == {"/answers/a~1b~0c", "/answers/" + "x" * 128}


@pytest.mark.parametrize("key", ["khoa", "khuat"])
def test_locked_account_gets_no_session(phone_of: Make, key: str) -> None:
    other = phone_of("an")
    locked = CitizenPhone(other.wallet, other.client, key)
    assert_refused(locked.try_sign_in(), 401, "invalid_credentials")


# --- reading ---------------------------------------------------------------------------------------------------


def test_request_answers_304_to_who_has_it(phone_of: Make) -> None:
    citizen = phone_of("an")
    made = citizen.post("/v1/requests", ORDER).json
    first = citizen.get(f"/v1/requests/{made['id']}")
    assert not first.headers["ETag"].startswith("W/")
    again = citizen.get(f"/v1/requests/{made['id']}", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")
    other = citizen.get(f"/v1/requests/{made['id']}", headers={"If-None-Match": '"other"'})
    assert (other.status_code, other.data) == (200, first.data)


def test_read_under_a_condition_that_fails_is_a_problem_too(phone_of: Make) -> None:
    citizen = phone_of("an")
    made = citizen.post("/v1/requests", ORDER).json
    response = citizen.get(f"/v1/requests/{made['id']}", headers={"If-Match": '"other"'})
    assert_refused(response, 412, "version_changed")


def pages(citizen: CitizenPhone, path: str, limit: int) -> list[list[str]]:
    found, address = [], f"{path}?limit={limit}"
    while True:
        response = citizen.get(address)
        assert response.status_code == 200, response.text
        found.append([row["id"] for row in response.json["data"]])
        cursor = response.json["next_cursor"]
        if cursor is None:
            assert "Link" not in response.headers
            return found
        address = f"{path}?limit={limit}&cursor={cursor}"
        assert response.headers["Link"] == f'<https://vi.example.vn{address}>; rel="next"'


@pytest.mark.parametrize("path", ["/v1/requests", "/v1/documents"])
def test_pages_hold_every_row_once_newest_first(phone_of: Make, clock: FixedClock, path: str) -> None:
    citizen = phone_of("an")
    made = []
    for number in range(5):
        clock.advance(seconds=number % 2)  # some share a second: the id breaks the tie
        made.append(citizen.post("/v1/requests", ORDER).json)
    name = "id" if path == "/v1/requests" else "document_id"
    for limit, sizes in ((1, [1] * 5), (2, [2, 2, 1]), (5, [5]), (100, [5])):
        found = pages(citizen, path, limit)
        assert [len(page) for page in found] == sizes
        assert sorted(chain.from_iterable(found)) == sorted(row[name] for row in made)
    newest = max(row["created_at"] for row in made)
    assert pages(citizen, path, 100)[0][0] in {row[name] for row in made if row["created_at"] == newest}


def test_pages_stay_stable_while_rows_come_in(phone_of: Make, clock: FixedClock) -> None:
    citizen = phone_of("an")
    made = []
    for _ in range(4):
        clock.advance(seconds=1)
        made.append(citizen.post("/v1/requests", ORDER).json["id"])
    first = citizen.get("/v1/requests?limit=2").json
    clock.advance(seconds=1)
    citizen.post("/v1/requests", ORDER)
    second = citizen.get(f"/v1/requests?limit=2&cursor={first['next_cursor']}").json
    assert [row["id"] for row in first["data"] + second["data"]] == made[::-1]


def test_empty_page_is_well_formed(phone_of: Make) -> None:
    citizen = phone_of("an")
    for path in ("/v1/requests", "/v1/documents"):
        assert citizen.get(path).json == {"data": [], "next_cursor": None}


def test_cursor_is_good_for_its_owner_and_its_list_alone(phone_of: Make, unchanged: Unchanged) -> None:
    citizen, stranger = phone_of("an"), phone_of("sau")
    for phone in (citizen, citizen, stranger, stranger):
        phone.issue_residence()
    cursor = citizen.get("/v1/requests?limit=1").json["next_cursor"]
    with unchanged():
        assert citizen.get(f"/v1/requests?cursor={cursor}").status_code == 200
        assert_refused(stranger.get(f"/v1/requests?cursor={cursor}"), 400, "invalid_cursor")
        assert_refused(citizen.get(f"/v1/documents?cursor={cursor}"), 400, "invalid_cursor")
        for changed in (cursor[:-1], cursor + "A", cursor[1:], cursor.swapcase(), cursor.replace(".", "..", 1)):
            assert_refused(citizen.get(f"/v1/requests?cursor={changed}"), 400, "invalid_cursor")


def test_next_address_is_our_own_whatever_host_was_asked(phone_of: Make) -> None:
    citizen = phone_of("an")
    for _ in range(2):
        citizen.issue_residence()
    link = citizen.get("/v1/requests?limit=1", headers={"Host": "evil.example"}).headers["Link"]
    assert link.startswith("<https://vi.example.vn/v1/requests?limit=1&cursor=")
