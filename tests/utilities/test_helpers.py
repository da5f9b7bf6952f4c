"""What plug-ins share: names without marks, records that are chosen, places, matching a link, what a step reports."""

from datetime import UTC, date, datetime

import pytest

from wallet.utilities.base import Case, Deadline, Field, Link, Source, Step, still_stated, unmarked

PLATE = Field("plate", one_of=(Source.VEHICLES, "vehicles", "plate"))
PEOPLE = {"full_name": "Đỗ Thị Hòa", "birth_date": date(1990, 5, 12)}


def case(**changes: object) -> Case:
    return Case(now=datetime(2026, 11, 20, 2, tzinfo=UTC), today=date(2026, 11, 20), **changes)  # type: ignore[arg-type]


def test_a_name_without_marks_is_small_plain_and_single_spaced() -> None:
    assert unmarked("ĐỖ  Thị HOÀ ") == unmarked("do thi hoa") == "do thi hoa"
    assert unmarked("Đỗ Thị Hoà") == unmarked("Đỗ Thị Hòa") == "do thi hoa"
    assert unmarked("H’Linh Byă") == unmarked("H'LINH BYA") == "h'linh bya"
    assert unmarked("K'Brin") != unmarked("KBrin")


def test_an_answer_names_a_record_of_the_register_or_none() -> None:
    facts = {Source.VEHICLES: {"vehicles": ({"plate": "30A-123.45"}, {"plate": "29-B1 123.45"})}}
    chosen = case(facts=facts, answers={"plate": "29-B1 123.45"}).chosen(PLATE)
    assert chosen == {"plate": "29-B1 123.45"}
    assert case(facts=facts, answers={"plate": "30A-999.99"}).chosen(PLATE) is None
    assert case(facts=facts).chosen(PLATE) is None
    assert case(answers={"plate": "30A-123.45"}).chosen(PLATE) is None
    assert case(facts=facts, answers={"plate": "30A-123.45"}).chosen(Field("plate")) is None


def test_a_record_is_found_by_any_value() -> None:
    facts = {Source.VEHICLES: {"vehicles": ({"plate": "30A-123.45"},)}}
    assert case(facts=facts).record(PLATE, "30A-123.45") == {"plate": "30A-123.45"}
    assert case(facts=facts).record(PLATE, "30A-999.99") is None


def test_a_document_states_what_it_states_as_json_carries_it() -> None:
    stated = {"plate": "30A-123.45", "registered_on": "2019-08-15", "classes": ["A1", "B"]}
    claims = {"plate": "30A-123.45", "registered_on": date(2019, 8, 15), "classes": ("A1", "B"), "state": "valid"}
    names = ("plate", "registered_on", "classes", "expires_on")
    assert still_stated(stated, names, claims)
    assert not still_stated(stated, names, {**claims, "expires_on": date(2026, 11, 20)})
    assert not still_stated(stated, names, {**claims, "classes": ("A1",)})
    assert not still_stated(stated, names, {})


def test_a_commune_is_written_with_its_province_or_as_its_code() -> None:
    place = {"commune": "Phường Cầu Giấy", "province": "Thành phố Hà Nội", "province_code": "01"}
    assert case(places={"00166": place}).commune_name("00166") == "Phường Cầu Giấy, Thành phố Hà Nội"
    assert case().commune_name("00166") == "00166"


@pytest.mark.parametrize(
    ("record", "matches"),
    [
        ({"full_name": "DO THI HOA", "birth_date": date(1990, 5, 12)}, True),
        ({"full_name": "Đỗ Thị Hòa", "birth_date": "1990"}, True),
        ({"full_name": "Đỗ Thị Hoa Mai", "birth_date": date(1990, 5, 12)}, False),
        ({"full_name": "Đỗ Thị Hòa", "birth_date": date(1990, 5, 13)}, False),
        ({"full_name": "Đỗ Thị Hòa"}, False),
        ({"birth_date": date(1990, 5, 12)}, False),
        ({}, False),
    ],
)
def test_a_link_matches_by_name_without_marks_and_birth_date(record: dict[str, object], matches: bool) -> None:
    link = Link(Source.VEHICLES)
    assert link.matches({Source.POPULATION: PEOPLE, Source.VEHICLES: record}) is matches


def test_a_link_matches_nothing_that_is_not_known() -> None:
    link = Link(Source.VEHICLES)
    assert not link.matches({Source.POPULATION: PEOPLE})
    assert not link.matches({Source.VEHICLES: PEOPLE})
    assert not link.matches({})


def test_what_a_step_reports_is_whole_known_and_well_formed() -> None:
    step = Step("birth", "justice", Deadline(1), finds=("number", "book"), patterns={"number": r"\d{12}"})
    assert step.faults({"number": "099226000001", "book": "12/2026"}) == {}
    assert step.faults({"number": "12", "book": " ", "more": "x"}) == {
        "number": "invalid_format",
        "book": "required",
        "more": "unknown_field",
    }
    assert step.faults({}) == {"number": "required", "book": "required"}
