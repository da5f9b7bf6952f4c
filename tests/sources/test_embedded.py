"""What the embedded registers answer, and how they refuse."""

from datetime import UTC, date, datetime
from typing import Any

import pytest
from sqlalchemy import text

from tests.sources.conftest import CITIZENS, SEED
from tests.support import GROUND, FixedClock
from wallet.db import Database
from wallet.demo.biometrics import references
from wallet.demo.cast import FOREIGNERS
from wallet.demo.edge_cases import EDGE_CASES
from wallet.demo.nation import PHONE_OF_ANOTHER, generate
from wallet.demo.personas import PERSONAS, persona
from wallet.demo.phones import phone_of, second_phone_of
from wallet.demo.records import RELATIONS
from wallet.errors import NotFound, Unavailable
from wallet.sources.base import RegisterCode
from wallet.sources.embedded import embedded_registers
from wallet.sources.people import (
    EmbeddedBiometrics,
    EmbeddedBusinesses,
    EmbeddedImmigration,
    EmbeddedPopulation,
    EmbeddedSubscribers,
)
from wallet.sources.residences import EmbeddedResidence

POPULATION_FACTS = {
    "number", "former_numbers", "full_name", "family_name", "middle_name", "given_name", "birth_date", "sex",
    "nationality", "ethnicity", "religion", "native_place", "birth_registration_place", "alive", "card_expires",
    "cmnd", "card_issued", "died_on", "father_number", "mother_number", "guardian_number",
    "spouse_number", "father_name", "mother_name", "spouse_name", "other_names", "exemptions",
}  # fmt: skip
REGISTERS = [
    EmbeddedPopulation, EmbeddedResidence, EmbeddedSubscribers, EmbeddedBiometrics, EmbeddedImmigration,
    EmbeddedBusinesses,
]  # fmt: skip
RESIDENCE_FACTS = {
    "permanent_address", "permanent_commune", "permanent_commune_code", "permanent_province", "permanent_province_code",
    "permanent_since", "temporary_address", "temporary_commune", "temporary_since", "temporary_until",
    "current_address", "current_commune", "current_province", "household_head_name", "household_head_number",
    "relation_to_head", "household_members", "permanent_old_address", "residence_history", "temporary_commune_code",
    "temporary_province", "temporary_province_code", "current_commune_code", "current_province_code",
}  # fmt: skip


def population(database: Database, number: str) -> dict[str, Any]:
    return dict(EmbeddedPopulation(database).read(number, GROUND).values)


def residence(database: Database, number: str) -> dict[str, Any]:
    return dict(EmbeddedResidence(database).read(number, GROUND).values)


def test_population_answers_with_every_known_fact(nation: Database) -> None:
    facts = EmbeddedPopulation(nation).read(persona("an").number, GROUND)
    assert facts.register is RegisterCode.POPULATION
    assert facts.as_of == datetime(2026, 1, 12, 2, 0, tzinfo=UTC)
    assert facts.values == {
        "number": "099090000001",
        "full_name": "Nguyễn Mẫu An",
        "family_name": "Nguyễn",
        "middle_name": "Mẫu",
        "given_name": "An",
        "birth_date": date(1990, 6, 15),
        "sex": "Nam",
        "nationality": "Việt Nam",
        "ethnicity": "Kinh",
        "religion": "Không",
        "native_place": "Phường Cầu Giấy, Thành phố Hà Nội",
        "birth_registration_place": "Hà Nội",
        "alive": True,
        "cmnd": "990000001",
        "card_issued": date(2021, 6, 1),
        "card_expires": date(2030, 6, 15),
        "spouse_number": "099192000051",
        "father_name": "Nguyễn Mẫu Bách",
        "mother_name": "Phạm Thị Mẫu Thảo",
        "spouse_name": "Lê Thị Mẫu Hòa",
    }


def test_residence_answers_with_every_known_fact(nation: Database) -> None:
    facts = EmbeddedResidence(nation).read(persona("xa").number, GROUND)
    assert facts.register is RegisterCode.RESIDENCE
    there = "Số 120, hẻm 36, đường Võ Văn Ngân, Phường Thủ Đức, Thành phố Hồ Chí Minh"
    assert facts.values == {
        "permanent_address": "Khối 6, Phường Trường Vinh, Tỉnh Nghệ An",
        "permanent_commune": "Phường Trường Vinh",
        "permanent_commune_code": "16690",
        "permanent_province": "Tỉnh Nghệ An",
        "permanent_province_code": "40",
        "permanent_since": date(2015, 6, 10),
        "temporary_address": there,
        "temporary_commune": "Phường Thủ Đức",
        "temporary_commune_code": "26824",
        "temporary_province": "Thành phố Hồ Chí Minh",
        "temporary_province_code": "79",
        "temporary_since": date(2025, 9, 1),
        "temporary_until": date(2027, 8, 31),
        "current_address": there,
        "current_commune": "Phường Thủ Đức",
        "current_province": "Thành phố Hồ Chí Minh",
        "current_commune_code": "26824",
        "current_province_code": "79",
        "residence_history": (
            {
                "from_day": date(2015, 6, 10),
                "address": "Khối 6, Phường Trường Vinh, Tỉnh Nghệ An",
                "kind": "permanent",
            },
            {"from_day": date(2025, 9, 1), "address": there, "kind": "temporary"},
        ),
        "household_head_name": "Huỳnh Thị Mẫu Quê",
        "household_head_number": "099169000058",
        "relation_to_head": "Con",
        "household_members": (
            {
                "full_name": "Huỳnh Thị Mẫu Quê",
                "birth_date": date(1969, 2, 14),
                "sex": "Nữ",
                "relation": "Chủ hộ",
                "number_last4": "0058",
            },
            {
                "full_name": persona("xa").name,
                "birth_date": date(1996, 4, 24),
                "sex": "Nữ",
                "relation": "Con",
                "number_last4": "0008",
            },
        ),
    }


def test_birth_known_by_its_year_stays_a_year(nation: Database) -> None:
    assert population(nation, persona("sau").number)["birth_date"] == "1948"
    members = residence(nation, persona("sau").number)["household_members"]
    assert [member["birth_date"] for member in members] == ["1948", "1950"]


def test_former_number_leads_to_the_person_and_the_current_number(nation: Database) -> None:
    current = persona("doi").number
    former = population(nation, current)["former_numbers"]
    assert former == ("099178000004",)
    assert population(nation, former[0]) == population(nation, current)
    assert residence(nation, former[0]) == residence(nation, current)


def test_household_of_a_dead_head_still_names_him(nation: Database) -> None:
    dead = persona("khuat")
    assert population(nation, dead.number)["alive"] is False
    assert population(nation, dead.number)["died_on"] == date(2026, 2, 10)
    widow = next(m for m in residence(nation, dead.number)["household_members"] if m["relation"] == "Vợ")
    assert widow["full_name"] == "Bùi Thị Mẫu Còn"
    assert residence(nation, dead.number)["household_head_name"] == dead.name


def test_foreign_resident_has_no_ethnicity(nation: Database) -> None:
    facts = population(nation, persona("marie").number)
    assert facts["nationality"] == "Pháp"
    assert not {"ethnicity", "religion", "birth_registration_place"} & set(facts)


def test_name_without_a_family_leaves_the_parts_out(nation: Database) -> None:
    facts = population(nation, EDGE_CASES["one_word_name"].number)
    assert facts["full_name"] == facts["given_name"] == "K'Brin"
    assert "family_name" not in facts
    assert "middle_name" not in facts


def test_person_whom_the_residence_register_does_not_know_is_refused_there(nation: Database) -> None:
    number = persona("vang").number
    assert population(nation, number)["full_name"] == persona("vang").name
    with pytest.raises(NotFound) as refusal:
        EmbeddedResidence(nation).read(number, GROUND)
    assert refusal.value.code == "person_unknown"


@pytest.mark.parametrize(
    "number",
    [
        "099000000999",
        "001090000001",
        "",
        "099",
        "0990900000011",
        "٠٩٩٠٩٠٠٠٠٠٠١",
        "09909000000\x00",
        "099090000001\n",
        "'--",
    ],
)
@pytest.mark.parametrize("register", REGISTERS)
def test_unknown_number_is_refused(nation: Database, register: Any, number: str) -> None:
    with pytest.raises(NotFound) as refusal:
        register(nation).read(number, GROUND)
    assert refusal.value.code == "person_unknown"


@pytest.mark.parametrize("register", REGISTERS)
def test_register_without_tables_is_unavailable(database: Database, register: Any) -> None:
    asked = "0099000001" if register is EmbeddedBusinesses else persona("an").number
    with pytest.raises(Unavailable) as refusal:
        register(database).read(asked, GROUND)
    assert refusal.value.code == "source_unavailable"
    assert refusal.value.retry_after > 0


def test_register_that_does_not_answer_is_unavailable() -> None:
    unreachable = Database("postgresql+psycopg://nobody@127.0.0.1:1/none")
    with pytest.raises(Unavailable) as refusal:
        EmbeddedPopulation(unreachable).read(persona("an").number, GROUND)
    assert refusal.value.code == "source_unavailable"


def test_every_answer_has_known_names_and_no_none(nation: Database) -> None:
    people = [person for household in generate(SEED, CITIZENS) for person in household.people]
    assert len(people) == CITIZENS
    for person in people:
        facts = population(nation, person.number)
        assert facts.keys() <= POPULATION_FACTS
        assert None not in facts.values()
        assert () not in facts.values()
        if person.residence is None:
            continue
        where = residence(nation, person.number)
        assert where.keys() <= RESIDENCE_FACTS
        assert None not in where.values()
        assert where["relation_to_head"] in RELATIONS
        members = where["household_members"]
        assert members[0]["relation"] == "Chủ hộ"
        assert members[0]["number_last4"] == where["household_head_number"][-4:]
        assert [member["relation"] for member in members].count("Chủ hộ") == 1
        assert all(set(m) == {"full_name", "birth_date", "sex", "relation", "number_last4"} for m in members)
        assert person.name.full in [member["full_name"] for member in members]


def test_parents_and_guardian_are_named(nation: Database) -> None:
    child = population(nation, EDGE_CASES["born_2025"].number)
    assert child["father_number"] == "099095000111"
    assert "mother_number" not in child
    assert population(nation, persona("nho").number)["guardian_number"] == "099181000057"


def test_former_card_number_leads_to_the_person_where_one_alone_has_it(nation: Database) -> None:
    assert population(nation, "990000001")["number"] == persona("an").number
    shared = population(nation, EDGE_CASES["cmnd_shared"].number)["cmnd"]
    for number in (shared, "990099009", "99000000", "٩٩٠٠٠٠٠٠١"):
        with pytest.raises(NotFound) as refusal:
            population(nation, number)
        assert refusal.value.code == "person_unknown"
    with pytest.raises(NotFound):
        residence(nation, "990000001")


def test_everybody_who_is_old_enough_has_an_own_phone(nation: Database) -> None:
    read = EmbeddedSubscribers(nation).read
    for each in PERSONAS:
        assert read(each.number, GROUND).values["phones"] == (second_phone_of(each.number), phone_of(each.number))
    former = population(nation, persona("doi").number)["former_numbers"][0]
    assert read(former, GROUND).values == read(persona("doi").number, GROUND).values


def test_phone_in_anothers_name_is_the_others(nation: Database) -> None:
    (user, owner), *_ = PHONE_OF_ANOTHER.items()
    with pytest.raises(NotFound):
        EmbeddedSubscribers(nation).read(user, GROUND)
    phones = EmbeddedSubscribers(nation).read(owner, GROUND).values["phones"]
    assert phones == tuple(sorted([phone_of(owner), second_phone_of(owner), phone_of(user)]))


def test_references_are_those_of_the_person(nation: Database) -> None:
    facts = EmbeddedBiometrics(nation).read(persona("an").number, GROUND).values
    assert (facts["face"], facts["finger"]) == references(persona("an").number)
    assert facts["face"] != facts["finger"]
    for number in (EDGE_CASES["age_5"].number, FOREIGNERS["new_here"].number):
        with pytest.raises(NotFound):
            EmbeddedBiometrics(nation).read(number, GROUND)


def test_immigration_knows_foreigners_only(nation: Database) -> None:
    marie = EmbeddedImmigration(nation).read(persona("marie").number, GROUND)
    assert marie.values == {
        "permit_kind": "permanent",
        "permit_number": "PC0990010",
        "permit_expires": date(2035, 5, 5),
        "passport_number": "99AM00010",
        "passport_expires": date(2035, 3, 1),
        "biometrics_on_file": True,
    }
    assert EmbeddedImmigration(nation).read("099186000011", GROUND) == marie
    with pytest.raises(NotFound):
        EmbeddedImmigration(nation).read(persona("an").number, GROUND)


def test_businesses_are_asked_by_their_code(nation: Database) -> None:
    facts = EmbeddedBusinesses(nation).read("0099000001", GROUND).values
    assert facts["representative_number"] == persona("an").number
    assert facts["tax_code"] == facts["enterprise_code"] == "0099000001"
    assert facts["state"] == "active"
    assert facts["founded_on"] == date(2019, 4, 1)
    assert EmbeddedBusinesses(nation).read("0099000003", GROUND).values["state"] == "dissolved"
    for code in ("0099000009", "0099000001-001", "009900000", "0099000001\n", persona("an").number):
        with pytest.raises(NotFound) as refusal:
            EmbeddedBusinesses(nation).read(code, GROUND)
        assert refusal.value.code == "person_unknown"


def test_every_embedded_register_stands_under_its_code(nation: Database) -> None:
    registers = embedded_registers(nation, FixedClock(), bytes(32))
    assert {code: register.code for code, register in registers.items()} == {code: code for code in RegisterCode}
    assert {type(register) for register in registers.values()} >= set(REGISTERS)


def test_history_begins_at_fourteen_and_names_every_place_since(nation: Database) -> None:
    history = residence(nation, persona("an").number)["residence_history"]
    assert [(place["from_day"], place.get("to_day"), place["kind"]) for place in history] == [
        (date(2004, 6, 15), date(2008, 9, 1), "permanent"),
        (date(2008, 9, 1), date(2012, 8, 30), "temporary"),
        (date(2012, 8, 30), date(2015, 6, 10), "permanent"),
        (date(2015, 6, 10), None, "permanent"),
    ]
    child = residence(nation, EDGE_CASES["age_13"].number)
    assert [place["from_day"] for place in child["residence_history"]] == [date(2027, 3, 1)]


def test_place_has_its_old_name_only_where_that_is_known(nation: Database) -> None:
    assert residence(nation, persona("an").number)["permanent_old_address"] == (
        "Số 12, ngõ 34, đường Nguyễn Khang, Phường Quan Hoa, Quận Cầu Giấy, Thành phố Hà Nội"
    )
    assert "permanent_old_address" not in residence(nation, persona("doi").number)
    # Moved after the reform: the place never had the old name for him.
    assert "permanent_old_address" not in residence(nation, persona("dot").number)


def test_what_frees_of_fees_is_a_list_of_codes(nation: Database) -> None:
    assert population(nation, persona("doi").number)["exemptions"] == ("poor_household",)
    assert population(nation, persona("dot").number)["exemptions"] == ("special_area_resident", "minority_special_area")
    assert "exemptions" not in population(nation, persona("an").number)


def test_reading_leaves_no_trace(nation: Database) -> None:
    def counts() -> list[int]:
        tables = ("population", "aliases", "residence", "households", "subscribers", "biometrics", "cards", "meta")
        with nation.read() as session:
            return [session.scalar(text(f"SELECT count(*) FROM nation_{table}")) or 0 for table in tables]

    before = counts()
    for each in PERSONAS:
        population(nation, each.number)
    assert counts() == before
