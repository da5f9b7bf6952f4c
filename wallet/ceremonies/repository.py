"""Reading and writing the tables of ceremonies."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Update, case, delete, select, update
from sqlalchemy.orm import Session

from wallet.ceremonies.models import CeremonyRow, OneTimeCode
from wallet.db import keyset_page, rows_changed
from wallet.single_use import consume

DatabaseSession = Session
"""What `build_ceremonies` is handed: named here so that no service names SQLAlchemy."""


@dataclass(frozen=True, slots=True)
class CeremonyRepository:
    """The tables of ceremonies in one transaction."""

    session: Session

    def ceremony(self, ceremony_id: str, *, lock: bool = False) -> CeremonyRow | None:
        """Return a ceremony. `lock`: nobody else changes it until this transaction ends."""
        return self.session.get(CeremonyRow, ceremony_id, with_for_update=lock or None, populate_existing=lock)

    def add(self, row: CeremonyRow | OneTimeCode) -> None:
        self.session.add(row)
        self.session.flush()

    def flush(self) -> None:
        self.session.flush()

    def open_of(
        self, account_id: str, kind: str, now: datetime, limit: int, place: str | None
    ) -> tuple[list[CeremonyRow], str | None]:
        """Return one page of an account's ceremonies of one kind that still run, newest first."""
        statement = (
            select(CeremonyRow)
            .where(
                CeremonyRow.account_id == account_id,
                CeremonyRow.kind == kind,
                CeremonyRow.state == "open",
                CeremonyRow.expires_at > now,
            )
            .order_by(CeremonyRow.created_at.desc(), CeremonyRow.id.desc())
        )
        return keyset_page(self.session, statement, limit, place)

    def complete(self, ceremony_id: str, now: datetime) -> bool:
        """Return whether this call completed the ceremony; of any number in parallel one does."""
        statement = update(CeremonyRow).where(
            CeremonyRow.id == ceremony_id, CeremonyRow.state == "open", CeremonyRow.expires_at > now
        )
        return rows_changed(self.session, statement.values(state="completed")) == 1

    def end_others(self, account_id: str, ceremony_id: str, reason: str) -> None:
        """End what else is open for an account: it was asked for under other circumstances."""
        statement = update(CeremonyRow).where(
            CeremonyRow.account_id == account_id, CeremonyRow.id != ceremony_id, CeremonyRow.state == "open"
        )
        rows_changed(self.session, statement.values(state="ended", end_reason=reason))

    # One-time codes

    def kill_codes(self, ceremony_id: str) -> None:
        """Let no code that was sent before be accepted any more."""
        rows_changed(self.session, self._live(ceremony_id).values(state="dead"))

    def use_code(self, ceremony_id: str, digest: bytes, now: datetime) -> bool:
        """Return whether this call was the one that used the code; of any number in parallel one is."""
        statement = self._live(ceremony_id).where(OneTimeCode.digest == digest, OneTimeCode.expires_at > now)
        return rows_changed(self.session, statement.values(state="used")) == 1

    def count_wrong_code(self, ceremony_id: str, deadly: int) -> None:
        """Count one wrong try; the one that makes `deadly` kills the code."""
        tries = OneTimeCode.tries + 1
        state = case((tries >= deadly, "dead"), else_=OneTimeCode.state)
        rows_changed(self.session, self._live(ceremony_id).values(tries=tries, state=state))

    def use_once(self, kind: str, thing: str, expires_at: datetime) -> bool:
        """Return whether `thing` was not used before (see `wallet.single_use`)."""
        return consume(self.session, kind, thing, expires_at)

    def forget_before(self, moment: datetime) -> None:
        """Drop the ceremonies that were over by then, with their codes; the audit record remembers them."""
        over = select(CeremonyRow.id).where(CeremonyRow.expires_at < moment)
        self.session.execute(delete(OneTimeCode).where(OneTimeCode.ceremony_id.in_(over)))
        self.session.execute(delete(CeremonyRow).where(CeremonyRow.expires_at < moment))

    def _live(self, ceremony_id: str) -> Update:
        return update(OneTimeCode).where(OneTimeCode.ceremony_id == ceremony_id, OneTimeCode.state == "live")
