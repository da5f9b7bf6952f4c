"""Invented births, marriages and social security, from the families that exist."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from wallet.demo.draw import Draw
from wallet.demo.numbers import FEMALE
from wallet.demo.papers.common import Row, Subject, day_between, insurance_number
from wallet.demo.papers.health import hospital
from wallet.sources.ministry_models import Birth, Marriage, SocialSecurity
from wallet.sources.tables import packed

_ELDER = 75
_BANKS = ("Ngân hàng Mẫu Một", "Ngân hàng Mẫu Hai", "Ngân hàng Mẫu Ba")


def births(people: list[Subject]) -> Iterator[Row]:
    """Yield the birth of every child who lives with its mother."""
    by_number = {subject.person.number: subject for subject in people}
    for child in people:
        mother, father = child.person.mother, child.person.father
        if mother in by_number and len(child.person.birth) == 10:
            yield (
                Birth,
                {
                    "notice_id": notice_id(child.serial),
                    "child_number": child.person.number,
                    "child_name": child.person.name.full,
                    "born_on": child.born,
                    "born_at_place": f"{child.address.commune}, {child.address.province}",
                    "sex": child.person.sex,
                    "mother_number": mother,
                    "father_number": father,
                    "hospital": hospital(child),
                    "state": "registered",
                    "updated_at": child.person.updated_at,
                },
            )


def newborn(mother: Subject, born_on: date, sex: str, *, father: str | None, **changes: Any) -> Row:
    """Return a birth that the hospital told of and nobody registered yet (giấy báo sinh điện tử)."""
    return Birth, {
        "notice_id": notice_id(mother.serial + 7),
        "child_number": None,
        "child_name": None,
        "born_on": born_on,
        "born_at_place": f"{mother.address.commune}, {mother.address.province}",
        "sex": sex,
        "mother_number": mother.person.number,
        "father_number": father,
        "hospital": hospital(mother),
        "state": "notified",
        "updated_at": mother.person.updated_at,
        **changes,
    }


def notice_id(serial: int) -> str:
    """Return the id of a hospital's notice, which no hospital gives."""
    return f"099GBS{serial:09d}"


def marriages(people: list[Subject]) -> Iterator[Row]:
    """Yield the marriage of every couple that lives together."""
    by_number = {subject.person.number: subject for subject in people}
    for wife in people:
        husband = by_number.get(wife.person.spouse or "")
        if wife.person.sex != FEMALE or husband is None:
            continue
        younger = max(wife.born, husband.born) + timedelta(days=20 * 366)
        yield (
            Marriage,
            {
                "certificate_number": f"099KH{wife.serial:09d}",
                "husband_number": husband.person.number,
                "husband_name": husband.person.name.full,
                "wife_number": wife.person.number,
                "wife_name": wife.person.name.full,
                "registered_on": younger + timedelta(days=wife.serial % 700),
                "registered_at": f"Ủy ban nhân dân {wife.address.commune}",
                "state": "valid",
                "updated_at": max(wife.person.updated_at, husband.person.updated_at),
            },
        )


def social_security(subject: Subject, *benefits: tuple[str, int, date], bank: str | None = _BANKS[0]) -> Row:
    """Return what somebody is paid. benefits: kind, đồng a month, since when. bank: None where no account is named."""
    return SocialSecurity, {
        **subject.named,
        "insurance_number": insurance_number(subject.serial),
        "benefits_packed": packed(
            {"benefits": [{"kind": kind, "amount": much, "since": day} for kind, much, day in benefits]}
        ),
        "account_bank": bank,
        "account_last4": None if bank is None else f"{subject.serial * 7919 % 10**4:04d}",
    }


def drawn(draw: Draw, subject: Subject, exemptions: tuple[str, ...]) -> Iterator[Row]:
    """Yield what one person is paid: a pension, or what the law gives the old, the disabled, those with merit."""
    pensioned = subject.age >= 62 and draw.chance(0.35)
    if pensioned:
        benefit = ("Lương hưu", draw.between(30, 110) * 100_000, day_between(draw, date(2015, 1, 1)))
    elif "disability" in exemptions:
        benefit = ("Trợ cấp người khuyết tật", 750_000, day_between(draw, date(2024, 7, 1)))
    elif "merit" in exemptions or "martyr_relative" in exemptions:
        benefit = ("Trợ cấp ưu đãi người có công", 2_789_000, day_between(draw, date(2024, 7, 1)))
    elif subject.age >= _ELDER:
        benefit = ("Trợ cấp hưu trí xã hội", 500_000, date(2025, 7, 1))
    else:
        return
    yield social_security(subject, benefit, bank=draw.one(_BANKS) if draw.chance(0.7) else None)
