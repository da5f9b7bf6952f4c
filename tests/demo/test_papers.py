"""The papers of the invented nation: as many as a real one has, each of somebody, with numbers that nobody has."""

from collections import Counter, defaultdict
from datetime import date
from typing import Any

from wallet.demo.chip import serial_of
from wallet.demo.nation import generate
from wallet.demo.papers.common import unmarked
from wallet.demo.papers.details import details_of
from wallet.demo.papers.traffic import plate
from wallet.demo.records import REFERENCE_DAY, age_on
from wallet.sources.tables import packed, unpacked

CITIZENS = 6_000
NATION = tuple(generate(11, CITIZENS))
PEOPLE = {person.number: person for household in NATION for person in household.people}
ALIVE = {number: person for number, person in PEOPLE.items() if person.died_on is None}
ADULTS = {number for number, person in ALIVE.items() if age_on(person.birth, REFERENCE_DAY) >= 18}
ROWS: dict[str, list[dict[str, Any]]] = defaultdict(list)
for _household in NATION:
    for _model, _row in details_of(_household).rows:
        ROWS[_model.__tablename__].append(dict(_row))


def share(table: str, among: int) -> float:
    return len({row["number"] for row in ROWS[table]}) / among


def test_papers_are_as_frequent_as_they_should_be() -> None:
    assert 0.02 < share("nation_convictions", len(ADULTS)) < 0.045
    expunged = [row for row in ROWS["nation_convictions"] if row["expunged_on"]]
    assert 0.3 < len(expunged) / len(ROWS["nation_convictions"]) < 0.8
    assert 0.87 < share("nation_health_insurance", len(ALIVE)) < 0.93
    assert 0.45 < share("nation_health_records", len(ALIVE)) < 0.55
    assert 0.36 < share("nation_driving_licences", len(ADULTS)) < 0.44
    assert 0.55 < share("nation_vehicles", len(ADULTS)) < 0.65
    assert 0.03 < share("nation_social_security", len(ADULTS)) < 0.2


def test_some_cards_have_no_marks_and_some_have_expired() -> None:
    cards = ROWS["nation_health_insurance"]
    without = [card for card in cards if card["full_name"] == unmarked(PEOPLE[card["number"]].name.full)]
    assert 0.03 < len(without) / len(cards) < 0.07
    assert 0.02 < sum(card["valid_until"] < REFERENCE_DAY for card in cards) / len(cards) < 0.06


def test_papers_belong_to_the_living_and_licences_to_the_grown_up() -> None:
    for table, rows in ROWS.items():
        for row in rows:
            if "number" in row:
                assert row["number"] in ALIVE, table
    for table in ("nation_driving_licences", "nation_vehicles", "nation_convictions"):
        assert {row["number"] for row in ROWS[table]} <= ADULTS


def test_numbers_of_papers_are_unique_and_belong_to_nobody() -> None:
    for table, name, prefix in (
        ("nation_health_insurance", "insurance_number", "099"),
        ("nation_driving_licences", "licence_number", "099"),
        ("nation_vehicles", "plate", "09"),
        ("nation_births", "notice_id", "099"),
        ("nation_marriages", "certificate_number", "099"),
    ):
        numbers = [row[name] for row in ROWS[table]]
        assert all(number.startswith(prefix) for number in numbers)
        assert len(set(numbers)) == len(numbers), table


def test_plates_stay_apart_in_a_large_nation() -> None:
    serials = [*range(0, 8000, 97), *range(8000, 2_000_000, 9973)]
    for kind in ("car", "motorcycle"):
        assert len({plate(kind, serial) for serial in serials}) == len(serials)


def test_serials_of_cards_are_a_permutation() -> None:
    numbers = [f"099{digits:09d}" for digits in range(0, 10**9, 9_999_991)]
    assert len({serial_of(number) for number in numbers}) == len(numbers)
    assert all(len(serial_of(number)) == 9 for number in numbers)


def test_days_are_in_order() -> None:
    for row in ROWS["nation_convictions"]:
        born = PEOPLE[row["number"]].birth
        assert age_on(born, row["judged_on"]) >= 18
        assert row["judged_on"] <= REFERENCE_DAY
        assert row["expunged_on"] is None or row["judged_on"] < row["expunged_on"] <= REFERENCE_DAY
    for row in ROWS["nation_driving_licences"]:
        assert age_on(PEOPLE[row["number"]].birth, row["issued_on"]) >= 18
    for row in ROWS["nation_residence_history"]:
        person = PEOPLE[row["number"]]
        assert row["from_day"] < row["to_day"]
        assert person.residence
        assert row["kind"] == "temporary" or row["to_day"] <= (person.residence.permanent_since or date.max)
    for row in ROWS["nation_marriages"]:
        for who in ("husband", "wife"):
            assert age_on(PEOPLE[row[f"{who}_number"]].birth, row["registered_on"]) >= 18


def test_births_and_marriages_are_those_of_the_families() -> None:
    born = {row["child_number"]: row for row in ROWS["nation_births"] if row["state"] == "registered"}
    for number, person in ALIVE.items():
        if person.mother in ALIVE and len(person.birth) == 10:
            assert born[number]["mother_number"] == person.mother
            assert born[number]["father_number"] == person.father
    married = {(row["husband_number"], row["wife_number"]) for row in ROWS["nation_marriages"]}
    for number, person in ALIVE.items():
        if person.spouse in ALIVE:
            assert {(number, person.spouse), (person.spouse, number)} & married


def test_reasons_for_lower_fees_are_codes_that_the_law_knows() -> None:
    known = {
        "poor_household", "disability", "special_area_resident", "minority_special_area", "border_commune",
        "safe_zone_commune", "merit", "martyr_relative", "student",
    }  # fmt: skip
    found: Counter[str] = Counter()
    for household in NATION:
        for row in details_of(household).people.values():
            found.update((row["exemptions"] or "").split())
    assert set(found) <= known
    assert {"poor_household", "disability", "special_area_resident", "merit", "student"} <= set(found)


def test_records_come_back_as_they_went_in() -> None:
    groups = {"visits": [{"admitted_on": date(2026, 1, 2), "born": "1948", "lines": ["a", "b"], "level": 3}]}
    assert unpacked(packed(groups)) == {
        "visits": ({"admitted_on": date(2026, 1, 2), "born": "1948", "lines": ("a", "b"), "level": 3},)
    }


def test_marks_are_taken_off_for_cards_and_tickets() -> None:
    assert unmarked("Đặng Thị Mẫu Ượng Hổ") == "DANG THI MAU UONG HO"
