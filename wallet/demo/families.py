"""One invented household: who lives in it, how they are related, and what the registers hold about each.

A household is a function of the nation's seed and its own index, but for the numbers, which count upwards.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from wallet.demo.cards import anniversary, card_on, expiry
from wallet.demo.draw import Draw, Shares
from wallet.demo.ethnicities import draw_group, draw_religion
from wallet.demo.names import draw_name
from wallet.demo.numbers import FEMALE, MALE, NumberPool
from wallet.demo.places import OLD_PROVINCES, address_in, draw_commune, draw_line, prefix_codes, registered_at
from wallet.demo.records import HEAD, REFERENCE_DAY, Address, Household, Name, Person, Residence

LARGEST = 7

_KINDS = Shares({"family": 50.0, "couple": 13, "alone": 11, "one_parent": 8, "three_generations": 13, "sharing": 5})
_CHILDREN = Shares({1: 30.0, 2: 47, 3: 18, 4: 5})
_TODAY = REFERENCE_DAY.toordinal()
_YEAR = 365.2425
_FIRST_CHIP_CARD = date(2021, 3, 1).toordinal()
_LAST_OLD_CARD_BIRTH = date(2005, 1, 1).toordinal()
_FIRST_YEAR_KNOWN = date(1960, 1, 1).toordinal()


@dataclass(frozen=True, slots=True)
class _Home:
    """What the members of one household have in common."""

    draw: Draw
    numbers: NumberPool
    address: Address
    group: str
    religion: str
    native_place: str
    prefix_code: str
    since: int


@dataclass(frozen=True, slots=True)
class _Born:
    """A person before the rest is known. `day`: ordinal of the birth."""

    number: str
    name: Name
    sex: str
    day: int


def grow(seed: int, index: int, numbers: NumberPool, room: int) -> Household:
    """Return household number `index` of the nation, with at most `room` people, the dead included."""
    draw = Draw(seed, index)
    commune = draw_commune(draw)
    group = draw_group(draw, commune.province_code)
    native = commune if draw.chance(0.7) else draw_commune(draw)
    home = _Home(
        draw,
        numbers,
        address_in(commune, draw_line(draw, commune)),
        group,
        draw_religion(draw, group, commune.province_code),
        f"{native.name}, {native.province}",
        draw.one(prefix_codes(commune.province_code)),
        _TODAY - draw.between(60, 30 * 365),
    )
    kind = draw.of(_KINDS)
    if room == 1 or kind == "alone":
        people = _alone(home, room)
    elif kind == "three_generations" and room >= 4:
        people = _three_generations(home, room)
    elif kind == "sharing":
        people = _sharing(home, room)
    else:
        people = _family(home, room, with_children=kind != "couple", one_parent=kind == "one_parent")
    head = next(person.number for person in people if person.residence and person.residence.relation == HEAD)
    return Household(f"HK{index:010d}", head, home.address, tuple(people))


def _alone(home: _Home, room: int) -> list[Person]:
    """One person; an old one is often widowed, and the population register still holds the dead."""
    draw = home.draw
    sex = MALE if draw.chance(0.48) else FEMALE
    person = _born(home, sex, _day_at_age(draw, 18, 88))
    if room == 1 or _TODAY - person.day < 60 * _YEAR or draw.chance(0.3):
        return [_person(home, person, HEAD)]
    late = _born(home, FEMALE if sex == MALE else MALE, person.day + draw.between(-1900, 1900))
    died = date.fromordinal(_TODAY - draw.between(30, 12 * 365))
    return [
        _person(home, person, HEAD, spouse=late.number),
        _dead(_person(home, late, None, spouse=person.number), died),
    ]


def _family(home: _Home, room: int, *, with_children: bool, one_parent: bool) -> list[Person]:
    """A couple, or one parent, and their children."""
    draw = home.draw
    father, mother = _couple(home, 21, 62 if with_children else 84)
    children = _children(home, father, mother, min(room, LARGEST) - 2) if with_children else []
    if one_parent:
        parent = mother if draw.chance(0.8) else father
        father_number, mother_number = (None, parent.number) if parent is mother else (parent.number, None)
        young = [_person(home, child, "Con", father=father_number, mother=mother_number) for child in children]
        return [_person(home, parent, HEAD), *young]
    wife_heads = draw.chance(0.28)
    return [
        _person(home, father, "Chồng" if wife_heads else HEAD, spouse=mother.number),
        _person(home, mother, HEAD if wife_heads else "Vợ", spouse=father.number),
        *(_person(home, child, "Con", father=father.number, mother=mother.number) for child in children),
    ]


def _three_generations(home: _Home, room: int) -> list[Person]:
    """A couple, their children, and the husband's parents or one of them; the elder or the husband heads it."""
    draw = home.draw
    father, mother = _couple(home, 24, 50)
    grandfather = _born(home, MALE, father.day - draw.between(23 * 365, 36 * 365))
    grandmother = _born(home, FEMALE, father.day - draw.between(20 * 365, 34 * 365))
    father = replace(father, name=_family_name(home, MALE, grandfather, grandmother, []))
    children = _children(home, father, mother, min(room, LARGEST) - 4)
    elder_heads = draw.chance(0.55)
    alone = draw.chance(0.4)
    old = [
        _person(home, grandmother, (HEAD if alone else "Vợ") if elder_heads else "Mẹ", spouse=grandfather.number),
        _person(home, grandfather, HEAD if elder_heads and not alone else "Bố", spouse=grandmother.number),
    ]
    if alone:
        old[1] = _dead(replace(old[1], residence=None), date.fromordinal(_TODAY - draw.between(30, 12 * 365)))
    return [
        *old,
        _person(
            home,
            father,
            "Con" if elder_heads else HEAD,
            spouse=mother.number,
            father=grandfather.number,
            mother=grandmother.number,
        ),
        _person(home, mother, "Khác" if elder_heads else "Vợ", spouse=father.number),
        *(
            _person(home, child, "Cháu" if elder_heads else "Con", father=father.number, mother=mother.number)
            for child in children
        ),
    ]


def _sharing(home: _Home, room: int) -> list[Person]:
    """An owner and people who rent a room or stay there for free."""
    draw = home.draw
    people = [_person(home, _born(home, MALE if draw.chance(0.5) else FEMALE, _day_at_age(draw, 30, 75)), HEAD)]
    for _ in range(min(draw.between(1, 3), room - 1)):
        lodger = _born(home, MALE if draw.chance(0.5) else FEMALE, _day_at_age(draw, 18, 40))
        people.append(_person(home, lodger, "Người thuê" if draw.chance(0.7) else "Người ở nhờ"))
    return people


def _couple(home: _Home, youngest: int, oldest: int) -> tuple[_Born, _Born]:
    wife = _born(home, FEMALE, _day_at_age(home.draw, youngest, oldest))
    husband = _born(home, MALE, min(wife.day - home.draw.between(-700, 2700), int(_TODAY - 21 * _YEAR)))
    return husband, wife


def _children(home: _Home, father: _Born, mother: _Born, most: int) -> list[_Born]:
    """Return children who were born when the mother was 19 to 41 and have not left home, the oldest first."""
    draw = home.draw
    children: list[_Born] = []
    younger_parent = max(father.day, mother.day)
    day = younger_parent + int(draw.between(19, 29) * _YEAR) + draw.between(0, 364)
    for _ in range(draw.of(_CHILDREN)):
        if len(children) >= most or day > _TODAY or day - mother.day > 41 * _YEAR:
            break
        if _TODAY - day < 27 * _YEAR:
            children.append(_child(home, father, mother, day, children))
            if len(children) < most and draw.chance(0.012):
                children.append(_child(home, father, mother, day, children))
        day += draw.between(400, 1900)
    return children


def _child(home: _Home, father: _Born, mother: _Born, day: int, older: list[_Born]) -> _Born:
    sex = MALE if home.draw.chance(0.525) else FEMALE
    name = _family_name(home, sex, father, mother, older)
    return _Born(home.numbers.take(sex, date.fromordinal(day).year), name, sex, day)


def _family_name(home: _Home, sex: str, father: _Born, mother: _Born, siblings: list[_Born]) -> Name:
    """Return a name for a child of these two that nobody in the family has yet."""
    where = home.address.province_code
    taken = {each.name.full for each in (father, mother, *siblings)}
    for _ in range(50):
        name = draw_name(home.draw, home.group, sex, where, father=father.name, mother=mother.name)
        if name.full not in taken:
            break
    return name


def _born(home: _Home, sex: str, day: int) -> _Born:
    name = draw_name(home.draw, home.group, sex, home.address.province_code)
    return _Born(home.numbers.take(sex, date.fromordinal(day).year), name, sex, day)


def _day_at_age(draw: Draw, youngest: int, oldest: int) -> int:
    return _TODAY - int(draw.between(youngest, oldest) * _YEAR) - draw.between(0, 364)


def _dead(person: Person, died: date) -> Person:
    return replace(person, died_on=died, updated_at=_moment(died.toordinal() + 3))


def _person(
    home: _Home,
    born: _Born,
    relation: str | None,
    *,
    spouse: str | None = None,
    father: str | None = None,
    mother: str | None = None,
) -> Person:
    """Return the person. relation: None for who is registered in no household."""
    draw = home.draw
    year_only = born.day < _FIRST_YEAR_KNOWN and draw.chance(0.08)
    birthday = date.fromordinal(born.day)
    code = home.prefix_code
    if not (father or mother) and draw.chance(0.2):
        code = draw.one(OLD_PROVINCES)[0]
    residence = None if relation is None else _residence(home, born, relation)
    issued, expires = _card(draw, born.day, birthday)
    old_card = born.day < _LAST_OLD_CARD_BIRTH and draw.chance(0.8)
    changed = max(born.day, residence.permanent_since.toordinal() if residence and residence.permanent_since else 0)
    return Person(
        number=born.number,
        name=born.name,
        birth=str(birthday.year) if year_only else birthday.isoformat(),
        sex=born.sex,
        residence=residence,
        ethnicity=home.group,
        religion=home.religion,
        native_place=home.native_place,
        birth_registration_code=code,
        birth_registration_place=registered_at(code),
        cmnd=f"99{draw.between(0, 9_999_999):07d}" if old_card else None,
        spouse=spouse,
        father=father,
        mother=mother,
        card_issued=issued,
        card_expires=expires,
        updated_at=_moment(max(changed, _TODAY - draw.between(10, 900))),
    )


def _residence(home: _Home, born: _Born, relation: str) -> Residence:
    """Return the registration; one grown-up in nine who heads nothing works or studies in another province."""
    draw = home.draw
    since = date.fromordinal(min(max(home.since, born.day + draw.between(3, 45)), _TODAY))
    away = relation not in (HEAD, "Vợ", "Chồng") and 18 * _YEAR < _TODAY - born.day < 40 * _YEAR and draw.chance(0.11)
    if not away:
        return Residence(relation, home.address, since, home.address)
    commune = draw_commune(draw)
    there = address_in(commune, draw_line(draw, commune))
    if there.commune_code == home.address.commune_code:
        return Residence(relation, home.address, since, home.address)
    came = max(since.toordinal(), _TODAY - draw.between(31, 700))
    return Residence(relation, home.address, since, there, there, date.fromordinal(came), date.fromordinal(came + 730))


def _card(draw: Draw, day: int, birthday: date) -> tuple[date | None, date | None]:
    """Return when the card was issued and when it expires; a few did not renew in time."""
    fourteen = anniversary(birthday, 14).toordinal()
    if fourteen > _TODAY:
        if _TODAY - day < 6 * _YEAR or not draw.chance(0.15):
            return None, None
        issued = date.fromordinal(_TODAY - draw.between(1, 300))
        return issued, expiry(birthday, issued)
    first = max(fourteen, _FIRST_CHIP_CARD)
    issued = date.fromordinal(first + draw.between(0, min(_TODAY - first, 900)))
    return (issued, expiry(birthday, issued)) if draw.chance(0.02) else card_on(birthday, issued, REFERENCE_DAY)


def _moment(day: int) -> datetime:
    return datetime.combine(date.fromordinal(min(day, _TODAY)), datetime.min.time(), UTC) + timedelta(hours=2)
