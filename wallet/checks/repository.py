"""Reads and writes the tables of those who check."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from wallet.checks.models import VerifierCitizen, VerifierDeskRow, VerifierRow
from wallet.db import insert_if_absent, keyset_page, rows_changed, table_of

_VERIFIERS, _DESKS = table_of(VerifierRow), table_of(VerifierDeskRow)
_STANDING = (
    select(
        *(_DESKS.c[name] for name in ("id", "name", "gate_id", "key_hash", "former_hash", "former_until")),
        _DESKS.c.purposes.label("codes"),
        _VERIFIERS.c.id.label("verifier_id"),
        _VERIFIERS.c.name.label("verifier_name"),
        _VERIFIERS.c.purposes,
        _VERIFIERS.c.test,
        (_VERIFIERS.c.state == "suspended").label("suspended"),
    )
    .join(_VERIFIERS, _VERIFIERS.c.id == _DESKS.c.verifier_id)
    .where(_DESKS.c.state == "active", _VERIFIERS.c.state.in_(("active", "suspended")))
)


@dataclass(frozen=True, slots=True)
class StandingDesk:
    """A desk, with what its organisation has. codes: of the purposes that the desk has.

    suspended: the organisation is, and the desk may not work until it goes on.
    """

    id: str
    name: str
    gate_id: str
    key_hash: bytes
    former_hash: bytes | None
    former_until: datetime | None
    codes: Sequence[str]
    verifier_id: str
    verifier_name: Mapping[str, str]
    purposes: Sequence[Mapping[str, Any]]
    test: bool
    suspended: bool


class CheckRepository:
    def __init__(self, session: Session) -> None:
        self.session = session

    # ── organisations ──

    def add_verifier(self, row: VerifierRow) -> None:
        self.session.add(row)
        self.session.flush()

    def verifier(self, verifier_id: str, *, lock: bool = False) -> VerifierRow | None:
        """Return the row as it is now. lock: and let nobody else change it until the transaction ends."""
        return self.session.get(VerifierRow, verifier_id, populate_existing=lock, with_for_update=lock or None)

    def change_verifier(self, verifier_id: str, version: int, **values: Any) -> bool:
        """Change a row that still has this version; return whether this call did it."""
        statement = update(VerifierRow).where(VerifierRow.id == verifier_id, VerifierRow.version == version)
        return rows_changed(self.session, statement.values(version=version + 1, **values)) == 1

    def verifiers(self, limit: int, place: str | None) -> tuple[list[VerifierRow], str | None]:
        """Return one page, newest first, and the place of the next."""
        statement = select(VerifierRow).order_by(VerifierRow.registered_at.desc(), VerifierRow.id)
        return keyset_page(self.session, statement, limit, place)

    # ── desks ──

    def add_desk(self, values: Mapping[str, Any]) -> bool:
        """Add a desk unless an active one of its organisation has the same gate; return whether this call did."""
        return insert_if_absent(self.session, VerifierDeskRow, dict(values))

    def desk(self, desk_id: str, *, lock: bool = False) -> VerifierDeskRow | None:
        return self.session.get(VerifierDeskRow, desk_id, populate_existing=lock, with_for_update=lock or None)

    def desks(self, verifier_id: str, limit: int, place: str | None) -> tuple[list[VerifierDeskRow], str | None]:
        """Return one page of an organisation's desks, newest first, and the place of the next."""
        statement = select(VerifierDeskRow).where(VerifierDeskRow.verifier_id == verifier_id)
        statement = statement.order_by(VerifierDeskRow.created_at.desc(), VerifierDeskRow.id)
        return keyset_page(self.session, statement, limit, place)

    def active_desks(self, verifier_id: str) -> int:
        active = VerifierDeskRow.verifier_id == verifier_id, VerifierDeskRow.state == "active"
        return self.session.scalar(select(func.count()).select_from(VerifierDeskRow).where(*active)) or 0

    def change_desk(self, desk_id: str, **values: Any) -> bool:
        """Change a desk that is active; return whether this call did it."""
        statement = update(VerifierDeskRow).where(VerifierDeskRow.id == desk_id, VerifierDeskRow.state == "active")
        return rows_changed(self.session, statement.values(**values)) == 1

    def standing(self, desk_id: str) -> StandingDesk | None:
        """Return a desk that is active, of an organisation that is or may be again, by one look at two primary keys."""
        found = self.session.execute(_STANDING.where(_DESKS.c.id == desk_id)).mappings().first()
        return None if found is None else StandingDesk(**{name: found[name] for name in StandingDesk.__slots__})

    # ── quotas ──

    def hold_quota(self, verifier_id: str) -> None:
        """Let nobody else count people of this organisation until the transaction ends."""
        self.session.execute(select(VerifierRow.id).where(VerifierRow.id == verifier_id).with_for_update())

    def look_again(self, verifier_id: str, purpose: str, citizen: bytes, since: datetime, now: datetime) -> bool:
        """Note that a citizen who was looked at after `since` is looked at again; return whether there is such."""
        looks = _looks(verifier_id, purpose, since)
        if rows_changed(self.session, delete(VerifierCitizen).where(*looks, VerifierCitizen.citizen == citizen)) == 0:
            return False
        self.add_citizen(verifier_id, purpose, citizen, now)
        return True

    def add_citizen(self, verifier_id: str, purpose: str, citizen: bytes, now: datetime) -> None:
        """Remember that a citizen is looked at."""
        values = {"verifier_id": verifier_id, "purpose": purpose, "looked_at": now, "citizen": citizen}
        insert_if_absent(self.session, VerifierCitizen, values)

    def citizens_since(self, verifier_id: str, purpose: str, since: datetime) -> tuple[int, datetime | None]:
        """Return how many people were looked at after `since`, and when the first of them last was."""
        looked = func.count(), func.min(VerifierCitizen.looked_at)
        row = self.session.execute(select(*looked).where(*_looks(verifier_id, purpose, since))).one()
        return row[0], row[1]

    def forget_citizens_before(self, moment: datetime) -> None:
        self.session.execute(delete(VerifierCitizen).where(VerifierCitizen.looked_at < moment))


def _looks(verifier_id: str, purpose: str, since: datetime) -> tuple[ColumnElement[bool], ...]:
    return (
        VerifierCitizen.verifier_id == verifier_id,
        VerifierCitizen.purpose == purpose,
        VerifierCitizen.looked_at > since,
    )
