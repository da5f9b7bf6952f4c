"""Documents held against the registers: what a register has changed since, and a plug-in says is no longer so, is void.

Which registers count is the plug-in's (`DocumentType.void_when`), and whether a change matters (`void_if`). Source:
Circular 66/2023/TT-BCA for CT07 (docs/domain.md, section 4.1); section 4.5 for the others.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from wallet.clock import Clock
from wallet.documents.models import DocumentRow
from wallet.documents.repository import DocumentRepository
from wallet.documents.revoking import RevocationReason, Revoking
from wallet.errors import UnknownUtility
from wallet.identity.holders import Holders
from wallet.requests.models import RequestRow
from wallet.requests.moving import Moving
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import Content, open_content
from wallet.sources.base import Ground
from wallet.sources.gathering import Gathered, gather
from wallet.sources.reading import Sources
from wallet.terms import Actor
from wallet.utilities.base import Capacity, Case, DocumentType, Utility
from wallet.utilities.catalogue import Catalogue
from wallet.working_days import vietnamese_day


@dataclass(frozen=True, slots=True)
class Voiding:
    """Voids documents, in one transaction."""

    rows: RequestRepository
    documents: DocumentRepository
    catalogue: Catalogue
    holders: Holders
    sources: Sources
    revoking: Revoking
    moving: Moving
    clock: Clock

    def look_at(self, number: str, actor: Actor) -> int:
        """Look at the documents of whoever has this number; return how many are void. Raises Unavailable."""
        holder_id = self.holders.find(number)
        return 0 if holder_id is None else self.look(holder_id, actor)

    def look(self, holder_id: str, actor: Actor) -> int:
        """Hold what a holder has against the registers and void what is no longer so; return how many.

        Each register is asked once for each person, and only where a document depends on it. Raises Unavailable.
        """
        now = self.clock.now()
        known: dict[str, Gathered] = {}
        void = 0
        for document in self.documents.unrevoked(holder_id):
            found = self._kind_of(document)
            request = self.rows.get(document.request_id)
            if found is None or request is None or document.expires_at <= now:
                continue
            utility, kind = found
            if not kind.void_when:
                continue
            content = open_content(self.holders, request)
            number, subject = self.holders.number(holder_id), holder_id
            if content.about is not None:
                number = content.about.number
                subject = self.holders.find(number) or holder_id
            ground = Ground("check_document", utility.code, actor)
            known[number] = gather(
                self.sources, sorted(kind.void_when), number, ground, subject=subject, known=known.get(number)
            )
            stated = json.loads(self.holders.unseal(holder_id, document.id, document.sealed))
            if not _has_changed(kind, document.issued_at, stated["sources"], known[number]):
                continue
            known[number] = gather(self.sources, kind.registers, number, ground, subject=subject, known=known[number])
            case = self._case(utility, request, content, number, known[number], now)
            if kind.void_if(stated["claims"], case):
                self.revoking.void(document.id, RevocationReason.DATA_CHANGED, actor)
                self.moving.inform(request, "document_void")
                void += 1
        return void

    def _kind_of(self, document: DocumentRow) -> tuple[Utility, DocumentType] | None:
        """Return what a document is; None for one whose plug-in is not installed any more."""
        try:
            utility = self.catalogue.get(document.utility)
            return utility, utility.document(document.kind)
        except (UnknownUtility, KeyError):
            return None

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
