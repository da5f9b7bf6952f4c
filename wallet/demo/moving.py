"""Changes the residence register for a story: somebody moves, so a certificate of before is void from now on.

Beside the wallet, as the register's own office would do it: nothing else is told of it.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from wallet.db import Database
from wallet.demo.fixed import place
from wallet.demo.records import HEAD, Address
from wallet.errors import NotFound
from wallet.sources.models import FormerResidence, Household, Residence
from wallet.working_days import vietnamese_day

NEW_HOME = ("00583", "Thôn 7")
"""Where somebody moves when nobody says where: commune code and line. Source of the codes: `wallet.demo.places`."""
OTHER_HOME = ("20242", "Số 8, kiệt 5, đường Lê Duẩn")
"""Where they move who live there already."""


def move(database: Database, number: str, now: datetime, to: tuple[str, str] | None = None) -> Address:
    """Register somebody at another place from today on, and return it.

    The head of a household takes everybody along; anybody else becomes the head of a household of their own.
    to: commune code and first line. Raises NotFound("person_unknown") for who is registered nowhere, NotFound(
    "commune_unknown") for a commune that is not on the list, Unavailable.
    """
    try:
        given = place(*to) if to is not None else None
    except KeyError as error:
        raise NotFound("commune_unknown") from error
    with database.write() as session:
        mover = session.execute(
            select(Residence.household_id, Residence.relation, Residence.permanent_commune_code).where(
                Residence.number == number
            )
        ).one_or_none()
        if mover is None:
            raise NotFound("person_unknown")
        there = given or place(*(OTHER_HOME if mover.permanent_commune_code == NEW_HOME[0] else NEW_HOME))
        if mover.relation == HEAD:
            _change_household(session, mover.household_id, now, address=there.text, commune_code=there.commune_code)
            moved = session.scalars(select(Residence.number).where(Residence.household_id == mover.household_id)).all()
            for each in moved:
                _move_person(session, each, there, now)
        else:
            _change_household(session, mover.household_id, now)
            _move_person(session, number, there, now, household_id=_new_household(session, number, there, now))
    return there


def _change_household(session: Session, household_id: str, now: datetime, **changed: str) -> None:
    session.execute(
        update(Household)
        .where(Household.id == household_id)
        .values(updated_at=now, **changed)
        .execution_options(synchronize_session=False)
    )


def _new_household(session: Session, number: str, there: Address, now: datetime) -> str:
    household_id = f"HKV{number}"
    session.execute(
        insert(Household).values(
            id=household_id,
            head_number=number,
            address=there.text,
            commune_code=there.commune_code,
            updated_at=now,
        )
    )
    return household_id


def _move_person(
    session: Session, number: str, there: Address, now: datetime, *, household_id: str | None = None
) -> None:
    today = vietnamese_day(now)
    before = session.execute(select(Residence.__table__).where(Residence.number == number)).mappings().one()
    since = before["permanent_since"]
    if since is not None and since < today:
        address = ", ".join(
            part for part in (before[f"permanent_{name}"] for name in ("line", "commune", "province")) if part
        )
        session.execute(
            insert(FormerResidence).values(
                number=number, from_day=since, to_day=today, address=address, kind="permanent"
            )
        )
    lived_there = before["current_commune_code"] == before["permanent_commune_code"]
    changed: dict[str, Any] = {
        **_columns("permanent", there),
        "permanent_since": today,
        "permanent_old_address": None,
        "updated_at": now,
    }
    if lived_there:
        changed |= _columns("current", there)
    if household_id is not None:
        changed |= {"household_id": household_id, "relation": HEAD}
    session.execute(
        update(Residence).where(Residence.number == number).values(changed).execution_options(synchronize_session=False)
    )


def _columns(kind: str, there: Address) -> Mapping[str, Any]:
    names = ("line", "commune_code", "commune", "province_code", "province")
    return {f"{kind}_{name}": getattr(there, name) for name in names}
