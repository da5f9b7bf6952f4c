"""Desks of verifiers: a gate, a counter, a ward, each with a key of its own that ends the moment it is taken back.

Not the desks at which the state's own officers sit: those are `wallet.identity.desks`. A key is read from the database
at each call, so that no process knows an old one longer than another; its secret is kept as a hash alone.
Source: docs/security.md, S-23, S-49 and S-67.
"""

import hmac
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from wallet.audit import Audit
from wallet.checks.models import VerifierDeskRow
from wallet.checks.purposes import Purpose, purpose_of
from wallet.checks.repository import CheckRepository, StandingDesk
from wallet.clock import Clock
from wallet.crypto.sealing import blind_index
from wallet.entropy import Entropy
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotAuthenticated, NotFound, TooManyAttempts
from wallet.identity.limits import Limits
from wallet.terms import Actor, StaffRole

SECRET_BYTES = 32
MAX_DESKS = 500
"""Active desks of one organisation: an airport has a few hundred gates."""

MAX_OVERLAP = timedelta(days=1)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
MANAGE = frozenset({StaffRole.OPERATOR, StaffRole.ADMIN})
"""Who registers organisations and gives them desks."""

DECIDE = frozenset({StaffRole.APPROVER, StaffRole.ADMIN})
"""Who agrees to what one of them asked for; whoever may do either may stop."""

READ = MANAGE | DECIDE | {StaffRole.AUDITOR}
_KEY = re.compile(r"vsd_(?P<test>test_)?(?P<id>[0-9a-f]{32})_(?P<secret>[0-9a-f]{64})")
_NO_HASH = bytes(32)


@dataclass(frozen=True, slots=True)
class DeskActor:
    """A desk that proved its key, and what it may see. purposes: those in force that the desk has, by code.

    test: it stands in a demo, where everybody is invented.
    """

    desk_id: str
    desk_name: str
    gate_id: str
    organisation_id: str
    organisation_name: Mapping[str, str]
    purposes: Mapping[str, Purpose]
    test: bool

    def purpose(self, code: str) -> Purpose:
        """Return one purpose. Raises NotAllowed("purpose_not_registered")."""
        if code not in self.purposes:
            raise NotAllowed("purpose_not_registered")
        return self.purposes[code]

    def actor(self, request_id: str) -> Actor:
        """Return who does what this desk does, as it goes on record."""
        return Actor(self.desk_id, request_id=request_id)


@dataclass(frozen=True, slots=True)
class DeskKey:
    """The key of a desk. Shown once; what stays is `digest`."""

    desk_id: str
    secret: bytes = field(repr=False)
    test: bool

    @property
    def shown(self) -> str:
        mark = "vsd_test_" if self.test else "vsd_"
        return f"{mark}{self.desk_id.removeprefix('vsd_')}_{self.secret.hex()}"

    @property
    def digest(self) -> bytes:
        return sha256(self.secret).digest()


def read_key(text: str) -> DeskKey | None:
    """Return the key that a text is, None for a text that is none."""
    found = _KEY.fullmatch(text)
    if found is None:
        return None
    return DeskKey(f"vsd_{found['id']}", bytes.fromhex(found["secret"]), found["test"] is not None)


@dataclass(frozen=True, slots=True)
class DeskOrder:
    """A desk that is to be. gate_id: what a code that was shown to one gate is good at (docs/wire.md, section 4)."""

    name: str
    gate_id: str
    purposes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DeskView:
    """A desk as staff sees it, without its key. former_until: until then the key before this one is good too."""

    id: str
    verifier_id: str
    name: str
    gate_id: str
    purposes: list[str]
    state: str
    former_until: datetime | None
    created_by: str
    created_at: datetime
    rotated_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class VerifierDesks:
    """The desks of verifiers, in one transaction. test: whether this is a demo. secret: keys citizens' fingerprints."""

    rows: CheckRepository
    limits: Limits
    audit: Audit
    clock: Clock
    entropy: Entropy
    test: bool
    secret: bytes = field(repr=False)

    # ── what a desk does ──

    def authenticate(self, text: str) -> DeskActor:
        """Return the desk whose key this is.

        Raises NotAuthenticated("invalid_desk_key") for an unknown, a wrong and a revoked one, for one of the other
        mode, and for one of an organisation that ended: they look the same. NotAuthenticated("desk_key_suspended") for
        one that will be good again when its organisation goes on: who is told so has its secret.
        """
        key = read_key(text)
        desk = None if key is None else self.rows.standing(key.desk_id)
        digest = _NO_HASH if key is None else key.digest
        held = _NO_HASH if desk is None else desk.key_hash
        former = _NO_HASH if desk is None or not self._former_counts(desk) else desk.former_hash or _NO_HASH
        good = hmac.compare_digest(digest, held) | hmac.compare_digest(digest, former)
        if key is None or desk is None or not good or not key.test == desk.test == self.test:
            raise NotAuthenticated("invalid_desk_key")
        if desk.suspended:
            raise NotAuthenticated("desk_key_suspended")
        return _actor_of(desk)

    def standing(self, desk_id: str) -> DeskActor | None:
        """Return a desk that may work now, for what it asked for earlier; None once its key or organisation stopped."""
        desk = self.rows.standing(desk_id)
        return None if desk is None or desk.suspended else _actor_of(desk)

    def admit(self, desk: DeskActor, purpose: Purpose) -> None:
        """Count one check of a desk, before anything is looked up for it.

        The count holds with the transaction: of a check it is one of its own, so that one which is refused counts too,
        and no check of a desk waits for the end of another. Raises TooManyAttempts("too_many_checks").
        """
        self._count("desk-checks", desk, purpose)

    def admit_passenger(self, desk: DeskActor, purpose: Purpose) -> None:
        """Count one passenger of a list, of whom a minute has as many as checks; a list leaves the checks their own.

        Raises TooManyAttempts("too_many_checks").
        """
        self._count("desk-passengers", desk, purpose)

    def hold(self, desk: DeskActor) -> None:
        """Let nobody else who holds this desk go on until the transaction ends."""
        self.rows.desk(desk.desk_id, lock=True)

    def _count(self, what: str, desk: DeskActor, purpose: Purpose) -> None:
        most = purpose.checks_a_minute
        try:
            self.limits.count(what, f"{desk.desk_id}:{purpose.code}", most, MINUTE)
        except TooManyAttempts as refusal:
            raise TooManyAttempts("too_many_checks", refusal.retry_after, limit=most) from refusal

    def count_citizen(self, desk: DeskActor, purpose: Purpose, holder_id: str) -> None:
        """Count whom an organisation looks at for a purpose, each once, before anything is told of them (S-49).

        In no sixty minutes, wherever they begin, more people are looked at than the purpose has. One too many raises an
        alarm for the auditor, one in an hour of the clock, which stands on record although nothing else of it does;
        whoever was refused is not counted, also where the transaction goes on.

        Raises TooManyAttempts("too_many_citizens").
        """
        now = self.clock.now()
        since, of = now - HOUR, (desk.organisation_id, purpose.code)
        citizen = blind_index(self.secret, f"verifier-citizen:{desk.organisation_id}:{purpose.code}:{holder_id}")
        if self.rows.look_again(*of, citizen, since, now):
            return
        self.rows.hold_quota(desk.organisation_id)
        if self.rows.look_again(*of, citizen, since, now):  # by another desk, while this one waited
            return
        most = purpose.citizens_an_hour
        seen, first = self.rows.citizens_since(*of, since)
        if seen < most:
            self.rows.add_citizen(*of, citizen, now)
            return
        hour = now.replace(minute=0, second=0, microsecond=0)
        about = f"{desk.organisation_id}:{purpose.code}:{hour.isoformat()}"
        told = {"purpose": purpose.code, "citizens": most}
        self.audit.alarm("alarm.verifier_quota", desk.actor(""), desk.organisation_id, about, hour + HOUR, **told)
        left = HOUR if first is None else first + HOUR - now
        raise TooManyAttempts("too_many_citizens", max(1, math.ceil(left.total_seconds())), limit=most)

    def forget(self) -> None:
        """Drop whom somebody looked at so long ago that it counts no more."""
        self.rows.forget_citizens_before(self.clock.now() - 2 * HOUR)

    # ── what staff does ──

    def create(
        self, verifier_id: str, order: DeskOrder, actor: Actor, key: DeskKey | None = None
    ) -> tuple[DeskView, DeskKey]:
        """Give an organisation a desk; return it and its key, which is not shown again.

        key: of a demo, which tells it again. Raises NotAllowed, NotFound, InvalidInput,
        Conflict("verifier_not_active", "too_many_desks" or "gate_taken").
        """
        _assert_may(actor, MANAGE)
        verifier = self.rows.verifier(verifier_id, lock=True)
        if verifier is None:
            raise NotFound("not_found")
        if verifier.state != "active":
            raise Conflict("verifier_not_active")
        known = {stated["code"] for stated in verifier.purposes}
        faults = {
            f"/purposes/{place}": "no_such_purpose" if code not in known else "repeated"
            for place, code in enumerate(order.purposes)
            if code not in known or code in order.purposes[:place]
        }
        if faults:
            raise InvalidInput(faults)
        if self.rows.active_desks(verifier_id) >= MAX_DESKS:
            raise Conflict("too_many_desks", limit=MAX_DESKS)
        if key is None:
            desk_id = f"vsd_{self.entropy.bytes(16).hex()}"
            key = DeskKey(desk_id, self.entropy.bytes(SECRET_BYTES), verifier.test)
        values = {
            "id": key.desk_id,
            "verifier_id": verifier_id,
            "name": order.name,
            "gate_id": order.gate_id,
            "purposes": list(order.purposes),
            "state": "active",
            "key_hash": key.digest,
            "created_by": actor.account_id,
            "created_at": self.clock.now(),
        }
        if not self.rows.add_desk(values):
            raise Conflict("gate_taken")
        self.audit.record("verifier_desk.created", actor, key.desk_id, verifier=verifier_id, gate=order.gate_id)
        return self.find(verifier_id, key.desk_id, actor), key

    def page(self, verifier_id: str, limit: int, place: str | None, actor: Actor) -> tuple[list[DeskView], str | None]:
        """Return one page of an organisation's desks, newest first, and the place of the next. Raises NotFound."""
        _assert_may(actor, READ)
        if self.rows.verifier(verifier_id) is None:
            raise NotFound("not_found")
        rows, following = self.rows.desks(verifier_id, limit, place)
        return [_view(row) for row in rows], following

    def find(self, verifier_id: str, desk_id: str, actor: Actor) -> DeskView:
        """Return one desk of an organisation; another's does not exist. Raises NotFound."""
        _assert_may(actor, READ)
        return _view(self._load(verifier_id, desk_id))

    def rotate(self, verifier_id: str, desk_id: str, overlap: timedelta, actor: Actor) -> tuple[DeskView, DeskKey]:
        """Give a desk another key; the one before ends after `overlap`, at most a day, and any earlier one at once.

        Raises NotAllowed, NotFound, Conflict("desk_revoked").
        """
        _assert_may(actor, MANAGE)
        row = self._load(verifier_id, desk_id, lock=True)
        verifier, now = self.rows.verifier(verifier_id), self.clock.now()
        if verifier is None:
            raise NotFound("not_found")
        key = DeskKey(desk_id, self.entropy.bytes(SECRET_BYTES), verifier.test)
        overlaps = overlap > timedelta(0)
        former = {
            "former_hash": row.key_hash if overlaps else None,
            "former_until": now + min(overlap, MAX_OVERLAP) if overlaps else None,
        }
        if not self.rows.change_desk(desk_id, key_hash=key.digest, rotated_at=now, **former):
            raise Conflict("desk_revoked")
        seconds = int(overlap.total_seconds())
        self.audit.record("verifier_desk.key_rotated", actor, desk_id, verifier=verifier_id, overlap=seconds)
        return self.find(verifier_id, desk_id, actor), key

    def revoke(self, verifier_id: str, desk_id: str, actor: Actor) -> None:
        """Take a desk's key back, for good and at once; doing it again changes nothing. Raises NotAllowed, NotFound."""
        _assert_may(actor, MANAGE | DECIDE)
        self._load(verifier_id, desk_id)
        ended = {"state": "revoked", "revoked_at": self.clock.now(), "former_hash": None, "former_until": None}
        if self.rows.change_desk(desk_id, **ended):
            self.audit.record("verifier_desk.revoked", actor, desk_id, verifier=verifier_id)

    def _former_counts(self, desk: StandingDesk) -> bool:
        until = desk.former_until
        return desk.former_hash is not None and until is not None and self.clock.now() < until

    def _load(self, verifier_id: str, desk_id: str, *, lock: bool = False) -> VerifierDeskRow:
        row = self.rows.desk(desk_id, lock=lock)
        if row is None or row.verifier_id != verifier_id:
            raise NotFound("not_found")
        return row


def _actor_of(desk: StandingDesk) -> DeskActor:
    purposes = [purpose_of(stated) for stated in desk.purposes if stated["code"] in desk.codes]
    return DeskActor(
        desk_id=desk.id,
        desk_name=desk.name,
        gate_id=desk.gate_id,
        organisation_id=desk.verifier_id,
        organisation_name=desk.verifier_name,
        purposes={purpose.code: purpose for purpose in purposes},
        test=desk.test,
    )


def _assert_may(actor: Actor, roles: frozenset[StaffRole]) -> None:
    if not roles & actor.roles:
        raise NotAllowed("not_allowed")


def _view(row: VerifierDeskRow) -> DeskView:
    return DeskView(**{name: getattr(row, name) for name in DeskView.__slots__})
