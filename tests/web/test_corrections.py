"""Corrections from both sides over HTTP: the holder who says what is wrong, the agency that decides."""

import base64
import hashlib
import io
import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from flask.testing import FlaskClient
from PIL import Image
from sqlalchemy import text

from tests.phone import CitizenPhone
from tests.support import GROUND, FixedClock
from tests.web.refusals import assert_refused, field_errors
from wallet.demo.personas import PERSONAS
from wallet.identity.accounts import Grant
from wallet.identity.guardians import Relation
from wallet.profile.corrections import MOST_A_DAY, NEXT, OPEN, OWNERS, CorrectionState
from wallet.sources.base import RegisterCode
from wallet.terms import Actor, StaffRole
from wallet.texts.catalogue import catalogue
from wallet.web.corrections import MAX_BODY
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]
State = Callable[[], dict[str, list[str]]]
NOBODYS = "cor_" + "0" * 32


def picture(kind: str = "JPEG") -> bytes:
    drawn = io.BytesIO()
    exif = Image.Exif()
    exif[0x010E] = "Nha so 5"
    Image.new("RGB", (32, 16), (10, 200, 30)).save(drawn, kind, exif=exif)
    return drawn.getvalue()


def file(media_type: str, content: bytes) -> dict[str, str]:
    return {"media_type": media_type, "content": base64.b64encode(content).decode()}


def order(**changes: Any) -> dict[str, Any]:
    stated: dict[str, Any] = {
        "register": "population",
        "fact": "full_name",
        "should_be": "Nguyễn Mẫu Ân",
        "explanation": "Giấy khai sinh ghi tên là Ân.",
        "evidence": [file("image/jpeg", picture()), file("application/pdf", b"%PDF-1.4\n%%EOF\n")],
    }
    return {name: value for name, value in (stated | changes).items() if value is not None}


RESIDENCE = {"register": "residence", "fact": "permanent_since", "should_be": "20/05/2016"}


def submit(phone: CitizenPhone, **changes: Any) -> dict[str, Any]:
    response = phone.post("/v1/me/corrections", order(**changes))
    assert response.status_code == 201, response.text
    return response.json or {}


def decide(reviewer: CitizenPhone, correction_id: str, decision: str = "accept", **options: Any) -> Any:
    body = {"decision": decision, "answer": "Đã đối chiếu hồ sơ gốc."}
    return reviewer.post(f"/v1/desk/corrections/{correction_id}/decision", body, **options)


# --- the holder ------------------------------------------------------------------------------------------------


def test_a_correction_says_who_decides_until_when(phone_of: Make, events: Events) -> None:
    phone = phone_of("an")
    response = phone.post("/v1/me/corrections", order(**RESIDENCE))
    assert response.status_code == 201, response.text
    made = response.json or {}
    assert response.headers["Location"] == f"/v1/me/corrections/{made['id']}"
    assert made["state"] == "received"
    assert made["owner"]["code"] == "commune_police"
    assert "Công an cấp xã" in made["owner"]["name"]["vi"]
    assert made["owner"]["name"]["en"].startswith("Commune police")
    assert made["created_at"] == "2026-03-02T05:00:00Z"
    assert made["receipt_due_at"] == "2026-03-04T17:00:00Z", "two working days, to the end of the day in Hà Nội"
    assert made["due_at"] == "2026-03-12T17:00:00Z", "ten days"
    assert made["should_be"] == "20/05/2016"
    assert "decided_at" not in made
    assert phone.get(f"/v1/me/corrections/{made['id']}").json == made
    assert phone.get("/v1/notices").json["data"][0]["code"] == "correction_received"
    (recorded,) = events("correction.received")
    assert (recorded["register"], recorded["fact"], recorded["evidence"]) == ("residence", "permanent_since", 2)
    (read,) = [row for row in events("source.read") if row["purpose"] == "correct_register"]
    assert read["outcome"] == "answered"


def test_evidence_is_what_was_sent_without_what_hid_in_it(phone_of: Make) -> None:
    phone = phone_of("an")
    made = submit(phone)
    kept = {each["media_type"]: each for each in made["evidence"]}
    assert kept.keys() == {"image/jpeg", "application/pdf"}
    for media_type, each in kept.items():
        response = phone.get(f"/v1/me/corrections/{made['id']}/evidence/{each['id']}")
        assert response.status_code == 200
        assert response.headers["Content-Disposition"].startswith(f'attachment; filename="{each["id"]}.')
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Cache-Control"] == "private, no-store"
        assert len(response.data) == each["size"]
        assert hashlib.sha256(response.data).hexdigest() == each["sha256"]
        if media_type == "image/jpeg":
            assert b"Nha so 5" not in response.data
            with Image.open(io.BytesIO(response.data)) as image:
                assert image.size == (32, 16)
        else:
            assert response.data == b"%PDF-1.4\n%%EOF\n"


def test_nothing_that_was_stated_stands_in_the_clear(phone_of: Make, state: State, wallet: Wallet) -> None:
    phone = phone_of("an")
    made = submit(phone, should_be="Trần Thị Bí Mật", explanation="Ghi nhầm với bà Trần Thị Bí Mật.")
    decide(phone_of("reviewer1"), made["id"])
    with wallet.db.read() as session:
        kept = repr(session.execute(text("SELECT * FROM idempotency_keys")).all())
        recorded = repr(session.execute(text("SELECT * FROM audit_events")).all())
    for content in (repr(state()), kept, recorded):
        assert "Bí Mật" not in content
        assert "đối chiếu hồ sơ gốc" not in content
        assert "%PDF" not in content


def test_a_correction_without_evidence_is_taken(phone_of: Make) -> None:
    assert submit(phone_of("an"), evidence=None)["evidence"] == []


def test_words_come_in_one_form(phone_of: Make) -> None:
    decomposed = "Nguyễn"
    made = submit(phone_of("an"), should_be=f"  {decomposed} An  ")
    assert made["should_be"] == "Nguyễn An"


def test_corrections_are_listed_newest_first_page_by_page(phone_of: Make, clock: FixedClock) -> None:
    phone = phone_of("an")
    made = []
    for _ in range(3):
        made.append(submit(phone, evidence=None)["id"])
        clock.advance(minutes=1)
    first = phone.get("/v1/me/corrections?limit=2").json
    second = phone.get(f"/v1/me/corrections?limit=2&cursor={first['next_cursor']}").json
    assert [row["id"] for row in first["data"] + second["data"]] == made[::-1]
    assert second["next_cursor"] is None
    assert "should_be" not in first["data"][0]


def test_asked_for_twice_with_one_key_is_one_correction(phone_of: Make, events: Events) -> None:
    phone = phone_of("an")
    answers = [phone.post("/v1/me/corrections", order(), key="same") for _ in range(2)]
    assert answers[0].json == answers[1].json
    assert len(events("correction.received")) == 1


@pytest.mark.parametrize(
    ("changes", "errors"),
    [
        ({"register": "businesses"}, {"/register": "not_a_choice"}),
        ({"register": "biometrics"}, {"/register": "not_a_choice"}),
        ({"register": "no_such"}, {"/register": "not_a_choice"}),
        ({"register": None}, {"/register": "required"}),
        ({"fact": "no_such_fact"}, {"/fact": "unknown_fact"}),
        ({"fact": "permanent_since"}, {"/fact": "unknown_fact"}),  # of the residence register, not of this one
        ({"fact": "__class__"}, {"/fact": "invalid_format"}),
        ({"fact": "permanent_since\n"}, {"/fact": "invalid_format"}),
        ({"should_be": ""}, {"/should_be": "invalid_length"}),
        ({"should_be": "   "}, {"/should_be": "invalid_length"}),
        ({"should_be": "x" * 501}, {"/should_be": "invalid_length"}),
        ({"should_be": "An\u202eaB"}, {"/should_be": "not_plain_text"}),
        ({"should_be": "An\u200bB"}, {"/should_be": "not_plain_text"}),
        ({"should_be": "An\u0007"}, {"/should_be": "not_plain_text"}),
        ({"should_be": 5}, {"/should_be": "invalid_type"}),
        ({"explanation": "ab"}, {"/explanation": "invalid_length"}),
        ({"explanation": "x" * 2001}, {"/explanation": "invalid_length"}),
        ({"explanation": None}, {"/explanation": "required"}),
        ({"owner": "c06"}, {"/owner": "unknown_field"}),
        ({"state": "accepted"}, {"/state": "unknown_field"}),
        ({"evidence": "JVBERi0="}, {"/evidence": "invalid_type"}),
        ({"evidence": [file("application/pdf", b"%PDF-1.4\n")] * 4}, {"/evidence": "invalid_length"}),
        ({"evidence": [{"media_type": "application/pdf"}]}, {"/evidence/0/content": "required"}),
        (
            {"evidence": [{"media_type": "application/pdf", "content": "%%%"}]},
            {"/evidence/0/content": "not_base64"},
        ),
        (
            {"evidence": [{"media_type": "application/pdf", "content": "đ"}]},
            {"/evidence/0/content": "not_base64"},
        ),
        ({"evidence": [file("image/gif", b"GIF89a")]}, {"/evidence/0/media_type": "not_a_choice"}),
        ({"evidence": [file("text/html", b"<html>")]}, {"/evidence/0/media_type": "not_a_choice"}),
        ({"evidence": [file("application/pdf", picture())]}, {"/evidence/0/content": "evidence_other_type"}),
        (
            {"evidence": [file("image/jpeg", picture()), file("image/png", picture())]},
            {"/evidence/1/content": "evidence_other_type"},
        ),
        ({"evidence": [file("image/jpeg", picture()[:40])]}, {"/evidence/0/content": "evidence_unreadable"}),
        (
            {"evidence": [file("application/pdf", b"%PDF-1.4\n".ljust((1 << 20) + 1, b" "))]},
            {"/evidence/0/content": "evidence_too_large"},
        ),
        (
            {"evidence": [file("application/pdf", b"%PDF-1.4\n") | {"size": 9}]},
            {"/evidence/0/size": "unknown_field"},
        ),
    ],
    ids=lambda value: None if not isinstance(value, dict) else "-".join(map(str, value))[:40],
)
def test_what_is_no_correction_is_refused(
    phone_of: Make, unchanged: Unchanged, changes: dict[str, Any], errors: dict[str, str]
) -> None:
    phone = phone_of("an")
    with unchanged():
        body = assert_refused(phone.post("/v1/me/corrections", order(**changes)), 422, "invalid_input")
    assert field_errors(body) == errors


def test_a_register_that_does_not_know_them_is_told(phone_of: Make, unchanged: Unchanged) -> None:
    vang = phone_of("vang")
    with unchanged():
        assert_refused(vang.post("/v1/me/corrections", order(**RESIDENCE)), 409, "not_in_register")


def test_a_body_that_is_too_large_is_refused_and_other_operations_keep_their_limit(
    phone_of: Make, unchanged: Unchanged
) -> None:
    phone, reviewer = phone_of("an"), phone_of("reviewer1")
    with unchanged():
        large = order(explanation="x" * MAX_BODY)
        assert_refused(phone.post("/v1/me/corrections", large), 413, "body_too_large")
        decision = {"decision": "accept", "answer": "x" * 70_000}
        answered = reviewer.post(f"/v1/desk/corrections/{NOBODYS}/decision", decision)
        assert_refused(answered, 413, "body_too_large")


def test_an_eleventh_correction_in_a_day_is_refused(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    phone = phone_of("an")
    for _ in range(MOST_A_DAY):
        submit(phone, evidence=None)
    with unchanged():
        assert_refused(phone.post("/v1/me/corrections", order()), 429, "too_many_attempts")
    clock.advance(timedelta(days=1, seconds=1))
    assert submit(phone_of("an"), evidence=None)


def test_a_correction_needs_a_secret_and_a_key(phone_of: Make, client: FlaskClient, unchanged: Unchanged) -> None:
    weak = phone_of("an", password=False)
    with unchanged():
        assert_refused(client.post("/v1/me/corrections", json=order()), 401, "missing_token")
        assert_refused(weak.post("/v1/me/corrections", order()), 401, "step_up_required")
        assert_refused(weak.get("/v1/me/corrections"), 401, "step_up_required")
    phone = phone_of("an")
    with unchanged():
        assert_refused(phone.post("/v1/me/corrections", order(), key=None), 400, "idempotency_key_required")


def test_what_is_anothers_does_not_exist(phone_of: Make, unchanged: Unchanged) -> None:
    owner, stranger = phone_of("an"), phone_of("sau")
    made = submit(owner)
    theirs = submit(stranger)
    evidence = made["evidence"][0]["id"]
    with unchanged():
        for path in (
            f"/v1/me/corrections/{made['id']}",
            f"/v1/me/corrections/{NOBODYS}",
            f"/v1/me/corrections/{made['id']}/evidence/{evidence}",
            f"/v1/me/corrections/{theirs['id']}/evidence/{evidence}",
        ):
            assert_refused(stranger.get(path), 404, "not_found")
        assert_refused(owner.get(f"/v1/me/corrections/{made['id']}/evidence/evd_0"), 404, "not_found")
        cursor = owner.get("/v1/me/corrections?limit=1").json["next_cursor"]
        assert cursor is None
        assert [row["id"] for row in stranger.get("/v1/me/corrections").json["data"]] == [theirs["id"]]


def test_a_cursor_of_one_is_no_cursor_of_another(phone_of: Make, unchanged: Unchanged) -> None:
    owner, stranger = phone_of("an"), phone_of("sau")
    for _ in range(2):
        submit(owner, evidence=None)
    cursor = owner.get("/v1/me/corrections?limit=1").json["next_cursor"]
    reviewer = phone_of("reviewer1")
    with unchanged():
        assert_refused(stranger.get(f"/v1/me/corrections?cursor={cursor}"), 400, "invalid_cursor")
        assert_refused(reviewer.get(f"/v1/desk/corrections?cursor={cursor}"), 400, "invalid_cursor")


def test_a_guardian_corrects_for_a_ward_and_the_ward_is_told(phone_of: Make, wallet: Wallet) -> None:
    guardian, ward = phone_of("an"), phone_of("nho")
    account = ward.get("/v1/me").json["account_id"]
    acting = {"Acting-For": account}
    _make_guardian(wallet, guardian, account)
    made = guardian.post("/v1/me/corrections", order(evidence=None), headers=acting)
    assert made.status_code == 201, made.text
    assert guardian.get("/v1/me/corrections").json["data"] == []
    assert ward.get("/v1/me/corrections").json["data"][0]["id"] == made.json["id"]
    assert "correction_received" in {row["code"] for row in ward.get("/v1/notices").json["data"]}


# --- the agency ------------------------------------------------------------------------------------------------


def test_the_agency_reads_decides_and_the_holder_is_told(phone_of: Make, events: Events, wallet: Wallet) -> None:
    phone, reviewer = phone_of("an"), phone_of("reviewer1")
    made = submit(phone)
    queue = reviewer.get("/v1/desk/corrections").json["data"]
    assert [row["id"] for row in queue] == [made["id"]]
    assert phone.persona.number not in json.dumps(queue)
    read = reviewer.get(f"/v1/desk/corrections/{made['id']}")
    assert read.status_code == 200, read.text
    assert read.json["state"] == "forwarded"
    assert read.json["holder"] == {
        "full_name": phone.persona.name,
        "number": phone.persona.number,
        "birth_date": phone.persona.birth,
    }
    assert phone.get(f"/v1/me/corrections/{made['id']}").json["state"] == "forwarded"
    file_path = f"/v1/desk/corrections/{made['id']}/evidence/{made['evidence'][0]['id']}"
    assert hashlib.sha256(reviewer.get(file_path).data).hexdigest() == made["evidence"][0]["sha256"]
    decided = decide(reviewer, made["id"])
    assert decided.status_code == 200, decided.text
    seen = phone.get(f"/v1/me/corrections/{made['id']}").json
    assert seen["state"] == "accepted"
    assert seen["answer"] == "Đã đối chiếu hồ sơ gốc."
    assert "sửa thay" in seen["meaning"]["vi"], "the wallet changes no register, and says so"
    assert "correction_answered" in {row["code"] for row in phone.get("/v1/notices").json["data"]}
    (row,) = events("correction.decided")
    assert (row["decision"], row["subject"]) == ("accepted", made["id"])


def test_every_reading_is_recorded_with_its_purpose_and_the_holder_sees_it(phone_of: Make, events: Events) -> None:
    phone, reviewer = phone_of("an"), phone_of("reviewer1")
    made = submit(phone)
    for _ in range(2):
        reviewer.get(f"/v1/desk/corrections/{made['id']}")
    reviewer.get(f"/v1/desk/corrections/{made['id']}/evidence/{made['evidence'][0]['id']}")
    assert [row["purpose"] for row in events("correction.read")] == ["decide_correction"] * 3
    assert len(events("correction.forwarded")) == 1, "it is taken up once"
    whole = phone.post("/v1/me/exports", {}).json
    history = next(section["rows"] for section in whole["sections"] if section["code"] == "history")
    reads = [row for row in history if row["action"] == "correction.read"]
    assert [(row["actor"], row["purpose"]) for row in reads] == [("staff", "decide_correction")] * 3


def test_accepting_changes_no_register(phone_of: Make, wallet: Wallet) -> None:
    phone, reviewer = phone_of("an"), phone_of("reviewer1")
    made = submit(phone)
    register = wallet.registers[RegisterCode.POPULATION]
    before = register.read(phone.persona.number, GROUND)
    decide(reviewer, made["id"])
    assert register.read(phone.persona.number, GROUND) == before


def test_a_refusal_is_answered_too_and_ends_it(phone_of: Make, unchanged: Unchanged) -> None:
    phone, reviewer = phone_of("an"), phone_of("reviewer1")
    made = submit(phone)
    assert decide(reviewer, made["id"], "refuse").json["state"] == "refused"
    with unchanged():
        for decision in ("accept", "refuse"):
            assert_refused(decide(reviewer, made["id"], decision), 409, "correction_closed")
    assert phone.get(f"/v1/me/corrections/{made['id']}").json["state"] == "refused"


def test_the_queue_is_by_state_and_by_what_is_due_first(phone_of: Make, clock: FixedClock) -> None:
    reviewer = phone_of("reviewer1")
    made = []
    for key in ("an", "sau", "doi"):
        made.append(submit(phone_of(key), evidence=None)["id"])
        clock.advance(timedelta(days=1))
    reviewer = phone_of("reviewer1")
    first = reviewer.get("/v1/desk/corrections?limit=2").json
    second = reviewer.get(f"/v1/desk/corrections?limit=2&cursor={first['next_cursor']}").json
    assert [row["id"] for row in first["data"] + second["data"]] == made
    decide(reviewer, made[1], "refuse")
    assert [row["id"] for row in reviewer.get("/v1/desk/corrections?state=refused").json["data"]] == [made[1]]
    assert [row["id"] for row in reviewer.get("/v1/desk/corrections?state=received").json["data"]] == [
        made[0],
        made[2],
    ]


def test_an_agency_sees_and_decides_what_it_keeps_and_nothing_else(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    phone, reviewer, other = phone_of("an"), phone_of("reviewer1"), phone_of("approver1")
    appoint(wallet, other, OWNERS[RegisterCode.RESIDENCE])
    mine, theirs = submit(phone), submit(phone, **RESIDENCE)
    for caller, own, beyond in ((reviewer, mine, theirs), (other, theirs, mine)):
        with unchanged():
            assert [row["id"] for row in caller.get("/v1/desk/corrections").json["data"]] == [own["id"]]
            path = f"/v1/desk/corrections/{beyond['id']}"
            assert_refused(caller.get(path), 404, "not_found")
            assert_refused(caller.get(f"{path}/evidence/{beyond['evidence'][0]['id']}"), 404, "not_found")
            assert_refused(decide(caller, beyond["id"]), 404, "not_found")
    for caller, own in ((reviewer, mine), (other, theirs)):
        assert caller.get(f"/v1/desk/corrections/{own['id']}").status_code == 200
        assert decide(caller, own["id"]).status_code == 200
        assert phone.get(f"/v1/me/corrections/{own['id']}").json["state"] == "accepted"


def test_a_province_sees_and_decides_what_concerns_who_lives_there_and_nothing_else(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    here, elsewhere, country = phone_of("reviewer2"), phone_of("approver1"), phone_of("approver2")
    appoint(wallet, elsewhere, "commune_police", "40")
    appoint(wallet, country, "commune_police", "*")
    mine, theirs = submit(phone_of("an"), **RESIDENCE), submit(phone_of("tich"), **RESIDENCE)
    for caller, own, beyond in ((here, mine, theirs), (elsewhere, theirs, mine)):
        with unchanged():
            rows = caller.get("/v1/desk/corrections").json["data"]
            assert [row["id"] for row in rows] == [own["id"]]
            path = f"/v1/desk/corrections/{beyond['id']}"
            assert_refused(caller.get(path), 404, "not_found")
            assert_refused(caller.get(f"{path}/evidence/{beyond['evidence'][0]['id']}"), 404, "not_found")
            assert_refused(decide(caller, beyond["id"]), 404, "not_found")
    rows = country.get("/v1/desk/corrections").json["data"]
    assert {row["id"]: row["province"] for row in rows} == {mine["id"]: "01", theirs["id"]: "40"}
    assert decide(country, theirs["id"]).status_code == 200
    assert here.get(f"/v1/desk/corrections/{mine['id']}").json["province"] == "01"
    assert decide(here, mine["id"]).status_code == 200


def test_of_whom_no_province_is_known_only_the_whole_country_decides(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    phone, province, country = phone_of("vang"), phone_of("approver1"), phone_of("reviewer1")
    appoint(wallet, province, "c06")
    made = submit(phone)
    with unchanged():
        assert province.get("/v1/desk/corrections").json["data"] == []
        assert_refused(province.get(f"/v1/desk/corrections/{made['id']}"), 404, "not_found")
        assert_refused(decide(province, made["id"]), 404, "not_found")
    assert country.get(f"/v1/desk/corrections/{made['id']}").json["province"] == ""
    assert decide(country, made["id"]).status_code == 200


def test_a_reviewer_of_two_agencies_has_both_desks(phone_of: Make, wallet: Wallet, unchanged: Unchanged) -> None:
    phone, reviewer = phone_of("an"), phone_of("reviewer1")
    appoint(wallet, reviewer, "commune_police")
    made = [submit(phone, **RESIDENCE), submit(phone)]
    assert {row["id"] for row in reviewer.get("/v1/desk/corrections").json["data"]} == {each["id"] for each in made}
    for each in made:
        assert decide(reviewer, each["id"]).status_code == 200
    told = [row for row in phone.get("/v1/me/access-history").json["data"] if row["data"] == "correction"]
    assert {row["agency"] for row in told} == {"c06", "commune_police"}, "what a decision shows is read, for its agency"


def test_without_the_residence_register_a_correction_is_not_taken(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    """Nobody could say whose desk it lies on."""
    phone = phone_of("an")
    others = {code: each for code, each in wallet.registers.items() if code != RegisterCode.RESIDENCE}
    phone.client.application.extensions["wallet"] = replace(wallet, registers=others)
    before = phone.get("/v1/me/corrections").json
    assert_refused(phone.post("/v1/me/corrections", order()), 503, "source_unavailable")
    assert phone.get("/v1/me/corrections").json == before


def test_a_reviewer_of_an_agency_that_keeps_no_register_sees_nothing(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    made, caller = submit(phone_of("an")), phone_of("approver1")
    appoint(wallet, caller, "Cục Cảnh sát quản lý hành chính về trật tự xã hội")
    with unchanged():
        assert caller.get("/v1/desk/corrections").json == {"data": [], "next_cursor": None}
        assert_refused(caller.get(f"/v1/desk/corrections/{made['id']}"), 404, "not_found")
        assert_refused(decide(caller, made["id"]), 404, "not_found")


def test_s13_a_decision_needs_a_fresh_authentication(phone_of: Make, unchanged: Unchanged, clock: FixedClock) -> None:
    made, reviewer = submit(phone_of("an")), phone_of("reviewer1")
    clock.advance(minutes=5, seconds=1)
    with unchanged():
        assert_refused(decide(reviewer, made["id"]), 401, "step_up_required")
    reviewer.step_up()
    assert decide(reviewer, made["id"]).status_code == 200


@pytest.mark.parametrize("query", ["state=open", "state=", "limit=0", "holder_id=x", "state=received&state=refused"])
def test_a_question_that_is_none_is_refused(phone_of: Make, unchanged: Unchanged, query: str) -> None:
    reviewer = phone_of("reviewer1")
    with unchanged():
        response = reviewer.get(f"/v1/desk/corrections?{query}")
    assert response.status_code == 400, response.text


@pytest.mark.parametrize("key", ["an", "admin1", "officer1", "approver1"])
def test_only_a_reviewer_reads_and_decides(phone_of: Make, unchanged: Unchanged, key: str) -> None:
    made = submit(phone_of("sau"))
    caller = phone_of(key)
    with unchanged():
        for path in ("", f"/{made['id']}", f"/{made['id']}/evidence/{made['evidence'][0]['id']}"):
            assert_refused(caller.get(f"/v1/desk/corrections{path}"), 403, "not_allowed")
        assert_refused(decide(caller, made["id"]), 403, "not_allowed")


def test_nobody_reads_or_decides_their_own(phone_of: Make, unchanged: Unchanged, events: Events) -> None:
    reviewer = phone_of("reviewer1")
    made = submit(reviewer)
    with unchanged():
        assert_refused(reviewer.get(f"/v1/desk/corrections/{made['id']}"), 403, "not_for_oneself")
        path = f"/v1/desk/corrections/{made['id']}/evidence/{made['evidence'][0]['id']}"
        assert_refused(reviewer.get(path), 403, "not_for_oneself")
        assert_refused(decide(reviewer, made["id"]), 403, "not_for_oneself")
    assert events("correction.decided") == []


def test_nobody_decides_for_their_ward(phone_of: Make, unchanged: Unchanged, wallet: Wallet) -> None:
    reviewer, ward = phone_of("reviewer1"), phone_of("nho")
    made = submit(ward, evidence=None)
    _make_guardian(wallet, reviewer, ward.get("/v1/me").json["account_id"])
    with unchanged():
        assert_refused(decide(reviewer, made["id"]), 403, "not_for_oneself")


@pytest.mark.parametrize(
    ("body", "errors"),
    [
        ({"decision": "accept"}, {"/answer": "required"}),
        ({"answer": "Đã xem."}, {"/decision": "required"}),
        ({"decision": "maybe", "answer": "Đã xem."}, {"/decision": "not_a_choice"}),
        ({"decision": "refuse", "answer": " "}, {"/answer": "invalid_length"}),
        ({"decision": "refuse", "answer": "x" * 1001}, {"/answer": "invalid_length"}),
        ({"decision": "refuse", "answer": "Không\u202e"}, {"/answer": "not_plain_text"}),
        ({"decision": "accept", "answer": "Đã xem.", "value": "1"}, {"/value": "unknown_field"}),
    ],
)
def test_a_decision_that_is_none_is_refused(
    phone_of: Make, unchanged: Unchanged, body: dict[str, Any], errors: dict[str, str]
) -> None:
    made, reviewer = submit(phone_of("an")), phone_of("reviewer1")
    with unchanged():
        refused = reviewer.post(f"/v1/desk/corrections/{made['id']}/decision", body)
        assert field_errors(assert_refused(refused, 422, "invalid_input")) == errors


def test_what_does_not_exist_is_not_decided(phone_of: Make, unchanged: Unchanged) -> None:
    reviewer = phone_of("reviewer1")
    with unchanged():
        assert_refused(reviewer.get(f"/v1/desk/corrections/{NOBODYS}"), 404, "not_found")
        assert_refused(reviewer.get(f"/v1/desk/corrections/{NOBODYS}/evidence/evd_0"), 404, "not_found")
        assert_refused(decide(reviewer, NOBODYS), 404, "not_found")
        assert_refused(decide(reviewer, NOBODYS, key=None), 400, "idempotency_key_required")


# --- data ------------------------------------------------------------------------------------------------------


def test_every_owner_and_every_state_has_its_words() -> None:
    for language in ("vi", "en"):
        assert catalogue(language)["agencies"].keys() == set(OWNERS.values())
        assert catalogue(language)["correction_states"].keys() == {str(state) for state in CorrectionState}


def test_an_agency_that_keeps_a_register_has_a_reviewer_in_the_demo() -> None:
    reviewers = {each.key: each.agency for each in PERSONAS if each.staff_role is StaffRole.REVIEWER}
    assert reviewers["reviewer1"] == OWNERS[RegisterCode.POPULATION]
    assert set(reviewers.values()) >= {OWNERS[RegisterCode.POPULATION], OWNERS[RegisterCode.RESIDENCE]}


def test_states_lead_to_an_end() -> None:
    assert NEXT.keys() == set(CorrectionState)
    assert {state for state, following in NEXT.items() if following} == set(OPEN)


def appoint(wallet: Wallet, phone: CitizenPhone, agency: str, province: str = "01") -> None:
    """Let somebody review for an agency, in a province."""
    with wallet.work() as work:
        account = phone.get("/v1/me").json["account_id"]
        work.accounts.grant(account, Grant(StaffRole.REVIEWER, agency, province), Actor("system", request_id="test"))


def _make_guardian(wallet: Wallet, guardian: CitizenPhone, ward_account: str) -> None:
    with wallet.work() as work:
        account = guardian.get("/v1/me").json["account_id"]
        work.guardians.begin(account, ward_account, Relation.GUARDIAN, Actor("system", request_id="test"))
