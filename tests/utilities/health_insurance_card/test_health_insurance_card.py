"""Health-insurance card: how a number is read, whose card it is, what a reception sees."""

from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.utilities.asking import AN, NOW, case_of, claims_of, faults_of, view
from wallet.errors import InvalidInput
from wallet.utilities.answering import parse
from wallet.utilities.base import Capacity, Case, Source
from wallet.utilities.health_insurance_card import CARD_OF_INSURANCE, read_number, utility

CARD = {
    "card_number": "DN4010123456789",
    "insurance_number": "0123456789",
    "benefit_level": 4,
    "valid_from": date(2026, 1, 1),
    "valid_until": date(2026, 12, 31),
    "first_care_facility": "Bệnh viện Đa khoa mẫu Hà Nội",
    "full_name": "NGUYEN VAN AN",
    "birth_date": AN["birth_date"],
    "sex": "Nam",
}


def case(*without: str, right: bool = True, **changes: Any) -> Case:
    record = {name: value for name, value in {**CARD, **changes}.items() if name not in without}
    return case_of(utility, {"details_are_right": right}, {Source.HEALTH_INSURANCE: record})


@pytest.mark.parametrize("typed", ["DN4010123456789", "dn4010123456789", "DN 4 01 0123456789", "DN-4-01-0123456789"])
def test_fifteen_characters_are_group_benefit_province_and_insurance_number(typed: str) -> None:
    parts = {"group": "DN", "benefit": "4", "province": "01", "insurance_number": "0123456789"}
    assert read_number(typed) == parts


def test_ten_digits_are_the_insurance_number_alone() -> None:
    assert read_number("0123456789") == {"insurance_number": "0123456789"}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "DN",
        "012345678",
        "01234567890",
        "DN0010123456789",
        "DN6010123456789",
        "D14010123456789",
        "DNA010123456789",
        "DN401012345678",
        "DN40101234567890",
        "ĐN4010123456789",
        "٠١٢٣٤٥٦٧٨٩",
    ],
)
def test_anything_else_is_no_number_of_a_card(text: str) -> None:
    assert read_number(text) is None


@given(st.text(max_size=40))
def test_whatever_is_read_is_a_number_or_nothing(text: str) -> None:
    parts = read_number(text)
    assert parts is None or (len(parts["insurance_number"]) == 10 and parts["insurance_number"].isdecimal())


def test_a_name_without_diacritics_is_the_same_and_the_document_bears_the_full_one() -> None:
    assert claims_of(utility, case())["full_name"] == "Nguyễn Văn An"


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"full_name": "NGUYEN VAN ANH"}, {"full_name": "mismatch"}),
        ({"full_name": ""}, {"full_name": "mismatch"}),
        ({"birth_date": date(1990, 12, 5)}, {"birth_date": "mismatch"}),
        ({"birth_date": "1991"}, {"birth_date": "mismatch"}),
        ({"full_name": "X", "birth_date": date(1980, 1, 1)}, {"full_name": "mismatch"}),
        ({"card_number": "DN4010123456780"}, {"card_number": "numbers_differ"}),
        ({"card_number": "DN40101"}, {"card_number": "malformed_number"}),
        ({"benefit_level": 1}, {"benefit_level": "benefits_differ"}),
        ({"valid_until": date(2026, 11, 19)}, {"valid_until": "expired"}),
        ({"valid_from": date(2026, 11, 21)}, {"valid_from": "not_yet_valid"}),
        (
            {"valid_until": date(2026, 11, 19), "full_name": "NGUYEN VAN ANH", "card_number": "x"},
            {"valid_until": "expired", "full_name": "mismatch", "card_number": "malformed_number"},
        ),
    ],
)
def test_a_card_that_is_not_right_is_refused_with_every_fault(changes: dict[str, Any], why: dict[str, str]) -> None:
    assert faults_of(utility, case(**changes)) == {f"/claims/{name}": code for name, code in why.items()}


@pytest.mark.parametrize("birth_date", ["1990", date(1990, 5, 12)])
def test_a_birth_year_alone_matches_every_day_of_it(birth_date: Any) -> None:
    assert faults_of(utility, case(birth_date=birth_date)) == {}


def test_whoever_is_not_insured_or_sees_a_mistake_is_told_where_to_go() -> None:
    assert faults_of(utility, case(right=False)) == {"/answers/details_are_right": "ask_for_correction"}
    nobody = case_of(utility, {"details_are_right": True}, {})
    assert faults_of(utility, nobody) == {"/claims/card_number": "not_insured"}


@pytest.mark.parametrize("typed", [{}, {"details_are_right": "yes"}, {"details_are_right": True, "card_number": "x"}])
def test_nothing_is_asked_that_the_register_holds(typed: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        parse(utility.form, typed)


def test_a_card_of_ten_digits_states_no_group() -> None:
    claims = claims_of(utility, case("card_number"))
    assert not {"card_number", "group", "province"} & set(claims)
    assert claims["percent"] == 80


def test_a_benefit_digit_that_no_figure_knows_states_no_share() -> None:
    assert "percent" not in claims_of(utility, case("card_number", benefit_level=9))


@pytest.mark.parametrize(
    ("valid_until", "last"),
    [(date(2026, 12, 31), date(2026, 12, 31)), (date(2031, 2, 28), date(2027, 11, 20))],
)
def test_it_ends_with_the_insurance_and_is_made_anew_each_year(valid_until: date, last: date) -> None:
    assert CARD_OF_INSURANCE.until(Case(NOW, date(2026, 11, 20), claims={"valid_until": valid_until})) == last


def test_a_reception_sees_the_card_and_no_personal_number() -> None:
    seen = view(utility, claims_of(utility, case()), "reception")
    assert {"card_number", "valid_until", "first_care_facility", "percent"} <= set(seen)
    assert AN["number"] not in str(seen)


def test_parents_may_ask_for_their_children_and_nobody_for_a_relative() -> None:
    assert utility.who == {Capacity.SELF, Capacity.GUARDIAN}
