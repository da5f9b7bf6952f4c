"""What a personal number says of its owner: told where it differs, never a reason to refuse (docs/domain.md, 3.1)."""

from datetime import date
from typing import Any

import pytest

from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.nation import generate
from wallet.utilities.base import unlike_number

YEAR, SEX = {"birth_date": "birth_year_unlike_number"}, {"sex": "sex_unlike_number"}


@pytest.mark.parametrize(
    ("number", "birth", "sex", "found"),
    [
        ("099090123456", date(1990, 5, 12), "Nam", {}),
        ("099090123456", "1990", "Nam", {}),
        ("099090123456", "1990-05-12", "Nữ", SEX),
        ("099090123456", date(1991, 5, 12), "Nam", YEAR),
        ("099090123456", date(2090, 5, 12), "Nữ", YEAR | SEX),
        ("099190123456", date(1990, 1, 1), "Nữ", {}),
        ("099225000110", date(2025, 4, 3), "Nam", {}),
        ("099325000110", date(1925, 4, 3), "Nữ", YEAR),
        ("099999000001", date(2399, 1, 1), "Nữ", {}),
        ("099090123456", None, None, {}),
        ("099090123456", date(1990, 1, 1), "", {}),
        ("099090123456", None, "female", {}),
        ("09909012345", date(1950, 1, 1), "Nữ", {}),
        ("0990901234567", date(1950, 1, 1), "Nữ", {}),
        ("09909012345x", date(1950, 1, 1), "Nữ", {}),
        ("٠٩٩٠٩٠١٢٣٤٥٦", date(1950, 1, 1), "Nữ", {}),
        ("", date(1950, 1, 1), "Nữ", {}),
    ],
)
def test_digits_are_held_against_birth_and_sex(number: str, birth: Any, sex: Any, found: dict[str, str]) -> None:
    assert unlike_number(number, birth_date=birth, sex=sex) == found


def test_of_a_nation_only_those_differ_whose_data_was_corrected() -> None:
    people = [person for household in generate(5, 1500) for person in household.people]
    differ = {p.number: dict(unlike_number(p.number, birth_date=p.birth, sex=p.sex)) for p in people}
    assert {number: found for number, found in differ.items() if found} == {
        EDGE_CASES["sex_digit_disagrees"].number: SEX,
        EDGE_CASES["birth_digits_disagree"].number: YEAR,
    }
