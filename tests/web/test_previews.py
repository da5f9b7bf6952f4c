"""A draft before it is sent: what is missing, what it costs, by when it is answered, what is doubtful; and the doubts
that go with it to the desk."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import update

from tests.launching.people import OFF, PAUSED, PILOT, RETIRED, agreed
from tests.phone import CitizenPhone
from tests.support import FixedClock
from tests.web.refusals import assert_refused
from tests.web.test_drafts import ANSWERS, JUDICIAL, add_file, draft, edit
from tests.web.test_lodging import MOTHER, order
from tests.web.test_review_desk import claim, decide, opened, paid
from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.personas import persona
from wallet.launching.audience import Audience
from wallet.launching.states import LaunchState
from wallet.requests.models import RequestRow
from wallet.sources.models import Citizen, Residence
from wallet.utilities.base import Capacity
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.plugin import Plugin
from wallet.web.app import create_app
from wallet.wiring import Wallet
from wallet.working_days import ZONE

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
YEAR, SEX = "birth_year_unlike_number", "sex_unlike_number"


def preview(phone: CitizenPhone, made: dict[str, Any]) -> dict[str, Any]:
    response = phone.get(f"/v1/requests/{made['id']}/preview")
    assert response.status_code == 200, response.text
    return response.json or {}


def lodging(phone: CitizenPhone, guest: dict[str, Any] = MOTHER) -> dict[str, Any]:
    response = phone.post("/v1/requests", order(guest) | {"draft": True})
    assert response.status_code == 201, response.text
    return response.json or {}


def codes(found: list[dict[str, Any]]) -> dict[str, str]:
    assert all(each["text"].keys() == {"vi", "en"} and all(each["text"].values()) for each in found)
    return {each["pointer"]: each["code"] for each in found}


def test_a_draft_says_fee_and_day_and_then_keeps_them(phone_of: Make) -> None:
    phone = phone_of("an")
    made = draft(phone, ANSWERS)
    seen = preview(phone, made)
    assert (seen["ready"], seen["errors"], seen["warnings"], seen["expected"]) == (True, [], [], [])
    assert ([line["code"] for line in seen["fee"]], seen["fee_due"]) == (["fee"], 200_000)
    sent = paid(phone)
    assert (sent["fee"], sent["fee_due"], sent["due_at"]) == (seen["fee"], seen["fee_due"], seen["due_at"])


def test_a_draft_that_is_not_whole_says_everything_that_is_missing_and_still_the_day(phone_of: Make) -> None:
    phone = phone_of("an")
    seen = preview(phone, draft(phone, {"kind": "no_1", "copies": "electronic"}))
    assert seen["ready"] is False
    missing = {"purpose", "ban_information", "occupations"}
    assert codes(seen["errors"]) == {f"/answers/{name}": "required" for name in missing}
    assert seen["due_at"] == "2026-03-16T17:00:00Z"
    assert "fee" not in seen
    assert "fee_due" not in seen


def test_what_the_plug_in_would_refuse_is_told_in_its_words(phone_of: Make) -> None:
    phone = phone_of("an")
    made = lodging(phone, MOTHER | {"nationality": "Pháp", "leaves_on": "2026-02-01"})
    seen = preview(phone, made)
    found = codes(seen["errors"])
    assert found == {
        "/answers/guests/0/nationality": "foreigner_na17",
        "/answers/guests/0/leaves_on": "leaves_before_arrival",
    }
    assert any("NA17" in each["text"]["vi"] for each in seen["errors"])


@pytest.mark.parametrize(
    ("arrival", "minute", "before", "timeliness"),
    [
        ("2026-03-02T22:59:00+07:00", "2026-03-02 22:30", "2026-03-02T16:00:00Z", "Đúng hạn"),
        ("2026-03-02T22:59:00+07:00", "2026-03-02 23:00", "2026-03-02T16:00:00Z", "Quá hạn"),
        ("2026-03-02T23:00:00+07:00", "2026-03-03 07:59", "2026-03-03T01:00:00Z", "Đúng hạn"),
        ("2026-03-02T23:01:00+07:00", "2026-03-03 08:00", "2026-03-03T01:00:00Z", "Quá hạn"),
        ("2026-03-03T00:30:00+07:00", "2026-03-03 01:00", "2026-03-03T01:00:00Z", "Đúng hạn"),
    ],
)
def test_a_lodging_notice_says_before_it_is_sent_when_it_is_late(
    phone_of: Make, clock: FixedClock, arrival: str, minute: str, before: str, timeliness: str
) -> None:
    clock.set(datetime.strptime(minute, "%Y-%m-%d %H:%M").replace(tzinfo=ZONE).astimezone(UTC))
    phone = phone_of("an")
    made = lodging(phone, MOTHER | {"arrived_at": arrival})
    seen = preview(phone, made)
    told = {each["name"]: each["value"] for each in seen["expected"]}
    assert (told["notify_before"], told["timeliness"], told["guest_count"]) == (before, timeliness, 1)
    assert (seen["fee"], seen["fee_due"], "due_at" in seen) == ([], 0, False)
    sent = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"}).json or {}
    claims = (phone.get(f"/v1/documents/{sent['document_id']}").json or {})["claims"]
    assert claims["timeliness"] == timeliness


def test_a_preview_keeps_nothing(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    drafts = [draft(phone, ANSWERS), draft(phone, {"kind": "no_1"}), lodging(phone)]
    with unchanged():
        for made in drafts:
            preview(phone, made)


def test_of_what_was_sent_there_is_no_preview(phone_of: Make, unchanged: Unchanged) -> None:
    phone = phone_of("an")
    sent = phone.post("/v1/requests", {"utility": "residence"}).json or {}
    with unchanged():
        assert_refused(phone.get(f"/v1/requests/{sent['id']}/preview"), 409, "not_editable")


def test_anothers_draft_has_no_preview_and_a_device_alone_reads_no_register(
    phone_of: Make, unchanged: Unchanged
) -> None:
    made = draft(phone_of("an"), ANSWERS)
    stranger, alone = phone_of("doi"), phone_of("an", password=False)
    with unchanged():
        assert_refused(stranger.get(f"/v1/requests/{made['id']}/preview"), 404, "not_found")
        assert_refused(stranger.get(f"/v1/requests/req_{'0' * 32}/preview"), 404, "not_found")
        assert_refused(alone.get(f"/v1/requests/{made['id']}/preview"), 401, "step_up_required")


def test_what_is_to_be_supplemented_has_a_preview_too(phone_of: Make, clock: FixedClock) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "request_supplement", reason="history_incomplete", note="Thiếu nơi làm việc.")
    clock.advance(days=14)
    citizen.sign_in()
    seen = preview(citizen, request)
    again = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"}).json or {}
    assert seen["due_at"] == again["due_at"] > request["due_at"]


def test_a_draft_is_weighed_and_sent_under_the_rules_of_the_day(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    """Begun before 1 July 2026 and sent after it: the new law counts, its term and its support (3 days, Hà Nội)."""
    phone = phone_of("an")
    made = draft(phone, ANSWERS)
    assert made["rules_version"] == "2010-07"
    assert preview(phone, made)["fee_due"] == 200_000
    clock.set(datetime(2026, 7, 1, 3, tzinfo=UTC))
    phone.sign_in()
    seen = preview(phone, made)
    assert (seen["fee_due"], seen["due_at"]) == (0, "2026-07-06T17:00:00Z")
    sent = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"}).json or {}
    assert (sent["rules_version"], sent["fee_due"], sent["due_at"]) == ("2026-07", 0, "2026-07-06T17:00:00Z")


# --- What cannot be sent ----------------------------------------------------------------------------------------------


def refused_alike(phone: CitizenPhone, made: dict[str, Any], status: int, code: str) -> None:
    """Hold a draft to be refused in one way, looked at ahead and sent."""
    path = f"/v1/requests/{made['id']}"
    ahead = assert_refused(phone.get(f"{path}/preview"), status, code)
    told = assert_refused(phone.post(f"{path}/moves", {"action": "submit"}), status, code)
    named = {"code", "title", "detail", "missing", "notice", "capacity", "needed"}
    assert {name: ahead.get(name) for name in named} == {name: told.get(name) for name in named}


@pytest.mark.parametrize("stands", [OFF, PAUSED, RETIRED])
def test_a_draft_of_what_takes_nothing_is_refused_ahead_as_it_is_when_sent(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged, stands: LaunchState
) -> None:
    phone = phone_of("an")
    judicial, notice = draft(phone, ANSWERS), lodging(phone)
    assert preview(phone, judicial)["ready"] is True
    for code in (JUDICIAL, "lodging_notice"):
        agreed(wallet, stands, code=code)
    with unchanged():
        refused_alike(phone, judicial, 409, "utility_disabled")
        refused_alike(phone, notice, 409, "utility_disabled")


def test_a_draft_of_whom_a_pilot_leaves_out_is_refused_ahead(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    inside, outside = phone_of("an"), phone_of("sau")
    within, without = draft(inside, ANSWERS), draft(outside, ANSWERS)
    tested = frozenset({inside.get("/v1/me").json["account_id"]})
    agreed(wallet, PILOT, code=JUDICIAL, audience=Audience(permille=0, testers=tested))
    with unchanged():
        refused_alike(outside, without, 403, "not_in_pilot")
        assert preview(inside, within)["ready"] is True


def test_a_draft_as_what_nobody_may_apply_any_more_is_refused_ahead(
    phone_of: Make, wallet: Wallet, unchanged: Unchanged
) -> None:
    phone = phone_of("an")
    made = draft(phone, ANSWERS, capacity="proxy", about=about("sau"))
    plugin = wallet.catalogue.plugin(JUDICIAL)
    theirs = replace(plugin, utility=replace(plugin.utility, who=plugin.utility.who - {Capacity.PROXY}))
    plugins = {each.utility.code: each for each in wallet.catalogue} | {JUDICIAL: theirs}
    phone.client = create_app(replace(wallet, catalogue=Catalogue(plugins))).test_client()
    with unchanged():
        refused_alike(phone, made, 403, "capacity_not_allowed")


def test_a_supplement_has_its_preview_while_nothing_new_is_taken(phone_of: Make, wallet: Wallet) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer3")
    request = paid(citizen)
    claim(officer, request)
    decide(officer, request, "request_supplement", reason="history_incomplete", note="Thiếu nơi làm việc.")
    agreed(wallet, PAUSED, code=JUDICIAL)
    assert preview(citizen, request)["ready"] is True
    sent_again = citizen.post(f"/v1/requests/{request['id']}/moves", {"action": "supplement"})
    assert sent_again.status_code == 200, sent_again.text


# --- What is doubtful -------------------------------------------------------------------------------------------------

CORRECTED = MOTHER | {"birth_date": "1961-01-01", "sex": "male", "relation": "none"}
DOUBTS = {"/answers/guests/0/birth_date": YEAR, "/answers/guests/0/sex": SEX}


def test_a_number_unlike_birth_and_sex_is_taken_and_told_before_and_after(phone_of: Make) -> None:
    phone = phone_of("an")
    made = lodging(phone, CORRECTED)
    seen = preview(phone, made)
    assert seen["ready"] is True
    assert codes(seen["warnings"]) == DOUBTS
    whole = phone.get(f"/v1/requests/{made['id']}").json or {}
    assert whole["warnings"] == []
    sent = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"})
    assert sent.status_code == 200, sent.text
    whole = phone.get(f"/v1/requests/{made['id']}").json or {}
    assert codes(whole["warnings"]) == DOUBTS
    assert "Hồ sơ vẫn được nhận" in whole["warnings"][0]["text"]["vi"]


def test_the_officer_sees_the_same_doubts_beside_the_answers(phone_of: Make) -> None:
    citizen, officer = phone_of("an"), phone_of("reviewer2")
    sent = citizen.post("/v1/requests", order(CORRECTED)).json or {}
    assert codes(opened(officer, sent).json["warnings"]) == DOUBTS


def test_doubts_are_stored_under_the_holders_key_alone(phone_of: Make, wallet: Wallet) -> None:
    phone = phone_of("an")
    sent = phone.post("/v1/requests", order(CORRECTED)).json or {}
    with wallet.db.read() as session:
        row = session.get(RequestRow, sent["id"])
        assert row is not None
        stored = [getattr(row, column.name) for column in RequestRow.__table__.columns]
    assert "unlike_number" not in repr(stored)


def test_a_notice_without_a_doubt_has_none(phone_of: Make) -> None:
    phone = phone_of("an")
    sent = phone.post("/v1/requests", order()).json or {}
    assert (phone.get(f"/v1/requests/{sent['id']}").json or {})["warnings"] == []


SEX_DETERMINED_ANEW = {
    "number": EDGE_CASES["sex_digit_disagrees"].number,
    "full_name": "Mai Mẫu Bình",
    "birth_date": "1989-02-11",
}


def test_a_relative_for_whom_a_proxy_asks_is_held_against_the_number_too(phone_of: Make, wallet: Wallet) -> None:
    with wallet.nation.write() as session:
        married = update(Citizen).where(Citizen.number == persona("an").number)
        session.execute(married.values(spouse_number=SEX_DETERMINED_ANEW["number"]))
    phone = phone_of("an")
    made = draft(phone, ANSWERS, capacity="proxy", about=SEX_DETERMINED_ANEW)
    seen = preview(phone, made)
    assert (seen["ready"], codes(seen["warnings"])) == (True, {"/about/number": SEX})


def test_a_stranger_does_not_learn_that_somebodys_sex_was_determined_anew(phone_of: Make) -> None:
    phone = phone_of("an")
    made = draft(phone, ANSWERS, capacity="proxy", about=SEX_DETERMINED_ANEW)
    before = preview(phone, made)
    assert codes(before["errors"]) == {"/answers/authority": "authority_required"}
    file = add_file(phone, made).json
    assert edit(phone, made, {"authority": [file["id"]]}).status_code == 200
    seen = preview(phone, made)
    assert (seen["ready"], codes(seen["warnings"])) == (True, {})
    assert sent(phone, made)["state"] == "awaiting_payment"
    assert (phone.get(f"/v1/requests/{made['id']}").json or {})["warnings"] == []


# --- What a proxy does not learn --------------------------------------------------------------------------------------

REGULAR = [("fee", 200_000), ("reductions_later", 0)]


def lines(found: dict[str, Any]) -> list[tuple[str, int]]:
    assert all(line["name"]["vi"] != line["name"]["en"] for line in found["fee"])
    return [(line["code"], line["amount"]) for line in found["fee"]]


def about(key: str) -> dict[str, str]:
    someone = persona(key)
    return {"number": someone.number, "full_name": someone.name, "birth_date": someone.birth}


def by_proxy(phone: CitizenPhone, key: str, *, authority: bool = True) -> dict[str, Any]:
    made = draft(phone, ANSWERS, capacity="proxy", about=about(key))
    if authority:
        file = add_file(phone, made).json
        assert edit(phone, made, {"authority": [file["id"]]}).status_code == 200
    return made


def sent(phone: CitizenPhone, made: dict[str, Any]) -> dict[str, Any]:
    response = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"})
    assert response.status_code == 200, response.text
    return response.json or {}


@pytest.mark.parametrize(
    ("whom", "why"), [("doi", "of a poor household"), ("moi", "a student"), ("tich", "nothing frees them")]
)
def test_whoever_acts_for_a_stranger_is_told_the_regular_fee_whatever_frees_the_person(
    phone_of: Make, whom: str, why: str
) -> None:
    phone = phone_of("an")
    made = by_proxy(phone, whom)
    seen = preview(phone, made)
    assert (seen["ready"], lines(seen), seen["fee_due"], seen["expected"]) == (True, REGULAR, 200_000, []), why
    assert "xác minh" in seen["fee"][1]["name"]["vi"]
    answered = sent(phone, made)
    assert (answered["state"], lines(answered), answered["fee_due"]) == ("awaiting_payment", REGULAR, 200_000)
    whole = phone.get(f"/v1/requests/{made['id']}").json or {}
    assert (lines(whole), whole["fee_due"]) == (REGULAR, 200_000)


def test_where_the_person_lives_is_not_told_by_a_city_that_pays(phone_of: Make, clock: FixedClock) -> None:
    clock.set(datetime(2026, 11, 20, 2, tzinfo=UTC))
    own, stranger = phone_of("an"), phone_of("doi")
    assert preview(own, draft(own, ANSWERS))["fee_due"] == 0, "Hà Nội pays for him"
    seen = preview(stranger, by_proxy(stranger, "an"))
    assert (lines(seen), seen["fee_due"]) == (REGULAR, 200_000)


def test_the_city_pays_for_citizens_and_for_no_foreigner_who_lives_there(
    phone_of: Make, wallet: Wallet, clock: FixedClock
) -> None:
    """Docs/domain.md, section 1b."""
    clock.set(datetime(2026, 11, 20, 2, tzinfo=UTC))
    with wallet.nation.write() as session:
        moved = update(Residence).where(Residence.number == persona("marie").number)
        session.execute(moved.values(permanent_province_code="01"))
    for key, due in (("an", 0), ("marie", 200_000)):
        phone = phone_of(key)
        made = draft(phone, ANSWERS)
        assert (preview(phone, made)["fee_due"], sent(phone, made)["fee_due"]) == (due, due)


def test_what_the_proxy_had_to_know_counts(phone_of: Make) -> None:
    """Born in 1948: whoever states the year of birth, and the register has it likewise, learns nothing from the fee."""
    phone = phone_of("an")
    assert lines(preview(phone, by_proxy(phone, "sau"))) == [("exempt", 0)]


def test_whom_a_register_calls_a_relative_is_told_what_it_costs(phone_of: Make, wallet: Wallet) -> None:
    with wallet.nation.write() as session:
        married = update(Citizen).where(Citizen.number == persona("an").number)
        session.execute(married.values(spouse_number=persona("doi").number))
    phone = phone_of("an")
    seen = preview(phone, by_proxy(phone, "doi", authority=False))
    assert (lines(seen), seen["fee_due"]) == ([("exempt", 0)], 0)


def test_who_applies_for_themselves_is_told_what_it_costs(phone_of: Make) -> None:
    phone = phone_of("doi")
    assert lines(preview(phone, draft(phone, ANSWERS))) == [("exempt", 0)]


def test_third_party_words_are_used_for_third_party_doubts(phone_of: Make, wallet: Wallet) -> None:
    """A plug-in may warn of whatever it likes, in words of its own."""
    plugin = wallet.catalogue.plugin("lodging_notice")
    words = {"vi": {"warnings": {"crowded": "Đông người."}}, "en": {"warnings": {"crowded": "Crowded."}}}
    texts = {language: {**plugin.texts[language], **words[language]} for language in ("vi", "en")}
    crowded = replace(plugin.utility, warn=lambda case: {"guests": "crowded"})
    ours = {each.utility.code: each for each in wallet.catalogue}
    changed = replace(wallet, catalogue=Catalogue({**ours, "lodging_notice": Plugin(crowded, texts, plugin.module)}))
    phone = phone_of("an")
    phone.client = create_app(changed).test_client()
    made = lodging(phone)
    assert preview(phone, made)["warnings"] == [
        {"pointer": "/answers/guests", "code": "crowded", "text": {"vi": "Đông người.", "en": "Crowded."}}
    ]


def test_days_are_read_as_days(phone_of: Make) -> None:
    seen = preview(phone_of("an"), lodging(phone_of("an")))
    told = {each["name"]: each["value"] for each in seen["expected"]}
    assert date.fromisoformat(told["stay_from"]) == date(2026, 3, 2)
