"""Security report: what is told, to which police, and a receipt that gives nothing of the text away."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.utilities.asking import NOW, case_of, claims_of, faults_of, texts_of
from wallet.errors import InvalidInput
from wallet.terms import AccountLevel
from wallet.utilities.answering import parse
from wallet.utilities.base import ANSWERED, Asking, Capacity, Case, Paper
from wallet.utilities.paper import compact_claims, full_claims
from wallet.utilities.security_report import CATEGORIES, RECEIPT, utility

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


def test_words_of_a_category_are_those_of_the_form() -> None:
    words = texts_of(utility)["vi"]["choices"]
    assert {f"category.{code}": word for code, word in CATEGORIES.items()} == words
