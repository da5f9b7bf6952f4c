"""Staff: who has which role, and how the first of them gets in where there is no desk yet.

Whoever has the server's shell gives a role and hands over a token that enrols one device, once, within a quarter of
an hour. It opens an account that was never activated, and no other: nobody's own account is taken over with it. Until
then the role is only on paper.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any, Protocol

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.crypto.sealing import blind_index
from wallet.entropy import Entropy
from wallet.errors import Conflict, Malformed, NotAuthenticated, NotFound
from wallet.identity.account_states import AccountState, HolderKind
from wallet.identity.accounts import Accounts, Grant, is_held
from wallet.identity.compact_jws import public_jwk
from wallet.identity.devices import DeviceProofs, Devices
from wallet.identity.holders import Profile
from wallet.identity.models import StaffEnrolment
from wallet.identity.passwords import Hasher, Knowledge, check_passcode, check_password
from wallet.identity.repository import IdentityRepository
from wallet.sources.base import Fact
from wallet.terms import AccountLevel, Actor, StaffRole

LIFE = timedelta(minutes=15)
TOKEN_BYTES = 16
TOKEN_PREFIX = "vse_"  # noqa: S105 - what a token begins with
BOUND_BY = "staff_enrolment"


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What is handed to a new member of staff; the token is kept nowhere."""

    token: str = field(repr=False)
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Appointment:
    """A role that was given. new: it was not held before. enrolment: None where the account is active already."""

    account_id: str
    new: bool
    enrolment: Enrolment | None


@dataclass(frozen=True, slots=True)
class StaffMember:
    """One role of one account. in_force: False until the account is enrolled."""

    account_id: str
    profile: Profile
    grant: Grant
    state: AccountState
    in_force: bool


@dataclass(frozen=True, slots=True)
class EnrolmentOrder:
    """What a new member of staff sends from the device that is to be theirs. proof: a device proof by `public_key`."""

    token: str = field(repr=False)
    device_id: str
    public_key: Mapping[str, str]
    device_name: str
    proof: str = field(repr=False)
    password: str = field(repr=False)
    passcode: str = field(repr=False)
    biometric_key: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Staffing:
    """Staff, in one transaction. secret: keys the fingerprints of tokens."""

    repository: IdentityRepository
    accounts: Accounts
    audit: Audit
    clock: Clock
    entropy: Entropy
    secret: bytes

    def appoint(self, facts: Mapping[str, Fact], grant: Grant, phone: str | None, actor: Actor) -> Appointment:
        """Give a role to the person whom `facts` describe, and a token where their account is not active yet.

        Who reviews already does so at one more desk; any other role stays where it was held before.

        With a token the role counts only once that was used: an account that was activated in any other way, by
        whoever has the appointee's phone number, is a citizen's. A token from before is void.
        Raises Conflict("person_deceased"), Conflict("account_locked"), Conflict("account_closed"),
        Conflict("staff_level_too_low") for an active account of level 1, InvalidInput.
        """
        if facts.get("alive") is False:
            raise Conflict("person_deceased")
        expires = facts.get("card_expires")
        account_id = self.accounts.register(
            facts,
            level=AccountLevel.TWO,
            kind=HolderKind.CITIZEN,
            phone=phone,
            email=None,
            valid_until=expires if isinstance(expires, date) else None,
            actor=actor,
        )
        account = self.accounts.find(account_id)
        enrolment = None
        if account.state in (AccountState.PENDING, AccountState.APPROVED):
            self.accounts.approve(account_id, AccountLevel.TWO, actor)
            enrolment = self._enrol(account_id, actor)
        elif account.state != AccountState.ACTIVE:
            raise Conflict("account_locked")
        elif account.level < AccountLevel.TWO:
            raise Conflict("staff_level_too_low")
        held = self.repository.every_grant(account_id, grant.role)
        new = not is_held(grant, [Grant(StaffRole(row.role), row.agency, row.province) for row in held])
        if new:
            self.accounts.grant(account_id, grant, actor)
        self.repository.put_grant_in_force(account_id, grant.role, in_force=enrolment is None)
        return Appointment(account_id, new, enrolment)

    def dismiss(self, account_id: str, role: StaffRole, actor: Actor, *, desk: tuple[str, str] | None = None) -> None:
        """Take a role away; it ends with the next request of any session.

        desk: agency and province where it ends, None for wherever it is had. Raises NotFound("staff_unknown").
        """
        if not self.repository.remove_grants(account_id, role, desk):
            raise NotFound("staff_unknown")
        self.repository.drop_staff_enrolment(account_id)
        where: dict[str, Any] = {} if desk is None else {"agency": desk[0], "province": desk[1]}
        self.audit.record("staff.dismissed", actor, account_id, role=str(role), **where)

    def members(self) -> Sequence[StaffMember]:
        """Return every role that anybody has, or is to have once enrolled."""
        return [
            StaffMember(
                row.account_id,
                self.accounts.profile(row.account_id),
                Grant(StaffRole(row.role), row.agency, row.province),
                self.accounts.find(row.account_id).state,
                row.in_force,
            )
            for row in self.repository.staff()
        ]

    def accounts_with(self, role: StaffRole) -> tuple[str, ...]:
        """Return the accounts that have a role which is in force."""
        return tuple(row.account_id for row in self.repository.staff() if row.role == role and row.in_force)

    def account_of(self, token: str) -> str:
        """Return the account that a token opens. Raises NotAuthenticated("enrolment_invalid")."""
        row = self.repository.staff_enrolment(self._digest(token))
        if row is None or row.expires_at <= self.clock.now():
            raise NotAuthenticated("enrolment_invalid")
        return row.account_id

    def use(self, token: str, actor: Actor) -> None:
        """Use a token up for the actor's account, whose roles count from now on.

        Raises NotAuthenticated("enrolment_invalid") unless this call is the first, and in time.
        """
        if not self.repository.use_staff_enrolment(self._digest(token), self.clock.now()):
            raise NotAuthenticated("enrolment_invalid")
        self.repository.put_grants_in_force(actor.account_id)
        self.audit.record("staff.enrolled", actor, actor.account_id)

    def _enrol(self, account_id: str, actor: Actor) -> Enrolment:
        token = TOKEN_PREFIX + self.entropy.bytes(TOKEN_BYTES).hex()
        expires_at = self.clock.now() + LIFE
        self.repository.drop_staff_enrolment(account_id)
        self.repository.add(StaffEnrolment(account_id=account_id, digest=self._digest(token), expires_at=expires_at))
        self.audit.record("staff.enrolment_issued", actor, account_id)
        return Enrolment(token, expires_at)

    def _digest(self, token: str) -> bytes:
        return blind_index(self.secret, f"staff-enrolment:{token}")


class StaffWork(Protocol):
    """As much of one transaction as is needed here."""

    @property
    def accounts(self) -> Accounts: ...

    @property
    def devices(self) -> Devices: ...

    @property
    def staffing(self) -> Staffing: ...


Transaction = Callable[[], AbstractContextManager[StaffWork]]


@dataclass(frozen=True, slots=True)
class StaffEnrolling:
    """Built once per process. write: one transaction; read: committed data, nothing written."""

    write: Transaction
    read: Transaction
    clock: Clock
    hasher: Hasher
    proofs: DeviceProofs

    def enrol(self, order: EnrolmentOrder, request_id: str = "") -> str:
        """Bind the device and activate the account that a token opens; return the account's id.

        Nothing is used up by a refusal. Raises NotAuthenticated("invalid_device_proof" or "enrolment_invalid"),
        InvalidInput for a key that is none and for weak secrets, Conflict("device_taken"), Conflict("activation_over"),
        Unavailable("busy").
        """
        proof = self.proofs.parse(order.proof, self.clock.now())
        if proof.device_id != order.device_id:
            raise NotAuthenticated("invalid_device_proof")
        try:
            key = public_jwk(order.public_key)
        except Malformed as error:
            raise NotAuthenticated("invalid_device_proof") from error
        self.proofs.verify(proof, key)
        with self.read() as work:
            account_id = work.staffing.account_of(order.token)
            profile = work.accounts.profile(account_id)
        check_password(order.password)
        check_passcode(order.passcode, number=profile.number, birth_date=profile.birth_date)
        password_hash = self.hasher.hash(Knowledge.PASSWORD, order.password)
        passcode_hash = self.hasher.hash(Knowledge.PASSCODE, order.passcode)
        actor = Actor(account_id, device_id=order.device_id, request_id=request_id)
        with self.write() as work:
            work.staffing.use(order.token, actor)
            work.devices.use_challenge(proof.challenge)
            work.accounts.activate(account_id, password_hash=password_hash, passcode_hash=passcode_hash, actor=actor)
            work.devices.bind(
                account_id,
                order.device_id,
                key,
                order.device_name,
                actor,
                bound_by=BOUND_BY,
                biometric_key=order.biometric_key,
            )
        return account_id
