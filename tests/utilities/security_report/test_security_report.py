"""Security report: what is told, to which police, and a receipt that gives nothing of the text away."""

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.utilities.asking import NOW, case_of, claims_of, faults_of, texts_of
from wallet.errors import InvalidInput
from wallet.terms import AccountLevel
from wallet.utilities.answering import parse
from wallet.utilities.base import ANSWERED, Asking, Capacity, Case, Paper, Source
from wallet.utilities.paper import compact_claims, full_claims
from wallet.utilities.security_report import CATEGORIES, RECEIPT, STATES, utility

TEXT = "Khoảng 22 giờ, một nhóm thanh niên đua xe, nẹt pô gây mất trật tự.\nHọ đến từ phía cầu vượt."
PHOTO = "evd_" + "0" * 31


def typed(*without: str, **changes: Any) -> dict[str, Any]:
    answers = {
        "category": "disorder",
        "commune": "00167",
        "place": "Cổng chợ Nghĩa Tân",
        "happened_at": "2026-11-19T22:00:00+07:00",
        "text": TEXT,
        "photos": [f"{PHOTO}1"],
        "may_contact": False,
        **changes,
    }
    return {name: value for name, value in answers.items() if name not in without}


def case(*without: str, now: datetime = NOW, **changes: Any) -> Case:
    return case_of(utility, typed(*without, **changes), {}, now=now)


def test_the_receipt_states_category_time_place_and_number_and_nothing_of_the_text() -> None:
    claims = claims_of(utility, case())
    assert claims["category"] == "Gây rối trật tự công cộng"
    assert claims["happened_at"] == datetime(2026, 11, 19, 15, tzinfo=UTC)
    assert claims["place"].startswith("Cổng chợ Nghĩa Tân, ")
    assert claims["place"].endswith("Thành phố Hà Nội")
    assert claims["request_number"] == "VS-26-000001"
    whole = json.dumps(full_claims(RECEIPT, claims), ensure_ascii=False)
    assert not [word for word in (TEXT[:20], "cầu vượt", PHOTO, "false") if word in whole]
    assert not {"text", "photos", "may_contact"} & set(RECEIPT.names)


def test_a_printed_code_tells_neither_category_nor_place() -> None:
    shown = compact_claims(RECEIPT, claims_of(utility, case()))
    assert "Gây rối trật tự công cộng" not in shown.values()
    assert not [value for value in shown.values() if "Nghĩa Tân" in str(value)]
    assert {c.name for c in RECEIPT.claims if c.paper is not Paper.HIDDEN} == {
        "full_name",
        "number_last4",
        "request_number",
        "submitted_at",
    }


def test_without_an_exact_place_the_commune_is_stated() -> None:
    assert claims_of(utility, case("place"))["place"].count(",") == 1


@pytest.mark.parametrize(
    ("happened_at", "code"),
    [
        (NOW + timedelta(seconds=1), "in_future"),
        (NOW, None),
        (NOW - timedelta(days=365), None),
        (NOW - timedelta(days=365, seconds=1), "too_long_ago"),
    ],
)
def test_it_happened_within_the_last_year(happened_at: datetime, code: str | None) -> None:
    why = {"/answers/happened_at": code} if code else {}
    assert faults_of(utility, case(happened_at=happened_at.strftime("%Y-%m-%dT%H:%M:%SZ"))) == why


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"category": "murder"}, "category"),
        ({"commune": "99999"}, "commune"),
        ({"happened_at": "yesterday"}, "happened_at"),
        ({"text": "x" * 19}, "text"),
        ({"text": "x" * 5001}, "text"),
        ({"text": "hidden \u202e direction of a text"}, "text"),
        ({"photos": [f"{PHOTO}{each}" for each in "123456"]}, "photos"),
        ({"photos": [f"{PHOTO}1", f"{PHOTO}1"]}, "photos"),
        ({"photos": ["../../etc/passwd"]}, "photos"),
        ({"may_contact": "no"}, "may_contact"),
        ({"phone": "0912345678"}, "phone"),
    ],
)
def test_a_form_with_a_fault_is_refused_there(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, typed(**changes))
    assert {pointer.split("/")[2] for pointer in caught.value.fields} == {field}


def test_every_fault_is_told_at_once() -> None:
    with pytest.raises(InvalidInput) as caught:
        parse(utility.form, {"category": "x", "text": "short", "photos": "x"})
    assert set(caught.value.fields) == {
        f"/answers/{name}" for name in ("category", "text", "photos", "commune", "happened_at", "may_contact")
    }


def test_photos_may_be_left_out_and_text_has_two_bounds() -> None:
    assert parse(utility.form, typed("photos", text="x" * 20))["text"] == "x" * 20
    assert len(parse(utility.form, typed(photos=[], text="x" * 5000))["text"]) == 5000


def test_it_goes_to_the_police_of_the_place() -> None:
    assert utility.province_of(case()) == "01"
    assert utility.province_of(case(commune="22366")) == "56"
    assert utility.province_of(Case(NOW, NOW.date())) == ""


def test_it_is_confidential_needs_level_one_and_is_nobody_elses() -> None:
    assert utility.confidential
    assert utility.minimum_level is AccountLevel.ONE
    assert utility.who == {Capacity.SELF}
    assert RECEIPT.asking is Asking.NEVER
    assert utility.lifecycle is ANSWERED


TODAY = date(2026, 11, 20)
BARRED, WAITING = {"/answers/text": "reports_barred"}, {"/answers/text": "too_many_open_reports"}


def known_to_police(*states: str, now: datetime = NOW, happened_at: str | None = None, **more: Any) -> Case:
    """Return a case of somebody whose earlier reports are in these states."""
    reports = tuple(
        {"case_number": f"099PA{place}", "received_on": date(2026, 11, 2), "kind": "theft", "state": state}
        for place, state in enumerate(states)
    )
    facts = {Source.SECURITY_CASES: {"reports": reports, **more}}
    return case_of(utility, typed(**({"happened_at": happened_at} if happened_at else {})), facts, now=now)


@pytest.mark.parametrize(
    ("barred_until", "why"),
    [
        (TODAY - timedelta(days=1), {}),
        (TODAY, BARRED),
        (TODAY + timedelta(days=1), BARRED),
        (date.max, BARRED),
    ],
)
def test_who_is_barred_does_not_report_until_the_day_has_passed(barred_until: date, why: dict[str, str]) -> None:
    assert faults_of(utility, known_to_police("closed", barred_until=barred_until)) == why


def test_the_last_day_of_a_bar_ends_at_midnight_in_vietnam() -> None:
    last, first = datetime(2026, 11, 20, 16, 59, 59, tzinfo=UTC), datetime(2026, 11, 20, 17, tzinfo=UTC)
    assert faults_of(utility, known_to_police(barred_until=TODAY, now=last)) == BARRED
    assert faults_of(utility, known_to_police(barred_until=TODAY, now=first)) == {}


@pytest.mark.parametrize(
    ("states", "why"),
    [
        ((), {}),
        (["received"] * 4, {}),
        (["received"] * 5, WAITING),
        (["received"] * 50, WAITING),
        (["received"] * 4 + ["assigned", "closed", "referred"] * 9, {}),
        (["closed", "received"] * 5, WAITING),
    ],
)
def test_no_more_than_five_reports_wait_to_be_assigned(states: list[str], why: dict[str, str]) -> None:
    assert faults_of(utility, known_to_police(*states)) == why


def test_a_bar_is_told_before_how_many_wait_and_beside_what_is_wrong_with_the_report() -> None:
    tomorrow = "2026-11-21T22:00:00+07:00"
    assert faults_of(utility, known_to_police(*["received"] * 5, barred_until=TODAY)) == BARRED
    both = {**WAITING, "/answers/happened_at": "in_future"}
    assert faults_of(utility, known_to_police(*["received"] * 5, happened_at=tomorrow)) == both


def test_whom_the_police_do_not_know_may_report_too() -> None:
    assert Source.SECURITY_CASES not in case().facts
    assert faults_of(utility, case()) == {}


def test_the_receipt_says_nothing_of_other_reports() -> None:
    assert Source.SECURITY_CASES not in RECEIPT.registers
    assert claims_of(utility, known_to_police("received", "closed")) == claims_of(utility, case())


def test_every_state_and_kind_of_an_earlier_report_has_words_and_refusals_say_whom_to_call() -> None:
    codes = {f"state.{code}" for code in STATES} | {f"kind.{code}" for code in CATEGORIES}
    for language in ("vi", "en"):
        texts = texts_of(utility)[language]
        assert texts["values"].keys() == codes
        assert set(utility.shows[Source.SECURITY_CASES]) <= texts["facts"].keys()
        assert all("113" in texts["reasons"][code] for code in ("reports_barred", "too_many_open_reports"))


def test_words_of_a_category_are_those_of_the_form() -> None:
    words = texts_of(utility)["vi"]["choices"]
    assert {f"category.{code}": word for code, word in CATEGORIES.items()} == words
