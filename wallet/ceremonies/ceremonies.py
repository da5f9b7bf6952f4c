"""Ceremonies: begun, looked at, ended. What is proven in between is in the files beside this one.

A ceremony for a number that nobody has, for another phone than the one on record, or for an account that is not in the
right state is begun all the same: it belongs to nobody, answers like any other and never succeeds (S-10).
"""

import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from wallet.audit import Audit
from wallet.ceremonies.kinds import LIFE, CeremonyKind, Factor, Kind
from wallet.ceremonies.models import CeremonyRow
from wallet.ceremonies.repository import CeremonyRepository
from wallet.clock import Clock
from wallet.crypto.sealing import seal, unseal
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, TooManyAttempts
from wallet.identity.accounts import Accounts, AccountView
from wallet.identity.contacts import Contacts, normalised_phone
from wallet.identity.devices import BoundDevice, Devices, activation_key
from wallet.identity.holders import Holders
from wallet.identity.limits import Limits
from wallet.identity.questions import SecurityQuestions
from wallet.sources.base import Ground, RegisterCode
from wallet.sources.reading import Sources
from wallet.terms import Actor

NOBODY = "nobody"
"""Who acts in a ceremony that belongs to nobody."""

INTERRUPTED = "interrupted"
"""Why a ceremony is over whose account was locked, or lost its device, after something was proven."""

KEPT = timedelta(days=1)
ANNOUNCED_EVERY = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class AskingDevice:
    """The device that asks: what it calls itself, and its public keys."""

    id: str
    name: str
    public_key: Mapping[str, str]
    biometric_key: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """What somebody asks for. phone: as a person writes it. place: where, as far as is known."""

    kind: CeremonyKind
    number: str = field(repr=False)
    device: AskingDevice
    phone: str | None = field(default=None, repr=False)
    place: str = ""


@dataclass(frozen=True, slots=True)
class CeremonyView:
    """A ceremony as its device sees it.

    comparison: two digits that the old device's owner has to type, so that nobody approves a stranger's phone.
    sufficient: sets of factors of which one has to be proven whole. questions: codes of the two that were chosen, once
    it is known that the holder's own device asks.
    """

    id: str
    kind: CeremonyKind
    state: str
    end_reason: str | None
    expires_at: datetime
    comparison: str
    sufficient: tuple[tuple[Factor, ...], ...]
    factors: tuple[str, ...]
    questions: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Ceremonies:
    """The ceremonies of one transaction. forms: seals what a kind keeps for its end. secret: keys fingerprints."""

    repository: CeremonyRepository
    kinds: Mapping[CeremonyKind, Kind]
    holders: Holders
    accounts: Accounts
    devices: Devices
    contacts: Contacts
    questions: SecurityQuestions
    limits: Limits
    sources: Sources
    audit: Audit
    clock: Clock
    entropy: Entropy
    forms: bytes
    secret: bytes

    def begin(self, asked: Asked, request_id: str) -> CeremonyRow:
        """Begin a ceremony for whoever has this number, or for nobody. The device's key was proven before.

        Raises Conflict("device_taken") for a device that cannot be bound again, whatever the number; InvalidInput for
        a phone that is missing or is none.
        """
        kind, device = self.kinds[asked.kind], asked.device
        known = self.devices.find(device.id)
        if kind.binds and self.devices.is_known(device.id) and not _may_return(known, device):
            raise Conflict("device_taken")
        phone = None if asked.phone is None else normalised_phone(asked.phone)
        if kind.names_phone and phone is None:
            raise InvalidInput({"/phone": "required"})
        account = self._owner(kind, asked.number, phone, device)
        own = account is not None and is_own(known, account.id, device)
        factors = [str(Factor.DEVICE)] if own and kind.wants(Factor.DEVICE, ()) else []
        subject = self._fingerprint(asked.number, phone if kind.names_phone else None)
        row = self._open(asked.kind, account, device, subject, asked.place, factors)
        self._announce(row)
        self._record("ceremony.begun", row, request_id, kind=row.kind)
        return row

    def begin_phone_change(self, actor: Actor, phone: str, place: str) -> CeremonyRow:
        """Begin the change of a holder's phone, in their own session on their own device.

        phone: the new one, as a person writes it; the operators' register has to name the holder as its owner. Raises
        InvalidInput for one that is none, another person's or on record already, NotAllowed("device_needed") in a
        session without a device, Unavailable when the register does not answer.
        """
        device = None if actor.device_id is None else self.devices.find(actor.device_id)
        if device is None:
            raise NotAllowed("device_needed")
        phone = normalised_phone(phone)
        if self.contacts.has_phone(actor.account_id, phone):
            raise InvalidInput({"/phone": "phone_unchanged"})
        account = self.accounts.find(actor.account_id)
        number = self.holders.number(account.holder_id)
        if phone not in self._own_phones(number, account.holder_id, actor):
            raise InvalidInput({"/phone": "not_own_phone"})
        asking = AskingDevice(device.id, device.name, device.public_key, device.biometric_key)
        factors = [str(Factor.DEVICE)]
        row = self._open(
            CeremonyKind.PHONE_CHANGE, account, asking, self._fingerprint(number), place, factors,
            kept={"phone": phone, "session_id": actor.session_id or ""},
        )  # fmt: skip
        self._record("ceremony.begun", row, actor.request_id, kind=row.kind)
        return row

    def key_of(self, ceremony_id: str) -> tuple[str, Mapping[str, str]]:
        """Return id and key of the device that every step has to be signed by. Raises NotFound("not_found")."""
        row = self.repository.ceremony(ceremony_id)
        if row is None:
            raise NotFound("not_found")
        return row.device_id, row.public_key

    def load(self, ceremony_id: str, *, lock: bool = True) -> CeremonyRow:
        """Return a ceremony, in whatever state. Raises NotFound("not_found").

        `lock`: nobody else changes it, nor its account, until this transaction ends. The account's row is taken first,
        as everywhere.
        """
        row = self.repository.ceremony(ceremony_id)
        if row is not None and lock:
            if row.account_id is not None:
                self.accounts.hold(row.account_id)
            row = self.repository.ceremony(ceremony_id, lock=True)
        if row is None:
            raise NotFound("not_found")
        return row

    def running(self, ceremony_id: str, *, lock: bool = True) -> CeremonyRow:
        """Return a ceremony that can still get somewhere. Raises NotFound("not_found"), Conflict("ceremony_over")."""
        row = self.load(ceremony_id, lock=lock)
        if not self.is_running(row):
            raise Conflict("ceremony_over")
        return row

    def is_running(self, row: CeremonyRow) -> bool:
        return row.state == "open" and self._over(row) is None

    def kind(self, row: CeremonyRow) -> Kind:
        return self.kinds[CeremonyKind(row.kind)]

    def demand(self, row: CeremonyRow, factor: Factor) -> None:
        """Refuse a proof that leads nowhere in this ceremony. Raises Conflict("factor_not_useful"), and
        NotAllowed("stronger_factor_required") for a code that is asked for before anything else is proven (S-11)."""
        kind = self.kind(row)
        if not kind.wants(factor, row.factors):
            raise Conflict("factor_not_useful")
        if factor is Factor.OTP and not kind.may_send(row.factors):
            raise NotAllowed("stronger_factor_required")

    def prove(self, row: CeremonyRow, factor: Factor, actor: Actor, **details: Any) -> bool:
        """Remember that a factor was proven, and return whether it counts. Proving it again changes nothing.

        For an account that is locked by now it does not, and the ceremony is over: unlocking brings nothing back.
        """
        account = None if row.account_id is None else self.accounts.find(row.account_id)
        if account is not None and account.state not in self.kind(row).states:
            self.end(row, INTERRUPTED, actor)
            return False
        if factor not in row.factors:
            if account is not None and not row.factors:
                row.rests_on = self._standing(account)
            row.factors = [*row.factors, str(factor)]
            self.repository.flush()
            self.audit.record("ceremony.factor_proven", actor, row.id, factor=str(factor), **details)
        return True

    def end(self, row: CeremonyRow, reason: str, actor: Actor) -> None:
        """End a ceremony without its purpose."""
        row.state, row.end_reason = "ended", reason
        self.repository.flush()
        self.audit.record("ceremony.ended", actor, row.id, reason=reason)

    def kept(self, row: CeremonyRow) -> dict[str, str]:
        """Return what the kind keeps for its end."""
        if row.sealed_data is None:
            return {}
        kept: dict[str, str] = json.loads(unseal(self.forms, row.sealed_data, row.id))
        return kept

    def forget(self) -> None:
        """Drop what was over a day ago, so that the table does not grow with time alone."""
        self.repository.forget_before(self.clock.now() - KEPT)

    def view(self, row: CeremonyRow) -> CeremonyView:
        """Return a ceremony as its device sees it."""
        kind, over = self.kind(row), self._over(row) if row.state == "open" else None
        questions = None
        if kind.wants(Factor.QUESTIONS, row.factors) and row.account_id is not None:
            questions = tuple(self.questions.kept(row.account_id)) or None
        return CeremonyView(
            id=row.id,
            kind=CeremonyKind(row.kind),
            state="ended" if over else row.state,
            end_reason=over or row.end_reason,
            expires_at=row.expires_at,
            comparison=self.comparison(row.id),
            sufficient=kind.sufficient,
            factors=tuple(row.factors),
            questions=questions,
        )

    def comparison(self, ceremony_id: str) -> str:
        """Return the two digits of a ceremony."""
        digest = hmac.new(self.secret, f"comparison:{ceremony_id}".encode(), sha256).digest()
        return f"{int.from_bytes(digest) % 100:02d}"

    def _over(self, row: CeremonyRow) -> str | None:
        """Return why a ceremony that nobody ended leads nowhere any more, None while it can.

        What was proven counts as long as the account stands as it did then: active, never locked in between, bound to
        the same device, and asked from it where that was proven. Where nothing was proven yet there is nothing to
        lose, and a stranger learns nothing of what its holder does (S-10).
        """
        if self.clock.now() >= row.expires_at:
            return "expired"
        if row.account_id is None or not row.factors:
            return None
        account = self.accounts.find(row.account_id)
        stands = account.state in self.kind(row).states and row.rests_on == self._standing(account)
        if stands and Factor.DEVICE in row.factors:
            device = AskingDevice(row.device_id, row.device_name, row.public_key)
            stands = is_own(self.devices.find(row.device_id), account.id, device)
        return None if stands else INTERRUPTED

    def _standing(self, account: AccountView) -> dict[str, Any]:
        """Return what proofs for an account rest on: that it is not locked, and which device it is bound to."""
        bound = self.devices.of_account(account.id)
        return {"times_locked": account.times_locked, "device_id": None if bound is None else bound.id}

    def _own_phones(self, number: str, holder_id: str, actor: Actor) -> tuple[Any, ...]:
        ground = Ground("change_phone", "phone_change", actor)
        stated = (self.sources.find(RegisterCode.SUBSCRIBERS, number, ground, subject=holder_id) or {}).get("phones")
        return stated if isinstance(stated, tuple) else ()

    def _owner(self, kind: Kind, number: str, phone: str | None, device: AskingDevice) -> AccountView | None:
        """Return the account that a ceremony is for: None for an unknown number, another phone, the wrong state, and
        for the activation on another device than the account was registered from."""
        holder_id = self.holders.find(number)
        account = None if holder_id is None else self.accounts.of_holder(holder_id)
        if account is None or account.state not in kind.states:
            return None
        if phone is not None and not self.contacts.has_phone(account.id, phone):
            return None
        own_key = activation_key(device.id, device.public_key)
        if kind.names_phone and account.activation_key not in (None, own_key):
            return None
        return account

    def _open(
        self,
        kind: CeremonyKind,
        account: AccountView | None,
        device: AskingDevice,
        subject: bytes,
        place: str,
        factors: list[str],
        kept: Mapping[str, str] | None = None,
    ) -> CeremonyRow:
        now, ceremony_id = self.clock.now(), new_id(self.entropy, "cer")
        sealed = None if kept is None else seal(self.forms, json.dumps(kept).encode(), ceremony_id, self.entropy)
        row = CeremonyRow(
            id=ceremony_id,
            kind=str(kind),
            account_id=None if account is None else account.id,
            device_id=device.id,
            public_key=dict(device.public_key),
            biometric_key=None if device.biometric_key is None else dict(device.biometric_key),
            device_name=device.name,
            place=place,
            factors=factors,
            rests_on=self._standing(account) if account is not None and factors else {},
            sealed_data=sealed,
            subject=subject,
            tries=0,
            state="open",
            created_at=now,
            expires_at=now + LIFE,
        )
        self.repository.add(row)
        return row

    def _announce(self, row: CeremonyRow) -> None:
        """Tell the holder that another device asks, once an hour however often it does: nobody can flood them."""
        if row.kind == CeremonyKind.ACTIVATION or Factor.DEVICE in row.factors:
            return
        try:
            self.limits.count("binding-asked", row.subject.hex(), 1, ANNOUNCED_EVERY)
        except TooManyAttempts:
            return
        if row.account_id is not None:
            self.contacts.tell(row.account_id, "binding_asked")

    def _fingerprint(self, number: str, phone: str | None = None) -> bytes:
        given = f"number:{number}" if phone is None else f"number:{number} phone:{phone}"
        return hmac.new(self.secret, given.encode(), sha256).digest()

    def _record(self, action: str, row: CeremonyRow, request_id: str, **details: Any) -> None:
        self.audit.record(action, actor_of(row, request_id), row.id, **details)


def actor_of(row: CeremonyRow, request_id: str) -> Actor:
    """Return who acts when a ceremony's device does."""
    return Actor(row.account_id or NOBODY, device_id=row.device_id, request_id=request_id)


def is_own(known: BoundDevice | None, account_id: str, device: AskingDevice) -> bool:
    """Return whether the device that asks is the one that the account is bound to: same id, same key."""
    return known is not None and known.account_id == account_id and dict(known.public_key) == dict(device.public_key)


def _may_return(known: BoundDevice | None, device: AskingDevice) -> bool:
    """Return whether a device was suspended and asks for its place again."""
    return known is not None and known.state == "suspended" and dict(known.public_key) == dict(device.public_key)
