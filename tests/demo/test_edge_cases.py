"""Each edge case has a living example, under the same number in every nation."""

import re
from datetime import date

import pytest

from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.nation import PHONE_OF_ANOTHER, generate
from wallet.demo.numbers import century_digit
from wallet.demo.papers.common import unmarked
from wallet.demo.personas import Preparation, persona
from wallet.demo.places import OLD_PROVINCES, prefix_codes, registered_at
from wallet.demo.records import HEAD, REFERENCE_DAY, Household, Person, age_on
from wallet.utilities.names import same_name

NATION = tuple(generate(7, 2000))
PEOPLE = {person.number: person for household in NATION for person in household.people}
HOUSE_OF = {person.number: household for household in NATION for person in household.people}


def case(code: str) -> Person:
    return PEOPLE[EDGE_CASES[code].number]


def house(code: str) -> Household:
    return HOUSE_OF[EDGE_CASES[code].number]


def test_every_case_is_in_a_nation_of_two_thousand_and_is_explained_in_both_languages() -> None:
    for code, each in EDGE_CASES.items():
        assert each.code == code
        assert re.fullmatch(r"[a-z0-9_]+", code)
        assert each.number in PEOPLE
        assert each.text.keys() == {"vi", "en"}
        assert all(each.text.values())
    assert {each.item for each in EDGE_CASES.values()} == {*range(24)}


def test_1_zeros_lead() -> None:
    assert str(int(case("leading_zero").number)) != case("leading_zero").number
    assert case("leading_zero").birth_registration_code == "001"


def test_2_a_century_differs_in_one_digit() -> None:
    old, young = case("born_1925").number, case("born_2025").number
    assert [place for place in range(12) if old[place] != young[place]] == [3]


@pytest.mark.parametrize("years", [5, 6, 13, 14, 16, 18, 25, 40, 60])
def test_3_ages_are_reached_on_the_reference_day(years: int) -> None:
    person = case(f"age_{years}")
    assert age_on(person.birth, REFERENCE_DAY) == years
    assert person.birth[5:] == REFERENCE_DAY.isoformat()[5:]


def test_4_birth_year_only() -> None:
    assert case("birth_year_only").birth == "1948"


def test_5_names() -> None:
    assert " " not in case("one_word_name").name.full
    assert sum(letter.isalpha() for letter in case("long_name").name.full) > 50
    assert "-" in case("foreign_name").name.full


def test_6_sex_redetermined() -> None:
    renewed = case("sex_redetermined")
    (former,) = renewed.former_numbers
    assert int(former[3]) != int(renewed.number[3]) == century_digit(renewed.sex, 1994)
    kept = case("sex_digit_disagrees")
    assert int(kept.number[3]) != century_digit(kept.sex, int(kept.birth[:4]))


def test_7_birth_corrected() -> None:
    assert case("birth_digits_disagree").number[4:6] != case("birth_digits_disagree").birth[2:4]


def test_8_vanished_province() -> None:
    assert case("vanished_province").birth_registration_place == "Hà Giang (nay là Tuyên Quang)"


def test_9_twins() -> None:
    one, other = house("twins").members
    assert one.birth == other.birth
    assert one.birth_registration_code == other.birth_registration_code
    assert one.name.family == other.name.family
    assert one.number[:6] == other.number[:6]


def test_10_namesakes() -> None:
    name, birth = case("namesakes").name, case("namesakes").birth
    assert len([p for p in PEOPLE.values() if (p.name, p.birth) == (name, birth)]) == 2


def test_11_old_numbers() -> None:
    assert case("cmnd_unknown").cmnd is None
    assert len([p for p in PEOPLE.values() if p.cmnd == case("cmnd_shared").cmnd]) == 2


def test_12_lives_elsewhere() -> None:
    where = case("lives_elsewhere").residence
    assert where
    assert where.permanent
    assert where.permanent.province_code != where.current.province_code


def test_13_heads() -> None:
    minor = case("head_is_minor")
    assert minor.residence
    assert minor.residence.relation == HEAD
    assert age_on(minor.birth, REFERENCE_DAY) < 18
    assert PEOPLE[house("head_is_dead").head].died_on
    assert len(house("lives_alone").members) == 1


def test_14_guardian_is_no_parent() -> None:
    child = case("guardian_not_parent")
    assert child.guardian in PEOPLE
    assert child.guardian not in (child.father, child.mother)
    assert age_on(child.birth, REFERENCE_DAY) == 13


def test_19_marks_make_the_difference() -> None:
    assert sorted(person.name.given or "" for person in house("same_letters_other_tone").members) == ["Hà", "Hạ"]


def test_19_a_ticket_has_the_given_name_first_and_no_marks() -> None:
    name = case("ticket_name").name
    parts = [name.given, name.middle, name.family]
    assert unmarked(" ".join(part for part in parts if part)) == "HO MAU DIEM TUYET UONG DANG HUYNH"
    assert not same_name(name.full, " ".join(part for part in parts if part))


def test_20_phone_of_another() -> None:
    user = case("phone_of_another")
    assert PHONE_OF_ANOTHER[user.number] == user.father


def test_21_somebody_lived_through_tet() -> None:
    assert case("due_after_tet").name.full == "Đào Thị Mẫu Xuân"
    assert persona("xuan").preparation is Preparation.ANSWERED_AFTER_TET


def test_22_foreigner_with_a_former_number() -> None:
    assert case("foreigner_new_passport").nationality != "Việt Nam"
    assert case("foreigner_new_passport").former_numbers


def test_23_moved() -> None:
    where = case("moved_after_issue").residence
    assert where
    assert where.permanent_since == date(2026, 1, 15) == case("moved_after_issue").updated_at.date()


def test_prefix_codes_and_new_codes_are_two_lists() -> None:
    assert len(OLD_PROVINCES) == 63
    assert len({new for *_, new in OLD_PROVINCES}) == 34
    assert prefix_codes("24") == ("024", "027")
    assert registered_at("024") == "Bắc Giang (nay là Bắc Ninh)"
    assert registered_at("001") == "Hà Nội"
    with pytest.raises(KeyError):
        registered_at("099")
