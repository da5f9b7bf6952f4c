"""Documents held against the registers: what a register has changed since, and a plug-in says is no longer so, is void.

Which registers count is the plug-in's (`DocumentType.void_when`), whether a change matters (`void_if`), and whether
another document takes the place of the old one (`on_change`): both then happen in one transaction, once, for the row
that is revoked decides. A document is held against what its own version declared: that a later one states more is no
change of a register. Source: Circular 66/2023/TT-BCA for CT07 (docs/domain.md, section 4.1; others: 4.5).
"""

from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple

import structlog

from wallet.clock import Clock
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.documents.standing import Standing, StandingDocument
from wallet.errors import Conflict, Unavailable, UnknownUtility, WalletError
from wallet.identity.holders import Holders
from wallet.launching.rollout import Rollout
from wallet.requests.links import mismatch
from wallet.requests.models import RequestRow
from wallet.requests.moving import Moving
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import Content, open_content
from wallet.requests.weighing import Weighing
from wallet.sources.base import Ground
from wallet.sources.gathering import Gathered, gather
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.utilities.base import (
    Capacity,
    Case,
    Claim,
    Claims,
    DocumentType,
    OnChange,
    Utility,
    stated_by,
    still_stated,
)
from wallet.utilities.catalogue import Catalogue
from wallet.utilities.claims import plain_value
from wallet.working_days import vietnamese_day

log = structlog.get_logger("wallet.requests")


class Looked(NamedTuple):
    """What a look came to. ended: how many documents are void or were made anew. left: what kept others from being
    looked at; they are to be looked at again."""

    ended: int
    left: tuple[Exception, ...] = ()


class _Over(NamedTuple):
    """A document that states what is no longer so."""

    document: StandingDocument
    request: RequestRow
    utility: Utility
    kind: DocumentType
    content: Content


@dataclass(frozen=True, slots=True)
class Voiding:
    """Voids documents, or makes them anew, in one transaction."""

    rows: RequestRepository
    standing: Standing
    catalogue: Catalogue
    holders: Holders
    sources: Sources
    revoking: Revoking
    moving: Moving
    weighing: Weighing
    rollout: Rollout
    clock: Clock

    def look_at(self, number: str, actor: Actor) -> Looked:
        """Look at every document about whoever has this number, their own and what a proxy has about them.

        What could be settled is: a register that does not answer keeps the documents of no other. Raises Unavailable
        when nobody signs.
        """
        index = self.holders.fingerprint(number)
        holder_id = self.holders.find(number)
        own = [] if holder_id is None else self.standing.of_holder(holder_id)
        mine = [document for document in own if document.about_index in (None, index)]
        return self._settle([*mine, *self.standing.about(index)], actor)

    def look(self, holder_id: str, actor: Actor) -> int:
        """Look at every document that a holder has; return how many ended.

        What keeps one from being looked at keeps no other: it is in the log, and looked at again the next day. Raises
        Unavailable when nobody signs.
        """
        return self._settle(self.standing.of_holder(holder_id), actor).ended

    def _settle(self, documents: Iterable[StandingDocument], actor: Actor) -> Looked:
        """Hold documents against the registers, and void or make anew what is no longer so.

        Each register is asked once for each person, and only where a document depends on it. Nothing is changed before
        every document was looked at.
        """
        now = self.clock.now()
        known: dict[str, Gathered] = {}
        over: list[_Over] = []
        left: list[Exception] = []
        for document in documents:
            try:
                with self.rows.apart():
                    found = self._judged(document, known, now, actor)
            except Exception as error:  # noqa: BLE001 - whatever it is, it is of one document
                left.append(error)
                log.warning("document_not_looked_at", code=getattr(error, "code", type(error).__name__))
                continue
            if found is not None:
                over.append(found)
        held = {each.document.holder_id for each in over if each.kind.on_change is OnChange.RENEW}
        for holder_id in sorted(held):  # before a row of a document is changed: as whoever closes an account does
            self.holders.hold(holder_id, shared=True)
        return Looked(sum(self._end(each, actor) for each in over), tuple(left))

    def _judged(
        self, document: StandingDocument, known: dict[str, Gathered], now: datetime, actor: Actor
    ) -> "_Over | None":
        """Return what is no longer so, None for what stands. known: what was read, by number."""
        found = self._kind_of(document)
        request = self.rows.get(document.request_id)
        if found is None or request is None or document.expires_at <= now:
            return None
        utility, kind = found
        if not kind.void_when:
            return None
        content = open_content(self.holders, request)
        holder_id = document.holder_id
        number, subject = self.holders.number(holder_id), holder_id
        if content.subject_number is not None:
            number = content.subject_number
            subject = content.subject_id or self.holders.find(number) or holder_id
            if document.about_index is None:  # of the time before it was kept: from now on it is found by its number
                self.standing.keep_about(document.id, self.holders.fingerprint(number))
        ground = Ground("check_document", utility.code, actor)
        known[number] = gather(
            self.sources, sorted(kind.void_when), number, ground, subject=subject, known=known.get(number)
        )
        stated = self.standing.stated(document.id, holder_id)
        unsaid = self._unsaid(document, kind, stated.claims)
        if not (
            _has_changed(kind, document.issued_at, stated.sources, known[number])
            or _differs(kind, unsaid, stated.claims, known[number])
        ):
            return None
        known[number] = gather(self.sources, kind.registers, number, ground, subject=subject, known=known[number])
        case = self._case(utility, request, content, number, known[number], now)
        said = {**plain_value(stated_by(unsaid, case.facts)), **stated.claims}
        return _Over(document, request, utility, kind, content) if kind.void_if(said, case) else None

    def _end(self, over: "_Over", actor: Actor) -> bool:
        """Void a document, or make it anew, and tell whoever applied; return whether this call did it."""
        document, request = over.document, over.request
        if over.kind.on_change is OnChange.VOID:
            ended = self.revoking.void(document.id, RevocationReason.DATA_CHANGED, actor)
            reason = RevocationReason.DATA_CHANGED if ended else None
        else:
            reason = self.revoking.replace(document.id, lambda: self._renewed(over, actor), actor)
        if reason is not None:
            renewed = reason is RevocationReason.SUPERSEDED
            self.moving.inform(request, "document_renewed" if renewed else "document_void")
        return reason is not None

    def _renewed(self, over: "_Over", actor: Actor) -> bool:
        """Make a document anew of what the registers say now; return False where nobody could apply for it today.

        What is paused makes nothing, by a job neither. Raises Unavailable; then nothing has happened, and it is looked
        at again.
        """
        utility, request = over.utility, over.request
        if not self.rollout.runs(utility.code):
            return False
        try:
            weighed = self.weighing.weigh(utility, request, over.content, actor, purpose="check_document")
            if utility.link is not None and (other := mismatch(utility.link, weighed.told.gathered)) is not None:
                raise Conflict(other)  # what was linked is not theirs any more
            self.moving.renew(utility, request, weighed.told, over.document, actor)
        except Unavailable:
            raise
        except WalletError as error:
            log.info("document_not_made_anew", document=over.document.id, code=error.code)
            return False
        return True

    def _kind_of(self, document: StandingDocument) -> tuple[Utility, DocumentType] | None:
        """Return what a document is, by its own version where that is still held, else by today's.

        None for one whose plug-in is not installed any more.
        """
        try:
            utility = self.catalogue.get(document.utility)
            today = utility.document(document.kind)
        except (UnknownUtility, KeyError):
            return None
        own = self.catalogue.issued(document.kind, document.kind_version)
        return utility, today if own is None else own[1]

    def _unsaid(self, document: StandingDocument, kind: DocumentType, stated: Claims) -> tuple[Claim, ...]:
        """Return the claims of a kind that the version of a document did not declare: nothing about them can change."""
        if kind.version == document.kind_version:
            return ()
        declared = self.standing.declared(document)
        return tuple(claim for claim in kind.claims if claim.name not in declared and claim.name not in stated)

    def _case(
        self, utility: Utility, request: RequestRow, content: Content, number: str, gathered: Gathered, now: datetime
    ) -> Case:
        return Case(
            now=now,
            today=vietnamese_day(now),
            answers=content.answers,
            facts=gathered.values,
            number=number,
            capacity=Capacity(request.capacity),
            submitted_at=request.submitted_at,
            figures=utility.rules_of(request.rules_version).figures,
        )


def _has_changed(
    kind: DocumentType, issued_at: datetime, sources: Mapping[str, Mapping[str, Any]], gathered: Gathered
) -> bool:
    """Return whether a register that counts has changed what it says of the person, or does not know them any more.

    sources: where each claim came from, as it was stored. A claim that keeps its day to itself was read at the issue:
    what changed since then, or in the same second, may matter.
    """
    for register in kind.void_when:
        used = [each for each in sources.values() if register in (each.get("source"), each.get("register"))]
        if not used:
            continue
        facts = gathered.facts.get(register)
        if facts is None:
            return True
        days = {each["as_of"] for each in used if "as_of" in each}
        if facts.as_of.isoformat(timespec="seconds") not in days if days else facts.as_of >= issued_at:
            return True
    return False


def _differs(kind: DocumentType, unsaid: Container[Claim], stated: Claims, gathered: Gathered) -> bool:
    """Return whether a register that counts states a claim otherwise, whatever day it bears: some enter things late."""
    claims = [claim for claim in kind.claims if claim.source in kind.void_when and claim not in unsaid]
    return not still_stated(stated, [claim.name for claim in claims], stated_by(claims, gathered.values))
