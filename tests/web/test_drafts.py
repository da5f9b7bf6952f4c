"""A request while it is its citizen's own: drafted, edited, with files, sent once, thrown away; and nobody else's."""

import base64
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import AbstractContextManager
from datetime import UTC, datetime
from io import BytesIO
from typing import Any

import pytest
from PIL import Image

from tests.documents.people import actor_of, admin_of
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from wallet.errors import Conflict
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]

JUDICIAL = "judicial_record"
ANSWERS: dict[str, Any] = {
    "kind": "no_1",
    "purpose": "job_application",
    "ban_information": False,
    "copies": "electronic",
    "occupations": [{"from_day": "2015-09-01", "job": "Kế toán"}],
}


def picture() -> str:
    drawn = BytesIO()
    Image.new("RGB", (24, 16), "white").save(drawn, "PNG", pnginfo=None)
    return base64.b64encode(drawn.getvalue()).decode()


def draft(phone: CitizenPhone, answers: Any = None, **more: Any) -> dict[str, Any]:
    response = phone.post("/v1/requests", {"utility": JUDICIAL, "answers": answers or {}, "draft": True, **more})
    assert response.status_code == 201, response.text
    return response.json or {}


def edit(phone: CitizenPhone, made: dict[str, Any], answers: Any, version: str = "") -> Any:
    path = f"/v1/requests/{made['id']}"
    etag = version or phone.get(path).headers["ETag"]
    return phone.call("PATCH", path, json={"answers": answers}, headers={"If-Match": etag})


def add_file(phone: CitizenPhone, made: dict[str, Any], field: str = "authority", **changes: Any) -> Any:
    order = {"field": field, "media_type": "image/png", "content": picture(), **changes}
    return phone.post(f"/v1/requests/{made['id']}/files", order)


def test_a_draft_is_kept_and_edited_and_sent_once(phone_of: Make) -> None:
    phone = phone_of("an")
    made = draft(phone)
    assert (made["state"], made["state_name"]["vi"]) == ("draft", "Lưu nháp")
    assert "due_at" not in made
    edited = edit(phone, made, ANSWERS)
    assert edited.status_code == 200, edited.text
    assert edited.json["answers"] == ANSWERS
    assert edited.headers["ETag"] == '"v2"'
    without = edit(phone, made, {"purpose": None}).json["answers"]
    assert "purpose" not in without
    assert_refused(phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"}), 422, "invalid_input")
    edit(phone, made, {"purpose": "visa"})
    key = "send-once"
    first = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"}, key=key)
    again = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"}, key=key)
    assert first.status_code == 200, first.text
    assert first.json == again.json
    assert again.headers["Idempotent-Replayed"] == "true"
    whole = phone.get(f"/v1/requests/{made['id']}").json
    assert [entry["action"] for entry in whole["timeline"]][-1] in ("submit", "ask_payment")
    assert_refused(edit(phone, made, {"purpose": "job_application"}), 409, "not_editable")
    assert_refused(phone.call("DELETE", f"/v1/requests/{made['id']}"), 409, "not_editable")


def test_a_draft_that_is_being_sent_is_not_thrown_away(phone_of: Make, wallet: Wallet) -> None:
    """Thrown away while the sending is under way and not yet written: it waits, and then there is no draft any more."""
    phone = phone_of("an")
    made = draft(phone, ANSWERS)
    holder = actor_of(wallet)

    def throw_away() -> str:
        try:
            with wallet.work() as work:
                work.requests.discard(made["id"], holder)
        except Conflict as refused:
            return refused.code
        return "thrown away"

    with ThreadPoolExecutor(1) as pool:
        with wallet.work() as work:
            work.requests.act(made["id"], "submit", holder)
            throwing = pool.submit(throw_away)
            assert not wait([throwing], timeout=1).done
        assert throwing.result(timeout=30) == "not_editable"
    whole = phone.get(f"/v1/requests/{made['id']}").json
    assert whole["state"] != "draft"
    assert whole["timeline"]


def test_a_draft_is_sent_under_the_rules_of_the_day_on_which_it_is_sent(phone_of: Make, clock: FixedClock) -> None:
    phone = phone_of("an")
    made = draft(phone, ANSWERS)
    assert made["rules_version"] == "2010-07"
    clock.set(datetime(2026, 7, 2, 2, tzinfo=UTC))
    phone.sign_in()
    sent = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"}).json
    assert (sent["state"], sent["rules_version"], sent["due_at"]) == ("submitted", "2026-07", "2026-07-07T17:00:00Z")


def test_two_editors_do_not_overwrite_one_another(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    made = draft(phone)
    assert edit(phone, made, {"purpose": "job_application"}, '"v1"').status_code == 200
    with unchanged():
        assert_refused(edit(phone, made, {"purpose": "visa"}, '"v1"'), 412, "version_changed")
        missing = phone.call("PATCH", f"/v1/requests/{made['id']}", json={"answers": {}})
        assert_refused(missing, 428, "if_match_required")


@pytest.mark.parametrize(
    ("answers", "faults"),
    [
        ({"kind": "no_3"}, {"/answers/kind": "not_a_choice"}),
        ({"kind": 1, "copies": []}, {"/answers/kind": "invalid_type", "/answers/copies": "invalid_type"}),
        ({"paper_copies": 2}, {"/answers/paper_copies": "not_asked"}),
        (
            {"copies": "electronic_and_paper", "paper_copies": 21},
            {"/answers/paper_copies": "out_of_range"},
        ),
        (
            {"no_such_field": 1, "office": "99"},
            {"/answers/no_such_field": "unknown_field", "/answers/office": "unknown_place"},
        ),
        ({"occupations": [{}, 5]}, {"/answers/occupations/1": "invalid_type"}),
        ({"email": "nobody"}, {"/answers/email": "invalid_format"}),
        ({"purpose_other": "tham quan"}, {"/answers/purpose_other": "not_asked"}),
    ],
)
@pytest.mark.parametrize("language", ["vi", "en"])
def test_every_fault_of_a_draft_is_told_at_once_and_nothing_is_stored(
    phone_of: Make, unchanged: Unchanged, answers: Any, faults: dict[str, str], language: str
) -> None:
    phone = phone_of("an")
    order = {"utility": JUDICIAL, "answers": answers, "draft": True}
    with unchanged():
        response = phone.post("/v1/requests", order, headers={"Accept-Language": language})
        body = assert_refused(response, 422, "invalid_input", language=language)
    assert {each["pointer"]: each["code"] for each in body["errors"]} == faults
    assert all(each["detail"] for each in body["errors"])


def test_what_a_register_holds_is_neither_asked_nor_taken(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    form = {each["name"]: each for each in phone.get(f"/v1/me/utilities/{JUDICIAL}/form").json["data"]}
    held = [name for name, question in form.items() if question["held"]]
    assert held == ["residence_history"]
    assert form["residence_history"]["source"] == "residence"
    assert form["residence_history"]["as_of"]
    assert form["residence_history"]["value"]
    given = {**ANSWERS, "residence_history": []}
    with unchanged():
        response = phone.post("/v1/requests", {"utility": JUDICIAL, "answers": given})
        body = assert_refused(response, 422, "invalid_input")
    assert "/answers/residence_history" in {each["pointer"] for each in body["errors"]}


def test_files_belong_to_a_field_and_are_cleaned(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    made = draft(phone)
    stored = add_file(phone, made)
    assert stored.status_code == 201, stored.text
    file_id = stored.json["id"]
    back = phone.get(f"/v1/requests/{made['id']}/files/{file_id}")
    assert back.headers["Content-Disposition"] == f'attachment; filename="{file_id}.png"'
    assert back.data.startswith(b"\x89PNG")
    with unchanged():
        assert_refused(add_file(phone, made, "purpose"), 422, "invalid_input")
        assert_refused(add_file(phone, made, content="JVBERi0xLjcK"), 422, "invalid_input")
        assert_refused(add_file(phone, made, media_type="image/svg+xml"), 422, "invalid_input")
    assert edit(phone, made, {"authority": [file_id]}).status_code == 200
    with unchanged():
        gone = phone.call("DELETE", f"/v1/requests/{made['id']}/files/{file_id}")
        assert_refused(gone, 409, "file_in_use")
    edit(phone, made, {"authority": None})
    assert phone.call("DELETE", f"/v1/requests/{made['id']}/files/{file_id}").status_code == 204
    assert_refused(phone.get(f"/v1/requests/{made['id']}/files/{file_id}"), 404, "not_found")


def test_file_of_another_request_is_unknown(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    other = draft(phone)
    file_id = add_file(phone, other).json["id"]
    with unchanged():
        response = phone.post("/v1/requests", {"utility": JUDICIAL, "answers": {**ANSWERS, "authority": [file_id]}})
        body = assert_refused(response, 422, "invalid_input")
    assert [(each["pointer"], each["code"]) for each in body["errors"]] == [("/answers/authority", "unknown_file")]


def test_a_draft_is_nobody_elses(phone_of: Make, unchanged: Unchanged) -> None:
    owner, stranger = phone_of("an"), phone_of("sau")
    made = draft(owner)
    file_id = add_file(owner, made).json["id"]
    nowhere = {"id": "req_" + "0" * 32}
    with unchanged():
        bodies = []
        for target in (made, nowhere):
            path = f"/v1/requests/{target['id']}"
            answers = (
                edit(stranger, target, {"purpose": "job_application"}, '"v1"'),
                stranger.call("DELETE", path),
                stranger.get(f"{path}/files/{file_id}"),
                stranger.call("DELETE", f"{path}/files/{file_id}"),
                stranger.post(f"{path}/moves", {"action": "submit"}),
                stranger.get(f"{path}/payments"),
                stranger.post(f"{path}/payments"),
                add_file(stranger, target),
            )
            refusals = [assert_refused(answer, 404, "not_found") for answer in answers]
            bodies.append([{n: v for n, v in each.items() if n not in ("request_id", "instance")} for each in refusals])
        assert bodies[0] == bodies[1]


def test_a_draft_is_thrown_away_with_its_files(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    made = draft(phone)
    add_file(phone, made)
    assert phone.call("DELETE", f"/v1/requests/{made['id']}").status_code == 204
    assert_refused(phone.get(f"/v1/requests/{made['id']}"), 404, "not_found")
    with wallet.read() as work:
        assert work.request_services.rows.files(made["id"]) == []


def test_nothing_is_drafted_for_what_is_closed_or_above_ones_level(
    phone_of: Make, unchanged: Unchanged, wallet: Wallet
) -> None:
    order = {"utility": JUDICIAL, "draft": True}
    low, weak, phone = phone_of("binh"), phone_of("an", password=False), phone_of("an")
    with unchanged():
        assert_refused(low.post("/v1/requests", order), 403, "level_too_low")
        assert_refused(weak.post("/v1/requests", order), 401, "step_up_required")
        for capacity, status, code in (("business", 403, "capacity_not_allowed"), ("proxy", 422, "invalid_input")):
            assert_refused(phone.post("/v1/requests", {**order, "capacity": capacity}), status, code)
    with wallet.work() as work:
        work.launching.pause(JUDICIAL, "Tạm dừng để thử", None, admin_of(wallet))
    with unchanged():
        assert_refused(phone.post("/v1/requests", order), 409, "utility_disabled")


def test_drafts_have_an_end(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    for _ in range(50):
        draft(phone)
    with unchanged():
        assert_refused(phone.post("/v1/requests", {"utility": JUDICIAL, "draft": True}), 409, "too_many_drafts")


def test_what_was_not_asked_is_counted(phone_of: Make) -> None:
    """Published: 1.13 % and 10.35 % (docs/domain.md, section 1e). Here a register answers what it holds."""
    phone, admin = phone_of("an"), phone_of("admin1")
    phone.post("/v1/requests", {"utility": JUDICIAL, "answers": ANSWERS})
    draft(phone, ANSWERS)
    whole, *each = admin.get("/v1/admin/reuse").json["data"]
    counted = {row["utility"]: row for row in each}
    assert counted[JUDICIAL] == {"utility": JUDICIAL, "held": 1, "asked": 5, "rate": 0.1667}
    assert whole["held"] == sum(row["held"] for row in each)
    assert_refused(phone.get("/v1/admin/reuse"), 403, "not_allowed")
    assert_refused(admin.get("/v1/admin/reuse?days=0"), 400, "invalid_parameter")
