"""Reading and writing the tables of identity. Statements of hot paths are built once, here."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CursorResult,
    Delete,
    Select,
    Update,
    bindparam,
    case,
    delete,
    func,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.orm import Session

from wallet.db import Base, insert_into, keyset_page
from wallet.errors import Conflict, Unavailable
from wallet.identity.account_states import AccountState, LockGround
from wallet.identity.models import (
    Account,
    AccountLock,
    Contact,
    Device,
    DeviceState,
    Guardianship,
    GuessCount,
    Holder,
    LockOrder,
    Passkey,
    RefreshToken,
    SecurityAnswer,
    SignedInSession,
    StaffEnrolment,
    StaffGrant,
)
from wallet.single_use import consume

DatabaseSession = Session
"""What `build_identity` is handed: named here so that no service names SQLAlchemy."""

UNLOCKED = (AccountState.APPROVED, AccountState.ACTIVE)
"""States in which an account is somebody's electronic identity and may be locked."""

_ACTIVE = select(Account.id, Account.holder_id, Account.level).where(Account.state == AccountState.ACTIVE)

# Everything a protected request asks of the database, in one read by key: the session, its account, its
# device or passkey, and one row per staff role (none for a citizen).
_SESSION_FACTS = (
    select(
        SignedInSession.account_id,
        SignedInSession.device_id,
        SignedInSession.passkey_id,
        SignedInSession.client_key,
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
        Device.biometric_key,
        Passkey.removed_at.label("passkey_removed_at"),
        StaffGrant.role,
    )
    .join(Account, Account.id == SignedInSession.account_id)
    .outerjoin(Device, Device.id == SignedInSession.device_id)
    .outerjoin(Passkey, Passkey.id == SignedInSession.passkey_id)
    .outerjoin(StaffGrant, (StaffGrant.account_id == Account.id) & StaffGrant.in_force)
    .where(SignedInSession.id == bindparam("session_id"))
)


@dataclass(frozen=True, slots=True)
class SessionFacts:
    """What is on record of one session, its account and its device or passkey, read together.

    public_key: of the device, or of the browser that came in by passkey.
    """

    id: str
    account_id: str
    holder_id: str
    device_id: str | None
    passkey_id: str | None
    account_level: int
    auth_level: int
    token_binding: str | None
    created_at: datetime
    authenticated_at: datetime
    expires_at: datetime
    ended_at: datetime | None
    account_state: str
    cooling_off_until: datetime | None
    device_state: str | None
    passkey_removed_at: datetime | None
    public_key: dict[str, str] | None
    has_biometric_key: bool
    roles: frozenset[str]


@dataclass(frozen=True, slots=True)
class IdentityRepository:
    """The tables of identity in one transaction."""

    session: Session

    # Holders

    def holder(self, holder_id: str, *, lock: str | None = None) -> Holder | None:
        """Return a holder. lock: `update`: for this transaction alone; `share`: nobody changes it meanwhile."""
        return self.session.get(
            Holder,
            holder_id,
            with_for_update=None if lock is None else {"read": lock == "share"},
            populate_existing=lock is not None,
        )

    def holder_by_number(self, number_index: bytes) -> Holder | None:
        return self.session.scalar(select(Holder).where(Holder.number_index == number_index))

    def renumber(self, holder_id: str, number_index: bytes, sealed_profile: bytes) -> None:
        """Give a holder another number. Raises Conflict("already_exists") when another transaction was first."""
        holder = self.session.get_one(Holder, holder_id)
        try:
            with self.session.begin_nested():
                holder.number_index, holder.sealed_profile = number_index, sealed_profile
        except IntegrityError as error:
            raise Conflict("already_exists") from error

    # Accounts

    def account(self, account_id: str, *, lock: bool = False) -> Account | None:
        return self.session.get(Account, account_id, with_for_update=lock or None, populate_existing=lock)

    def account_of_holder(self, holder_id: str) -> Account | None:
        return self.session.scalar(select(Account).where(Account.holder_id == holder_id))

    def contact(self, account_id: str) -> Contact | None:
        return self.session.get(Contact, account_id)

    def guardianship(self, ward_account_id: str, guardian_account_id: str) -> Guardianship | None:
        return self.session.get(Guardianship, (ward_account_id, guardian_account_id))

    def guardianships_of_ward(self, ward_account_id: str) -> Sequence[Guardianship]:
        """Return the relations of a ward that hold."""
        statement = (
            select(Guardianship)
            .where(Guardianship.ward_account_id == ward_account_id, Guardianship.ended_at.is_(None))
            .order_by(Guardianship.since, Guardianship.guardian_account_id)
        )
        return self.session.scalars(statement).all()

    def guardianships(self, guardian_account_id: str) -> Sequence[tuple[Guardianship, str]]:
        """Return the relations of a guardian that hold, with the holder of each ward."""
        statement = (
            select(Guardianship, Account.holder_id)
            .join(Account, Account.id == Guardianship.ward_account_id)
            .where(Guardianship.guardian_account_id == guardian_account_id, Guardianship.ended_at.is_(None))
            .order_by(Guardianship.since, Guardianship.ward_account_id)
        )
        return [(row, holder_id) for row, holder_id in self.session.execute(statement)]

    def other_guardian(self, ward_account_id: str, account_id: str) -> bool:
        """Return whether an open account beside this one acts for a ward."""
        statement = (
            select(Guardianship.guardian_account_id)
            .join(Account, Account.id == Guardianship.guardian_account_id)
            .where(
                Guardianship.ward_account_id == ward_account_id,
                Guardianship.guardian_account_id != account_id,
                Guardianship.ended_at.is_(None),
                Account.state != AccountState.CLOSED,
            )
        )
        return self.session.execute(statement.limit(1)).first() is not None

    def grants(self, account_id: str) -> Sequence[StaffGrant]:
        """Return the roles that an account has; none that waits for its enrolment."""
        statement = select(StaffGrant).where(StaffGrant.account_id == account_id, StaffGrant.in_force)
        return self.session.scalars(statement).all()

    def every_grant(self, account_id: str, role: str) -> Sequence[StaffGrant]:
        """Return where an account has a role, or is to have it once it is enrolled."""
        statement = select(StaffGrant).where(StaffGrant.account_id == account_id, StaffGrant.role == role)
        return self.session.scalars(statement.execution_options(populate_existing=True)).all()

    def put_grants_in_force(self, account_id: str) -> None:
        """Let every role of an account count."""
        self._changed(update(StaffGrant).where(StaffGrant.account_id == account_id).values(in_force=True))

    def put_grant_in_force(self, account_id: str, role: str, *, in_force: bool) -> None:
        """Let one role of an account count, wherever it has it, or wait for the enrolment."""
        statement = update(StaffGrant).where(StaffGrant.account_id == account_id, StaffGrant.role == role)
        self._changed(statement.values(in_force=in_force))

    def answers(self, account_id: str) -> Sequence[SecurityAnswer]:
        statement = select(SecurityAnswer).where(SecurityAnswer.account_id == account_id)
        return self.session.scalars(statement.order_by(SecurityAnswer.question)).all()

    def remove_answers(self, account_id: str) -> None:
        self.session.execute(delete(SecurityAnswer).where(SecurityAnswer.account_id == account_id))

    def staff(self) -> Sequence[StaffGrant]:
        """Return every staff role there is, by role, province and account."""
        order = (StaffGrant.role, StaffGrant.province, StaffGrant.account_id, StaffGrant.agency)
        return self.session.scalars(select(StaffGrant).order_by(*order)).all()

    def members_of(self, role: str, agency: str) -> Sequence[tuple[str, str]]:
        """Return account and province of everybody who has a role at an agency, with an account that is active."""
        statement = (
            select(StaffGrant.account_id, StaffGrant.province)
            .join(Account, Account.id == StaffGrant.account_id)
            .where(
                StaffGrant.role == role,
                StaffGrant.agency == agency,
                StaffGrant.in_force,
                Account.state == AccountState.ACTIVE,
            )
            .order_by(StaffGrant.account_id, StaffGrant.province)
        )
        return [(account_id, province) for account_id, province in self.session.execute(statement)]

    def remove_grants(self, account_id: str, role: str, desk: tuple[str, str] | None = None) -> bool:
        """Return whether this call took the role away: at one desk (agency and province), or wherever it was had."""
        statement = delete(StaffGrant).where(StaffGrant.account_id == account_id, StaffGrant.role == role)
        if desk is not None:
            statement = statement.where(StaffGrant.agency == desk[0], StaffGrant.province == desk[1])
        return self._changed(statement) > 0

    def staff_enrolment(self, digest: bytes) -> StaffEnrolment | None:
        return self.session.scalar(select(StaffEnrolment).where(StaffEnrolment.digest == digest))

    def use_staff_enrolment(self, digest: bytes, now: datetime) -> bool:
        """Return whether this call was the one that used the enrolment, and in time."""
        statement = delete(StaffEnrolment).where(StaffEnrolment.digest == digest, StaffEnrolment.expires_at > now)
        return self._changed(statement) == 1

    def drop_staff_enrolment(self, account_id: str) -> None:
        self.session.execute(delete(StaffEnrolment).where(StaffEnrolment.account_id == account_id))

    def account_state_of_holder(self, holder_id: str) -> str | None:
        """Return the state of a holder's account, which nobody changes until this transaction ends."""
        statement = select(Account.state).where(Account.holder_id == holder_id)
        return self.session.scalar(statement.with_for_update(read=True))

    def account_state(self, account_id: str) -> str | None:
        """Return the state of an account, which nobody changes until this transaction ends."""
        return self.session.scalar(select(Account.state).where(Account.id == account_id).with_for_update(read=True))

    def is_locked(self, holder_id: str, device_id: str | None) -> bool:
        """Return whether the account of a holder is locked, or that of a device."""
        owner = select(Device.account_id).where(Device.id == device_id)
        whose = or_(Account.holder_id == holder_id, Account.id.in_(owner))
        statement = select(Account.id).where(whose, Account.state == AccountState.LOCKED).limit(1)
        return self.session.scalar(statement) is not None

    def count_active(self) -> dict[int, int]:
        """Return how many accounts are active, by level."""
        statement = select(Account.level, func.count().label("number")).where(Account.state == AccountState.ACTIVE)
        return {row.level: row.number for row in self.session.execute(statement.group_by(Account.level))}

    def active_accounts(self, after: str, limit: int) -> Sequence[tuple[str, str, int]]:
        """Return id, holder and level of active accounts whose holder's id comes after one, in its order."""
        statement = _ACTIVE.where(Account.holder_id > after).order_by(Account.holder_id).limit(limit)
        return [(row.id, row.holder_id, row.level) for row in self.session.execute(statement)]

    def active_of(self, account_ids: Collection[str]) -> Sequence[tuple[str, str, int]]:
        """Return the same of those of these accounts that are active, at most a few hundred."""
        statement = _ACTIVE.where(Account.id.in_(account_ids)).order_by(Account.holder_id)
        return [(row.id, row.holder_id, row.level) for row in self.session.execute(statement)]

    def accounts_past(self, day: date, limit: int) -> Sequence[str]:
        """Return unlocked accounts whose card or permit ended before `day`."""
        statement = select(Account.id).where(Account.state.in_(UNLOCKED), Account.valid_until < day)
        return self.session.scalars(statement.order_by(Account.valid_until, Account.id).limit(limit)).all()

    def accounts_unchecked(self, moment: datetime, limit: int) -> Sequence[str]:
        """Return accounts of the living that no register was asked about since `moment`; the longest ago first."""
        statement = select(Account.id).where(
            Account.state.in_((*UNLOCKED, AccountState.LOCKED)),
            or_(Account.lock_ground.is_(None), Account.lock_ground != LockGround.HOLDER_DIED),
            or_(Account.checked_at.is_(None), Account.checked_at <= moment),
        )
        return self.session.scalars(statement.order_by(Account.checked_at.nulls_first(), Account.id).limit(limit)).all()

    def accounts_expiring(self, first: date, last: date, limit: int) -> Sequence[str]:
        """Return unlocked accounts that end between two days and were not told of it."""
        statement = select(Account.id).where(
            Account.state.in_(UNLOCKED),
            Account.valid_until.between(first, last),
            or_(Account.expiry_told_for.is_(None), Account.expiry_told_for != Account.valid_until),
        )
        return self.session.scalars(statement.order_by(Account.valid_until, Account.id).limit(limit)).all()

    def accounts_of_dead(self, locked_before: datetime, limit: int) -> Sequence[str]:
        """Return accounts that were locked on a death before this moment and are not closed."""
        statement = (
            select(Account.id)
            .join(AccountLock, AccountLock.account_id == Account.id)
            .where(
                Account.state == AccountState.LOCKED,
                AccountLock.ground == LockGround.HOLDER_DIED,
                AccountLock.at < locked_before,
            )
        )
        return self.session.scalars(statement.order_by(AccountLock.at, Account.id).limit(limit)).all()

    # Grounds of locks, and orders to lock

    def account_locks(self, account_id: str) -> Sequence[AccountLock]:
        """Return the grounds on which an account is locked."""
        return self.session.scalars(select(AccountLock).where(AccountLock.account_id == account_id)).all()

    def remove_lock(self, account_id: str, ground: str) -> bool:
        """Return whether the ground stood; the caller holds the account."""
        row = self.session.get(AccountLock, (account_id, ground), populate_existing=True)
        if row is None:
            return False
        self.session.delete(row)
        self.session.flush()
        return True

    def lock_order(self, order_id: str) -> LockOrder | None:
        return self.session.get(LockOrder, order_id, populate_existing=True)

    def lock_orders(self, state: str, limit: int, place: str | None) -> tuple[list[LockOrder], str | None]:
        """Return one page of a state, the oldest first, and the place of the next."""
        statement = select(LockOrder).where(LockOrder.state == state).order_by(LockOrder.received_at, LockOrder.id)
        return keyset_page(self.session, statement, limit, place)

    def move_lock_order(self, order_id: str, before: str, **values: object) -> bool:
        """Change an order that is in this state; return whether this call did."""
        statement = update(LockOrder).where(LockOrder.id == order_id, LockOrder.state == before)
        return self._changed(statement.values(**values)) == 1

    # Devices

    def device(self, device_id: str, *, lock: bool = False) -> Device | None:
        """Return a device. `lock`: nobody else changes it until this transaction ends."""
        return self.session.get(Device, device_id, with_for_update=lock or None, populate_existing=lock)

    def hold_device(self, device_id: str) -> bool:
        """Return whether a device has a place, which nobody takes away until this transaction ends."""
        statement = select(Device.id).where(Device.id == device_id, Device.state != DeviceState.UNBOUND)
        return self.session.scalar(statement.with_for_update(read=True)) is not None

    def device_of_account(self, device_id: str) -> Device | None:
        """Return a device that nobody else changes, nor its account, until this transaction ends.

        The account's row is taken first, as everywhere: two that wait for each other's rows never end.
        """
        known = self.device(device_id)
        if known is not None:
            self.account(known.account_id, lock=True)
        return self.device(device_id, lock=True)

    def bound_device(self, account_id: str) -> Device | None:
        return self.session.scalar(
            select(Device).where(Device.account_id == account_id, Device.state == DeviceState.BOUND)
        )

    def devices(self, account_id: str, *, lock: bool = False) -> Sequence[Device]:
        """Return every device that an account ever had, the newest first."""
        statement = _history(account_id)
        if lock:
            statement = statement.with_for_update().execution_options(populate_existing=True)
        return self.session.scalars(statement).all()

    def device_page(self, account_id: str, limit: int, place: str | None) -> tuple[list[Device], str | None]:
        """Return one page of the same, and the place of the next."""
        return keyset_page(self.session, _history(account_id), limit, place)

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
            passkey_id=row.passkey_id,
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
            passkey_removed_at=row.passkey_removed_at,
            public_key=row.public_key if row.device_id is not None else row.client_key,
            has_biometric_key=row.biometric_key is not None,
            roles=frozenset(each.role for each in rows if each.role is not None),
        )

    def signed_in(self, session_id: str, *, lock: bool = False) -> SignedInSession | None:
        return self.session.get(SignedInSession, session_id, with_for_update=lock or None, populate_existing=lock)

    def end_session(self, session_id: str, at: datetime, reason: str) -> bool:
        """Return whether this call ended the session; one that is over stays as it is."""
        statement = update(SignedInSession).where(SignedInSession.id == session_id, SignedInSession.ended_at.is_(None))
        return self._changed(statement.values(ended_at=at, end_reason=reason)) == 1

    def session_page(
        self, account_id: str, now: datetime, limit: int, place: str | None
    ) -> tuple[list[SignedInSession], str | None]:
        """Return one page of the sessions that are not over, newest first, and the place of the next."""
        statement = (
            select(SignedInSession)
            .where(
                SignedInSession.account_id == account_id,
                SignedInSession.ended_at.is_(None),
                SignedInSession.expires_at > now,
            )
            .order_by(SignedInSession.created_at.desc(), SignedInSession.id.desc())
        )
        return keyset_page(self.session, statement, limit, place)

    def end_sessions(
        self,
        at: datetime,
        reason: str,
        *,
        account_id: str = "",
        device_id: str = "",
        passkey_id: str = "",
        keep: str | None = None,
    ) -> int:
        """End every open session of an account, a device or a passkey, except the one to keep; return how many."""
        owner = SignedInSession.passkey_id == passkey_id
        if account_id or device_id:
            owner = SignedInSession.account_id == account_id if account_id else SignedInSession.device_id == device_id
        statement = update(SignedInSession).where(owner, SignedInSession.ended_at.is_(None))
        if keep is not None:
            statement = statement.where(SignedInSession.id != keep)
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

    # Passkeys

    def passkey(self, passkey_id: str) -> Passkey | None:
        return self.session.get(Passkey, passkey_id)

    def passkey_by_credential(self, credential_id: bytes) -> Passkey | None:
        return self.session.scalar(select(Passkey).where(Passkey.credential_id == credential_id))

    def passkeys(self, account_id: str) -> Sequence[Passkey]:
        """Return the passkeys of an account that were not removed, oldest first."""
        statement = select(Passkey).where(Passkey.account_id == account_id, Passkey.removed_at.is_(None))
        return self.session.scalars(statement.order_by(Passkey.created_at, Passkey.id)).all()

    def count_passkeys(self, account_id: str) -> int:
        statement = select(func.count()).where(Passkey.account_id == account_id, Passkey.removed_at.is_(None))
        return self.session.scalar(statement) or 0

    def use_passkey(self, passkey_id: str, sign_count: int, at: datetime) -> bool:
        """Record a use; return whether its count went up. Authenticators that do not count say 0 for ever."""
        statement = update(Passkey).where(Passkey.id == passkey_id, Passkey.removed_at.is_(None))
        went_up = Passkey.sign_count < sign_count if sign_count else Passkey.sign_count == 0
        return self._changed(statement.where(went_up).values(sign_count=sign_count, last_used_at=at)) == 1

    def remove_passkey(self, account_id: str, passkey_id: str, at: datetime) -> bool:
        """Return whether this call removed the passkey of this account."""
        statement = update(Passkey).where(
            Passkey.id == passkey_id, Passkey.account_id == account_id, Passkey.removed_at.is_(None)
        )
        return self._changed(statement.values(removed_at=at)) == 1

    # Guesses

    def count_guess(
        self, scope: str, subject: bytes, now: datetime, window_ends_at: datetime, tries: int = 1
    ) -> tuple[int, datetime]:
        """Count tries in one statement; return how many there were in this window, and its end.

        A window that is over begins anew.
        """
        over = GuessCount.window_ends_at <= now
        values = {"scope": scope, "subject": subject, "window_ends_at": window_ends_at, "count": tries}
        statement = insert_into(self.session, GuessCount).values(values)
        statement = statement.on_conflict_do_update(
            index_elements=[GuessCount.scope, GuessCount.subject],
            set_={
                "count": case((over, tries), else_=GuessCount.count + tries),
                "window_ends_at": case((over, statement.excluded.window_ends_at), else_=GuessCount.window_ends_at),
            },
        )
        row = self.session.execute(statement.returning(GuessCount.count, GuessCount.window_ends_at)).one()
        return row[0], row[1]

    def guess_count(self, scope: str, subject: bytes) -> GuessCount | None:
        return self.session.get(GuessCount, (scope, subject), populate_existing=True)

    def give_guess_back(self, scope: str, subject: bytes, now: datetime) -> None:
        """Count one try less in one statement, in a window that is not over."""
        of = (GuessCount.scope == scope, GuessCount.subject == subject)
        alive = (GuessCount.count > 0, GuessCount.window_ends_at > now)
        self._changed(update(GuessCount).where(*of, *alive).values(count=GuessCount.count - 1))

    def forget_guesses(self, scope: str, subject: bytes) -> None:
        self.session.execute(delete(GuessCount).where(GuessCount.scope == scope, GuessCount.subject == subject))

    def forget_guesses_before(self, moment: datetime) -> None:
        self.session.execute(delete(GuessCount).where(GuessCount.window_ends_at <= moment))

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

    def _changed(self, statement: Update | Delete) -> int:
        result = self.session.execute(statement, execution_options={"synchronize_session": False})
        return result.rowcount if isinstance(result, CursorResult) else 0


def _history(account_id: str) -> Select[Any]:
    return select(Device).where(Device.account_id == account_id).order_by(Device.bound_at.desc(), Device.id.desc())
