"""A whole invented nation: drawn household by household, and put into the tables of the embedded registers.

The same seed and the same number of citizens are the same nation, to the byte, on every machine.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Table, insert, inspect, select, update
from sqlalchemy.orm import Session

from wallet.db import Database, alone
from wallet.demo.biometrics import references
from wallet.demo.bulk import insert_rows
from wallet.demo.businesses import businesses_of
from wallet.demo.cast import cast_households
from wallet.demo.chip import card_row
from wallet.demo.edge_cases import EDGE_CASES, EdgeCase, edge_households
from wallet.demo.families import LARGEST, grow
from wallet.demo.numbers import NumberPool
from wallet.demo.papers.details import Details, details_of
from wallet.demo.phones import phone_of, second_phone_of
from wallet.demo.records import REFERENCE_DAY, Address, Business, Household, Person
from wallet.errors import Conflict
from wallet.sources import ministry_models, models
from wallet.sources.models import NationBase, NationMeta

__all__ = ["EDGE_CASES", "EdgeCase", "Seeding", "generate", "seed_nation"]

ALONE = "demo nation"
"""What one transaction at a time does: to write the nation, or to look how far it came."""

GENERATOR = "6"
"""Raised whenever the same seed would give other people: a nation of another generator is another nation."""

_CHUNK = 2000
_TABLES: tuple[Table, ...] = tuple(
    model.__table__  # type: ignore[misc]
    for model in (
        models.Citizen,
        models.FormerNumber,
        models.Residence,
        models.Household,
        models.Subscription,
        models.Biometric,
        models.Permit,
        models.Business,
        models.Card,
        models.FormerResidence,
        ministry_models.Conviction,
        ministry_models.PostBan,
        ministry_models.HealthInsurance,
        ministry_models.HealthRecord,
        ministry_models.DrivingLicence,
        ministry_models.Vehicle,
        ministry_models.SocialSecurity,
        ministry_models.SecurityCases,
        ministry_models.Birth,
        ministry_models.Marriage,
    )
)
_BUSINESSES_AS_OF = datetime(2026, 1, 12, 2, 0, tzinfo=UTC)
_YOUNGEST_WITH_PHONE = 10
_YOUNGEST_WITH_BIOMETRICS = 6

PHONE_OF_ANOTHER = {EDGE_CASES["age_25"].number: EDGE_CASES["age_60"].number}
"""Whose phone is in another's name: a son whose contract is his father's."""


def generate(seed: int, citizens: int) -> Iterator[Household]:
    """Yield the nation, household by household, in constant memory.

    citizens: how many people in all, the personas and edge cases, who come first, included. There are never fewer than
    those. Every household but these depends on the seed and its index alone, its numbers on how many came before.
    """
    left = citizens
    for household in (*cast_households(), *edge_households()):
        yield household
        left -= len(household.people)
    numbers = NumberPool(seed)
    index = 0
    while left > 0:
        household = grow(seed, index, numbers, min(left, LARGEST))
        yield household
        left -= len(household.people)
        index += 1


@dataclass(frozen=True, slots=True)
class Seeding:
    """What a seeding did. `written`: people put into the tables now; 0 when the nation was there already."""

    citizens: int
    written: int


def seed_nation(
    database: Database,
    *,
    seed: int,
    citizens: int,
    on_progress: Callable[[int, int], None] | None = None,
    replace: bool = False,
) -> Seeding:
    """Fill the embedded registers with the nation of this seed; do nothing when it is there.

    An interrupted seeding goes on where it stopped: each chunk is one transaction that also says how far it came.
    on_progress: called with people done and people in all, after each chunk. replace: drop another nation first.
    Raises Conflict("nation_differs") when there is another one, Conflict("nation_being_seeded") when somebody else
    is filling the tables right now, Unavailable when the database does not answer.
    """
    wanted = {"seed": str(seed), "citizens": str(citizens), "generator": GENERATOR}
    found = _meta_at_rest(database)
    if any(found.get(key) != value for key, value in wanted.items()):
        if found and not replace:
            raise Conflict("nation_differs", found={key: found.get(key) for key in wanted})
        _start_anew(database, wanted)
        found = wanted | {"complete": "no", "households": "0", "people": "0"}
    done, written = int(found["people"]), 0
    if found["complete"] == "yes":
        return Seeding(done, 0)
    skip = int(found["households"])
    stream = islice(generate(seed, citizens), skip, None)
    while chunk := list(islice(stream, _CHUNK // 3)):
        people = sum(len(household.people) for household in chunk)
        with database.write() as session:
            alone(session.connection(), ALONE)
            _advance(session, "households", skip, skip + len(chunk))
            _advance(session, "people", done, done + people)
            _insert(session, chunk)
        skip, done, written = skip + len(chunk), done + people, written + people
        if on_progress is not None:
            on_progress(done, max(citizens, done))
    with database.write() as session:
        session.execute(update(NationMeta).where(NationMeta.key == "complete").values(value="yes"))
    return Seeding(done, written)


def renew(database: Database, on_progress: Callable[[int, int], None] | None = None) -> Seeding | None:
    """Make the nation of an older generator anew, from its own seed; return None where there is none of that kind.

    Its registers lack what the wallet asks for today. Raises what `seed_nation` raises.
    """
    found = _meta(database)
    if not found or found.get("generator") == GENERATOR:
        return None
    seed, citizens = int(found["seed"]), int(found["citizens"])
    return seed_nation(database, seed=seed, citizens=citizens, on_progress=on_progress, replace=True)


def _meta(database: Database) -> dict[str, str]:
    with database.read() as session:
        return _noted(session)


def _meta_at_rest(database: Database) -> dict[str, str]:
    """Return the same once nobody writes: a seeding that was killed may have sent a commit that is yet to come."""
    with database.write() as session:
        alone(session.connection(), ALONE)
        return _noted(session)


def _noted(session: Session) -> dict[str, str]:
    if not inspect(session.connection()).has_table(NationMeta.__tablename__):
        return {}
    return {row.key: row.value for row in session.execute(select(NationMeta.key, NationMeta.value))}


def _start_anew(database: Database, wanted: dict[str, str]) -> None:
    """Empty the tables and note what is to come, in one transaction: nobody sees half of it."""
    with database.write() as session:
        connection = session.connection()
        alone(connection, ALONE)
        NationBase.metadata.drop_all(connection)
        NationBase.metadata.create_all(connection)
        meta = wanted | {"complete": "no", "households": "0", "people": "0"}
        session.execute(insert(NationMeta), [{"key": key, "value": value} for key, value in meta.items()])


def _advance(session: Session, key: str, before: int, after: int) -> None:
    """Move a counter on, unless somebody else has moved it: two seedings at once would write everything twice."""
    statement = (
        update(NationMeta).where(NationMeta.key == key, NationMeta.value == str(before)).values(value=str(after))
    )
    if session.execute(statement.execution_options(synchronize_session=False)).rowcount != 1:  # type: ignore[attr-defined]
        raise Conflict("nation_being_seeded")


def _insert(session: Session, chunk: list[Household]) -> None:
    rows: dict[Table, list[dict[str, Any]]] = {table: [] for table in _TABLES}
    people, aliases, residences, households, subscriptions, biometrics, permits, businesses, cards, *_ = rows.values()
    for household in chunk:
        address = household.address
        details = details_of(household)
        for model, row in details.rows:
            rows[model.__table__].append(dict(row))  # type: ignore[index]
        households.append(
            {
                "id": household.id,
                "head_number": household.head,
                "address": address.text,
                "commune_code": address.commune_code,
                "updated_at": max(person.updated_at for person in household.people if person.residence is not None),
            }
        )
        businesses += (_business_row(business) for business in businesses_of(household))
        for person in household.people:
            people.append(_citizen_row(person, details))
            aliases += ({"former_number": former, "number": person.number} for former in person.former_numbers)
            if person.residence is not None:
                residences.append(_residence_row(household, person, details))
            age = REFERENCE_DAY.year - int(person.birth[:4])
            if age >= _YOUNGEST_WITH_PHONE:
                subscriptions += _subscription_rows(person)
            if age >= _YOUNGEST_WITH_BIOMETRICS and (person.permit is None or person.permit.biometrics_on_file):
                biometrics.append(_biometric_row(person))
            if person.permit is not None:
                permits.append(_permit_row(person))
            if person.card_issued is not None:
                cards.append(card_row(person))
    connection = session.connection()
    for table, content in rows.items():
        if content:
            insert_rows(connection, table, content)


def _subscription_rows(person: Person) -> list[dict[str, Any]]:
    """Return the phone of a person, and the second one that they can change to; another's is the only one."""
    owner = PHONE_OF_ANOTHER.get(person.number, person.number)
    phones = [phone_of(person.number)] + ([second_phone_of(owner)] if owner == person.number else [])
    return [{"number": owner, "phone": phone, "updated_at": person.updated_at} for phone in phones]


def _biometric_row(person: Person) -> dict[str, Any]:
    face, finger = references(person.number)
    return {"number": person.number, "face": face, "finger": finger, "updated_at": person.updated_at}


def _permit_row(person: Person) -> dict[str, Any]:
    permit = person.permit
    assert permit is not None  # noqa: S101 - the caller looked
    return {
        "number": person.number,
        "kind": permit.kind,
        "permit_number": permit.number,
        "permit_expires": permit.expires,
        "passport_number": permit.passport,
        "passport_expires": permit.passport_expires,
        "biometrics_on_file": permit.biometrics_on_file,
        "updated_at": person.updated_at,
    }


def _business_row(business: Business) -> dict[str, Any]:
    return {
        "enterprise_code": business.code,
        "tax_code": business.code,
        "name": business.name,
        "head_office": business.head_office,
        "founded_on": business.founded_on,
        "representative_number": business.representative,
        "state": business.state,
        "updated_at": _BUSINESSES_AS_OF,
    }


def _citizen_row(person: Person, details: Details) -> dict[str, Any]:
    return {
        "number": person.number,
        "cmnd": person.cmnd,
        "family_name": person.name.family,
        "middle_name": person.name.middle,
        "given_name": person.name.given,
        "full_name": person.name.full,
        "birth_date": person.birth,
        "sex": person.sex,
        "nationality": person.nationality,
        "ethnicity": person.ethnicity,
        "religion": person.religion,
        "native_place": person.native_place,
        "birth_registration_code": person.birth_registration_code,
        "birth_registration_place": person.birth_registration_place,
        "father_number": person.father,
        "mother_number": person.mother,
        "spouse_number": person.spouse,
        "guardian_number": person.guardian,
        "other_names": person.other_names,
        **details.people[person.number],
        "card_issued": person.card_issued,
        "card_expires": person.card_expires,
        "state": "alive" if person.died_on is None else "dead",
        "died_on": person.died_on,
        "updated_at": person.updated_at,
    }


def _residence_row(household: Household, person: Person, details: Details) -> dict[str, Any]:
    residence = person.residence
    assert residence is not None  # noqa: S101 - the caller looked
    return {
        "number": person.number,
        "household_id": household.id,
        "relation": residence.relation,
        **_address_row("permanent", residence.permanent),
        "permanent_since": residence.permanent_since,
        **details.residences.get(person.number, {"permanent_old_address": None}),
        **_address_row("temporary", residence.temporary),
        "temporary_since": residence.temporary_since,
        "temporary_until": residence.temporary_until,
        **_address_row("current", residence.current),
        "updated_at": person.updated_at,
    }


def _address_row(kind: str, address: Address | None) -> dict[str, Any]:
    names = ("line", "commune_code", "commune", "province_code", "province")
    return {f"{kind}_{name}": getattr(address, name) if address else None for name in names}


def grows(database: Database, seed: int, citizens: int) -> bool:
    """Return whether this nation is the one that is there with more people: making it anew takes nobody away."""
    found = _meta(database)
    same = found.get("seed") == str(seed) and found.get("generator") == GENERATOR
    return same and int(found["citizens"]) < citizens


def seeded(database: Database) -> int | None:
    """Return how many people the complete nation has, None when there is none. Raises Unavailable."""
    found = _meta(database)
    return int(found["people"]) if found.get("complete") == "yes" else None
