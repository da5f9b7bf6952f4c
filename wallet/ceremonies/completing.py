"""What a ceremony leads to, once enough was proven: a change of whose phone, number or secret counts.

Every kind but the activation is a binding event: the holder is told, other sessions end at once, and nothing sensitive
is done for a while (S-12). After a reset and at a desk passkeys go too. Whoever has stolen a phone number or a phone
is then still seen in time.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from wallet.audit import Audit
from wallet.ceremonies.ceremonies import AskingDevice, Ceremonies, CeremonyView, is_own
from wallet.ceremonies.kinds import CeremonyKind, Factor
from wallet.ceremonies.models import CeremonyRow
from wallet.clock import Clock
from wallet.errors import Conflict, InvalidInput, NotAllowed
from wallet.identity.accounts import Accounts, AccountView
from wallet.identity.contacts import Contacts
from wallet.identity.devices import Devices
from wallet.identity.passkeys import Passkeys
from wallet.identity.passwords import check_passcode, check_password
from wallet.identity.questions import Answer, SecurityQuestions, check_answers
from wallet.identity.sessions import Sessions
from wallet.terms import Actor


@dataclass(frozen=True, slots=True)
class Supplied:
    """What comes with a completion. Each kind says which of them it takes (`Kind.supplies`)."""

    password: str | None = field(default=None, repr=False)
    passcode: str | None = field(default=None, repr=False)
    questions: tuple[Answer, ...] | None = field(default=None, repr=False)


@dataclass(frozen=True, slots=True)
class SuppliedHashes:
    """The same, hashed outside any transaction. answers: question to hash."""

    password: str = field(default="", repr=False)
    passcode: str = field(default="", repr=False)
    answers: Mapping[str, str] = field(default_factory=dict, repr=False)


@dataclass(frozen=True, slots=True)
class Completing:
    """Completions of one transaction."""

    ceremonies: Ceremonies
    accounts: Accounts
    devices: Devices
    sessions: Sessions
    contacts: Contacts
    passkeys: Passkeys
    questions: SecurityQuestions
    audit: Audit
    clock: Clock

    def check(self, ceremony_id: str, supplied: Supplied) -> None:
        """Refuse what could not be completed, before anything is hashed; nothing is written.

        Raises NotFound("not_found"), Conflict("ceremony_over"), NotAllowed("stronger_factor_required") before a word is
        said of what was supplied; InvalidInput for what is missing, not asked for or weak.
        """
        row = self.ceremonies.running(ceremony_id, lock=False)
        account, _ = self._sufficient(row)
        _check_supplied(self.ceremonies.kind(row).supplies, supplied)
        if supplied.password is not None:
            check_password(supplied.password)
        if supplied.passcode is not None:
            profile = self.accounts.profile(account.id)
            check_passcode(supplied.passcode, number=profile.number, birth_date=profile.birth_date)
        if supplied.questions is not None:
            check_answers(supplied.questions)

    def complete(self, row: CeremonyRow, hashes: SuppliedHashes, actor: Actor) -> CeremonyView:
        """Complete a ceremony, once. Raises what `check` raises, and Conflict of whatever the kind leads to."""
        account, proven_by = self._sufficient(row)
        if not self.ceremonies.repository.complete(row.id, self.clock.now()):
            raise Conflict("ceremony_over")
        match CeremonyKind(row.kind):
            case CeremonyKind.ACTIVATION:
                self._activate(row, account, hashes, proven_by, actor)
            case CeremonyKind.BINDING:
                self._bind(row, account, proven_by, actor)
            case CeremonyKind.PASSCODE_RESET:
                self.accounts.set_passcode_hash(account.id, hashes.passcode, actor)
                self._after_reset(row, account, "passcode_reset", "passcode_changed", actor)
            case CeremonyKind.PASSWORD_RESET:
                self.accounts.set_password_hash(account.id, hashes.password, actor)
                self._after_reset(row, account, "password_reset", "password_changed", actor)
            case CeremonyKind.PHONE_CHANGE:
                self._change_phone(row, account, proven_by, actor)
        # What else was asked for, maybe by whoever this was to shut out, has to be asked for anew.
        self.ceremonies.repository.end_others(account.id, row.id, "superseded")
        self.audit.record("ceremony.completed", actor, row.id, kind=row.kind, proven_by=proven_by)
        return self.ceremonies.view(row)

    def _sufficient(self, row: CeremonyRow) -> tuple[AccountView, str]:
        """Return whose ceremony it is, and what has proven it: `chip+otp` and the like."""
        kind = self.ceremonies.kind(row)
        proven = kind.suffices(row.factors)
        if proven is None or row.account_id is None:
            raise NotAllowed("stronger_factor_required")
        account = self.accounts.find(row.account_id)
        if account.state not in kind.states:
            raise Conflict("ceremony_over")
        return account, "+".join(proven)

    def _activate(
        self, row: CeremonyRow, account: AccountView, hashes: SuppliedHashes, proven_by: str, actor: Actor
    ) -> None:
        self.accounts.activate(account.id, password_hash=hashes.password, passcode_hash=hashes.passcode, actor=actor)
        self.questions.set(account.id, hashes.answers)
        self._bind(row, account, proven_by, actor)

    def _bind(self, row: CeremonyRow, account: AccountView, proven_by: str, actor: Actor) -> None:
        known = self.devices.find(row.device_id)
        if known is not None and known.state == "suspended" and is_own(known, account.id, _device(row)):
            self.sessions.end_all(account.id, "device_bound", actor)
            self.devices.restore(known.id, actor)
            self.devices.begin_cooling_off(account.id)
            self.passkeys.remove_all(account.id, "device_restored", actor)
            return
        self.devices.bind(
            account.id,
            row.device_id,
            row.public_key,
            row.device_name,
            actor,
            bound_by=proven_by,
            place=row.place,
            biometric_key=row.biometric_key,
        )

    def _after_reset(self, row: CeremonyRow, account: AccountView, reason: str, notice: str, actor: Actor) -> None:
        self.sessions.end_all(account.id, reason, actor)
        self.passkeys.remove_all(account.id, reason, actor)
        known = self.devices.find(row.device_id)
        if is_own(known, account.id, _device(row)):
            self.devices.forgive(row.device_id, actor)
        self.devices.begin_cooling_off(account.id)
        self.contacts.tell(account.id, notice)

    def _change_phone(self, row: CeremonyRow, account: AccountView, proven_by: str, actor: Actor) -> None:
        kept = self.ceremonies.kept(row)
        former = self.contacts.find(account.id)
        self.contacts.tell(account.id, "phone_changed")  # on the former phone, as long as it is the one on record
        self.contacts.set(account.id, account.holder_id, kept["phone"], None if former is None else former.email)
        language = self.contacts.recipient(account.id).language
        self.contacts.telling.text(kept["phone"], "phone_changed", language)
        self.sessions.end_all(account.id, "phone_changed", actor, keep=kept["session_id"])
        self.devices.begin_cooling_off(account.id)
        if proven_by == Factor.DESK:
            self.passkeys.remove_all(account.id, "phone_changed", actor)
        self.audit.record("account.phone_changed", actor, account.id)


def _device(row: CeremonyRow) -> AskingDevice:
    return AskingDevice(row.device_id, row.device_name, row.public_key, row.biometric_key)


def _check_supplied(wanted: frozenset[str], supplied: Supplied) -> None:
    given = {name for name in ("password", "passcode", "questions") if getattr(supplied, name) is not None}
    fields = {f"/{name}": "required" for name in wanted - given}
    fields |= {f"/{name}": "unknown_field" for name in given - wanted}
    if fields:
        raise InvalidInput(fields)
