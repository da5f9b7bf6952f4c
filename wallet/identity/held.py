"""What identity holds about a person: who they are, how they are reached, their devices, sessions and relations."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass

from wallet.clock import Clock
from wallet.held import HeldTable, Person, Section, change, count_of, forget, rows_of, section, told
from wallet.identity.account_states import AccountState
from wallet.identity.contacts import Contacts
from wallet.identity.holders import Holders
from wallet.identity.models import (
    Account,
    AccountLock,
    Contact,
    Device,
    DeviceState,
    Guardianship,
    Holder,
    LockOrder,
    Passkey,
    RefreshToken,
    SecurityAnswer,
    SignedInSession,
    StaffEnrolment,
    StaffGrant,
)
from wallet.identity.repository import IdentityRepository

HOLDERS = HeldTable(
    Holder,
    "id",
    told=("id", "created_at"),
    withheld=("number_index", "sealed_data_key", "sealed_profile"),  # the profile is told unsealed
    by_account=False,
)
ACCOUNTS = HeldTable(
    Account,
    "id",
    told=(
        *("id", "level", "state", "kind", "lock_ground", "valid_until"),
        *("cooling_off_until", "language", "notice_settings", "settings_version"),
        *("created_at", "approved_at", "activated_at", "closed_at", "checked_at", "expiry_told_for"),
    ),
    withheld=("holder_id", "times_locked", "activation_key", "password_hash", "passcode_hash"),
    blanked={
        "activation_key": None,
        "password_hash": None,
        "passcode_hash": None,
        "valid_until": None,
        "cooling_off_until": None,
        "expiry_told_for": None,
        "notice_settings": {},
    },
)
ACCOUNT_LOCKS = HeldTable(
    AccountLock,
    "account_id",
    told=("ground", "at", "legal_ref"),
    withheld=("account_id", "by"),
    ordered="at",
    deleted=True,
)
CONTACTS = HeldTable(
    Contact,
    "account_id",
    told=("changed_at",),
    withheld=("account_id", "sealed_phone", "phone_index", "sealed_email"),  # both are told unsealed
    ordered="changed_at",
    deleted=True,
)
SECURITY_ANSWERS = HeldTable(
    SecurityAnswer,
    "account_id",
    told=("question",),
    withheld=("account_id", "answer_hash"),
    ordered="question",
    deleted=True,
)
GUARDIAN_OF = HeldTable(
    Guardianship,
    "guardian_account_id",
    told=("relation", "since", "ended_at"),
    withheld=("ward_account_id", "guardian_account_id"),  # the other one's account is the other one's
    ordered="since",
)
WARD_OF = HeldTable(Guardianship, "ward_account_id", GUARDIAN_OF.told, GUARDIAN_OF.withheld, ordered="since")
LOCK_ORDERS = HeldTable(
    LockOrder,
    "account_id",
    told=("id", "kind", "ground", "authority", "legal_ref", "state", "decided_at"),
    withheld=(
        *("account_id", "received_by", "received_at", "forward_due_at", "forwarded_by", "forwarded_at"),
        *("decision_due_at", "decided_by", "written_reason"),  # a refusal is answered to the authority that asked
    ),
    ordered="received_at",
    blanked={"written_reason": None, "authority": "", "legal_ref": ""},
)
STAFF_GRANTS = HeldTable(
    StaffGrant, "account_id", ("role", "agency", "province", "in_force"), ("account_id",), ordered="role", deleted=True
)
STAFF_ENROLMENTS = HeldTable(
    StaffEnrolment, "account_id", ("expires_at",), ("account_id", "digest"), ordered="expires_at", deleted=True
)
SESSIONS = HeldTable(
    SignedInSession,
    "account_id",
    told=(
        *("id", "device_id", "passkey_id", "client_name", "place", "auth_level"),
        *("created_at", "authenticated_at", "expires_at", "ended_at", "end_reason"),
    ),
    withheld=("account_id", "client_key", "token_binding"),
    ordered="created_at",
    deleted=True,
)
REFRESH_TOKENS = HeldTable(
    RefreshToken,
    "session_id",
    withheld=("session_id", "number", "issued_at", "expires_at", "used_at"),  # the mechanics of a session
    parent=SESSIONS,
    ordered="number",
    deleted=True,
)
PASSKEYS = HeldTable(
    Passkey,
    "account_id",
    told=("id", "name", "transports", "sign_count", "created_at", "last_used_at", "removed_at"),
    withheld=("account_id", "credential_id", "public_key"),
    ordered="created_at",
    deleted=True,
)
DEVICES = HeldTable(
    Device,
    "account_id",
    told=(
        *("id", "name", "place", "state", "bound_at", "bound_by", "unbound_at", "unbound_reason"),
        *("failures", "passcode_failures", "blocked_until"),
    ),
    withheld=("account_id", "public_key", "biometric_key"),
    ordered="bound_at",
    deleted=True,
)
DECIDED, WAITING = "granted", ("received", "forwarded")


@dataclass(frozen=True, slots=True)
class IdentityHeld:
    """The tables of identity in one transaction. Order: what points at a row comes before it."""

    repository: IdentityRepository
    holders: Holders
    contacts: Contacts
    clock: Clock
    tables: tuple[HeldTable, ...] = (
        *(REFRESH_TOKENS, SESSIONS, PASSKEYS, DEVICES, STAFF_GRANTS, STAFF_ENROLMENTS, SECURITY_ANSWERS),
        *(CONTACTS, GUARDIAN_OF, WARD_OF, LOCK_ORDERS, ACCOUNT_LOCKS, ACCOUNTS, HOLDERS),
    )

    def export(self, person: Person) -> Iterator[Section]:
        """Return what is held, section by section. Raises NotFound("holder_unknown") once the holder is erased."""
        profile = {name: value for name, value in asdict(self.holders.profile(person.holder_id)).items() if value}
        rows = section(self.repository.session, "profile", HOLDERS, person).rows
        yield Section("profile", [row | profile for row in rows])
        contact = self.contacts.find(person.account_id)
        known = {} if contact is None else {"phone": contact.phone, "email": contact.email}
        reached = {name: value for name, value in known.items() if value is not None}
        yield Section("contact", [row | reached for row in section(self.repository.session, "", CONTACTS, person).rows])
        yield section(self.repository.session, "account", ACCOUNTS, person)
        yield section(self.repository.session, "locks", ACCOUNT_LOCKS, person)
        yield section(self.repository.session, "devices", DEVICES, person)
        yield section(self.repository.session, "passkeys", PASSKEYS, person)
        yield section(self.repository.session, "sessions", SESSIONS, person)
        yield section(self.repository.session, "security_questions", SECURITY_ANSWERS, person)
        yield Section(
            "guardianships",
            [{"you_are": "guardian"} | row for row in section(self.repository.session, "", GUARDIAN_OF, person).rows]
            + [{"you_are": "ward"} | row for row in section(self.repository.session, "", WARD_OF, person).rows],
        )
        # An order that is not decided, or was refused, is no fact about the holder, and telling it may defeat it.
        orders = rows_of(self.repository.session, LOCK_ORDERS, person, state=DECIDED)
        yield Section("lock_orders", [told(row, LOCK_ORDERS.told) for row in orders])
        roles = section(self.repository.session, "", STAFF_GRANTS, person).rows
        yield Section("staff_roles", roles + section(self.repository.session, "", STAFF_ENROLMENTS, person).rows)

    def erase(self, person: Person) -> None:
        """Forget everything but that there was an account, and end whom it acted for and who acted for it."""
        now = self.clock.now()
        for relation in (GUARDIAN_OF, WARD_OF):
            change(self.repository.session, relation, person, {"ended_at": now}, ended_at=None)
        forget(self.repository.session, self.tables, person)

    def sessions(self, person: Person) -> int:
        """Return how many sessions are not ended."""
        return count_of(self.repository.session, SESSIONS, person, ended_at=None)

    def devices(self, person: Person) -> int:
        """Return how many devices still have a place."""
        return sum(
            count_of(self.repository.session, DEVICES, person, state=str(state))
            for state in (DeviceState.BOUND, DeviceState.SUSPENDED)
        )

    def passkeys(self, person: Person) -> int:
        """Return how many passkeys still open the account."""
        return count_of(self.repository.session, PASSKEYS, person, removed_at=None)

    def relations(self, person: Person) -> int:
        """Return how many relations hold, as guardian or as ward."""
        return sum(
            count_of(self.repository.session, relation, person, ended_at=None) for relation in (GUARDIAN_OF, WARD_OF)
        )

    def waiting_orders(self, person: Person) -> int:
        """Return how many orders of an authority about the account are not decided."""
        return sum(count_of(self.repository.session, LOCK_ORDERS, person, state=state) for state in WAITING)

    def sole_wards(self, person: Person) -> int:
        """Return how many wards would be left with nobody who acts for them.

        In a transaction that writes, their accounts are locked: of two guardians who leave at once, one is second.
        """
        return sum(
            not self.repository.other_guardian(row["ward_account_id"], person.account_id)
            for row in rows_of(self.repository.session, GUARDIAN_OF, person, "ward_account_id", ended_at=None)
            if self._lives(row["ward_account_id"])
        )

    def _lives(self, account_id: str) -> bool:
        account = self.repository.account(account_id, lock=True)
        return account is not None and account.state != AccountState.CLOSED
