"""Bad input to each form: every fault in one answer, in both languages, by JSON Pointer, and nothing stored; for a body
that cannot be read itself no register is read."""

from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

import pytest

from tests.documents.people import saying
from tests.phone import CitizenPhone
from tests.web.refusals import assert_refused, field_errors
from tests.web.test_drafts import ANSWERS, JUDICIAL, add_file, draft, edit
from wallet.demo.personas import persona
from wallet.sources.base import RegisterCode
from wallet.utilities.catalogue import Catalogue
from wallet.web.app import create_app
from wallet.wiring import Wallet

Make = Callable[..., CitizenPhone]
Unchanged = Callable[[], AbstractContextManager[None]]
Events = Callable[[str], list[dict[str, Any]]]

NO_FILE = f"evd_{'0' * 32}"
LINKED = ("driving_licence", "health_book", "vehicle_registration")
GUEST: dict[str, Any] = {
    "full_name": "Lê Thị Hoà",
    "document_kind": "number",
    "document_number": "99155000123",
    "birth_date": "2055-08-20",
    "sex": "female",
    "nationality": "Pháp",
    "address": "Thôn 3, Xã Bát Tràng",
    "reason": "Thăm con cháu",
    "arrived_at": "2026-03-02T10:30:00+07:00",
    "leaves_on": "2026-02-05",
}
WRONG_GUEST = {
    "/answers/guests/0/birth_date": "born_in_future",
    "/answers/guests/0/document_number": "number_lost_digits",
    "/answers/guests/0/leaves_on": "leaves_before_arrival",
    "/answers/guests/0/nationality": "foreigner_na17",
}

UNREADABLE: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
    "birth_linked": (
        {"notice_id": 5, "child_name": "X1", "residence_with": "uncle", "agreement": [NO_FILE]},
        {
            "/answers/notice_id": "invalid_type",
            "/answers/child_name": "no_name",
            "/answers/residence_with": "not_a_choice",
            "/answers/first_care_facility": "required",
            "/answers/agreement": "unknown_file",
        },
    ),
    "driving_licence": (
        {"licence_number": 5, "more": 1},
        {"/answers/licence_number": "invalid_type", "/answers/more": "unknown_field"},
    ),
    "health_book": (
        {"paper": "health_summary", "purpose": "school", "groups": ["visits"], "visit_id": "x", "more": 1},
        {
            "/answers/groups": "not_for_purpose",
            "/answers/visit_id": "not_asked",
            "/answers/more": "unknown_field",
        },
    ),
    "health_insurance_card": (
        {"details_are_right": False, "more": 1},
        {"/answers/details_are_right": "ask_for_correction", "/answers/more": "unknown_field"},
    ),
    "identity": ({"full_name": "Nguyễn Văn An"}, {"/answers/full_name": "unknown_field"}),
    "judicial_record": (
        {
            "kind": "no_1",
            "purpose": "zz",
            "copies": "electronic_and_paper",
            "paper_copies": 99,
            "occupations": [
                {"from_day": "2099-01-01", "job": "x"},
                5,
                {"from_day": "2020-01-01", "to_day": "2019-01-01"},
            ],
            "authority": [NO_FILE],
        },
        {
            "/answers/purpose": "not_a_choice",
            "/answers/ban_information": "required",
            "/answers/paper_copies": "out_of_range",
            "/answers/delivery": "required",
            "/answers/occupations/0/from_day": "in_future",
            "/answers/occupations/0/job": "invalid_length",
            "/answers/occupations/1": "invalid_type",
            "/answers/occupations/2/to_day": "before_start",
            "/answers/occupations/2/job": "required",
            "/answers/authority": "unknown_file",
        },
    ),
    "lodging_notice": (
        {
            "declarant": "guest",
            "place_kind": "tourist_lodging",
            "place_commune": "1",
            "place_address": "Số 12",
            "guests": [{**GUEST, "sex": "x"}],
        },
        {
            "/answers/declarant": "place_notifies",
            "/answers/place_commune": "unknown_place",
            "/answers/place_name": "required",
            "/answers/guests/0/sex": "not_a_choice",
            **WRONG_GUEST,
        },
    ),
    "residence": (
        {"scope": "household_relation", "relation": "uncle", "purpose": "x", "with_members": "yes"},
        {
            "/answers/relation": "not_a_choice",
            "/answers/member_last4": "required",
            "/answers/purpose": "not_asked",
            "/answers/with_members": "not_asked",
        },
    ),
    "security_report": (
        {
            "category": "x",
            "commune": "00167",
            "happened_at": "2099-01-01T00:00:00Z",
            "text": "ngắn",
            "photos": [NO_FILE],
            "may_contact": "yes",
        },
        {
            "/answers/category": "not_a_choice",
            "/answers/happened_at": "in_future",
            "/answers/text": "invalid_length",
            "/answers/photos": "unknown_file",
            "/answers/may_contact": "invalid_type",
        },
    ),
    "social_security_account": (
        {"bank": "", "account_number": "12", "own_name": False, "more": 1},
        {
            "/answers/bank": "invalid_length",
            "/answers/account_number": "no_account_number",
            "/answers/own_name": "not_own_name",
            "/answers/more": "unknown_field",
        },
    ),
    "vehicle_registration": (
        {"plate": "", "more": 1},
        {"/answers/plate": "invalid_length", "/answers/more": "unknown_field"},
    ),
}
"""Utility to a body that cannot be read whole, and all that can be said of it without asking anybody."""

HISTORY = [{"from_day": "2000-01-01", "place": "abroad", "address": "Paris"}]
READABLE: dict[str, tuple[dict[str, Any], str, dict[str, str]]] = {
    "birth_linked": (
        {
            "notice_id": "KS-0",
            "child_name": "X1",
            "residence_with": "mother",
            "first_care_facility": "Trạm y tế",
            "agreement": [NO_FILE],
        },
        "invalid_input",
        {
            "/answers/notice_id": "no_notice",
            "/answers/child_name": "no_name",
            "/answers/agreement": "unknown_file",
        },
    ),
    "driving_licence": ({"licence_number": "0"}, "answers_rejected", {"/answers/licence_number": "not_yours"}),
    "health_book": (
        {"paper": "health_visit", "visit_id": "0"},
        "answers_rejected",
        {"/answers/visit_id": "unknown_visit"},
    ),
    "health_insurance_card": (
        {"details_are_right": False},
        "answers_rejected",
        {"/answers/details_are_right": "ask_for_correction"},
    ),
    "judicial_record": (
        {
            **ANSWERS,
            "occupations": [{"from_day": "2099-01-01", "job": "Kế toán"}],
            "authority": [NO_FILE],
            "residence_history": HISTORY,
        },
        "invalid_input",
        {
            "/answers/occupations/0/from_day": "in_future",
            "/answers/authority": "unknown_file",
            "/answers/residence_history": "already_held",
        },
    ),
    "lodging_notice": (
        {
            "declarant": "guest",
            "place_kind": "tourist_lodging",
            "place_name": "Khách sạn Hoa Sen",
            "place_commune": "00167",
            "place_address": "Số 12",
            "guests": [GUEST],
        },
        "answers_rejected",
        {"/answers/declarant": "place_notifies", "/answers/guests": "declarant_missing", **WRONG_GUEST},
    ),
    "residence": (
        {"scope": "household_relation", "relation": "spouse", "member_last4": "0000"},
        "answers_rejected",
        {"/answers/member_last4": "no_such_member"},
    ),
    "security_report": (
        {
            "category": "theft",
            "commune": "00167",
            "happened_at": "2099-01-01T00:00:00Z",
            "text": "Mất xe đạp trước cổng trường.",
            "photos": [NO_FILE],
            "may_contact": True,
        },
        "invalid_input",
        {"/answers/happened_at": "in_future", "/answers/photos": "unknown_file"},
    ),
    "social_security_account": (
        {"bank": "ACB", "account_number": "12", "own_name": False},
        "answers_rejected",
        {"/answers/account_number": "no_account_number", "/answers/own_name": "not_own_name"},
    ),
    "vehicle_registration": ({"plate": "0"}, "answers_rejected", {"/answers/plate": "not_yours"}),
}
"""Utility to a body that can be read, the problem that it is, and all that is wrong with it as registers have it."""


@pytest.fixture
def phone(phone_of: Make) -> CitizenPhone:
    """A citizen whose records are linked."""
    citizen = phone_of("an")
    for utility in LINKED:
        assert citizen.post(f"/v1/me/utilities/{utility}/link").json == {
            **(citizen.get(f"/v1/me/utilities/{utility}/link").json or {}),
            "state": "linked",
        }
    return citizen


def refused(phone: CitizenPhone, order: dict[str, Any], code: str = "invalid_input") -> dict[str, str]:
    """Return the faults of an order: the same in both languages, each in words of its own."""
    told = {}
    for language in ("vi", "en"):
        response = phone.post("/v1/requests", order, headers={"Accept-Language": language})
        told[language] = assert_refused(response, 422, code, language=language)
    vi, en = told["vi"]["errors"], told["en"]["errors"]
    assert all(one["detail"] != other["detail"] for one, other in zip(vi, en, strict=True))
    assert field_errors(told["vi"]) == field_errors(told["en"])
    return field_errors(told["vi"])


def test_each_utility_is_in_the_tables(built_in: Catalogue) -> None:
    ours = {plugin.utility.code for plugin in built_in if plugin.module.startswith("wallet.utilities.")}
    asking = {plugin.utility.code for plugin in built_in if plugin.utility.form}
    assert UNREADABLE.keys() == ours
    assert READABLE.keys() == ours & asking


def test_what_cannot_be_read_is_told_at_once_and_asks_no_register(
    phone: CitizenPhone, unchanged: Unchanged, events: Events, subtests: pytest.Subtests
) -> None:
    before = len(events("source.read"))
    for utility, (answers, faults) in UNREADABLE.items():
        with subtests.test(utility), unchanged():
            assert refused(phone, {"utility": utility, "answers": answers}) == faults
    assert len(events("source.read")) == before


def test_what_can_be_read_is_held_against_everything_at_once(
    phone: CitizenPhone, unchanged: Unchanged, subtests: pytest.Subtests
) -> None:
    for utility, (answers, code, faults) in READABLE.items():
        with subtests.test(utility), unchanged():
            assert refused(phone, {"utility": utility, "answers": answers}, code) == faults


# --- beside the answers -----------------------------------------------------------------------------------------------


def about(key: str, **changes: str) -> dict[str, str]:
    someone = persona(key)
    return {"number": someone.number, "full_name": someone.name, "birth_date": someone.birth, **changes}


def test_whom_it_is_about_is_judged_together_with_the_answers(
    phone: CitizenPhone, unchanged: Unchanged, events: Events, subtests: pytest.Subtests
) -> None:
    answers = {**ANSWERS, "purpose": "zz", "authority": [NO_FILE]}
    wrong = {"/answers/purpose": "not_a_choice", "/answers/authority": "unknown_file"}
    cases: dict[str, tuple[dict[str, Any], dict[str, str]]] = {
        "unreadable": (
            {"capacity": "proxy", "about": {"number": "1", "full_name": "Trần", "born": "1990"}, "more": 1},
            {
                "/about/number": "invalid_format",
                "/about/birth_date": "required",
                "/about/born": "unknown_field",
                "/more": "unknown_field",
            },
        ),
        "no record": ({"capacity": "proxy", "about": 5}, {"/about": "invalid_type"}),
        "nobody": ({"capacity": "proxy"}, {"/about": "required"}),
        "not asked": ({"about": about("tich")}, {"/about": "not_asked", "/answers/authority": "unknown_file"}),
    }
    before = len(events("source.read"))
    for name, (order, faults) in cases.items():
        for kept in ({}, {"draft": True}):
            with subtests.test(name, **kept), unchanged():
                found = refused(phone, {"utility": JUDICIAL, "answers": answers, **order, **kept})
                said = {**wrong, **faults}
                assert found == {k: v for k, v in said.items() if not kept or v != "unknown_file"}
    assert len(events("source.read")) == before


def test_the_name_of_somebody_else_is_read_as_people_type_it(phone: CitizenPhone, unchanged: Unchanged) -> None:
    someone = about("tich", full_name="  ".join(persona("tich").name.upper().split()))
    order = {"utility": JUDICIAL, "capacity": "proxy", "about": someone, "answers": {"kind": "none"}}
    with unchanged():
        assert "/about" not in refused(phone, order)


def test_of_somebody_whom_the_register_has_otherwise_nothing_else_is_told(
    phone: CitizenPhone, unchanged: Unchanged
) -> None:
    """That their history of residence is held, say: the answers are judged as if nobody had been asked."""
    answers = {**ANSWERS, "authority": [NO_FILE], "occupations": [{"from_day": "2099-01-01", "job": "Lái xe"}]}
    order = {"utility": JUDICIAL, "capacity": "proxy", "about": about("tich", full_name="Trịnh Mẫu Khác")}
    with unchanged():
        assert refused(phone, {**order, "answers": {**answers, "residence_history": HISTORY}}) == {
            "/about": "not_as_recorded",
            "/answers/authority": "unknown_file",
            "/answers/occupations/0/from_day": "in_future",
        }


def test_what_decides_what_is_asked_for_comes_first(phone: CitizenPhone, unchanged: Unchanged) -> None:
    with unchanged():
        for change, pointer in (
            ({"capacity": "x"}, "/capacity"),
            ({"draft": "x"}, "/draft"),
            ({"answers": 1}, "/answers"),
        ):
            assert pointer in refused(phone, {"utility": JUDICIAL, "answers": {"kind": 5}, **change})


# --- registers and answers --------------------------------------------------------------------------------------------


def test_what_registers_state_and_what_was_answered_are_told_together(
    phone: CitizenPhone, wallet: Wallet, unchanged: Unchanged
) -> None:
    """One with the utility's words and one with the register's: what the card says is wrong, and the holder says so."""
    phone.client = create_app(saying(wallet, RegisterCode.HEALTH_INSURANCE, insurance_number=None)).test_client()
    order = {"utility": "health_insurance_card", "answers": {"details_are_right": False}}
    with unchanged():
        found = refused(phone, order)
    assert found.pop("/answers/details_are_right") == "ask_for_correction"
    assert len(found) == 1
    assert next(iter(found)).startswith("/claims/")


def test_words_of_the_wallet_and_of_the_plug_in_stand_side_by_side(phone: CitizenPhone) -> None:
    """A day that lies in the future is one code in two forms of words; each fault is told by whoever found it."""
    answers, _ = UNREADABLE["security_report"]
    body = phone.post("/v1/requests", {"utility": "security_report", "answers": answers}).json or {}
    details = {each["pointer"]: each["detail"] for each in body["errors"]}
    assert details["/answers/happened_at"].startswith("Thời điểm xảy ra nằm ở tương lai")
    assert details["/answers/category"] == "Không nằm trong các giá trị cho phép."


# --- a draft ----------------------------------------------------------------------------------------------------------


def test_a_draft_that_cannot_be_sent_says_all_of_it_and_asks_no_register(
    phone: CitizenPhone, unchanged: Unchanged, events: Events
) -> None:
    made = draft(phone, {"kind": "no_1", "occupations": [{"from_day": "2099-01-01", "job": "Lái xe"}]})
    wrong = {
        "/answers/purpose": "required",
        "/answers/ban_information": "required",
        "/answers/copies": "required",
        "/answers/occupations/0/from_day": "in_future",
    }
    before = len(events("source.read"))
    with unchanged():
        seen = phone.get(f"/v1/requests/{made['id']}/preview").json or {}
        assert {each["pointer"]: each["code"] for each in seen["errors"]} == wrong
        sent = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"})
        assert field_errors(assert_refused(sent, 422, "invalid_input")) == wrong
    assert len(events("source.read")) == before


def test_a_file_of_the_draft_is_known(phone: CitizenPhone) -> None:
    made = draft(phone, {**ANSWERS, "purpose": "visa"})
    file_id = add_file(phone, made).json["id"]
    assert edit(phone, made, {"authority": [file_id]}).status_code == 200
    sent = phone.post(f"/v1/requests/{made['id']}/moves", {"action": "submit"})
    found = field_errors(assert_refused(sent, 422, "answers_rejected"))
    assert found == {"/answers/authority": "authority_not_needed"}
