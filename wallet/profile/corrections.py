"""Corrections: a holder says that a register is wrong, with evidence; the agency that keeps the register decides.

The wallet carries and tells. It never edits a register: what is accepted, the register's owner will mend.
Source: Law 91/2025/QH15 (the right to correct); Decree 356/2025/NĐ-CP for the times; docs/domain.md, section 6.4.
"""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound
from wallet.identity.contacts import Contacts
from wallet.identity.desks import Desks, home_province, places, reaching
from wallet.identity.holders import Holders, Profile
from wallet.identity.limits import Limits
from wallet.identity.staff_reads import StaffReads
from wallet.profile.models import CorrectionRow, EvidenceRow
from wallet.profile.repository import CorrectionRepository
from wallet.sources.base import Fact, Ground, RegisterCode
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.working_days import WorkingDays, end_of_day, vietnamese_day

A_DAY = timedelta(days=1)
MOST_A_DAY = 10
PURPOSE = "decide_correction"

OWNERS: Mapping[RegisterCode, str] = {
    RegisterCode.POPULATION: "c06",
    RegisterCode.RESIDENCE: "commune_police",
    RegisterCode.CARDS: "c06",
    RegisterCode.IMMIGRATION: "a08",
}
"""Register to the agency that keeps it and decides. A reviewer's grant names the agency by this code; what people call
it is in the catalogue's section `agencies`."""


class CorrectionState(StrEnum):
    """Where a correction stands. forwarded: the agency has opened it."""

    RECEIVED = "received"
    FORWARDED = "forwarded"
    ACCEPTED = "accepted"
    REFUSED = "refused"


OPEN = (CorrectionState.RECEIVED, CorrectionState.FORWARDED)
NEXT: Mapping[CorrectionState, frozenset[CorrectionState]] = {
    CorrectionState.RECEIVED: frozenset(CorrectionState) - {CorrectionState.RECEIVED},
    CorrectionState.FORWARDED: frozenset({CorrectionState.ACCEPTED, CorrectionState.REFUSED}),
    CorrectionState.ACCEPTED: frozenset(),
    CorrectionState.REFUSED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class Evidence:
    """One file, as `wallet.evidence.cleaned` leaves it."""

    media_type: str
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class CorrectionOrder:
    """What a holder says is wrong, what it should be, and why."""

    register: RegisterCode
    fact: str
    should_be: str = field(repr=False)
    explanation: str = field(repr=False)
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A file without its content. size: bytes; sha256: hexadecimal; of the file as it is stored."""

    id: str
    media_type: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class CorrectionSummary:
    """A correction without what was stated. owner, province: whose desk it lies on."""

    id: str
    register: str
    fact: str
    owner: str
    province: str
    state: CorrectionState
    created_at: datetime
    receipt_due_at: datetime
    due_at: datetime
    decided_at: datetime | None


@dataclass(frozen=True, slots=True)
class CorrectionView(CorrectionSummary):
    """A correction, whole."""

    should_be: str = field(repr=False)
    explanation: str = field(repr=False)
    answer: str | None = field(repr=False)
    evidence: tuple[EvidenceView, ...]


@dataclass(frozen=True, slots=True)
class Corrections:
    """Corrections, in one transaction. receipt_working_days, decision_days: what the agency has, from arrival."""

    rows: CorrectionRepository
    holders: Holders
    contacts: Contacts
    desks: Desks
    reads: StaffReads
    sources: Sources
    limits: Limits
    audit: Audit
    clock: Clock
    entropy: Entropy
    working_days: WorkingDays
    receipt_working_days: int
    decision_days: int

    # The holder's side

    def submit(self, order: CorrectionOrder, actor: Actor) -> CorrectionView:
        """Take a correction and tell the holder that it came in.

        Raises InvalidInput for a fact that the register does not state about this holder, Conflict("not_in_register")
        when it does not know them, TooManyAttempts after ten in a day, Unavailable when it, or the residence register,
        which says whose desk it lies on, does not answer.
        """
        holder_id, account_id = _holder(actor), actor.acting_for or actor.account_id
        self.limits.count("correction", account_id, MOST_A_DAY, A_DAY)
        self.holders.hold(holder_id, shared=True)
        province = self._province(order, holder_id, actor)
        now = self.clock.now()
        row_id = new_id(self.entropy, "cor")
        statement = json.dumps({"should_be": order.should_be, "explanation": order.explanation}, ensure_ascii=False)
        row = CorrectionRow(
            id=row_id,
            holder_id=holder_id,
            account_id=account_id,
            register=str(order.register),
            fact=order.fact,
            owner=OWNERS[order.register],
            province=province,
            sealed_statement=self.holders.seal(holder_id, row_id, statement.encode()),
            state=str(CorrectionState.RECEIVED),
            created_at=now,
            receipt_due_at=self.working_days.due(now, self.receipt_working_days),
            due_at=end_of_day(vietnamese_day(now) + timedelta(days=self.decision_days)),
        )
        evidence = [self._sealed(each, place, row_id, holder_id) for place, each in enumerate(order.evidence)]
        self.rows.add(row, evidence)
        self.audit.record(
            "correction.received", actor, row_id, register=row.register, fact=row.fact, evidence=len(evidence)
        )
        self.contacts.tell(account_id, "correction_received", correction_id=row_id)
        return self._view(row, evidence)

    def get(self, correction_id: str, actor: Actor) -> CorrectionView:
        """Return one of the holder's own. Raises NotFound."""
        row = self._own(correction_id, actor)
        return self._view(row, self.rows.evidence([row.id]))

    def evidence(self, correction_id: str, evidence_id: str, actor: Actor) -> Evidence:
        """Return one file of one of the holder's own. Raises NotFound."""
        return self._file(self._own(correction_id, actor), evidence_id)

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[CorrectionSummary], str | None]:
        """Return one page of the holder's own, newest first, and where the next one starts."""
        rows, following = self.rows.page_of_holder(_holder(actor), limit, place)
        return [_summary(row) for row in rows], following

    # The agency's side: of what lies on another desk, a reviewer sees nothing

    def queue(
        self, state: CorrectionState, actor: Actor, limit: int, place: str | None
    ) -> tuple[list[CorrectionSummary], str | None]:
        """Return one page of a state on the caller's desks, what is due first, and where the next one starts."""
        rows, following = self.rows.page_of_desks(places(self.desks.of(actor)), str(state), limit, place)
        return [_summary(row) for row in rows], following

    def open(self, correction_id: str, actor: Actor) -> tuple[CorrectionView, Profile]:
        """Return a correction and whom it is about. The reading is recorded; the first one takes it up.

        Raises NotFound, NotAllowed("not_for_oneself"), TooManyAttempts("too_many_reads").
        """
        row = self._kept(correction_id, actor)
        self._record_reading(row, actor)
        if self.rows.move(row.id, [CorrectionState.RECEIVED], state=str(CorrectionState.FORWARDED)):
            self.audit.record("correction.forwarded", actor, row.id, owner=row.owner)
            row = self._row(correction_id)
        return self._view(row, self.rows.evidence([row.id])), self.holders.profile(row.holder_id)

    def open_evidence(self, correction_id: str, evidence_id: str, actor: Actor) -> Evidence:
        """Return one file to the agency. The reading is recorded. Raises as `open`."""
        row = self._kept(correction_id, actor)
        self._record_reading(row, actor, evidence=evidence_id)
        return self._file(row, evidence_id)

    def decide(self, correction_id: str, *, accept: bool, answer: str, actor: Actor) -> CorrectionView:
        """Record what the agency decided, and tell the holder. Of several at once one decides.

        Raises NotFound, NotAllowed("not_for_oneself"), Conflict("correction_closed"),
        TooManyAttempts("too_many_reads"), and what `Desks.assert_in_person` does: nothing but an officer's own session
        decides.
        """
        self.desks.assert_in_person(actor)
        row = self._kept(correction_id, actor)
        self._record_reading(row, actor)
        state = CorrectionState.ACCEPTED if accept else CorrectionState.REFUSED
        decided = self.rows.move(
            row.id,
            [before for before, following in NEXT.items() if state in following],
            state=str(state),
            sealed_answer=self.holders.seal(row.holder_id, f"{row.id}.answer", answer.encode()),
            decided_by=actor.account_id,
            decided_at=self.clock.now(),
        )
        if not decided:
            raise Conflict("correction_closed")
        self.audit.record("correction.decided", actor, row.id, decision=str(state))
        self.contacts.tell(row.account_id, "correction_answered", correction_id=row.id)
        return self._view(self._row(correction_id), self.rows.evidence([row.id]))

    # Both

    def _province(self, order: CorrectionOrder, holder_id: str, actor: Actor) -> str:
        """Return where the holder lives, "" where nobody knows, once the register states what is said to be wrong."""
        facts = self._find(order.register, holder_id, actor)
        if facts is None:
            raise Conflict("not_in_register", register=str(order.register))
        if order.fact not in facts:
            raise InvalidInput({"/fact": "unknown_fact"})
        of_residence = order.register is RegisterCode.RESIDENCE
        return home_province(facts if of_residence else self._find(RegisterCode.RESIDENCE, holder_id, actor) or {})

    def _find(self, register: RegisterCode, holder_id: str, actor: Actor) -> Mapping[str, Fact] | None:
        ground = Ground("correct_register", "correction", actor)
        return self.sources.find(register, self.holders.number(holder_id), ground, subject=holder_id)

    def _kept(self, correction_id: str, actor: Actor) -> CorrectionRow:
        """Return a correction that lies on a desk of the caller's, and is somebody else's.

        Raises NotFound("not_found"), NotAllowed("not_allowed", "not_for_oneself").
        """
        desks, row = self.desks.of(actor), self._row(correction_id)
        if reaching(desks, row.owner, row.province) is None:
            raise NotFound("not_found")
        if row.holder_id in self.desks.own_holders(actor.account_id, actor.holder_id):
            raise NotAllowed("not_for_oneself")
        return row

    def _record_reading(self, row: CorrectionRow, actor: Actor, *, evidence: str | None = None) -> None:
        """Count the reading and write down who read it, for which agency; the answer to a decision shows it too."""
        self.reads.count(actor)
        of_file: dict[str, Any] = {} if evidence is None else {"evidence": evidence}
        self.audit.record("correction.read", actor, row.id, purpose=PURPOSE, agency=row.owner, **of_file)

    def _own(self, correction_id: str, actor: Actor) -> CorrectionRow:
        row = self._row(correction_id)
        if row.holder_id != _holder(actor):
            raise NotFound("not_found")
        return row

    def _row(self, correction_id: str) -> CorrectionRow:
        row = self.rows.get(correction_id)
        if row is None:
            raise NotFound("not_found")
        return row

    def _sealed(self, evidence: Evidence, position: int, correction_id: str, holder_id: str) -> EvidenceRow:
        evidence_id = new_id(self.entropy, "evd")
        return EvidenceRow(
            id=evidence_id,
            correction_id=correction_id,
            position=position,
            media_type=evidence.media_type,
            size=len(evidence.content),
            sha256=hashlib.sha256(evidence.content).hexdigest(),
            sealed_content=self.holders.seal(holder_id, evidence_id, evidence.content),
        )

    def _file(self, row: CorrectionRow, evidence_id: str) -> Evidence:
        found = next((each for each in self.rows.evidence([row.id]) if each.id == evidence_id), None)
        if found is None:
            raise NotFound("not_found")
        return Evidence(found.media_type, self.holders.unseal(row.holder_id, found.id, found.sealed_content))

    def _view(self, row: CorrectionRow, evidence: Iterable[EvidenceRow]) -> CorrectionView:
        stated = json.loads(self.holders.unseal(row.holder_id, row.id, row.sealed_statement))
        answer = None
        if row.sealed_answer is not None:
            answer = self.holders.unseal(row.holder_id, f"{row.id}.answer", row.sealed_answer).decode()
        summary = _summary(row)
        return CorrectionView(
            **{name: getattr(summary, name) for name in CorrectionSummary.__slots__},
            should_be=stated["should_be"],
            explanation=stated["explanation"],
            answer=answer,
            evidence=tuple(EvidenceView(each.id, each.media_type, each.size, each.sha256) for each in evidence),
        )


def _summary(row: CorrectionRow) -> CorrectionSummary:
    return CorrectionSummary(
        id=row.id,
        register=row.register,
        fact=row.fact,
        owner=row.owner,
        province=row.province,
        state=CorrectionState(row.state),
        created_at=row.created_at,
        receipt_due_at=row.receipt_due_at,
        due_at=row.due_at,
        decided_at=row.decided_at,
    )


def _holder(actor: Actor) -> str:
    if actor.holder_id is None:
        raise NotFound("not_found")
    return actor.holder_id
