"""A citizen's request: drafted, sent, answered, supplemented, withdrawn. One service for every utility.

How each goes is its utility's lifecycle, as data (`wallet.utilities.lifecycles`); `moving.py` makes the arrows real.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from wallet.audit import Audit
from wallet.clock import Clock
from wallet.documents.issuing import IssueOrder
from wallet.entropy import Entropy, new_id
from wallet.errors import (
    Conflict,
    InvalidInput,
    LevelTooLow,
    NotAllowed,
    NotFound,
    PreconditionFailed,
    StepUpRequired,
)
from wallet.evidence import MAX_FILES
from wallet.identity.guardians import Guardians
from wallet.identity.holders import Holders
from wallet.launching.rollout import Rollout
from wallet.payments.paying import Paying, PaymentView
from wallet.requests.agreements import Agreements
from wallet.requests.applying import NOTHING, apply_as, assert_takes, capacity_of, faults_beside
from wallet.requests.cases import Cases, Told, holder_of
from wallet.requests.failures import noting_failures
from wallet.requests.models import RequestFile, RequestRow
from wallet.requests.moving import Moving, acted_for
from wallet.requests.orders import FileView, RequestDetail, RequestOrder, RequestPaperView, UtilityRequest
from wallet.requests.repository import RequestRepository
from wallet.requests.represented import Represented
from wallet.requests.sealed import Content, open_content, seal_content
from wallet.requests.seeing import Seeing, file_view, summary
from wallet.requests.weighing import Weighed, Weighing, file_answers
from wallet.terms import Actor
from wallet.utilities.answering import parse, read, still_asked
from wallet.utilities.base import Ask, By, Capacity, Utility
from wallet.utilities.catalogue import Catalogue, may_learn, only_for
from wallet.utilities.lifecycles import DRAFT, MADE_BY_SENDING
from wallet.working_days import WorkingDays, vietnamese_day

MOST_DRAFTS = 50
"""Drafts that somebody may have at a time."""
DECIDED_BY_SENDING = (
    *("capacity", "utility_version", "rules_version", "agency", "province"),
    *("organisation_code", "organisation_name", "fee", "fields_held", "fields_asked", "sealed"),
)
"""Columns of a request that are settled when it is sent, not when it was begun."""
MOST_FILES = 20
"""Files of one request, over all its fields."""


@dataclass(frozen=True, slots=True)
class Requests:
    """Requests as their holders see them, in one transaction."""

    rows: RequestRepository
    catalogue: Catalogue
    cases: Cases
    moving: Moving
    seeing: Seeing
    weighing: Weighing
    represented: Represented
    paying: Paying
    agreements: Agreements
    holders: Holders
    guardians: Guardians
    rollout: Rollout
    audit: Audit
    clock: Clock
    entropy: Entropy
    calendar: WorkingDays

    def submit(self, order: RequestOrder, actor: Actor) -> UtilityRequest:
        """Take a request; unless it is a draft, send it in the same transaction.

        Raises UnknownUtility, NotAllowed, LevelTooLow, StepUpRequired, Conflict (the utility is not open, nothing was
        linked yet, the account is locked), InvalidInput with every fault of the answers, and what issuing raises; then
        there is no request either.
        """
        utility = self.catalogue.get(order.utility)
        with noting_failures(self.audit, utility.code, actor):
            return self._submit(utility, order, actor)

    def _submit(self, utility: Utility, order: RequestOrder, actor: Actor) -> UtilityRequest:
        holder_id = holder_of(actor)
        self._assert_may_ask(utility, order, actor)
        now = self.clock.now()
        request_id = new_id(self.entropy, "req")
        content = Content(dict(order.answers), order.about)
        row = RequestRow(
            id=request_id,
            holder_id=holder_id,
            account_id=actor.acting_for or actor.account_id,
            utility=utility.code,
            utility_version=utility.version,
            rules_version=utility.rules_on(vietnamese_day(now)).version,
            capacity=str(capacity_of(order.capacity, actor)),
            organisation_id=order.organisation,
            state=DRAFT,
            version=1,
            agency=utility.agency,
            province="",
            created_at=now,
            updated_at=now,
            apologies=0,
            fee=[],
            fields_held=0,
            fields_asked=0,
            sealed=seal_content(self.holders, holder_id, request_id, content),
        )
        self.represented.name(row)
        beside = faults_beside(row, order.about, order.faults)
        if order.draft:
            self._keep_draft(utility, row, content, actor, beside)
        elif utility.lifecycle.at_once:
            self._answer_at_once(utility, row, content, actor, beside)
        else:
            self.rows.add(row)
            self._send(utility, row, content, actor, beside=beside)
        return summary(row)

    def edit(self, request_id: str, answers: Mapping[str, Any], version: int, actor: Actor) -> RequestDetail:
        """Merge answers into a draft, or into what is to be supplemented (RFC 7396: null takes one away).

        Raises NotFound, Conflict("not_editable"), PreconditionFailed, InvalidInput.
        """
        row, utility = self._own(request_id, actor)
        self._assert_editable(row, utility)
        if row.version != version:
            raise PreconditionFailed("version_changed")
        content = open_content(self.holders, row)
        kept = still_asked(utility.form, content.answers)
        merged = {name: value for name, value in {**kept, **answers}.items() if value is not None}
        parse(utility.form, merged, partial=True)
        sent = content.sent
        if row.state != DRAFT and sent is None:
            sent = content.answers
        edited = replace(content, answers=merged, warnings={}, sent=sent)
        sealed = seal_content(self.holders, row.holder_id, row.id, edited)
        if not self.rows.move(row, {"sealed": sealed, "updated_at": self.clock.now()}):
            raise PreconditionFailed("version_changed")
        return self.seeing.whole(row, utility)

    def act(self, request_id: str, action: str, actor: Actor) -> UtilityRequest:
        """Do what the holder may do with it: submit, supplement, withdraw, end, cancel.

        A draft is sent under the rules of the day on which it is sent, whenever it was begun, and as what whoever sends
        it applies, whoever began it. Raises NotFound,
        Conflict("transition_not_allowed"), and what sending raises.
        """
        row, utility = self._own(request_id, actor, lock=True)
        if action in ("submit", "supplement"):
            self.assert_may_send(utility, row, actor, first=action == "submit")
            arrow = utility.lifecycle.move(row.state, action)
            if arrow is None or arrow.by is not By.HOLDER:
                raise Conflict("transition_not_allowed", state=row.state, target=action)
            if action == "submit":
                row.utility_version, row.agency = utility.version, utility.agency
                row.rules_version = utility.rules_on(vietnamese_day(self.clock.now())).version
                self.represented.name(row)
            content = open_content(self.holders, row)
            with noting_failures(self.audit, utility.code, actor):
                self._send(utility, row, content, actor, action=action, beside=faults_beside(row, content.about))
            return summary(row)
        if action in MADE_BY_SENDING:
            raise Conflict("transition_not_allowed", state=row.state, target=action)
        self.moving.move(utility, row, action, By.HOLDER, actor)
        self.paying.abandon(row.id)
        self.agreements.close(row)
        return summary(row)

    def pay(self, request_id: str, actor: Actor) -> PaymentView:
        """Begin to pay for a request that waits for it; it is opened after the commit.

        Raises NotFound, Conflict("utility_disabled", "nothing_to_pay", "already_paid"), Unavailable
        where nothing can be paid.
        """
        row, utility = self._own(request_id, actor, lock=True)
        self.rollout.assert_answers(utility.code)
        due = sum(line["amount"] for line in row.fee)
        if due <= 0 or not any(move.by is By.PAYMENT for move in utility.lifecycle.from_(row.state)):
            raise Conflict("nothing_to_pay")
        return self.paying.begin(row.id, due)

    def paid(self, request_id: str, actor: Actor) -> None:
        """Go on with a request whose fee was paid. One that is not waiting for it any more stays as it is.

        Where its utility is not there the money pays for nothing, and is owed back.
        """
        row = self.rows.get(request_id, lock=True)
        if row is None:
            return
        plugin = self.catalogue.find(row.utility)
        if plugin is None:
            self.paying.owe_back(row.id, actor)
            return
        utility = plugin.utility
        arrow = next((each for each in utility.lifecycle.from_(row.state) if each.by is By.PAYMENT), None)
        if arrow is not None:
            self.moving.move(utility, row, arrow.action, By.PAYMENT, actor)

    def discard(self, request_id: str, actor: Actor) -> None:
        """Throw a draft away. Raises NotFound, Conflict("not_editable")."""
        row = self._row(request_id, actor, lock=True)
        if row.state != DRAFT:
            raise Conflict("not_editable", state=row.state)
        self.rows.remove(row)
        self.audit.record("request.discarded", actor, request_id)

    def get(self, request_id: str, actor: Actor) -> RequestDetail:
        """Return one request, also where its utility is not there any more. Raises NotFound."""
        row = self._row(request_id, actor)
        plugin = self.catalogue.find(row.utility)
        return self.seeing.whole(row, None if plugin is None else plugin.utility)

    def page(self, actor: Actor, limit: int, place: str | None) -> tuple[list[UtilityRequest], str | None]:
        """Return one page, newest first, and where the next one starts."""
        only = only_for(actor, self.catalogue.open_to_wards)
        rows, following = self.rows.page_of_holder(holder_of(actor), limit, place, only=only)
        return [summary(row) for row in rows], following

    def editable(self, request_id: str, actor: Actor) -> tuple[RequestRow, Utility]:
        """Return a request whose answers can still change. Raises NotFound, Conflict("not_editable")."""
        row, utility = self._own(request_id, actor)
        self._assert_editable(row, utility)
        return row, utility

    # Files

    def attach(self, request_id: str, field_name: str, media_type: str, content: bytes, actor: Actor) -> FileView:
        """Keep a file for a field of a draft, or of what is to be supplemented; the answer then names its id.

        content: as `wallet.evidence.cleaned` leaves it. Raises NotFound, InvalidInput, Conflict("not_editable",
        "too_many_files").
        """
        row, utility = self._own(request_id, actor, lock=True)
        self._assert_editable(row, utility)
        field = next((each for each in utility.form if each.name == field_name and each.kind is Ask.FILES), None)
        if field is None:
            raise InvalidInput({"/field": "not_a_choice"})
        files = self.rows.files(row.id)
        if len(files) >= MOST_FILES or sum(each.field == field.name for each in files) >= max(field.size[1], MAX_FILES):
            raise Conflict("too_many_files")
        file_id = new_id(self.entropy, "evd")
        stored = RequestFile(
            id=file_id,
            request_id=row.id,
            field=field.name,
            media_type=media_type,
            size=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            added_at=self.clock.now(),
            sealed_content=self.holders.seal(row.holder_id, file_id, content),
        )
        self.rows.add(stored)
        self.audit.record("request.file_added", actor, row.id, file=file_id, field=field.name)
        return file_view(stored)

    def detach(self, request_id: str, file_id: str, actor: Actor) -> None:
        """Take a file away. Raises NotFound, Conflict("not_editable", "file_in_use")."""
        row, utility = self._own(request_id, actor, lock=True)
        self._assert_editable(row, utility)
        content = open_content(self.holders, row)
        if any(file_id in ids for ids in file_answers(utility.form, content.answers).values()):
            raise Conflict("file_in_use")
        if not self.rows.remove_file(row.id, file_id):
            raise NotFound("not_found")
        self.audit.record("request.file_removed", actor, row.id, file=file_id)

    def file(self, request_id: str, file_id: str, actor: Actor) -> tuple[str, bytes]:
        """Return media type and content of one of the holder's own files. Raises NotFound."""
        row = self._row(request_id, actor)
        found = next((each for each in self.rows.files(row.id) if each.id == file_id), None)
        if found is None:
            raise NotFound("not_found")
        return found.media_type, self.holders.unseal(row.holder_id, found.id, found.sealed_content)

    def paper(self, request_id: str, paper_id: str, actor: Actor) -> RequestPaperView:
        """Return a slip or a letter of one of the holder's own requests. Raises NotFound."""
        return self.seeing.papers.get(self._row(request_id, actor), paper_id)

    # Inside

    def _keep_draft(
        self, utility: Utility, row: RequestRow, content: Content, actor: Actor, beside: Mapping[str, str]
    ) -> None:
        _, faults = read(utility.form, content.answers, partial=True)
        faults = {**self.represented.faults(row), **beside, **faults}
        if faults:
            raise InvalidInput(faults)
        drafts = self.rows.open_of_holder(row.holder_id, ())
        if sum(each.state == DRAFT for each in drafts) >= MOST_DRAFTS:
            raise Conflict("too_many_drafts")
        self.rows.add(row)
        self.audit.record("request.drafted", actor, row.id, utility=utility.code, **acted_for(row))

    def _answer_at_once(
        self, utility: Utility, row: RequestRow, content: Content, actor: Actor, beside: Mapping[str, str]
    ) -> None:
        """Send and answer in one go: the row is written once, as it ended, and is never seen half done."""
        row.submitted_at = self.clock.now()
        weighed = self.weighing.weigh(utility, row, content, actor, beside=beside)
        told = weighed.told
        self._prepare(utility, row, content, weighed, actor)
        self.audit.record("request.submitted", actor, row.id, utility=utility.code, **acted_for(row))
        order = IssueOrder(
            utility.code,
            row.holder_id,
            row.id,
            self.cases.refreshed(told, row).case,
            row.rules_version,
            number=told.number,
            gathered=told.gathered,
        )
        row.document_id = self.moving.issuing.issue(order, actor).id
        arrow = utility.lifecycle.move(DRAFT, "submit")
        row.state = arrow.target if arrow else row.state
        self.rows.add(row)
        self.moving.once.take(utility, row, told.case)

    def _send(
        self,
        utility: Utility,
        row: RequestRow,
        content: Content,
        actor: Actor,
        *,
        action: str = "submit",
        beside: Mapping[str, str] = NOTHING,
    ) -> None:
        """Send what is whole: to the desk, to the cash desk first, or to be answered at once."""
        before = row.submitted_at
        weighed = self.weighing.weigh(utility, row, content, actor, beside=beside)
        told = weighed.told
        self._prepare(utility, row, content, weighed, actor)
        self.moving.once.take(utility, row, told.case)
        now = self.clock.now()
        values: dict[str, Any] = {
            "submitted_at": before or now,
            **{name: getattr(row, name) for name in DECIDED_BY_SENDING},
        }
        due = sum(line["amount"] for line in row.fee)
        owed = action == "submit" and due > 0 and utility.lifecycle.move(row.state, "ask_payment") is not None
        if owed:
            self.moving.move(utility, row, "ask_payment", By.HOLDER, actor, told=told, values=values)
            self.paying.begin(row.id, due)
            return
        asked = self.agreements.wanted(utility, row, told)
        if asked is not None:
            self.moving.move(utility, row, "ask_agreement", By.HOLDER, actor, told=told, values=values)
            self.agreements.ask(utility, row, asked)
            return
        self.moving.move(utility, row, action, By.HOLDER, actor, told=told, values=values)
        if row.document_id is None:
            self.moving.inform(row, "request_received")

    def _prepare(self, utility: Utility, row: RequestRow, content: Content, weighed: Weighed, actor: Actor) -> None:
        """Write onto the row what sending decides: fee, desk, what is doubtful, and how much was not asked."""
        told = weighed.told
        # Nobody looks at what is answered at once: what it rests on stands in the document.
        held = self.cases.held_answers(utility, told) if utility.lifecycle.reviewed else {}
        sent = replace(content, warnings=dict(weighed.warnings), held=held)
        if content.about is not None:
            sent = replace(sent, known_as=told.number, subject_id=self.holders.find(told.number))
        if utility.agreement is not None:
            sent = replace(sent, other_id=self.holders.find(utility.agreement.of(told.case)))
        row.sealed = seal_content(self.holders, row.holder_id, row.id, sent)
        row.fee = [{"code": line.code, "amount": line.amount} for line in weighed.fee.lines]
        row.province = self.cases.desk_province(utility, row, told, actor)
        row.fields_held = len(told.held)
        row.fields_asked = len(told.case.answers) - len(told.held)
        self._drop_unnamed(utility, row, told, actor)

    def _drop_unnamed(self, utility: Utility, row: RequestRow, told: Told, actor: Actor) -> None:
        """Delete the files that no answer names: they are not sent, so no office sees them."""
        if not any(field.kind is Ask.FILES for field in utility.form):
            return
        named = {file for ids in file_answers(utility.form, told.case.answers).values() for file in ids}
        for file_id in self.rows.drop_files(row.id, named):
            self.audit.record("request.file_removed", actor, row.id, file=file_id)

    def _assert_may_ask(self, utility: Utility, order: RequestOrder, actor: Actor) -> None:
        capacity = capacity_of(order.capacity, actor)
        assert_takes(utility, capacity)
        if order.capacity is Capacity.GUARDIAN and actor.acting_for is None:
            raise NotAllowed("capacity_not_allowed", capacity=str(order.capacity))
        if utility.confidential and actor.acting_for is not None:
            raise NotAllowed("capacity_not_allowed", capacity=str(capacity))
        self._assert_levels(utility, actor)
        self.rollout.assert_open_to(utility.code, actor)

    def assert_may_send(self, utility: Utility, row: RequestRow, actor: Actor, *, first: bool) -> None:
        """Write onto a request as what its sender applies, and refuse whoever may not send it now.

        first: not a supplement, which is taken also where nothing new is. Raises Conflict("utility_disabled",
        "account_locked"), LevelTooLow, StepUpRequired, NotAllowed, Unavailable.
        """
        apply_as(row, actor)
        self._assert_levels(utility, actor)
        if first:
            assert_takes(utility, Capacity(row.capacity))
            self.rollout.assert_open_to(utility.code, actor)

    def _assert_levels(self, utility: Utility, actor: Actor) -> None:
        """Refuse an account or a session that may not ask. Raises Conflict, LevelTooLow, StepUpRequired."""
        self.moving.issuing.assert_unlocked(holder_of(actor))
        if actor.account_level < utility.minimum_level:
            raise LevelTooLow("level_too_low", needed=int(utility.minimum_level))
        if actor.auth_level < utility.minimum_auth:
            raise StepUpRequired("step_up_required", auth_level=int(utility.minimum_auth))

    def _assert_editable(self, row: RequestRow, utility: Utility) -> None:
        editable = row.state == DRAFT or utility.lifecycle.move(row.state, "supplement") is not None
        if not editable:
            raise Conflict("not_editable", state=row.state)

    def _own(self, request_id: str, actor: Actor, *, lock: bool = False) -> tuple[RequestRow, Utility]:
        row = self._row(request_id, actor, lock=lock)
        return row, self.catalogue.get(row.utility)

    def _row(self, request_id: str, actor: Actor, *, lock: bool = False) -> RequestRow:
        row = self.rows.get(request_id, lock=True) if lock else self.rows.of_holder(request_id, holder_of(actor))
        if row is None or row.holder_id != holder_of(actor):
            raise NotFound("not_found")
        if not may_learn(actor, row.utility, self.catalogue.open_to_wards):
            raise NotFound("not_found")
        return row
