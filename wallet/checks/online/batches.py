"""Lists of passengers: each ticket against what its holder presented, a few at a time, with progress.

A job works a list off in small transactions: after a crash the next one goes on where the last commit was. What a
ticket says is sealed until it has its result, and gone with that; results are erased after a day. A list uses nothing
up: checking in does. Desks take turns, and of each no more passengers a minute are looked at than it has checks. Who
is on many lists reads it once an hour: a desk's first look at what they presented, and each that tells something else.
Source: docs/domain.md, section 5.2; docs/security.md, S-49.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from wallet.checks.desks import DeskActor, VerifierDesks
from wallet.checks.online.checking import BIRTH_DATE, NAME, NOT_STATED, Ticket
from wallet.checks.online.consents import is_for
from wallet.checks.online.disclosing import Disclosing, assert_registered, registered
from wallet.checks.online.looks import Looks, Way
from wallet.checks.online.models import BatchRow, ConsentRow, PassengerRow, PresentationRow
from wallet.checks.online.names import DIFFERS, MATCH
from wallet.checks.online.presentations import READY, state_of
from wallet.checks.online.repository import OnlineRepository
from wallet.checks.purposes import Purpose
from wallet.clock import Clock
from wallet.crypto.sealing import seal, unseal
from wallet.entropy import Entropy, new_id
from wallet.errors import NotFound, TooManyAttempts
from wallet.terms import Actor

MOST = 500
MOST_WAITING, RETRY_AFTER = 10, 60
"""Lists of one desk that are being worked on, and the seconds after which one more may be tried."""

AT_ONCE = 25
"""Passengers of one turn of a list; after a turn of each it is looked for lists whose day is over."""
KEPT = timedelta(hours=24)
_HOUR = timedelta(hours=1)
_LOOKED = "list-look"
"""What sort of single use a look at a presentation is, in an hour of the clock (`wallet.single_use`)."""
WORKING, DONE = "working", "done"
STATES = (WORKING, DONE)
NOT_PRESENTED, LOCKED, OVER_QUOTA, STOPPED = "not_presented", "locked", "over_quota", "stopped"
REPEATED = "repeated"
RESULTS = (
    *(MATCH, DIFFERS, NOT_STATED, NOT_PRESENTED, "used", "withdrawn", "expired", "revoked", "suspended"),
    *(LOCKED, OVER_QUOTA, STOPPED, REPEATED),
)
"""What becomes of a passenger. match: of what was compared nothing differs. not_stated: nothing could be compared, for
their holder agreed to neither. stopped: the desk lost its key or the purpose before it was their turn. repeated: what
they presented stands in the list before them, and is one person's."""


@dataclass(frozen=True, slots=True)
class Passenger:
    """One ticket. presentation: what the passenger presented, "" for nothing."""

    name: str = field(repr=False)
    birth_date: str = field(repr=False)
    presentation: str


@dataclass(frozen=True, slots=True)
class PassengerResult:
    """What became of one. result: None until it is their turn; name, birth_date: where something was compared."""

    position: int
    result: str | None
    name: str | None
    birth_date: str | None


@dataclass(frozen=True, slots=True)
class BatchView:
    """A list with its progress. expires_at: then it is erased."""

    id: str
    purpose: str
    state: str
    total: int
    done: int
    created_at: datetime
    expires_at: datetime
    results: tuple[PassengerResult, ...]


@dataclass(frozen=True, slots=True)
class Batches:
    """Lists of passengers, in one transaction. secret: seals what tickets say."""

    rows: OnlineRepository
    desks: VerifierDesks
    disclosing: Disclosing
    looks: Looks
    clock: Clock
    entropy: Entropy
    secret: bytes = field(repr=False)

    def begin(self, purpose_code: str, passengers: Iterable[Passenger], desk: DeskActor, actor: Actor) -> BatchView:
        """Take a list; the job does the rest.

        Raises NotAllowed("purpose_not_registered", "claim_not_registered"), TooManyAttempts("too_many_checks",
        "too_many_lists").
        """
        purpose = desk.purpose(purpose_code)
        assert_registered(purpose, (NAME, BIRTH_DATE), of_one_kind=True)
        self.desks.hold(desk)
        if self.rows.working_batches(desk.desk_id) >= MOST_WAITING:
            raise TooManyAttempts("too_many_lists", RETRY_AFTER, limit=MOST_WAITING)
        self.desks.admit(desk, purpose)
        given, now = list(passengers), self.clock.now()
        presented = [each.presentation for each in given]
        repeated = {place for place, each in enumerate(presented) if each and each in presented[:place]}
        batch = BatchRow(
            id=new_id(self.entropy, "bat"),
            organisation_id=desk.organisation_id,
            desk_id=desk.desk_id,
            purpose=purpose.code,
            state=WORKING,
            total=len(given),
            done=len(repeated),
            created_at=now,
            expires_at=now + KEPT,
        )
        self.rows.add_batch(
            batch,
            [
                PassengerRow(batch_id=batch.id, position=place, result=REPEATED)
                if place in repeated
                else self._sealed(batch.id, place, each)
                for place, each in enumerate(given)
            ],
        )
        return self._view(batch)

    def get(self, batch_id: str, desk: DeskActor) -> BatchView:
        """Return a list of this desk's with what is known by now. Raises NotFound, also once it is erased."""
        batch = self.rows.batch(batch_id)
        if batch is None or batch.desk_id != desk.desk_id or batch.expires_at <= self.clock.now():
            raise NotFound("not_found")
        return self._view(batch)

    def go_on(self, batch_id: str) -> bool:
        """Check the next passenger of a list; return whether there was one.

        One in a transaction: whoever counts two people holds the organisation's count while they wait for the second,
        and a check of that one, which waits for the count, holds them. Raises TooManyAttempts("too_many_checks") where
        as many were looked at in this minute as the purpose has; then it is to be tried again.
        """
        batch = self.rows.batch(batch_id, lock=True)
        if batch is None or batch.state != WORKING:
            return False
        desk = self.desks.standing(batch.desk_id)
        purpose = None if desk is None else desk.purposes.get(batch.purpose)
        results: dict[int, dict[str, Any]] = {}
        for row in self.rows.unchecked(batch_id, 1):
            if desk is None or purpose is None:
                results[row.position] = {"result": STOPPED}
            else:
                results[row.position] = self._checked(row, desk, purpose)
        self.rows.write_results(batch_id, results)
        return True

    def _checked(self, row: PassengerRow, desk: DeskActor, purpose: Purpose) -> dict[str, Any]:
        passenger = self._opened(row)
        found = self.rows.presentation(passenger.presentation) if passenger.presentation else None
        mine = found is not None and found.organisation_id == desk.organisation_id and found.purpose == purpose.code
        consent = None if found is None else self.rows.consent(found.consent_id)
        if found is None or not mine or consent is None or not is_for(consent, purpose):
            return {"result": NOT_PRESENTED}
        now = self.clock.now()
        if (state := state_of(found, now)) != READY:
            return {"result": state}
        self.desks.admit_passenger(desk, purpose)
        try:
            self.desks.count_citizen(desk, purpose, found.holder_id)
        except TooManyAttempts:
            return {"result": OVER_QUOTA}
        fault = self.disclosing.fault(found.document_id, found.holder_id, now)
        result = self._compared(passenger, found, consent, purpose) if fault is None else {"result": _word(fault)}
        told = {NAME: result.get("name_result", NOT_STATED), BIRTH_DATE: result.get("birth_date_result", NOT_STATED)}
        names = [name for name, word in told.items() if word != NOT_STATED]
        self._record(found, names, "valid" if fault is None else "invalid", desk, purpose)
        return result

    def _compared(
        self, passenger: Passenger, found: PresentationRow, consent: ConsentRow, purpose: Purpose
    ) -> dict[str, Any]:
        fields = set(consent.fields) & registered(purpose, found.kind) & {NAME, BIRTH_DATE}
        known = self.disclosing.open(found.document_id, found.holder_id, fields).claims
        compared = Ticket(passenger.name, passenger.birth_date).compared(known)
        return {
            "result": next((word for word in (DIFFERS, MATCH) if word in compared.values()), NOT_STATED),
            "name_result": compared["name"],
            "birth_date_result": compared["birth_date"],
        }

    def _record(
        self, found: PresentationRow, names: list[str], verdict: str, desk: DeskActor, purpose: Purpose
    ) -> None:
        """Put a look on record, unless an entry of this hour says the same of this desk."""
        hour = self.clock.now().replace(minute=0, second=0, microsecond=0)
        look = ":".join((desk.desk_id, purpose.code, found.id, verdict, *names, hour.isoformat()))
        if not self.rows.use_once(_LOOKED, look, hour + _HOUR):
            return
        self.looks.record(
            Way.LIST,
            desk,
            purpose,
            desk.actor(""),
            found.holder_id,
            utility=found.utility,
            kind=found.kind,
            data=names,
            verdict=verdict,
        )

    def _sealed(self, batch_id: str, position: int, passenger: Passenger) -> PassengerRow:
        stated = {"name": passenger.name, "birth_date": passenger.birth_date, "presentation": passenger.presentation}
        plaintext = json.dumps(stated, ensure_ascii=False).encode()
        sealed = seal(self.secret, plaintext, f"{batch_id}.{position}", self.entropy)
        return PassengerRow(batch_id=batch_id, position=position, sealed=sealed)

    def _opened(self, row: PassengerRow) -> Passenger:
        opened: Mapping[str, str] = json.loads(unseal(self.secret, row.sealed or b"", f"{row.batch_id}.{row.position}"))
        return Passenger(**opened)

    def _view(self, batch: BatchRow) -> BatchView:
        stored = {name: getattr(batch, name) for name in BatchView.__slots__ if name != "results"}
        results = tuple(
            PassengerResult(row.position, row.result, row.name_result, row.birth_date_result)
            for row in self.rows.passengers(batch.id)
        )
        return BatchView(**stored, results=results)


def _word(fault: str) -> str:
    return LOCKED if fault == "account_locked" else fault if fault in RESULTS else NOT_PRESENTED


@dataclass(frozen=True, slots=True)
class BatchJob:
    """Works lists off, each passenger in a transaction of their own, and erases those whose day is over."""

    working: Callable[[], AbstractContextManager[Batches]]
    reading: Callable[[], AbstractContextManager[Batches]]
    clock: Clock

    def run(self) -> bool:
        """Do one step; return whether there is more to do."""
        with self.reading() as batches:
            waiting = batches.rows.next_batches()
            over = batches.rows.has_expired_batches(self.clock.now())
        if over:
            with self.working() as batches:
                batches.rows.forget_batches(self.clock.now())
            return True
        went_on = [self._turn(batch_id) for batch_id in waiting]
        return any(went_on)

    def _turn(self, batch_id: str) -> bool:
        """Check some passengers of a list; return whether there was one whose turn it is."""
        for done in range(AT_ONCE):
            try:
                with self.working() as batches:
                    more = batches.go_on(batch_id)
            except TooManyAttempts:  # until the minute is over
                more = False
            if not more:
                return done > 0
        return True
