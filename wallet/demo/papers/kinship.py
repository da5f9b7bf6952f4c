"""What the registers of population and residence add of their own: names of relatives, fees, earlier places."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from wallet.demo.cards import anniversary
from wallet.demo.draw import Draw
from wallet.demo.names import draw_name
from wallet.demo.numbers import FEMALE, MALE
from wallet.demo.papers.common import Row, Subject
from wallet.demo.places import OLD_PROVINCES, address_in, draw_commune, draw_line, is_remote, prefix_codes
from wallet.demo.records import REFERENCE_DAY, Address, Household, Person
from wallet.sources.models import FormerResidence

REFORM = date(2025, 7, 1)
"""Since when addresses have two levels."""

_CITIES = {"Hà Nội", "Hải Phòng", "Huế", "Đà Nẵng", "TP. Hồ Chí Minh", "Cần Thơ"}
_OLD_NAMES = {code: old for code, old, _, _ in OLD_PROVINCES}
_WARDS_BEFORE = {
    "00167": "Phường Quan Hoa, Quận Cầu Giấy, Thành phố Hà Nội",
    "00583": "Xã Bát Tràng, Huyện Gia Lâm, Thành phố Hà Nội",
    "25942": "Phường Dĩ An, Thành phố Dĩ An, Tỉnh Bình Dương",
    "26743": "Phường Bến Thành, Quận 1, Thành phố Hồ Chí Minh",
    "26824": "Phường Linh Chiểu, Thành phố Thủ Đức, Thành phố Hồ Chí Minh",
}
"""What some of today's communes were called, by their code. Of the others the demo knows no old name."""

_KNOWN_PARENTS = 0.7
_POOR = 0.04
_STUDENTS = 0.4


def relatives(person: Person, household: Household) -> dict[str, Any]:
    """Return the names of parents and spouse, where they live in the household or were told."""
    names = {each.number: each.name.full for each in household.people}
    told = {"father": person.father_name, "mother": person.mother_name, "spouse": person.spouse_name}
    return {f"{who}_name": told[who] or names.get(getattr(person, who) or "") for who in told}


def drawn_parents(draw: Draw, person: Person, known: dict[str, Any]) -> dict[str, Any]:
    """Return names for the parents of a grown-up whom no household knows; some registers never had them."""
    if person.father or person.mother or not draw.chance(_KNOWN_PARENTS):
        return known
    group, province = person.ethnicity or "Kinh", "01"
    father = draw_name(draw, group, MALE, province, father=person.name)
    mother = draw_name(draw, group, FEMALE, province)
    return known | {"father_name": father.full, "mother_name": mother.full}


def drawn_exemptions(draw: Draw, subject: Subject, *, poor: bool) -> tuple[str, ...]:
    """Return what may free one person of fees."""
    remote = is_remote(subject.address.commune, subject.address.province_code)
    minority = subject.person.ethnicity not in (None, "Kinh")
    found = {
        "poor_household": poor,
        "disability": draw.chance(0.02),
        "special_area_resident": remote,
        "minority_special_area": remote and minority,
        "merit": subject.age >= 65 and draw.chance(0.03),
        "martyr_relative": subject.age >= 50 and draw.chance(0.02),
        "student": 18 <= subject.age <= 22 and draw.chance(_STUDENTS),
    }
    return tuple(code for code, holds in found.items() if holds)


def drawn_poor(draw: Draw) -> bool:
    """Tell whether a household is on the list of the poor."""
    return draw.chance(_POOR)


def told_old_address(address: Address | None, since: date | None) -> str | None:
    """Return how the place of somebody who is in every nation was written before the reform."""
    if address is None or since is None or since >= REFORM or address.commune_code not in _WARDS_BEFORE:
        return None
    return ", ".join(part for part in (address.line, _WARDS_BEFORE[address.commune_code]) if part)


def drawn_old_address(draw: Draw, household: Household) -> str | None:
    """Return an invented old address, None where the register has none: its district is called Mẫu."""
    if not draw.chance(0.8):
        return None
    address = household.address
    old = _OLD_NAMES[draw.one(prefix_codes(address.province_code))]
    urban = address.commune.startswith("Phường")
    province = f"{'Thành phố' if old in _CITIES else 'Tỉnh'} {old.removeprefix('TP. ')}"
    commune = f"{'Phường' if urban else 'Xã'} {address.commune.split(' ', 1)[1]} Mẫu"
    return ", ".join(part for part in (address.line, commune, f"{'Quận' if urban else 'Huyện'} Mẫu", province) if part)


def drawn_history(draw: Draw, subject: Subject) -> Iterator[Row]:
    """Yield where somebody was registered between their fourteenth birthday and their coming here."""
    residence = subject.person.residence
    if residence is None or residence.permanent_since is None:
        return
    here = residence.permanent_since
    fourteen = anniversary(subject.born, 14)
    if here <= fourteen + timedelta(days=30) or here > REFERENCE_DAY or not draw.chance(0.8):
        return
    commune = draw_commune(draw)
    yield former(subject, subject.born + timedelta(days=20), here, address_in(commune, draw_line(draw, commune)).text)


def former(subject: Subject, from_day: date, to_day: date, address: str, kind: str = "permanent") -> Row:
    """Return one earlier registration."""
    return (
        FormerResidence,
        {
            "number": subject.person.number,
            "from_day": from_day,
            "to_day": to_day,
            "address": address,
            "kind": kind,
        },
    )
