"""A citizen's request for a utility. States are data; an instant utility goes from submitted to issued at once."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.issuing import IssueOrder, Issuing
from wallet.entropy import Entropy, new_id
from wallet.errors import Conflict, InvalidInput, NotAllowed, NotFound, pointer_step
from wallet.requests.models import RequestRow
from wallet.requests.repository import RequestRepository
from wallet.terms import Actor
from wallet.utilities.base import Case
from wallet.utilities.catalogue import Catalogue
from wallet.working_days import vietnamese_day


class RequestState(StrEnum):
    """Where a request stands. Source: docs/domain.md, section 4.0."""

    SUBMITTED = "submitted"
    ISSUED = "issued"


NEXT: dict[RequestState, frozenset[RequestState]] = {
    RequestState.SUBMITTED: frozenset({RequestState.ISSUED}),
    RequestState.ISSUED: frozenset(),
}


@dataclass(frozen=True, slots=True)
class RequestOrder:
    """What a citizen asks for. answers: what they typed; a utility that asks nothing takes none."""

    utility: str
    answers: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class UtilityRequest:
    """A request as its citizen sees it."""

    id: str
    utility: str
    utility_version: int
    state: RequestState
    created_at: datetime
    updated_at: datetime
    document_id: str | None


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    issuing: Issuing
    audit: Audit
    clock: Clock
    entropy: Entropy

    def submit(self, order: RequestOrder, actor: Actor) -> UtilityRequest:
        """Take a request and, for an instant utility, answer it in the same transaction.

        Raises UnknownUtility, InvalidInput, and what issuing raises; then there is no request either.
        """
        utility = self.catalogue.get(order.utility)
        if actor.holder_id is None:
            raise NotAllowed("not_allowed")
        if order.answers:
            # No utility asks anything yet. What a register holds is never asked, and never taken from the caller.
            raise InvalidInput({"/answers" + pointer_step(name): "unknown_field" for name in order.answers})
        now = self.clock.now()
        row = RequestRow(
            id=new_id(self.entropy, "req"),
            holder_id=actor.holder_id,
            utility=utility.code,
            utility_version=utility.version,
            state=str(RequestState.SUBMITTED),
            created_at=now,
            updated_at=now,
        )
        self.audit.record("request.submitted", actor, row.id, utility=utility.code)
        rules = utility.rules_on(vietnamese_day(now))
        case = Case(now=now, today=vietnamese_day(now), submitted_at=now, figures=rules.figures)
        asked = IssueOrder(utility.code, actor.holder_id, row.id, case, rules.version)
        document = self.issuing.issue(asked, actor)
        row.document_id = document.id
        self._move(row, RequestState.ISSUED)
        self.rows.add(row)  # once, as it ended: an instant request is never seen half done
        return _seen(row)

    def get(self, request_id: str, actor: Actor) -> UtilityRequest:
        """Return one request. Raises NotFound."""
        row = self.rows.of_holder(request_id, actor.holder_id or "")
        if row is None:
            raise NotFound("not_found")
        return _seen(row)

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[UtilityRequest], str | None]:
        """Return one page, newest first, and where the next one starts."""
        rows, following = self.rows.page_of_holder(actor.holder_id or "", limit, place)
        return [_seen(row) for row in rows], following

    def _move(self, row: RequestRow, state: RequestState) -> None:
        if state not in NEXT[RequestState(row.state)]:
            raise Conflict("transition_not_allowed", state=row.state, target=str(state))
        row.state = str(state)
        row.updated_at = self.clock.now()


def _seen(row: RequestRow) -> UtilityRequest:
    return UtilityRequest(
        id=row.id,
        utility=row.utility,
        utility_version=row.utility_version,
        state=RequestState(row.state),
        created_at=row.created_at,
        updated_at=row.updated_at,
        document_id=row.document_id,
    )
