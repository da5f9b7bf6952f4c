"""Table 2.2, held at the birthdays against a second writing of it."""

from datetime import date

import pytest

from wallet.enrolment.eligibility import Right, age_on, kind_of, needs_guardian, right_to
from wallet.identity.accounts import HolderKind
from wallet.terms import AccountLevel

ONE, TWO = AccountLevel.ONE, AccountLevel.TWO
TODAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        ("2012-03-02", "2026-03-01", 13),
        ("2012-03-02", "2026-03-02", 14),
        ("2012-03-03", "2026-03-02", 13),
        ("2020-03-02", "2026-03-01", 5),
        ("2020-03-02", "2026-03-02", 6),
        ("2012-02-29", "2026-02-28", 13),
        ("2012-02-29", "2026-03-01", 14),
        ("2020-02-29", "2024-02-28", 3),
        ("2020-02-29", "2024-02-29", 4),
        ("2020-02-29", "2026-02-28", 5),
        ("2020-02-29", "2026-03-01", 6),
        ("2012", "2026-12-30", 13),
        ("2012", "2026-12-31", 14),
        ("2012", "2027-01-01", 14),
        ("2026-03-03", "2026-03-02", -1),
    ],
)
def test_age_at_the_birthday(birth: str, day: str, age: int) -> None:
    assert age_on(birth, date.fromisoformat(day)) == age
    if len(birth) == 10:
        assert age_on(date.fromisoformat(birth), date.fromisoformat(day)) == age


@pytest.mark.parametrize(
    ("kind", "birth", "level_one", "level_two"),
    [
        (HolderKind.CITIZEN, "2020-03-03", "on_request", "no"),
        (HolderKind.CITIZEN, "2020-03-02", "on_request", "on_request"),
        (HolderKind.CITIZEN, "2012-03-03", "on_request", "on_request"),
        (HolderKind.CITIZEN, "2012-03-02", "yes", "yes"),
        (HolderKind.CITIZEN, "1926-01-01", "yes", "yes"),
        (HolderKind.CITIZEN, "2012", "on_request", "on_request"),
        (HolderKind.CITIZEN, "2011", "yes", "yes"),
        (HolderKind.FOREIGNER, "2020-03-03", "on_request", "no"),
        (HolderKind.FOREIGNER, "2020-03-02", "yes", "on_request"),
        (HolderKind.FOREIGNER, "2012-03-02", "yes", "on_request"),
        (HolderKind.CITIZEN, "2026-03-03", "no", "no"),
        (HolderKind.FOREIGNER, "2026-03-03", "no", "no"),
    ],
)
def test_who_may_have_what(kind: HolderKind, birth: str, level_one: str, level_two: str) -> None:
    age = age_on(birth, TODAY)
    assert right_to(ONE, kind, age) is Right(level_one)
    assert right_to(TWO, kind, age) is Right(level_two)


def test_parents_apply_until_fourteen() -> None:
    assert [age for age in range(20) if needs_guardian(age)] == list(range(14))


def test_kind_follows_from_nationality() -> None:
    assert kind_of({"nationality": "Việt Nam"}) is HolderKind.CITIZEN
    assert kind_of({"nationality": "Pháp"}) is HolderKind.FOREIGNER
