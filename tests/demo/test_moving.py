"""A persona moves: the residence register says so from that day on, and keeps where they were."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from tests.support import GROUND
from wallet.db import Database
from wallet.demo.moving import NEW_HOME, move
from wallet.demo.nation import seed_nation
from wallet.demo.personas import persona
from wallet.errors import NotFound
from wallet.sources.residences import EmbeddedResidence

NOW = datetime(2026, 3, 2, 20, 0, tzinfo=UTC)
TODAY = date(2026, 3, 3)
"""The same moment as a day in Vietnam."""


@pytest.fixture
def nation(database: Database) -> Database:
    seed_nation(database, seed=5, citizens=10)
    return database


def residence(database: Database, number: str) -> dict[str, Any]:
    return dict(EmbeddedResidence(database).read(number, GROUND).values)


def test_head_moves_with_the_household(nation: Database) -> None:
    before = residence(nation, persona("an").number)
    there = move(nation, persona("an").number, NOW)
    facts = EmbeddedResidence(nation).read(persona("an").number, GROUND)
    assert facts.as_of == NOW
    assert facts.values["permanent_address"] == facts.values["current_address"] == there.text
    assert facts.values["permanent_commune_code"] == NEW_HOME[0]
    assert facts.values["permanent_since"] == TODAY
    assert "permanent_old_address" not in facts.values
    assert len(facts.values["household_members"]) == 4
    history = facts.values["residence_history"]
    assert history[-2:] == (
        {
            "from_day": date(2015, 6, 10), "to_day": TODAY, "address": before["permanent_address"],
            "kind": "permanent",
        },
        {"from_day": TODAY, "address": there.text, "kind": "permanent"},
    )  # fmt: skip
    assert residence(nation, "099192000051")["permanent_address"] == there.text


def test_member_moves_out_alone(nation: Database) -> None:
    xa = persona("xa").number
    move(nation, xa, NOW, ("00004", "Số 1"))
    facts = residence(nation, xa)
    assert facts["permanent_address"] == "Số 1, Phường Ba Đình, Thành phố Hà Nội"
    assert facts["relation_to_head"] == "Chủ hộ"
    assert [member["full_name"] for member in facts["household_members"]] == [persona("xa").name]
    # She works where she worked: only the permanent residence is another.
    assert facts["current_commune"] == facts["temporary_commune"] == "Phường Thủ Đức"
    mother = residence(nation, facts["household_head_number"].replace(xa, "099169000058"))
    assert [member["relation"] for member in mother["household_members"]] == ["Chủ hộ"]


def test_moving_twice_in_a_day_keeps_one_place_of_before(nation: Database) -> None:
    binh = persona("binh").number
    move(nation, binh, NOW)
    move(nation, binh, NOW)
    history = residence(nation, binh)["residence_history"]
    assert [place["from_day"] for place in history] == [date(2022, 4, 1), TODAY]
    assert residence(nation, binh)["permanent_commune_code"] != NEW_HOME[0]


def test_day_of_registration_in_the_future_makes_no_history(nation: Database) -> None:
    move(nation, persona("mai").number, NOW)
    facts = residence(nation, persona("mai").number)
    assert [place["from_day"] for place in facts["residence_history"]] == [TODAY]


@pytest.mark.parametrize(
    ("number", "to", "code"),
    [
        ("099179000012", None, "person_unknown"),
        ("099000000999", None, "person_unknown"),
        ("099090000001", ("99999", "Số 1"), "commune_unknown"),
        ("099090000001", ("", "Số 1"), "commune_unknown"),
    ],
)
def test_who_cannot_move_stays(nation: Database, number: str, to: tuple[str, str] | None, code: str) -> None:
    before = residence(nation, persona("an").number)
    with pytest.raises(NotFound) as refusal:
        move(nation, number, NOW, to)
    assert refusal.value.code == code
    assert residence(nation, persona("an").number) == before
