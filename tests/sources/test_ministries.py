"""What the registers of the line ministries answer about the people of the stories, and how they refuse."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import pytest

from tests.support import GROUND, FixedClock
from wallet.db import Database
from wallet.demo.cast import FOREIGNERS
from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.personas import PERSONAS, persona
from wallet.errors import NotFound, Unavailable
from wallet.sources.civil_status import EmbeddedCivilStatus
from wallet.sources.criminal_records import EmbeddedCriminalRecords
from wallet.sources.health import EmbeddedHealthInsurance, EmbeddedHealthRecords
from wallet.sources.people import EmbeddedPopulation
from wallet.sources.security_cases import EmbeddedSecurityCases
from wallet.sources.social_security import EmbeddedSocialSecurity
from wallet.sources.traffic import EmbeddedDrivingLicences, EmbeddedVehicles

EmbeddedRecords = partial(EmbeddedCriminalRecords, clock=FixedClock())
REGISTERS: list[Callable[[Database], Any]] = [
    EmbeddedRecords, EmbeddedHealthInsurance, EmbeddedHealthRecords, EmbeddedDrivingLicences, EmbeddedVehicles,
    EmbeddedSocialSecurity, EmbeddedSecurityCases, EmbeddedCivilStatus,
]  # fmt: skip
NO_NUMBERS = ["099000000999", "", "099", "0990900000011", "٠٩٩٠٩٠٠٠٠٠٠١", "099090000001\n", "990000001", "'--"]


def read(register: Callable[[Database], Any], nation: Database, key: str) -> dict[str, Any]:
    number = persona(key).number if any(each.key == key for each in PERSONAS) else EDGE_CASES[key].number
    return dict(register(nation).read(number, GROUND).values)


@pytest.mark.parametrize("number", NO_NUMBERS)
@pytest.mark.parametrize("register", REGISTERS)
def test_unknown_number_is_refused(nation: Database, register: Any, number: str) -> None:
    with pytest.raises(NotFound) as refusal:
        register(nation).read(number, GROUND)
    assert refusal.value.code == "person_unknown"


@pytest.mark.parametrize("register", REGISTERS)
def test_register_without_tables_is_unavailable(database: Database, register: Any) -> None:
    with pytest.raises(Unavailable) as refusal:
        register(database).read(persona("an").number, GROUND)
    assert refusal.value.code == "source_unavailable"


@pytest.mark.parametrize("register", REGISTERS)
def test_former_number_leads_to_the_same_facts(nation: Database, register: Any) -> None:
    for key, former in (("doi", "099178000004"), ("marie", "099186000011")):
        try:
            current = register(nation).read(persona(key).number, GROUND)
        except NotFound:
            with pytest.raises(NotFound):
                register(nation).read(former, GROUND)
        else:
            assert register(nation).read(former, GROUND) == current


def test_expunged_conviction_is_told_with_its_day(nation: Database) -> None:
    facts = EmbeddedRecords(nation).read(persona("tich").number, GROUND)
    assert facts.as_of == datetime(2026, 1, 12, 2, 0, tzinfo=UTC)
    (conviction,) = facts.values["convictions"]
    assert conviction["expunged_on"] == date(2014, 3, 20)
    assert conviction["judged_on"] == date(2009, 10, 14)
    assert set(conviction) == {
        "judgment_number", "judged_on", "court", "offence", "penalty", "civil_duties", "court_fees", "execution",
        "expunged_on",
    }  # fmt: skip
    assert facts.values["bans"] == ()


def test_standing_conviction_has_no_day_of_expungement(nation: Database) -> None:
    (conviction,) = read(EmbeddedRecords, nation, "phat")["convictions"]
    assert "expunged_on" not in conviction


def test_nobody_is_said_to_have_more_than_nothing(nation: Database) -> None:
    assert read(EmbeddedRecords, nation, "an") == {"convictions": (), "bans": ()}


def test_ban_is_told_with_its_term(nation: Database) -> None:
    (ban,) = read(EmbeddedRecords, nation, "banned_from_posts")["bans"]
    assert (ban["from_day"], ban["until_day"]) == (date(2025, 5, 12), date(2028, 5, 12))
    assert set(ban) == {"decision_number", "decided_on", "court", "posts", "from_day", "until_day"}


@pytest.mark.parametrize("key", ["tuoi", "age_14", "nho"])
def test_who_is_younger_than_sixteen_has_no_record(nation: Database, key: str) -> None:
    with pytest.raises(NotFound) as refusal:
        read(EmbeddedRecords, nation, key)
    assert refusal.value.code == "person_unknown"


def test_record_begins_on_the_sixteenth_birthday_in_vietnam(nation: Database) -> None:
    number = persona("tuoi").number
    # 28 February 2027, 17:00 in UTC, is the first of March in Vietnam.
    before, after = datetime(2027, 2, 28, 16, 59, tzinfo=UTC), datetime(2027, 2, 28, 17, 0, tzinfo=UTC)
    with pytest.raises(NotFound):
        EmbeddedCriminalRecords(nation, FixedClock(before)).read(number, GROUND)
    assert EmbeddedCriminalRecords(nation, FixedClock(after)).read(number, GROUND).values["convictions"] == ()


def test_birth_year_alone_is_old_enough_when_the_year_has_ended(nation: Database) -> None:
    number = persona("sau").number
    with pytest.raises(NotFound):
        EmbeddedCriminalRecords(nation, FixedClock(datetime(1964, 12, 30, tzinfo=UTC))).read(number, GROUND)
    EmbeddedCriminalRecords(nation, FixedClock(datetime(1964, 12, 31, tzinfo=UTC))).read(number, GROUND)


def test_insurance_card_has_the_shape_of_the_decision(nation: Database) -> None:
    card = read(EmbeddedHealthInsurance, nation, "an")
    assert set(card) == {
        "card_number", "insurance_number", "benefit_level", "valid_from", "valid_until", "first_care_facility",
        "full_name", "birth_date", "sex",
    }  # fmt: skip
    assert len(card["card_number"]) == 15
    assert card["card_number"] == f"GD{card['benefit_level']}99{card['insurance_number']}"
    assert card["insurance_number"].startswith("099")
    assert card["valid_from"] < date(2026, 3, 1) < card["valid_until"]


def test_insurance_of_the_stories(nation: Database) -> None:
    assert read(EmbeddedHealthInsurance, nation, "insurance_expired")["valid_until"] == date(2025, 12, 31)
    assert read(EmbeddedHealthInsurance, nation, "xa")["full_name"] == "DANG HUYNH MAU DIEM TUYET UONG HO"
    assert read(EmbeddedHealthInsurance, nation, "sau")["birth_date"] == "1948"
    for number in (FOREIGNERS["new_here"].number, persona("vang").number, persona("khuat").number):
        with pytest.raises(NotFound):
            EmbeddedHealthInsurance(nation).read(number, GROUND)


def test_health_records_hold_history_visits_and_papers(nation: Database) -> None:
    book = read(EmbeddedHealthRecords, nation, "an")
    assert book["blood_type"] == "O+"
    assert book["diseases"] == ({"name": "Tăng huyết áp nguyên phát", "code": "I10", "since": date(2023, 4, 12)},)
    assert book["allergies"][0]["substance"] == "Penicilin"
    assert [visit["admitted_on"] for visit in book["visits"]] == [
        date(2025, 3, 18), date(2025, 11, 4), date(2026, 2, 9),
    ]  # fmt: skip
    assert book["visits"][1]["discharged_on"] == date(2025, 11, 8)
    assert "discharged_on" not in book["visits"][0]
    assert book["visits"][0]["prescriptions"] == ("Ambroxol 30 mg, ngày uống 2 viên chia 2 lần, 10 viên",)
    assert book["referrals"][0]["valid_until"] > book["referrals"][0]["issued_on"]
    assert book["appointments"][0]["on_day"] == date(2026, 3, 11)
    assert book["insurance_number"] == read(EmbeddedHealthInsurance, nation, "an")["insurance_number"]


def test_health_book_of_the_stories(nation: Database) -> None:
    lech = read(EmbeddedHealthRecords, nation, "lech")
    assert lech["birth_date"] == date(1971, 9, 18)
    assert read(EmbeddedHealthInsurance, nation, "lech")["birth_date"] == date(1971, 8, 19)
    assert lech["visits"] == lech["appointments"] == ()
    with pytest.raises(NotFound):
        read(EmbeddedHealthRecords, nation, "health_book_not_linked")
    assert read(EmbeddedHealthInsurance, nation, "health_book_not_linked")["card_number"]


def test_licences_and_vehicles_are_told_with_their_state(nation: Database) -> None:
    assert read(EmbeddedDrivingLicences, nation, "an") == {
        "full_name": "Nguyễn Mẫu An",
        "birth_date": date(1990, 6, 15),
        "licences": (
            {
                "licence_number": "099190000008",
                "classes": ("A1", "B2"),
                "issued_on": date(2019, 5, 20),
                "expires_on": date(2029, 5, 20),
                "issued_by": "Sở Giao thông vận tải mẫu Hà Nội",
                "points": 12,
                "state": "valid",
            },
        ),
    }
    vehicles = read(EmbeddedVehicles, nation, "an")["vehicles"]
    assert [(each["plate"], each["kind"], each["state"]) for each in vehicles] == [
        ("09-Z1 000.08", "motorcycle", "valid"),
        ("09Z-000.08", "car", "valid"),
    ]
    assert read(EmbeddedDrivingLicences, nation, "licence_held")["licences"][0]["state"] == "held"
    assert read(EmbeddedVehicles, nation, "licence_held")["vehicles"][0]["state"] == "held"
    assert read(EmbeddedDrivingLicences, nation, "khoa")["licences"][0]["state"] == "revoked"


def test_old_paper_licence_came_under_a_name_that_matches_nobody(nation: Database) -> None:
    facts = read(EmbeddedDrivingLicences, nation, "licence_old_paper")
    assert facts["licences"][0]["state"] == "old_paper"
    assert (facts["full_name"], facts["birth_date"]) == ("HA MAU GIAY", "1965")
    assert read(EmbeddedVehicles, nation, "giay")["vehicles"][0]["state"] == "cancelled"


def test_social_security_tells_what_is_paid_where(nation: Database) -> None:
    facts = read(EmbeddedSocialSecurity, nation, "sau")
    assert facts["benefits"] == ({"kind": "Trợ cấp hưu trí xã hội", "amount": 500_000, "since": date(2025, 7, 1)},)
    assert facts["account_bank"] == "Ngân hàng Mẫu Một"
    assert len(facts["account_last4"]) == 4
    with pytest.raises(NotFound):
        read(EmbeddedSocialSecurity, nation, "an")


def test_police_tell_what_became_of_reports_and_not_what_they_said(nation: Database) -> None:
    facts = read(EmbeddedSecurityCases, nation, "an")
    assert [(each["received_on"], each["kind"], each["state"]) for each in facts["reports"]] == [
        (date(2025, 8, 6), "traffic", "closed"),
        (date(2025, 12, 22), "online_scam", "referred"),
        (date(2026, 2, 24), "disorder", "assigned"),
    ]
    assert set(facts["reports"][0]) == {"case_number", "received_on", "kind", "state", "office"}
    numbers = [each["case_number"] for each in facts["reports"]]
    assert len(set(numbers)) == 3
    assert all(number.startswith("099PA") for number in numbers)
    assert "barred_until" not in facts


def test_bar_is_told_with_its_last_day(nation: Database) -> None:
    facts = read(EmbeddedSecurityCases, nation, "lech")
    assert facts["barred_until"] == date(2027, 2, 24)
    assert [each["state"] for each in facts["reports"]] == ["closed"]
    assert {each["state"] for each in read(EmbeddedSecurityCases, nation, "giay")["reports"]} == {"received"}


@pytest.mark.parametrize("key", ["binh", "nho", "xuan"])
def test_police_do_not_know_who_never_reported(nation: Database, key: str) -> None:
    with pytest.raises(NotFound) as refusal:
        read(EmbeddedSecurityCases, nation, key)
    assert refusal.value.code == "person_unknown"


def test_hospitals_notice_is_found_by_either_parent_and_has_no_child_yet(nation: Database) -> None:
    mother = persona("noi").number
    father = EmbeddedPopulation(nation).read(mother, GROUND).values["spouse_number"]
    facts = read(EmbeddedCivilStatus, nation, "noi")
    (notice,) = facts["births"]
    assert notice["state"] == "notified"
    assert notice["born_on"] == date(2026, 2, 20)
    assert (notice["mother_number"], notice["father_number"]) == (mother, father)
    assert "child_name" not in notice
    assert EmbeddedCivilStatus(nation).read(str(father), GROUND).values["births"] == facts["births"]
    assert facts["marriages"][0]["spouse_number"] == father
    assert (
        EmbeddedCivilStatus(nation).read(str(father), GROUND).values["marriages"][0]["spouse_name"]
        == persona("noi").name
    )


def test_births_are_found_by_parent_and_by_child(nation: Database) -> None:
    births = read(EmbeddedCivilStatus, nation, "an")["births"]
    assert [birth["child_name"] for birth in births] == ["Nguyễn Mẫu Minh", "Nguyễn Thị Mẫu Ngọc"]
    assert {birth["state"] for birth in births} == {"registered"}
    (own,) = EmbeddedCivilStatus(nation).read("099216000071", GROUND).values["births"]
    assert own == births[0]
    with pytest.raises(NotFound):
        read(EmbeddedCivilStatus, nation, "leading_zero")
