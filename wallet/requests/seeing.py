"""From rows to what people are shown of a request."""

from dataclasses import dataclass

from wallet.identity.holders import Holders
from wallet.requests.models import RequestEvent, RequestFile, RequestRow, RequestStep
from wallet.requests.orders import (
    AgreementView,
    FeeLineView,
    FileView,
    RequestDetail,
    RequestOrganisation,
    StepView,
    TimelineEntry,
    UtilityRequest,
    number_of,
)
from wallet.requests.papers import Papers
from wallet.requests.repository import RequestRepository
from wallet.requests.sealed import Content, is_current, open_content
from wallet.requests.verified import Verified
from wallet.utilities.base import By, Utility
from wallet.utilities.lifecycles import DRAFT, MADE_BY_SENDING


def summary(row: RequestRow) -> UtilityRequest:
    """Return a request as it stands in a list."""
    return UtilityRequest(
        id=row.id,
        number=number_of(row.id),
        utility=row.utility,
        utility_version=row.utility_version,
        rules_version=row.rules_version,
        capacity=row.capacity,
        organisation=organisation_of(row),
        state=row.state,
        version=row.version,
        agency=row.agency,
        province=row.province,
        created_at=row.created_at,
        updated_at=row.updated_at,
        submitted_at=row.submitted_at,
        due_at=row.due_at,
        apologies=row.apologies,
        fee=tuple(FeeLineView(line["code"], line["amount"]) for line in row.fee),
        document_id=row.document_id,
    )


def organisation_of(row: RequestRow) -> RequestOrganisation | None:
    """Return for which organisation a request is made, None for a person's own."""
    if row.organisation_id is None:
        return None
    return RequestOrganisation(row.organisation_id, row.organisation_code or "", row.organisation_name or "")


def file_view(row: RequestFile) -> FileView:
    """Return a file without its content."""
    return FileView(row.id, row.field, row.media_type, row.size, row.sha256)


@dataclass(frozen=True, slots=True)
class Seeing:
    """Opens requests, in one transaction."""

    rows: RequestRepository
    holders: Holders
    papers: Papers
    verified: Verified

    def whole(self, row: RequestRow, utility: Utility | None) -> RequestDetail:
        """Return a request, whole. Raises NotFound once its holder was erased.

        utility: None for one that is not there any more: then nothing can be done with the request.
        """
        content = open_content(self.holders, row)
        changed = {} if utility is None else self.verified.changed(utility, row)
        return RequestDetail(
            request=summary(row),
            answers=content.answers,
            about=content.about,
            files=tuple(map(file_view, self.rows.files(row.id))),
            timeline=tuple(self._entry(row, event) for event in self.rows.events(row.id)) or _instant(row),
            steps=tuple(self._step(row, step, current=step.code not in changed) for step in self.rows.steps(row.id)),
            actions=tuple(
                move.action
                for move in (utility.lifecycle.from_(row.state) if utility is not None else ())
                if move.by is By.HOLDER and move.action not in MADE_BY_SENDING
            ),
            papers=self.papers.of(row),
            agreements=tuple(
                AgreementView(
                    each.state, _is_current(each.id, utility, content), each.asked_at, each.expires_at, each.answered_at
                )
                for each in self.rows.agreements(row.id)
            ),
            warnings=content.warnings,
            held=content.held,
        )

    def _entry(self, row: RequestRow, event: RequestEvent) -> TimelineEntry:
        note = None
        if event.sealed_note is not None:
            note = self.holders.unseal(row.holder_id, f"{row.id}.note.{event.sequence}", event.sealed_note).decode()
        return TimelineEntry(
            event.at, event.action, event.state, event.party, event.reason, note, event.expected_at, event.step
        )

    def _step(self, row: RequestRow, step: RequestStep, *, current: bool) -> StepView:
        return StepView(
            code=step.code,
            agency=step.agency,
            state=step.state,
            opened_at=step.opened_at,
            due_at=step.due_at,
            done_at=step.done_at,
            reason=step.reason,
            reminders=step.reminders,
            current=current,
            found=self.verified.found_of(row, step),
        )


def _is_current(agreement_id: str, utility: Utility | None, content: Content) -> bool:
    """Return whether an agreement is to what a request states now; of a utility that is gone nobody knows."""
    return (
        utility is not None and utility.agreement is not None and is_current(agreement_id, utility.agreement, content)
    )


def _instant(row: RequestRow) -> tuple[TimelineEntry, ...]:
    """Return the timeline of what was answered as it was asked: it left no rows, for there is nothing more to say."""
    if row.state == DRAFT or row.submitted_at is None:
        return ()
    return (TimelineEntry(row.submitted_at, "submit", row.state, str(By.HOLDER)),)
