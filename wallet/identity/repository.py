"""Reading and writing the tables of identity. Statements of hot paths are built once, here."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import CursorResult, Update, bindparam, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from wallet.db import Base
from wallet.errors import Conflict, Unavailable
from wallet.identity.models import (
    Account,
    Contact,
    Device,
    DeviceState,
    Guardianship,
    Holder,
    RefreshToken,
    SignedInSession,
    StaffGrant,
)
from wallet.single_use import consume

DatabaseSession = Session
"""What `build_identity` is handed: named here so that no service names SQLAlchemy."""

# Everything a protected request asks of the database, in one read by key: the session, its account, its
# device, and one row per staff role (none for a citizen).
_SESSION_FACTS = (
    select(
        SignedInSession.account_id,
        SignedInSession.device_id,
        SignedInSession.auth_level,
        SignedInSession.token_binding,
        SignedInSession.created_at,
        SignedInSession.authenticated_at,
        SignedInSession.expires_at,
        SignedInSession.ended_at,
        Account.holder_id,
        Account.level,
        Account.state.label("account_state"),
        Account.cooling_off_until,
        Device.state.label("device_state"),
        Device.public_key,
        StaffGrant.role,
    )
    .join(Account, Account.id == SignedInSession.account_id)
    .join(Device, Device.id == SignedInSession.device_id)
    .outerjoin(StaffGrant, StaffGrant.account_id == Account.id)
    .where(SignedInSession.id == bindparam("session_id"))
)


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What is on record of one session, its account and its device, read together."""

    id: str
    account_id: str
    holder_id: str
    device_id: str
    account_level: int
    auth_level: int
    token_binding: str | None
    created_at: datetime
    authenticated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    account_state: str
    cooling_off_until: datetime | None
    device_state: str
    public_key: dict[str, str]
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class IdentityRepository:
    """The tables of identity in one transaction."""

    session: Session

    # Holders

    def holder(self, holder_id: str) -> Holder | None:
        return self.session.get(Holder, holder_id)

    def holder_by_number(self, number_index: bytes) -> Holder | None:
        return self.session.scalar(select(Holder).where(Holder.number_index == number_index))

    # Accounts

    def account(self, account_id: str, *, lock: bool = False) -> Account | None:
        return self.session.get(Account, account_id, with_for_update=lock or None, populate_existing=lock)

    def account_of_holder(self, holder_id: str) -> Account | None:
        return self.session.scalar(select(Account).where(Account.holder_id == holder_id))

    def contact(self, account_id: str) -> Contact | None:
        return self.session.get(Contact, account_id)

    def guardianship(self, ward_account_id: str, guardian_account_id: str) -> Guardianship | None:
        return self.session.get(Guardianship, (ward_account_id, guardian_account_id))

    def guardianships(self, guardian_account_id: str) -> Sequence[tuple[Guardianship, str]]:
        """Return the relations of a guardian that hold, with the holder of each ward."""
        statement = (
            select(Guardianship, Account.holder_id)
            .join(Account, Account.id == Guardianship.ward_account_id)
            .where(Guardianship.guardian_account_id == guardian_account_id, Guardianship.ended_at.is_(None))
            .order_by(Guardianship.since, Guardianship.ward_account_id)
        )
        return [(row, holder_id) for row, holder_id in self.session.execute(statement)]

    def grants(self, account_id: str) -> Sequence[StaffGrant]:
        return self.session.scalars(select(StaffGrant).where(StaffGrant.account_id == account_id)).all()

    # Devices

    def device(self, device_id: str, *, lock: bool = False) -> Device | None:
        """Return a device. `lock`: nobody else changes it until this transaction ends."""
        return self.session.get(Device, device_id, with_for_update=lock or None, populate_existing=lock)

    def bound_device(self, account_id: str) -> Device | None:
        return self.session.scalar(
            select(Device).where(Device.account_id == account_id, Device.state == DeviceState.BOUND)
        )

    # Sessions

    def session_facts(self, session_id: str) -> SessionFacts | None:
        """Return what is on record of a session.

        Raises Unavailable("dependency_unavailable") whenever the answer cannot be had: a session that cannot
        be checked is never taken as live.
        """
        try:
            rows = self.session.execute(_SESSION_FACTS, {"session_id": session_id}).all()
        except SQLAlchemyError as error:
            raise Unavailable("dependency_unavailable") from error
        if not rows:
            return None
        row = rows[0]
        return SessionFacts(
            id=session_id,
            account_id=row.account_id,
            holder_id=row.holder_id,
            device_id=row.device_id,
            account_level=row.level,
            auth_level=row.auth_level,
            token_binding=row.token_binding,
            created_at=row.created_at,
            authenticated_at=row.authenticated_at,
            expires_at=row.expires_at,
            ended_at=row.ended_at,
            account_state=row.account_state,
            cooling_off_until=row.cooling_off_until,
            device_state=row.device_state,
            public_key=row.public_key,
            roles=frozenset(each.role for each in rows if each.role is not None),
        )

    def signed_in(self, session_id: str, *, lock: bool = False) -> SignedInSession | None:
        return self.session.get(SignedInSession, session_id, with_for_update=lock or None, populate_existing=lock)

    def end_session(self, session_id: str, at: datetime, reason: str) -> bool:
        """Return whether this call ended the session; one that is over stays as it is."""
        statement = update(SignedInSession).where(SignedInSession.id == session_id, SignedInSession.ended_at.is_(None))
        return self._changed(statement.values(ended_at=at, end_reason=reason)) == 1

    def end_sessions(self, at: datetime, reason: str, *, account_id: str = "", device_id: str = "") -> int:
        """End every open session of an account or of a device; return how many."""
        owner = SignedInSession.account_id == account_id if account_id else SignedInSession.device_id == device_id
        statement = update(SignedInSession).where(owner, SignedInSession.ended_at.is_(None))
        return self._changed(statement.values(ended_at=at, end_reason=reason))

    def refresh_token(self, session_id: str, number: int) -> RefreshToken | None:
        return self.session.get(RefreshToken, (session_id, number), populate_existing=True)

    def unused_refresh_token(self, session_id: str) -> RefreshToken | None:
        return self.session.scalar(
            select(RefreshToken).where(RefreshToken.session_id == session_id, RefreshToken.used_at.is_(None))
        )

    def use_refresh_token(self, session_id: str, number: int, at: datetime) -> bool:
        """Return whether this call was the one that used the token; of any number in parallel one is."""
        statement = update(RefreshToken).where(
            RefreshToken.session_id == session_id, RefreshToken.number == number, RefreshToken.used_at.is_(None)
        )
        return self._changed(statement.values(used_at=at)) == 1

    # Any table

    def add(self, row: Base) -> None:
        """Add a row at once. Raises Conflict("already_exists") when another transaction was first."""
        try:
            with self.session.begin_nested():
                self.session.add(row)
        except IntegrityError as error:
            raise Conflict("already_exists") from error

    def flush(self) -> None:
        """Send what was changed so far, so that the order of statements is the order of the code."""
        self.session.flush()

    def use_once(self, kind: str, thing: str, expires_at: datetime) -> bool:
        """Return whether `thing` was not used before (see `wallet.single_use`)."""
        return consume(self.session, kind, thing, expires_at)

    def _changed(self, statement: Update) -> int:
        result = self.session.execute(statement, execution_options={"synchronize_session": False})
        return result.rowcount if isinstance(result, CursorResult) else 0
